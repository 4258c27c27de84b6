"""Headers of every response: what a browser may do with a page, and that it stores nothing of it."""

from litestar.connection import ASGIConnection
from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

from inbox.http.forms import FORM_HEADER, form_token

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


async def add_headers(message: Message, scope: Scope) -> None:
    """Add the headers just before a response is sent, whichever handler made it."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    for name, value in _ALWAYS.items():
        headers[name] = value
    if not scope["path"].startswith("/static/"):
        headers["Cache-Control"] = "no-store"
    viewer = scope.get("user")
    if viewer is not None and viewer.user_id is not None:
        headers["X-Viewer"] = str(viewer.user_id)  # the script leaves a page that was made for somebody else
        if FORM_HEADER not in headers:
            headers[FORM_HEADER] = form_token(ASGIConnection(scope))
    if scope["litestar_app"].state.parts.settings.secure_cookies:
        headers["Strict-Transport-Security"] = "max-age=31536000"
