"""What destinations over HTTP have in common: which addresses may be used, how to ask, and what a status means."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from forwarding.errors import OddDestination, Refused, Unreachable

if TYPE_CHECKING:
    from httpx import Response

_PASSING: Final = {408, 425, 429}  # timeout, too early, too many: the same request may be accepted later
_LOOPBACK: Final = {"localhost", "127.0.0.1", "::1"}


def is_loopback(host: str | None) -> bool:
    """Return whether the host is this machine."""
    return host in _LOOPBACK


def check_address(destination: str, url: str, *, plaintext: bool) -> None:
    """Reject an address that would send unencrypted, unless it is this machine's or the site file allows it."""
    parts = urlsplit(url)
    secure = parts.scheme == "https" or plaintext or is_loopback(parts.hostname)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not secure:
        raise OddDestination(f"{destination}: the address must begin with https:// (or set plaintext)")


@asynccontextmanager
async def answer_to(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    content: bytes | None,
    tls: SSLContext,
    proxy: str | None = None,
) -> AsyncIterator["Response"]:
    """Send one request and yield its answer, of which no body was read yet: it could be endless.

    No redirect is followed and no limit of time is set: call it in `within`. Raises Refused for an address that cannot
    be used, Unreachable when no answer comes or its body breaks off.
    """
    import httpx  # imported here: only a process that sends needs it

    try:
        async with (
            httpx.AsyncClient(verify=tls, timeout=None, proxy=proxy, trust_env=False) as client,  # noqa: S113  # `within`
            client.stream(method, url, content=content, headers=headers, follow_redirects=False) as answer,
        ):
            yield answer
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise Refused("the address cannot be used") from error
    except httpx.TransportError as error:
        raise Unreachable(f"no answer: {type(error).__name__}") from error


def judge(status: int) -> None:
    """Raise Unreachable when the same request may be accepted later, Refused when it never will."""
    if 200 <= status < 300:
        return
    if status >= 500 or status in _PASSING:
        raise Unreachable(f"HTTP {status}")
    if status == 410:
        raise Refused("HTTP 410: the receiver has switched this destination off")
    raise Refused(f"HTTP {status}")
