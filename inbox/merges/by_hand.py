"""What a person says of two patients, written as a message of our own and kept as any that is received.

So it is processed, ordered in time, rebuilt and explained as every other; its segment ZBH says who said it and why.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from clinical.identities import Name
from store import feeds
from store.messages import Arrival, save_batch

FEED = "by hand"

_ESCAPES = str.maketrans(
    {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\", "\n": "\\.br\\"}
    | dict.fromkeys("\r\x0b\x1c\0", "")
)


@dataclass(frozen=True, slots=True)
class Said:
    """Who says of which two patients, when and why, that they are one or are not."""

    event: str  # A40: `retired` is `survivor` now; A37: they are two
    survivor: Name
    retired: Name
    actor: str
    reason: str
    at: datetime  # from when on it counts
    now: datetime


def keep(connection: sa.Connection, said: Said) -> int:
    """Keep the message, waiting for a worker, and give its row."""
    raw = _message(said)
    arrival = Arrival(
        feed_id=feeds.ids_of(connection, [FEED])[FEED],
        body_hash=hashlib.sha256(raw).digest(),
        raw=raw,
        received_at=said.now,
        ack_code="",
        sending_application="IVIGILANT",
        sending_facility="BYHAND",
        control_id=_control_id(said),
        type="ADT",
        event=said.event,
        hl7_version="2.5",
        message_time=_to_the_second(said.at),
        lane="orders",  # somebody waits for it
    )
    return save_batch(connection, [arrival])[0].id


def _message(said: Said) -> bytes:
    counts = _stamp(said.at)  # in MSH-7 too: an event dated long after its message would count from the message
    structure = {"A37": "ADT_A37", "A40": "ADT_A39"}[said.event]
    kind = f"ADT^{said.event}^{structure}"
    other = f"PID|2||{_number(said.retired)}" if said.event == "A37" else f"MRG|{_number(said.retired)}"
    header = rf"MSH|^~\&|IVIGILANT|BYHAND|IVIGILANT||{counts}||{kind}|{_control_id(said)}|P|2.5|||||NLD|UNICODE UTF-8"
    why = f"ZBH|{_escaped(said.actor)}|{_escaped(said.reason)}"
    lines = [header, f"EVN|{said.event}|{counts}", f"PID|1||{_number(said.survivor)}", other, why]
    return ("\r".join(lines) + "\r").encode()


def _control_id(said: Said) -> str:
    """Of the microsecond: two people never say something of the same two in one."""
    return f"H{said.now.astimezone(UTC):%y%m%d%H%M%S%f}"


def _number(name: Name) -> str:
    authority, value = name
    return f"{_escaped(value)}^^^{_escaped(authority)}"


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%d%H%M%S}+0000"


def _to_the_second(at: datetime) -> datetime:
    """As the message says it."""
    return at.astimezone(UTC).replace(microsecond=0)
