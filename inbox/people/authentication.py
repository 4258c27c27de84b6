"""Who a request is from: a session cookie on the pages, a bearer token on the API."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from litestar.exceptions import NotAuthorizedException
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult

from inbox.http.parts import AnyConnection, Parts, parts_of
from inbox.people.credentials import SEEN_EVERY, SignedIn, find_session, find_token, mark_seen
from inbox.people.permissions import ANYONE
from inbox.people.viewer import Viewer, source_of
from store.engine import reading

COOKIE = "ivigilant_session"
UNCHECKED = "ivigilant_unchecked"  # the cookie of a browser that found the identity provider away, for a minute
LONGEST_WANTED = 500  # characters of the page that somebody comes back to
UNATTENDED = "unattended"  # marks a route the page calls by itself: it does not keep a session alive


class CheckDue(NotAuthorizedException):
    """The identity provider is to be asked again, without a question to anybody, before the page is shown."""

    def __init__(self, wanted: str) -> None:
        """Remember which page was asked for."""
        super().__init__("the identity provider is asked again")
        self.wanted = wanted


class SessionAuthentication(AbstractAuthenticationMiddleware):
    """Knows people by the cookie they were given at sign-in."""

    async def authenticate_request(self, connection: AnyConnection) -> AuthenticationResult:
        """Return the viewer, or refuse."""
        token = session_token(connection)
        options = connection.route_handler.opt
        attended = not options.get(UNATTENDED, False)
        viewer = await asyncio.to_thread(_viewer_of_session, parts_of(connection), token, attended) if token else None
        if viewer is None and not options.get(ANYONE, False):
            raise NotAuthorizedException("sign in first")
        if viewer is not None and viewer.check_due and not options.get(ANYONE, False):
            _send_to_check(connection)
        return AuthenticationResult(user=_from(connection, viewer) if viewer else None, auth=None)


def _send_to_check(connection: AnyConnection) -> None:
    """Ask anew on the way to a page; a form, a part of an open page, and who just found nobody to ask, go on."""
    wanted = connection.url.path + (f"?{connection.url.query}" if connection.url.query else "")
    is_page = connection.scope.get("method") == "GET" and connection.headers.get("Sec-Fetch-Mode") == "navigate"
    is_unchecked = parts_of(connection).settings.cookie(UNCHECKED) in connection.cookies
    if is_page and not is_unchecked and len(wanted) <= LONGEST_WANTED:
        raise CheckDue(wanted)


class TokenAuthentication(AbstractAuthenticationMiddleware):
    """Knows programs by the token they were given. A cookie opens nothing here, so no form elsewhere can act."""

    async def authenticate_request(self, connection: AnyConnection) -> AuthenticationResult:
        """Return the viewer, or refuse."""
        viewer = await _bearer(connection)
        if viewer is None:
            raise _no_token()
        return AuthenticationResult(user=viewer, auth=None)


class AnyAuthentication(AbstractAuthenticationMiddleware):
    """Knows people by their cookie and programs by their token, where both may only look."""

    async def authenticate_request(self, connection: AnyConnection) -> AuthenticationResult:
        """Return the viewer; refuse nobody where anyone may ask. Without a database, nobody is known."""
        is_open, viewer = connection.route_handler.opt.get(ANYONE, False), None
        with suppress(*[sa.exc.SQLAlchemyError] if is_open else []):
            viewer = await _bearer(connection)
            token = session_token(connection)
            if viewer is None and token:
                found = await asyncio.to_thread(_viewer_of_session, parts_of(connection), token, False)
                viewer = _from(connection, found) if found else None
        if viewer is None and not is_open:
            raise _no_token()
        return AuthenticationResult(user=viewer, auth=None)


async def _bearer(connection: AnyConnection) -> Viewer | None:
    scheme, _, token = connection.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return None
    viewer = await asyncio.to_thread(_viewer_of_token, parts_of(connection), token.strip())
    return _from(connection, viewer) if viewer else None


def _no_token() -> NotAuthorizedException:
    return NotAuthorizedException(
        "send `Authorization: Bearer` and a token that is valid", headers={"WWW-Authenticate": "Bearer"}
    )


def _viewer_of_session(parts: Parts, token: str, attended: bool) -> Viewer | None:
    now = parts.clock()
    with reading(parts.engine) as connection:
        found = find_session(connection, token, now, parts.settings.session_idle)
    if found is None or not parts.settings.sign_in.admits(found.name, found.issuer):
        return None
    if attended and now - found.seen_at >= SEEN_EVERY:
        with parts.engine.begin() as connection:
            mark_seen(connection, token, now)
    return Viewer(
        found.name,
        found.role,
        "",
        found.language,
        found.user_id,
        must_change=found.must_change,
        must_enrol=not found.has_second_factor
        and parts.settings.sign_in.needs_second_factor(found.name, found.role, found.issuer),
        has_second_factor=found.has_second_factor,
        is_of_provider=found.issuer is not None,
        session_began_at=found.created_at,
        check_due=found.issuer is not None and _is_check_due(parts, found, now),
        is_break_glass=parts.settings.sign_in.is_break_glass(found.name, found.issuer),
        preferences=found.preferences,
    )


def _is_check_due(parts: Parts, found: SignedIn, now: datetime) -> bool:
    """Return whether half of a session has passed which the provider can prolong, and it answered when last asked."""
    provider, last = parts.settings.sign_in.provider, found.created_at + parts.settings.session_lifetime
    if provider is None or found.expires_at >= last or provider.is_missed(now):
        return False
    return found.expires_at - now < provider.settings.session / 2


def _viewer_of_token(parts: Parts, token: str) -> Viewer | None:
    with reading(parts.engine) as connection:
        found = find_token(connection, token, parts.clock())
    return Viewer(found.name, found.role, "", scopes=frozenset(found.scopes.split())) if found else None


def _from(connection: AnyConnection, viewer: Viewer) -> Viewer:
    return replace(viewer, source=source_of(connection))


def session_token(connection: AnyConnection) -> str:
    """Return the token of the session that a browser sent, or nothing."""
    return connection.cookies.get(parts_of(connection).settings.cookie(COOKIE), "")


def viewer_of(connection: Any) -> Viewer | None:
    """Return who is looking, or None on a page that asks for nobody."""
    return connection.scope.get("user") or None


def recognise(connection: AnyConnection) -> None:
    """Find out who is looking where no route asked: at an address that does not exist. Without a database, nobody."""
    token = session_token(connection)
    if "user" in connection.scope or not token:
        return
    with suppress(sa.exc.SQLAlchemyError):
        viewer = _viewer_of_session(parts_of(connection), token, attended=False)
        if viewer is not None:
            connection.scope["user"] = _from(connection, viewer)
