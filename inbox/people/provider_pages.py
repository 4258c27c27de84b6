"""Signing in at the hospital's identity provider, and the provider's own word that a session is over.

What a sign-in is recognised by travels in a sealed cookie, so that nothing is stored for anybody who has not come back.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Any, Final, Literal
from urllib.parse import urlencode

import msgspec
import sqlalchemy as sa
import structlog
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.exceptions import NotFoundException
from litestar.middleware.rate_limit import RateLimitConfig
from litestar.params import URLEncodedBody
from litestar.response import Redirect

from inbox.errors import TokenRefused
from inbox.http.forms import UNSIGNED
from inbox.http.pages import is_own_path, page
from inbox.http.parts import AnyRequest, Parts, parts_of
from inbox.http.settings import InboxSettings
from inbox.people.access import record, record_alone
from inbox.people.accounts import Account, speak
from inbox.people.authentication import LONGEST_WANTED, UNCHECKED, session_token, viewer_of
from inbox.people.credentials import close_session, open_session, renew_session
from inbox.people.permissions import ANYONE
from inbox.people.provider import (
    ABOUT_THE_PERSON,
    NOT_CHECKED_FOR,
    Challenge,
    CodeRefused,
    NotVouchedFor,
    Provider,
    ProviderAway,
    new_challenge,
)
from inbox.people.provider_people import admit_person, end_sessions, name_of, role_of
from inbox.people.provider_tokens import Logout, session_in, verify_logout_token
from inbox.people.sealed import ID_TOKEN, seal, unseal
from inbox.people.sign_in_pages import address_of, session_cookie
from inbox.people.viewer import Viewer, source_of
from store.access_log import REFUSED
from store.cards import spend

BEGUN: Final = "ivigilant_provider"  # the cookie of a sign-in that has begun; its name goes on with that of its state
MOST_BEGUN: Final = 5  # sign-ins of one browser at a time, as from several windows: a header has no room for more
BACK: Final = "/sign-in/back"
COMES_BACK_WITHIN: Final = timedelta(minutes=10)
ATTEMPTS_PER_SIGN_IN: Final = 6  # of going and of coming back: a hospital has few addresses
ENDS_PER_SIGN_IN: Final = 60  # sign-outs reported by the provider: all come from one address

Fault = Literal["expired", "token", "denied", "no_group", "ended", "away"]
STATUS: Final[Mapping[Fault, int]] = {
    "expired": 400,
    "token": 400,
    "denied": 403,
    "no_group": 403,
    "ended": 403,
    "away": 503,
}

Form = URLEncodedBody[dict[str, str]]

log = structlog.get_logger()


class Begun(msgspec.Struct, frozen=True):
    """A sign-in that has begun in this browser."""

    state: str
    nonce: str
    verifier: str
    next: str
    language: str
    at: datetime
    silent: bool = False  # somebody who is signed in is vouched for again


class SignInFault(Exception):
    """Nobody is signed in; `kind` is the text of the page, `what` the line of the access log."""

    def __init__(self, kind: Fault, what: str) -> None:
        """Say what went wrong."""
        super().__init__(what)
        self.kind, self.what = kind, what


async def begin_sign_in(request: AnyRequest) -> Response[Any]:
    """Send the browser to the provider."""
    parts, provider = parts_of(request), _provider(request)
    asked, now, challenge = request.query_params, parts.clock(), new_challenge()
    wanted = asked.get("next", "/")
    wanted = wanted if is_own_path(wanted) and len(wanted) <= LONGEST_WANTED else "/"
    viewer = viewer_of(request)
    silent = asked.get("silent") == "1" and viewer is not None
    if silent and not (viewer is not None and viewer.check_due and await provider.answers(now)):
        return _go_on(request, provider, wanted)  # another site may have led here
    try:
        where = await provider.authorization_url(challenge, address_of(request) + BACK, now, silent=silent)
    except ProviderAway as error:
        return await asyncio.to_thread(_refuse, request, SignInFault("away", str(error)))
    numbers = (challenge.state, challenge.nonce, challenge.verifier)
    begun = Begun(*numbers, wanted, asked.get("language", "")[:10], now, silent)
    log.info("provider.sign_in_begun", source=source_of(request), silent=silent)
    answer = Redirect(where, status_code=303)
    for old in _begun_in(request)[MOST_BEGUN - 1 :]:
        answer.set_cookie(_begun_cookie(parts.settings, old, ""))
    answer.set_cookie(_begun_cookie(parts.settings, begun, seal(parts.settings.secret, BEGUN, _json(begun))))
    return answer


async def come_back(request: AnyRequest) -> Response[Any]:
    """Begin a session for the person whom the provider vouches for."""
    provider, begun = _provider(request), None
    try:
        begun = _begun(request)
        return await _take_answer(request, provider, begun)
    except SignInFault as error:
        fault = error
    except NotVouchedFor as error:
        if begun is not None and begun.silent:
            return await asyncio.to_thread(_end_own, request, provider, begun, str(error))
        fault = SignInFault("denied", f"the provider signed nobody in: {error}")
    except (TokenRefused, ProviderAway) as error:
        is_no_answer = not isinstance(error, TokenRefused) or isinstance(error, CodeRefused)
        if begun is not None and begun.silent and is_no_answer:
            return _go_on_unanswered(request, provider, begun, str(error))
        fault = SignInFault("token" if isinstance(error, TokenRefused) else "away", str(error))
    return await asyncio.to_thread(_refuse, request, fault)


async def _take_answer(request: AnyRequest, provider: Provider, begun: Begun) -> Response[Any]:
    """Open, prolong or end a session, as the provider answers; or raise what is wrong with the answer."""
    await _check_answer(request, provider, begun)
    asked = request.query_params
    if begun.silent and "error" in asked:
        if asked["error"] in ABOUT_THE_PERSON:
            raise NotVouchedFor(asked["error"])
        return _go_on_unanswered(request, provider, begun, f"error {asked['error'][:40]}")
    challenge = Challenge(begun.state, begun.nonce, begun.verifier)
    back, now = address_of(request) + BACK, parts_of(request).clock()
    claims, token = await provider.exchange(asked.get("code", ""), challenge, back, now)
    return await asyncio.to_thread(_open, request, provider, begun, claims, token)


def _go_on_unanswered(request: AnyRequest, provider: Provider, begun: Begun, reason: str) -> Response[Any]:
    """Let a session go on that the provider could not check; it still ends when its hour is over."""
    log.warning("provider.check_unanswered", source=source_of(request), reason=reason)
    provider.miss(parts_of(request).clock())
    return _go_on(request, provider, begun.next)


def _go_on(request: AnyRequest, provider: Provider, wanted: str) -> Response[Any]:
    """Lead to the page that was asked for, without a check.

    Where the provider did not answer, the browser says so for a minute: another process of the inbox would send it back
    here at once.
    """
    parts = parts_of(request)
    answer = _leave(request, wanted)
    if provider.is_missed(parts.clock()):
        name, age = parts.settings.cookie(UNCHECKED), int(NOT_CHECKED_FOR.total_seconds())
        secure = parts.settings.secure_cookies
        answer.set_cookie(Cookie(name, value="1", max_age=age, httponly=True, secure=secure, samesite="lax"))
    return answer


def provider_routes(settings: InboxSettings) -> list[Any]:
    """Return the routes to the provider, back from it, and for its logout; each answers an address only so often.

    None of it is counted with the passwords, nor is a check of somebody who is signed in.
    """

    def limited(store: str, each: int) -> Any:
        most = settings.sign_ins_per_minute * each
        return RateLimitConfig(
            rate_limit=("minute", most), store=store, check_throttle_handler=_is_a_stranger
        ).middleware

    going, coming = (limited(store, ATTEMPTS_PER_SIGN_IN) for store in ("going", "coming_back"))
    ending = limited("ending", ENDS_PER_SIGN_IN)
    stated: dict[str, Any] = {"include_in_schema": False}
    return [
        get("/sign-in/provider", opt={ANYONE: True}, middleware=[going], **stated)(begin_sign_in),
        get(BACK, opt={ANYONE: True}, middleware=[coming], **stated)(come_back),
        post(
            "/sign-out/provider",
            opt={ANYONE: True, UNSIGNED: True},
            status_code=200,
            middleware=[ending],
            **stated,
        )(end_by_provider),
    ]


async def _is_a_stranger(request: AnyRequest) -> bool:
    return viewer_of(request) is None


async def end_by_provider(request: AnyRequest, data: Form) -> Response[Any]:
    """End the sessions that a signed token of the provider says are over (OpenID Connect Back-Channel Logout)."""
    parts, provider = parts_of(request), _provider(request)
    token = data.get("logout_token", "")
    now = parts.clock()
    try:
        logout = await provider.believe(
            lambda keys: verify_logout_token(token, keys, provider.party, now), now, from_anybody=True
        )
        await asyncio.to_thread(_end, parts, provider, logout, source_of(request))
    except TokenRefused as error:
        log.warning("provider.logout_refused", reason=str(error))
        what = _what(provider, f"token refused: {error}")
        nobody = Viewer("", "", source_of(request))
        await asyncio.to_thread(record_alone, parts, nobody, "sign_out", what=what, outcome=REFUSED)
        return Response({"error": "invalid_request"}, status_code=400)
    except ProviderAway:
        return Response({"error": "temporarily_unavailable"}, status_code=503)
    return Response(None, status_code=200)


def _begun(request: AnyRequest) -> Begun:
    """Return the sign-in that this browser began a short while ago, and that this answer belongs to."""
    begun = _begun_of_answer(request)
    if begun is None:
        raise SignInFault("expired", "state" if _begun_in(request) else "no sign-in was begun")
    if not timedelta(0) <= parts_of(request).clock() - begun.at <= COMES_BACK_WITHIN:
        raise SignInFault("expired", "too late")
    return begun


def _begun_of_answer(request: AnyRequest) -> Begun | None:
    state = request.query_params.get("state", "").encode()
    return next((begun for begun in _begun_in(request) if compare_digest(state, begun.state.encode())), None)


def _begun_in(request: AnyRequest) -> list[Begun]:
    """Return the sign-ins that this browser began, each in a cookie of its own, the newest first."""
    settings = parts_of(request).settings
    sealed = [value for name, value in request.cookies.items() if name.startswith(settings.cookie(BEGUN))]
    texts = [text for value in sealed if (text := unseal(settings.secret, BEGUN, value)) is not None]
    return sorted((msgspec.json.decode(text, type=Begun) for text in texts), key=lambda begun: begun.at, reverse=True)


async def _check_answer(request: AnyRequest, provider: Provider, begun: Begun) -> None:
    """Refuse an answer that was used before, is of another provider, or says that nobody signed in."""
    parts, asked = parts_of(request), request.query_params
    metadata = await provider.metadata(parts.clock())
    named = asked.get("iss")
    if named != provider.settings.issuer and (named is not None or metadata.names_itself):
        raise SignInFault("token", "iss")
    if not await asyncio.to_thread(_spend, parts, f"sign-in {provider.settings.issuer}", begun.state):
        raise SignInFault("expired", "used before")
    if ("error" in asked and not begun.silent) or not (asked.get("code") or begun.silent):
        kind: Fault = "denied" if asked.get("error") == "access_denied" else "token"
        raise SignInFault(kind, "the provider signed nobody in")


def _spend(parts: Parts, issuer: str, number: str) -> bool:
    """Use a number up; return whether this is the first time. It is remembered until it would have expired."""
    now = parts.clock()
    with parts.engine.begin() as connection:
        return spend(connection, issuer, sha256(number.encode()).hexdigest(), now + COMES_BACK_WITHIN, now)


def _open(
    request: AnyRequest, provider: Provider, begun: Begun, claims: Mapping[str, Any], token: str
) -> Response[Any]:
    parts = parts_of(request)
    now, settings = parts.clock(), parts.settings
    role = role_of(provider.settings, claims)
    if role is None:
        _end_all(parts, provider, claims["sub"], source_of(request))
        raise SignInFault("no_group", f"in no group: {name_of(provider.settings, claims)}")
    with parts.engine.begin() as connection:
        account, before = admit_person(connection, provider.settings, claims, role, now)
        if not account.active:
            raise SignInFault("ended", f"account ended: {account.name}")
        if begun.silent and _renew(request, connection, provider, account, claims, token):
            viewer = Viewer(account.name, account.role, source_of(request))
            checked = f"checked again {_change(before, account.role)}".strip()
            record(connection, viewer, "sign_in", now, what=_what(provider, checked))
            return _leave(request, begun.next)
        if session_token(request):
            close_session(connection, session_token(request))
        opened = open_session(
            connection,
            account.id,
            now,
            min(settings.session_lifetime, provider.settings.session),
            provider_session=session_in(claims),
            id_token=seal(settings.secret, ID_TOKEN, token),
        )
        if begun.language in parts.words:
            speak(connection, account.id, begun.language)
        viewer = Viewer(account.name, account.role, source_of(request))
        record(connection, viewer, "sign_in", now, what=_what(provider, _change(before, account.role)))
    answer = _leave(request, begun.next if begun.next != "/" else viewer.home)
    answer.set_cookie(session_cookie(settings, opened, int(settings.session_lifetime.total_seconds())))
    return answer


def _leave(request: AnyRequest, where: str) -> Response[Any]:
    answer = Redirect(where, status_code=303)
    _forget_begun(request, answer)
    return answer


def _forget_begun(request: AnyRequest, answer: Response[Any]) -> None:
    """Take back the cookie of the sign-in that was answered; those of other windows go on."""
    begun = _begun_of_answer(request)
    if begun is not None:
        answer.set_cookie(_begun_cookie(parts_of(request).settings, begun, ""))


def _renew(
    request: AnyRequest,
    connection: sa.Connection,
    provider: Provider,
    account: Account,
    claims: Mapping[str, Any],
    token: str,
) -> bool:
    """Let the session of this browser go on, if it is of the same person; it ends no later than any other."""
    settings, viewer = parts_of(request).settings, viewer_of(request)
    if viewer is None or viewer.session_began_at is None:
        return False
    until = parts_of(request).clock() + provider.settings.session
    return renew_session(
        connection,
        session_token(request),
        account.id,
        min(until, viewer.session_began_at + settings.session_lifetime),
        provider_session=session_in(claims),
        id_token=seal(settings.secret, ID_TOKEN, token),
    )


def _end_own(request: AnyRequest, provider: Provider, begun: Begun, error: str) -> Response[Any]:
    """End the session of this browser: the provider would have to ask who is there, or says no. Then ask to sign in."""
    parts, viewer = parts_of(request), viewer_of(request)
    with parts.engine.begin() as connection:
        close_session(connection, session_token(request))
        if viewer is not None:
            what = _what(provider, "denied there" if error == "access_denied" else "no longer signed in there")
            record(connection, viewer, "sign_out", parts.clock(), what=what)
    answer = _leave(request, f"/sign-in?{urlencode({'next': begun.next})}")
    answer.set_cookie(session_cookie(parts.settings, "", 0))
    return answer


def _change(before: str, role: str) -> str:
    if not before:
        return "for the first time"
    return "" if before == role else f"role {before} to {role}"


def _refuse(request: AnyRequest, fault: SignInFault) -> Response[Any]:
    """Show why nobody is signed in, and record it."""
    parts, provider = parts_of(request), _provider(request)
    what = _what(provider, fault.what)
    record_alone(parts, Viewer("", "", source_of(request)), "sign_in", what=what, outcome=REFUSED)
    name = provider.settings.name
    answer = page(request, "sign_in_refused.html", STATUS[fault.kind], kind=fault.kind, provider=name)
    _forget_begun(request, answer)
    return answer


def _end(parts: Parts, provider: Provider, logout: Logout, source: str) -> None:
    """End the sessions, once for each token."""
    now, issuer = parts.clock(), provider.settings.issuer
    with parts.engine.begin() as connection:
        number = sha256(logout.token_id.encode()).hexdigest()
        if not spend(connection, f"sign-out {issuer}", number, logout.expires_at, now):
            raise TokenRefused("used before")
        ended: list[Account] = end_sessions(connection, issuer, logout.subject, logout.session)
        for account in ended:
            viewer = Viewer(account.name, account.role, source)
            record(connection, viewer, "sign_out", now, what=_what(provider, "ended by the provider"))


def _end_all(parts: Parts, provider: Provider, subject: str, source: str) -> None:
    """End every session of somebody who is in no group any more."""
    now = parts.clock()
    with parts.engine.begin() as connection:
        for account in end_sessions(connection, provider.settings.issuer, subject):
            viewer = Viewer(account.name, account.role, source)
            record(connection, viewer, "sign_out", now, what=_what(provider, "in no group any more"))


def _what(provider: Provider, event: str) -> str:
    return f"provider {provider.settings.name} {event}".strip()[:400]


def _provider(request: AnyRequest) -> Provider:
    provider = parts_of(request).settings.sign_in.provider
    if provider is None:
        raise NotFoundException("there is no identity provider")
    return provider


def _begun_cookie(settings: InboxSettings, begun: Begun, value: str) -> Cookie:
    name, secure = f"{settings.cookie(BEGUN)}_{begun.state[:8]}", settings.secure_cookies
    age = int(COMES_BACK_WITHIN.total_seconds()) if value else 0
    return Cookie(name, value=value, max_age=age, httponly=True, secure=secure, samesite="lax")


def _json(begun: Begun) -> str:
    return msgspec.json.encode(begun).decode()
