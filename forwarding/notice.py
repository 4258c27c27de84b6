"""What leaves the hospital: that there is an alert, how serious it is, on which ward, and where to read it.

A notice cannot hold patient data. Every field is a code, a number, a time or a link, and is checked to be one.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlsplit

from clinical.words import Language, PriorityWord, Stream, TierWord

Kind = Literal["raised", "changed", "escalated", "resolved"]

SCHEMA_VERSION = 1
_KEY = re.compile(r"[A-Za-z0-9._:-]{1,120}")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_WARD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,11}")


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that happened to one alert. The same notice, sent again, has the same idempotency key."""

    idempotency_key: str
    kind: Kind
    tier: TierWord
    priority: PriorityWord
    ward: str  # a code such as C4NEU, or "" when none was sent
    link: str  # opens the alert for those allowed to see it
    alert: str  # opaque
    sequence: int  # increases per alert, so that a receiver can order the notices
    occurred_at: datetime
    language: Language = "nl"
    stream: Stream = "order"

    def __post_init__(self) -> None:
        """Reject anything that could be a name, a sentence or an extra header."""
        _check(_KEY.fullmatch(self.idempotency_key), "an idempotency key consists of letters, digits and . _ : -")
        _check(_KEY.fullmatch(self.alert), "an alert id consists of letters, digits and . _ : -")
        _check(_LANGUAGE.fullmatch(self.language), "a language is two or three letters")
        _check(not self.ward or _WARD.fullmatch(self.ward), "a ward is a code; see ward_code")
        _check(_is_link(self.link), "a link is an http address without a query")
        _check(self.occurred_at.tzinfo, "a time needs a zone")


def ward_code(location: str) -> str:
    """Return the ward when it is a code (`C4NEU`), and "" for text that might say more than a ward should.

    A code holds a digit or is written in capitals: a family name in PV1-3 is neither.
    """
    code = location.strip()
    looks_like_code = _WARD.fullmatch(code) and (code.isupper() or any(sign.isdigit() for sign in code))
    return code if looks_like_code else ""


def as_json(notice: Notice) -> bytes:
    """Return it as JSON, the same bytes for the same notice."""
    return json.dumps(
        {
            "event_id": notice.idempotency_key,
            "type": f"alert.{notice.kind}",
            "occurred_at": notice.occurred_at.astimezone(UTC).isoformat(),
            "alert": {
                "id": notice.alert,
                "stream": notice.stream,
                "tier": notice.tier,
                "priority": notice.priority,
                "ward": notice.ward,
                "link": notice.link,
            },
            "schema_version": SCHEMA_VERSION,
            "seq": notice.sequence,
        },
        separators=(",", ":"),
    ).encode()


def _is_link(link: str) -> bool:
    if not link.isascii() or any(sign.isspace() or not sign.isprintable() for sign in link):
        return False
    parts = urlsplit(link)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.query and not parts.username


def _check(holds: object, message: str) -> None:
    if not holds:
        raise ValueError(message)
