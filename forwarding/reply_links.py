"""Signed links with which whoever was told of an alert says that she is on it, without signing in.

A link says which alert, by which line of its record, who, and until when: for what happened since, there is another
link. It holds nothing of a patient, and opens nothing but this one act.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

LINK_LASTS: Final = timedelta(hours=24)
_PURPOSE: Final = b"reply to a line|"  # the secret signs other things too


@dataclass(frozen=True, slots=True)
class ReplyLink:
    """Which alert a link is about, the line of its record that was notified, and who follows it."""

    alert_id: int
    event_id: int
    person: str
    until: datetime


def sign_link(link: ReplyLink, secret: str) -> str:
    """Return the link as a token that fits in an address."""
    content = f"{link.alert_id}|{link.event_id}|{int(link.until.timestamp())}|{link.person}".encode()
    return f"{_text(content)}.{_text(_signature(content, secret))}"


def read_link(token: str, secret: str, now: datetime) -> ReplyLink | None:
    """Return what a token says; None when it is not ours, or too old."""
    content, _, signature = (_bytes(part) for part in token.partition("."))
    if not content or not hmac.compare_digest(signature, _signature(content, secret)):
        return None
    alert, event, until, person = content.decode().split("|", 3)
    link = ReplyLink(int(alert), int(event), person, datetime.fromtimestamp(int(until), UTC))
    return link if now <= link.until else None


def _signature(content: bytes, secret: str) -> bytes:
    return hmac.new(secret.encode(), _PURPOSE + content, hashlib.sha256).digest()


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""
