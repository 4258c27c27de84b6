"""Signing in and out, and choosing a language."""

import hmac
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import sqlalchemy as sa
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.middleware.rate_limit import RateLimitConfig
from litestar.params import URLEncodedBody
from litestar.response import Template

from inbox.http.pages import LANGUAGE, is_fragment, is_own_path, page, to_page
from inbox.http.parts import AnyRequest, parts_of
from inbox.http.settings import InboxSettings
from inbox.people.access import record
from inbox.people.accounts import check_password, is_account, speak
from inbox.people.authentication import ANYONE, COOKIE, viewer_of
from inbox.people.credentials import close_session, open_session
from inbox.people.viewer import Viewer, source_of
from store.access_log import REFUSED
from store.engine import reading

YEAR_S = 365 * 24 * 3600

Form = URLEncodedBody[dict[str, str]]


@get("/sign-in", opt={ANYONE: True}, include_in_schema=False, sync_to_thread=False)
def ask_to_sign_in(request: AnyRequest) -> Template:
    """Ask for a name and a password."""
    asked = request.query_params
    return page(request, "sign_in.html", next=asked.get("next", "/"), chosen=asked.get("language", ""), refused=False)


def sign_in(request: AnyRequest, data: Form) -> Response[Any]:
    """Begin a session for who gave the right password."""
    parts = parts_of(request)
    now, settings, source = parts.clock(), parts.settings, source_of(request)
    wanted, chosen = data.get("next", "/"), data.get("language", "")
    with reading(parts.engine) as connection:
        found = check_password(connection, data.get("name", ""), data.get("password", ""))
    with parts.engine.begin() as connection:
        if found is None:
            tried, typed = _name_tried(connection, data.get("name", ""), settings.secret)
            record(connection, Viewer(tried, "", source), "sign_in", now, what=typed, outcome=REFUSED)
            return page(request, "sign_in.html", 401, next=wanted, chosen=chosen, refused=True)
        old = request.cookies.get(COOKIE)
        if old:
            close_session(connection, old)
        token = open_session(connection, found.id, now, settings.session_lifetime)
        record(connection, Viewer(found.name, found.role, source), "sign_in", now)
        if chosen in parts.words:
            speak(connection, found.id, chosen)
    # A page that asks again for itself stays as it is.
    answer = _nothing() if is_fragment(request) else to_page(wanted if is_own_path(wanted) else "/")
    answer.set_cookie(_session_cookie(settings, token, int(settings.session_lifetime.total_seconds())))
    return answer


def _name_tried(connection: sa.Connection, typed: str, secret: str) -> tuple[str, str]:
    """Return the account that was tried; or, of a name that is none, a keyed hash: a password may have been typed."""
    name = typed.strip()
    if is_account(connection, name):
        return name, ""
    return "", f"unknown name {hmac.new(secret.encode(), name.encode(), sha256).hexdigest()[:16]}"


def _nothing() -> Response[Any]:
    return Response(None, status_code=204)


def sign_in_route(settings: InboxSettings) -> Any:
    """Return the route that signs in, which answers an address only so often per minute."""
    limit = RateLimitConfig(rate_limit=("minute", settings.sign_ins_per_minute))
    made = post(
        "/sign-in", opt={ANYONE: True}, include_in_schema=False, sync_to_thread=True, middleware=[limit.middleware]
    )
    return made(sign_in)


@post("/sign-out", include_in_schema=False, sync_to_thread=True)
def sign_out(request: AnyRequest) -> Response[Any]:
    """End the session."""
    parts = parts_of(request)
    with parts.engine.begin() as connection:
        close_session(connection, request.cookies.get(COOKIE, ""))
        record(connection, request.user, "sign_out", parts.clock())
    answer = to_page("/sign-in")
    answer.set_cookie(_session_cookie(parts.settings, "", 0))
    return answer


@post("/language", opt={ANYONE: True}, include_in_schema=False, sync_to_thread=True)
def choose_language(request: AnyRequest, data: Form) -> Response[Any]:
    """Speak another language from now on, here and on every machine of this user."""
    parts, viewer = parts_of(request), viewer_of(request)
    language, back = data.get("language", ""), data.get("back", "/")
    back = back if is_own_path(back) else "/"
    if language not in parts.words:
        return to_page(back)
    answer = to_page(back if viewer else _remembering(back, language))
    if viewer is not None and viewer.user_id is not None:
        with parts.engine.begin() as connection:
            speak(connection, viewer.user_id, language)
    answer.set_cookie(_language_cookie(parts.settings, language))
    return answer


def _remembering(path: str, language: str) -> str:
    """Return the sign-in page in the language chosen on it, which then replaces the user's earlier choice."""
    place = urlsplit(path)
    if place.path != "/sign-in":
        return path
    return f"/sign-in?{urlencode(dict(parse_qsl(place.query)) | {'language': language})}"


def _session_cookie(settings: InboxSettings, token: str, max_age: int) -> Cookie:
    return Cookie(COOKIE, value=token, max_age=max_age, httponly=True, secure=settings.secure_cookies, samesite="lax")


def _language_cookie(settings: InboxSettings, language: str) -> Cookie:
    secure = settings.secure_cookies
    return Cookie(LANGUAGE, value=language, max_age=YEAR_S, httponly=True, secure=secure, samesite="lax")
