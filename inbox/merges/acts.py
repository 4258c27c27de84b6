"""What a pharmacist says of two patients: that they are two after all, or one again. Both can be taken back.

It is written as a message of our own and kept as any that is received. So it is processed, ordered in time, rebuilt and
explained as every other; its segment ZBH says who said it and why.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import sqlalchemy as sa

from clinical.identities import Name, is_citizen_number
from clinical.words import STANDING
from inbox.acting import Acting, Concerned, Done
from inbox.errors import ActRefused, MergeChanged, MergeMissing
from inbox.people.permissions import Permission
from store import alerts, feeds, merges
from store.alerts import Happening
from store.locks import lock_people
from store.merges import Pair, SourcedStatement
from store.messages import Arrival, save_batch

LONGEST_REASON = 400
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Unmerge:
    """Say that two patients are two; `seen` is the newest message about them that the reader knew of."""

    action: ClassVar[str] = "unmerge"
    permission: ClassVar[Permission] = Permission.MERGES_DECIDE

    pair: Pair
    reason: str
    seen: int | None = None

    def concerns(self, _connection: sa.Connection) -> Concerned:
        """Return the two."""
        return Concerned("", self.pair)

    def perform(self, acting: Acting) -> Done[int]:
        """Write the message that says so and waits for a worker; give its number."""
        spoken = _held(acting, self)
        standing = [each for each in spoken if not each.undone]
        if not standing:
            raise MergeChanged("the two are not merged any more")
        return _say(acting, self, standing[0], spoken)


@dataclass(frozen=True, slots=True)
class Merge:
    """Say that two who were parted are one again; `survivor_id` is the number that stays."""

    action: ClassVar[str] = "merge"
    permission: ClassVar[Permission] = Permission.MERGES_DECIDE

    pair: Pair
    reason: str
    survivor_id: int
    seen: int | None = None

    def concerns(self, _connection: sa.Connection) -> Concerned:
        """Return the two."""
        return Concerned("", self.pair)

    def perform(self, acting: Acting) -> Done[int]:
        """Write the message that says so and waits for a worker; give its number."""
        if self.survivor_id not in self.pair:
            raise ActRefused("survivor", "required")
        spoken = _held(acting, self)
        if any(not each.undone for each in spoken):
            raise MergeChanged("the two are merged already")
        wanted = [each for each in spoken if each.survivor_id == self.survivor_id and may_be_retired(each)]
        if not wanted:
            raise ActRefused("survivor", "unknown")
        return _say(acting, self, wanted[0], spoken)


def may_be_retired(spoken: SourcedStatement) -> bool:
    """Return whether the number that would be given up can be: a citizen number is a person's own."""
    return not is_citizen_number(spoken.retired)


def _held(acting: Acting, act: Unmerge | Merge) -> Sequence[SourcedStatement]:
    """Return what was said of the two, while nobody else can say more."""
    if not act.reason.strip():
        raise ActRefused("reason", "missing")
    if len(act.reason) > LONGEST_REASON:
        raise ActRefused("reason", "too_long")
    lock_people(acting.connection, act.pair)
    spoken = merges.of_pair(acting.connection, act.pair)
    if not spoken:
        raise MergeMissing("nothing was ever said of these two")
    if act.seen is not None and act.seen != spoken[0].message_id:
        raise MergeChanged("something else was said of these two meanwhile")
    return spoken


def _say(acting: Acting, act: Unmerge | Merge, of: SourcedStatement, spoken: Sequence[SourcedStatement]) -> Done[int]:
    """Write the message, and a line in the record of every alert that it may concern."""
    # It counts from now on; but after what it takes back, should that be dated ahead of the clock.
    times = [each.at + _SECOND for each in spoken if each.at is not None]
    at = max([acting.now, *times])
    event, kind = ("A37", "unmerged") if isinstance(act, Unmerge) else ("A40", "merged")
    statement = StatementByHand(event, of.survivor, of.retired, acting.actor, act.reason.strip(), at, acting.now)
    message = keep(acting.connection, statement)
    line = Happening(kind, acting.now, acting.actor, note=act.reason.strip(), data={"message_id": str(message)})
    members = merges.merge_set(acting.connection, act.pair)
    for alert in alerts.of_patients(acting.connection, members, STANDING):
        alerts.record(acting.connection, alert.id, line)
    return Done(message, f"message {message}: {act.reason}", act.pair, waiting=(message,))


FEED = "by hand"

_ESCAPES = str.maketrans(
    {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\", "\n": "\\.br\\"}
    | dict.fromkeys("\r\x0b\x1c\0", "")
)


@dataclass(frozen=True, slots=True)
class StatementByHand:
    """A pharmacist's statement that two patients are one, or are not: by whom, when and why."""

    event: str  # A40: `retired` is `survivor` now; A37: they are two
    survivor: Name
    retired: Name
    actor: str
    reason: str
    at: datetime  # from when on it counts
    now: datetime


def keep(connection: sa.Connection, statement: StatementByHand) -> int:
    """Store the message, waiting for a worker, and return its row."""
    raw = _message_of(statement)
    arrival = Arrival(
        feed_id=feeds.ids_of(connection, [FEED])[FEED],
        body_hash=hashlib.sha256(raw).digest(),
        raw=raw,
        received_at=statement.now,
        ack_code="",
        sending_application="IVIGILANT",
        sending_facility="BYHAND",
        control_id=_control_id(statement),
        type="ADT",
        event=statement.event,
        hl7_version="2.5",
        message_time=_to_the_second(statement.at),
        lane="orders",  # somebody waits for it
    )
    return save_batch(connection, [arrival])[0].id


def _message_of(statement: StatementByHand) -> bytes:
    counts = _stamp(statement.at)  # in MSH-7 too: an event dated long after its message would count from the message
    structure = {"A37": "ADT_A37", "A40": "ADT_A39"}[statement.event]
    kind = f"ADT^{statement.event}^{structure}"
    other = f"PID|2||{_number(statement.retired)}" if statement.event == "A37" else f"MRG|{_number(statement.retired)}"
    header = (
        rf"MSH|^~\&|IVIGILANT|BYHAND|IVIGILANT||{counts}||{kind}|{_control_id(statement)}|P|2.5|||||NLD|UNICODE UTF-8"
    )
    why = f"ZBH|{_escaped(statement.actor)}|{_escaped(statement.reason)}"
    lines = [header, f"EVN|{statement.event}|{counts}", f"PID|1||{_number(statement.survivor)}", other, why]
    return ("\r".join(lines) + "\r").encode()


def _control_id(statement: StatementByHand) -> str:
    """Of the microsecond: two people never say something of the same two in one."""
    return f"H{statement.now.astimezone(UTC):%y%m%d%H%M%S%f}"


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
