"""What shows that a form was sent from a page of ours: the token in it, and what the browser says of where it was.

The token has two halves. One belongs to a cookie that every browser is given, and is asked of the forms of who is not
signed in. The other belongs to the session, and is asked of everything that is done in it: a token of another session,
also of the same person, opens nothing.
"""

import hmac
import secrets
from hashlib import sha256
from urllib.parse import urlsplit

import structlog
from litestar.connection import Request
from litestar.datastructures import Cookie, MutableScopeHeaders
from litestar.enums import RequestEncodingType, ScopeType
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from inbox.http.parts import AnyConnection, AnyRequest, parts_of
from inbox.people.authentication import session_token
from inbox.people.permissions import ANYONE

FORM_COOKIE = "ivigilant_csrf"
FIELD = "_csrf_token"
SENT_HEADER = "X-CSRFToken"  # in place of the field, where there is no form
FORM_HEADER = "X-Form-Token"  # of an answer: what the forms of a page that stays open send from now on
UNSIGNED = "unsigned"  # marks a route whose caller shows no cookie of ours: a token of its own opens it
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_SEED = "form_seed"

log = structlog.get_logger()


class FormRefused(PermissionDeniedException):
    """A form without a token of this session, or from another site; the next page brings a new one."""


class FormProtection(ASGIMiddleware):
    """Refuses every change that was not asked for by a page of ours, or by a program of its own accord."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Check what is sent; give a browser that has none the cookie of its forms."""
        request: AnyRequest = Request(scope, receive, send)
        seed = request.cookies.get(_cookie_name(request), "")
        scope["state"][_SEED] = seed or secrets.token_urlsafe(16)
        if request.method not in SAFE:
            await _check(request)
        await next_app(scope, receive, send if seed else _giving_cookie(request, send))


async def _check(request: AnyRequest) -> None:
    options = request.route_handler.opt
    if is_foreign(request):
        log.warning("inbox.foreign_form", route=request.scope.get("path_template", ""))
        raise FormRefused("the request came from another site")
    if options.get(UNSIGNED):
        return
    if not options.get(ANYONE) and not session_token(request):
        raise NotAuthorizedException("sign in first")  # before the form is read, which costs time
    sent = request.headers.get(SENT_HEADER, "")
    if not sent and request.content_type[0] in (RequestEncodingType.URL_ENCODED, RequestEncodingType.MULTI_PART):
        sent = str((await request.form()).get(FIELD, ""))
    whole = form_token(request)
    half = 0 if options.get(ANYONE) else 1
    if not hmac.compare_digest(sent.partition(".")[half * 2].encode(), whole.split(".")[half].encode()):
        raise FormRefused("the form has no token of this session")


def is_foreign(request: AnyConnection) -> bool:
    """Return whether a browser says that a page of another site asks. What says nothing is not a browser."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        return site not in ("same-origin", "none")
    return origin is not None and origin not in _own_origins(request)


def _own_origins(request: AnyConnection) -> set[str]:
    base, asked = urlsplit(parts_of(request).settings.base_url), request.base_url
    return {f"{base.scheme}://{base.netloc}", f"{asked.scheme}://{asked.netloc}"}


def form_token(request: AnyConnection, session: str = "") -> str:
    """Return what the forms of this browser send, in the session that it has or is given now."""
    seed = request.scope["state"].get(_SEED, "")
    return token_of(parts_of(request).settings.secret, seed, session or session_token(request))


def token_of(secret: str, seed: str, session: str) -> str:
    """Return the token of a browser and its session."""
    return f"{_half(secret, f'browser {seed}')}.{_half(secret, f'session {session}')}"


def _half(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), sha256).hexdigest()[:32]


def _cookie_name(request: AnyConnection) -> str:
    return parts_of(request).settings.cookie(FORM_COOKIE)


def _giving_cookie(request: AnyRequest, send: Send) -> Send:
    async def giving(message: Message) -> None:
        if message["type"] == "http.response.start":
            seed = request.scope["state"][_SEED]
            secure = parts_of(request).settings.secure_cookies
            cookie = Cookie(_cookie_name(request), value=seed, secure=secure, httponly=True, samesite="lax")
            MutableScopeHeaders.from_message(message).add("Set-Cookie", cookie.to_header(header=""))
        await send(message)

    return giving
