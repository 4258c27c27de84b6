"""What leaves the hospital: that there is an alert, how serious it is, on which ward, and where to read it.

A notice cannot hold patient data. Every field is a code, a number, a time or a link, and is checked to be one.
"""

import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final, Literal
from urllib.parse import urlsplit

from clinical.words import IncidentKind, Language, PriorityWord, Stream, TierWord

Kind = Literal["raised", "changed", "escalated", "overdue", "reopened", "taken_on", "acknowledged", "resolved"]
CALLS: Final[tuple[Kind, ...]] = ("raised", "changed", "escalated", "overdue", "reopened")  # somebody must act

SCHEMA_VERSION = 1
_KEY = re.compile(r"[A-Za-z0-9._:-]{1,120}")
_NUMBERS = re.compile(r"MSH-1[03] [0-9]{1,15}(-[0-9]{1,15})?")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_WARD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,11}")


@dataclass(frozen=True, slots=True)
class NoticeStep:
    """With which step of its chain a notice goes out."""

    number: int  # from 1
    of: int
    times: int  # how often this step was told, this time included


@dataclass(frozen=True, slots=True)
class GatheredAlert:
    """One alert of a notice about several."""

    alert: str  # opaque
    kind: Kind
    tier: TierWord
    link: str
    sequence: int

    def __post_init__(self) -> None:
        """Reject anything that could be a name or a sentence."""
        _check(_KEY.fullmatch(self.alert), "an alert id consists of letters, digits and . _ : -")
        _check(_is_link(self.link), "a link is an http address without a query")


@dataclass(frozen=True, slots=True)
class Notice:
    """What happened to one alert, or to several of one patient. Sent again, it has the same idempotency key."""

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
    step: NoticeStep | None = None  # of one that is told again
    starts_at: datetime | None = None  # when the order starts, of several the first; on the clock of the hospital
    runs_since: datetime | None = None  # when an order began that has not ended, of several the last
    reply: str = ""  # a link with which the person who is told says that she is on it
    gathered: tuple[GatheredAlert, ...] = ()  # when it is about several: each, the gravest first

    def __post_init__(self) -> None:
        """Reject anything that could be a name, a sentence or an extra header."""
        _check(_KEY.fullmatch(self.idempotency_key), "an idempotency key consists of letters, digits and . _ : -")
        _check(_KEY.fullmatch(self.alert), "an alert id consists of letters, digits and . _ : -")
        _check(_LANGUAGE.fullmatch(self.language), "a language is two or three letters")
        _check(not self.ward or _WARD.fullmatch(self.ward), "a ward is a code; see ward_code")
        _check(_is_link(self.link), "a link is an http address without a query")
        _check(self.occurred_at.tzinfo, "a time needs a zone")
        _check(self.starts_at is None or self.starts_at.tzinfo, "a time needs a zone")
        _check(self.runs_since is None or self.runs_since.tzinfo, "a time needs a zone")
        _check(not self.reply or _is_link(self.reply), "a reply is an http address without a query")

    @property
    def thread(self) -> str:
        """What the mails about one alert have in common."""
        return f"alert:{self.alert}"

    @property
    def alerts(self) -> tuple[GatheredAlert, ...]:
        """Every alert that it is about, the gravest first."""
        alone = GatheredAlert(self.alert, self.kind, self.tier, self.link, self.sequence)
        return self.gathered or (alone,)

    @property
    def is_urgent(self) -> bool:
        """Whether a mail about it is marked so."""
        return self.priority == "urgent"


@dataclass(frozen=True, slots=True)
class FaultNotice:
    """A fault of the telling itself, when it begins or when it is over."""

    idempotency_key: str
    kind: Literal["began", "ended"]
    fault: IncidentKind
    subject: str  # the destination that takes nothing, or a code
    link: str  # opens the page that says more
    occurred_at: datetime
    language: Language = "nl"
    flaps: bool = False  # it comes and goes: nothing more is told of it until it has stayed over, or has lasted
    numbers: str = ""  # of messages that are missing: the field, and the first and last number (`MSH-10 1204-1206`)

    def __post_init__(self) -> None:
        """Reject anything that could be a name, a sentence or an extra header."""
        _check(_KEY.fullmatch(self.idempotency_key), "an idempotency key consists of letters, digits and . _ : -")
        _check(_KEY.fullmatch(self.subject), "a subject consists of letters, digits and . _ : -")
        _check(not self.numbers or _NUMBERS.fullmatch(self.numbers), "numbers are those of MSH-10 or MSH-13")
        _check(_LANGUAGE.fullmatch(self.language), "a language is two or three letters")
        _check(_is_link(self.link), "a link is an http address without a query")
        _check(self.occurred_at.tzinfo, "a time needs a zone")

    @property
    def thread(self) -> str:
        """What the mails about one fault have in common."""
        return f"fault:{self.subject}"

    @property
    def is_urgent(self) -> bool:
        """Whether a mail about it is marked so."""
        return self.kind == "began" and self.fault != "test"


def code_of(name: str) -> str:
    """Return a name of the site file as a code that a notice may hold."""
    return re.sub(r"[^A-Za-z0-9._:-]", "_", name)[:120]


AnyNotice = Notice | FaultNotice


def ward_code(location: str) -> str:
    """Return the ward when it is a code (`C4NEU`), and "" for text that might say more than a ward should.

    A code holds a digit or is written in capitals: a family name in PV1-3 is neither.
    """
    code = location.strip()
    looks_like_code = _WARD.fullmatch(code) and (code.isupper() or any(sign.isdigit() for sign in code))
    return code if looks_like_code else ""


def as_json(notice: AnyNotice) -> bytes:
    """Return it as JSON, the same bytes for the same notice."""
    content = _fault_content(notice) if isinstance(notice, FaultNotice) else _alert_content(notice)
    return json.dumps(content, separators=(",", ":")).encode()


def _fault_content(notice: FaultNotice) -> dict[str, object]:
    more: dict[str, object] = {"flaps": True} if notice.flaps else {}
    if notice.numbers:
        more["numbers"] = notice.numbers
    return {
        "event_id": notice.idempotency_key,
        "type": f"fault.{notice.kind}",
        "occurred_at": notice.occurred_at.astimezone(UTC).isoformat(),
        "fault": {"kind": notice.fault, "subject": notice.subject, "link": notice.link, **more},
        "schema_version": SCHEMA_VERSION,
    }


def _alert_content(notice: Notice) -> dict[str, object]:
    return {
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
            **({"step": asdict(notice.step)} if notice.step is not None else {}),
            **({"reply": notice.reply} if notice.reply else {}),
            **({"starts_at": notice.starts_at.astimezone(UTC).isoformat()} if notice.starts_at is not None else {}),
            **({"runs_since": notice.runs_since.astimezone(UTC).isoformat()} if notice.runs_since is not None else {}),
        },
        **({"alerts": [_gathered(each) for each in notice.gathered]} if notice.gathered else {}),
        "schema_version": SCHEMA_VERSION,
        "seq": notice.sequence,
    }


def _gathered(each: GatheredAlert) -> dict[str, object]:
    content = {"id": each.alert, "type": f"alert.{each.kind}", "tier": each.tier, "link": each.link}
    return content | {"seq": each.sequence}


def _is_link(link: str) -> bool:
    if not link.isascii() or any(sign.isspace() or not sign.isprintable() for sign in link):
        return False
    parts = urlsplit(link)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.query and not parts.username


def _check(holds: object, message: str) -> None:
    if not holds:
        raise ValueError(message)
