"""Signing in and out, and choosing a language."""

import asyncio
import hmac
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
import sqlalchemy as sa
import structlog
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.middleware.rate_limit import RateLimitConfig
from litestar.params import URLEncodedBody
from litestar.response import Template

from forwarding.notice import code_of
from inbox.http.forms import FORM_HEADER, form_token
from inbox.http.pages import LANGUAGE, is_fragment, is_own_path, page, to_page
from inbox.http.parts import AnyRequest, Parts, parts_of
from inbox.http.settings import InboxSettings
from inbox.people.access import record
from inbox.people.accounts import Account, account_typed, active_account, admit, check_password, password_mark, speak
from inbox.people.authentication import COOKIE, session_token, viewer_of
from inbox.people.credentials import close_session, open_session
from inbox.people.names import spelled
from inbox.people.permissions import ANYONE, Permission, needs
from inbox.people.sealed import ID_TOKEN, seal, unseal
from inbox.people.second_factor import is_enrolled, use_code
from inbox.people.viewer import Viewer, source_of
from store import incidents
from store.access_log import REFUSED
from store.engine import reading

YEAR_S = 365 * 24 * 3600

log = structlog.get_logger()

HALF: Final = "half a sign-in"  # the password was right, the code has yet to come
CODE_WITHIN: Final = timedelta(minutes=5)
WRONG_CODE: Final = "wrong code"  # in the access log

Form = URLEncodedBody[dict[str, str]]


class Half(msgspec.Struct, frozen=True):
    """Whose password was right, when, and the mark of that password."""

    name: str
    at: datetime
    password: str


@get("/sign-in", opt={ANYONE: True}, include_in_schema=False, sync_to_thread=False)
def ask_to_sign_in(request: AnyRequest) -> Template:
    """Ask for a name and a password, or lead to the identity provider."""
    asked = request.query_params
    return _ask(request, 200, asked.get("next", "/"), asked.get("language", ""))


def _ask(request: AnyRequest, status: int, wanted: str, chosen: str, *, refused: bool = False) -> Template:
    how = parts_of(request).settings.sign_in
    provider = how.provider.settings.name if how.provider is not None else ""
    link = f"/sign-in/provider?{urlencode({'next': wanted, 'language': chosen})}" if provider else ""
    return page(
        request,
        "sign_in.html",
        status,
        next=wanted,
        chosen=chosen,
        refused=refused,
        provider=provider,
        link=link,
        local=how.local_accounts,
        emergency=bool(how.break_glass),
    )


def sign_in(request: AnyRequest, data: Form) -> Response[Any]:
    """Begin a session after the right password, and a code where the account has a second factor."""
    parts = parts_of(request)
    now, settings, source = parts.clock(), parts.settings, source_of(request)
    wanted, chosen = data.get("next", "/"), data.get("language", "")
    name, found = _proved(parts, data)
    with parts.engine.begin() as connection:
        has_second, used = found is not None and is_enrolled(connection, found.id), ""
        if data.get("begun") and not has_second:
            found = None  # it was taken away since the password was given
        found = admit(connection, name, found, now, source, is_half=has_second)
        if found is not None and has_second:
            code = data.get("code", "")
            if not code and not is_fragment(request):
                return _ask_code(request, data, _begin(connection, parts, found))
            used = use_code(connection, found.id, settings.secret, code, now) or WRONG_CODE
            found = admit(connection, name, found if used != WRONG_CODE else None, now, source)
        if found is None:
            return _refuse(request, connection, data, name, used, is_half=has_second)
        old = session_token(request)
        if old:
            close_session(connection, old)
        token = open_session(connection, found.id, now, settings.session_lifetime)
        viewer = _viewer(settings, found, source, has_second=has_second)
        _record_sign_in(connection, settings, viewer, now, used)
        if chosen in parts.words:
            speak(connection, found.id, chosen)
    # A page that asks again for itself stays as it is.
    is_free = is_own_path(wanted) and wanted != "/" and not viewer.must_change and not viewer.must_enrol
    answer = _nothing() if is_fragment(request) else to_page(wanted if is_free else viewer.home)
    answer.set_cookie(session_cookie(settings, token, int(settings.session_lifetime.total_seconds())))
    answer.headers[FORM_HEADER] = form_token(request, token)
    return answer


def _proved(parts: Parts, data: dict[str, str]) -> tuple[str, Account | None]:
    """Return the name, and the account whose password was right: now, or a moment ago on the page before."""
    half = _read_half(parts, data["begun"]) if data.get("begun") else None
    name = half.name if half is not None else data.get("name", "")
    with reading(parts.engine) as connection:
        if half is not None:
            found = active_account(connection, half.name)
            if found is not None and password_mark(connection, found.id) != half.password:
                found = None  # it was changed since
        else:
            found = check_password(connection, name, data.get("password", ""))
    if found is None or not parts.settings.sign_in.admits(found.name, found.issuer):
        return name, None  # also the right password of an account that is not in use any more
    return name, found


def _read_half(parts: Parts, sealed: str) -> Half | None:
    text = unseal(parts.settings.secret, HALF, sealed)
    half = msgspec.json.decode(text, type=Half) if text is not None else None
    return half if half is not None and timedelta(0) <= parts.clock() - half.at <= CODE_WITHIN else None


