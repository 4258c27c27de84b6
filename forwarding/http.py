"""What destinations over HTTP have in common: which addresses may be used, and what a status means."""

from typing import Final
from urllib.parse import urlsplit

from forwarding.errors import OddDestination, Refused, Unreachable

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


def judge(status: int) -> None:
    """Raise Unreachable when the same request may be accepted later, Refused when it never will."""
    if 200 <= status < 300:
        return
    if status >= 500 or status in _PASSING:
        raise Unreachable(f"HTTP {status}")
    if status == 410:
        raise Refused("HTTP 410: the receiver has switched this destination off")
    raise Refused(f"HTTP {status}")
