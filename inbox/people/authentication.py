"""Who a request is from: a session cookie on the pages, a bearer token on the API."""

import asyncio
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from litestar.exceptions import NotAuthorizedException
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult

from inbox.http.parts import AnyConnection, Parts, parts_of
from inbox.people.credentials import SEEN_EVERY, find_session, find_token, mark_seen
from inbox.people.viewer import Viewer, source_of
from store.engine import reading

COOKIE = "ivigilant_session"
ANYONE = "anyone"  # marks a route that also answers who is not signed in
UNATTENDED = "unattended"  # marks a route the page calls by itself: it does not keep a session alive


class SessionAuthentication(AbstractAuthenticationMiddleware):
    """Knows people by the cookie they were given at sign-in."""

    async def authenticate_request(self, connection: AnyConnection) -> AuthenticationResult:
        """Return the viewer, or refuse."""
        token = connection.cookies.get(COOKIE, "")
        options = connection.route_handler.opt
        attended = not options.get(UNATTENDED, False)
        viewer = await asyncio.to_thread(_viewer_of_session, parts_of(connection), token, attended) if token else None
        if viewer is None and not options.get(ANYONE, False):
            raise NotAuthorizedException("sign in first")
        return AuthenticationResult(user=_from(connection, viewer) if viewer else None, auth=None)


class TokenAuthentication(AbstractAuthenticationMiddleware):
    """Knows programs by the token they were given. A cookie opens nothing here, so no form elsewhere can act."""

    async def authenticate_request(self, connection: AnyConnection) -> AuthenticationResult:
        """Return the viewer, or refuse."""
        scheme, _, token = connection.headers.get("Authorization", "").partition(" ")
        viewer = None
        if scheme.lower() == "bearer" and token.strip():
            viewer = await asyncio.to_thread(_viewer_of_token, parts_of(connection), token.strip())
        if viewer is None:
            raise NotAuthorizedException(
                "send `Authorization: Bearer` and a token that is valid", headers={"WWW-Authenticate": "Bearer"}
            )
        return AuthenticationResult(user=_from(connection, viewer), auth=None)


def _viewer_of_session(parts: Parts, token: str, attended: bool) -> Viewer | None:
    now = parts.clock()
    with reading(parts.engine) as connection:
        found = find_session(connection, token, now, parts.settings.session_idle)
    if found is None:
        return None
    if attended and now - found.seen_at >= SEEN_EVERY:
        with parts.engine.begin() as connection:
            mark_seen(connection, token, now)
    return Viewer(found.name, found.role, "", found.language, found.user_id)


def _viewer_of_token(parts: Parts, token: str) -> Viewer | None:
    with reading(parts.engine) as connection:
        found = find_token(connection, token)
    return Viewer(found.name, found.role, "") if found else None


def _from(connection: AnyConnection, viewer: Viewer) -> Viewer:
    return Viewer(viewer.name, viewer.role, source_of(connection), viewer.language, viewer.user_id)


def viewer_of(connection: Any) -> Viewer | None:
    """Return who is looking, or None on a page that asks for nobody."""
    return connection.scope.get("user") or None


def recognise(connection: AnyConnection) -> None:
    """Find out who is looking where no route asked: at an address that does not exist. Without a database, nobody."""
    token = connection.cookies.get(COOKIE, "")
    if "user" in connection.scope or not token:
        return
    with suppress(sa.exc.SQLAlchemyError):
        viewer = _viewer_of_session(parts_of(connection), token, attended=False)
        if viewer is not None:
            connection.scope["user"] = _from(connection, viewer)