def _begin(connection: sa.Connection, parts: Parts, account: Account) -> str:
    """Return what the page of the code brings back in place of the password."""
    half = Half(account.name, parts.clock(), password_mark(connection, account.id))
    return seal(parts.settings.secret, HALF, msgspec.json.encode(half).decode())


def _ask_code(request: AnyRequest, data: dict[str, str], begun: str, *, refused: bool = False) -> Template:
    wanted, chosen = data.get("next", "/"), data.get("language", "")
    status = 401 if refused else 200
    return page(request, "sign_in_code.html", status, next=wanted, chosen=chosen, begun=begun, refused=refused)


def _refuse(
    request: AnyRequest,
    connection: sa.Connection,
    data: dict[str, str],
    name: str,
    used: str,
    *,
    is_half: bool,
) -> Template:
    """Record that nobody was let in, and ask again: for the code alone, of whoever gave the password a moment ago."""
    parts = parts_of(request)
    tried, typed = _name_tried(connection, name, parts.settings.secret)
    viewer = Viewer(tried, "", source_of(request))
    record(connection, viewer, "sign_in", parts.clock(), what=typed or used, outcome=REFUSED)
    if is_half and data.get("begun"):
        return _ask_code(request, data, data["begun"], refused=True)
    return _ask(request, 401, data.get("next", "/"), data.get("language", ""), refused=True)


def _viewer(settings: InboxSettings, account: Account, source: str, *, has_second: bool) -> Viewer:
    needs_second = settings.sign_in.needs_second_factor(account.name, account.role, account.issuer)
    must_enrol = needs_second and not has_second
    return Viewer(account.name, account.role, source, must_change=account.must_change, must_enrol=must_enrol)


def _record_sign_in(
    connection: sa.Connection, settings: InboxSettings, viewer: Viewer, now: datetime, used: str
) -> None:
    """Record it, with the kind of code that was used; of an emergency account tell it outside the inbox each time."""
    what = used
    if settings.sign_in.is_break_glass(viewer.name, None):
        incidents.renew(connection, "break_glass", code_of(viewer.name), f"from {viewer.source}", now)
        log.warning("sign_in.break_glass", account=viewer.name)
        what = f"emergency account {used}".strip()
    record(connection, viewer, "sign_in", now, what=what)


def _name_tried(connection: sa.Connection, typed: str, secret: str) -> tuple[str, str]:
    """Return the account that was tried; or, of a name that is none, a keyed hash: a password may have been typed."""
    if name := account_typed(connection, typed):
        return name, ""
    return "", f"unknown name {hmac.new(secret.encode(), spelled(typed).encode(), sha256).hexdigest()[:16]}"


def _nothing() -> Response[Any]:
    return Response(None, status_code=204)


def sign_in_route(settings: InboxSettings) -> Any:
    """Return the route that signs in, which answers an address only so often per minute."""
    limit = RateLimitConfig(rate_limit=("minute", settings.sign_ins_per_minute))
    made = post(
        "/sign-in", opt={ANYONE: True}, include_in_schema=False, sync_to_thread=True, middleware=[limit.middleware]
    )
    return made(sign_in)


@post("/sign-out", opt=needs(Permission.SESSION_OWN), include_in_schema=False)
async def sign_out(request: AnyRequest) -> Response[Any]:
    """End the session, and lead whoever signed in at the identity provider there to sign out of it."""
    parts = parts_of(request)
    sealed = await asyncio.to_thread(_end_session, request)
    where = await _sign_out_there(parts, sealed, f"{address_of(request)}/sign-in")
    answer: Response[Any] = page(request, "signed_out.html", where=where) if where else to_page("/sign-in")
    answer.set_cookie(session_cookie(parts.settings, "", 0))
    return answer


def _end_session(request: AnyRequest) -> str | None:
    parts = parts_of(request)
    with parts.engine.begin() as connection:
        sealed = close_session(connection, session_token(request))
        record(connection, request.user, "sign_out", parts.clock())
    request.scope["user"] = None  # the next page is nobody's
    return sealed


async def _sign_out_there(parts: Parts, sealed: str | None, back: str) -> str:
    """Return where to sign out of the provider. A page leads there: a browser lets no form be sent on elsewhere."""
    provider = parts.settings.sign_in.provider
    if sealed is None or provider is None:
        return ""
    token = unseal(parts.settings.secret, ID_TOKEN, sealed) or ""
    return await provider.sign_out_url(token, back, parts.clock())


def address_of(request: AnyRequest) -> str:
    """Return the address of the inbox without a final slash, as the identity provider knows it."""
    return (parts_of(request).settings.base_url or str(request.base_url)).rstrip("/")


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


def session_cookie(settings: InboxSettings, token: str, max_age: int) -> Cookie:
    """Return the cookie of a session."""
    name, secure = settings.cookie(COOKIE), settings.secure_cookies
    return Cookie(name, value=token, max_age=max_age, httponly=True, secure=secure, samesite="lax")


def _language_cookie(settings: InboxSettings, language: str) -> Cookie:
    secure = settings.secure_cookies
    return Cookie(LANGUAGE, value=language, max_age=YEAR_S, httponly=True, secure=secure, samesite="lax")
