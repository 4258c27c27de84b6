"""Headers on every answer: what a browser may do with a page, and that it keeps none of it."""

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

CSRF_COOKIE = "ivigilant_csrf"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


async def add_headers(message: Message, scope: Scope) -> None:
    """Add them just before an answer leaves, whoever made it."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    for name, value in _ALWAYS.items():
        headers[name] = value
    if not scope["path"].startswith("/static/"):
        headers["Cache-Control"] = "no-store"
    viewer = scope.get("user")
    if viewer is not None and viewer.user_id is not None:
        headers["X-Viewer"] = str(viewer.user_id)  # a page that was made for another is left by its script
    if scope["litestar_app"].state.parts.settings.secure_cookies:
        headers["Strict-Transport-Security"] = "max-age=31536000"
