"""Erasure of one patient on request: looked at first, and carried out as it was looked at, in one transaction.

Everybody concerned is locked before anything is counted, as a worker locks whoever a message mentions. A message of the
patient that waits for a worker stands in the way: it may hold an order. What arrives afterwards is that of a patient
whom the store does not know yet. Killed at any moment, everything was erased or nothing.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Final, Literal

import msgspec
import sqlalchemy as sa

from clinical.identities import Name, Person
from history.choices import Site
from history.orders import STOPPED
from parsers.chart.patients import read_patient
from parsers.defaults import Defaults
from parsers.errors import ParserError
from parsers.fhir.reading import is_resource
from parsers.hl7.identifiers import read_identifiers, usual_spelling
from parsers.hl7.segments import split
from store import citizen_numbers, erasure, holds, merges, patients
from store.engine import reading
from store.erasure import Belongings, Erasure, MessagesOf
from store.locks import lock_people
from store.messages import unpack
from store.orders import ABSORBED
from worker.transactions import in_transaction

TOGETHER = 500  # messages read at once
_TELLING = 5  # characters of a number from which on it is looked for in what cannot be read

ObstacleKind = Literal[
    "unknown",  # nobody has this number
    "several",  # several patients have it
    "unclear",  # merges of the patient contradict each other, or another patient has the same citizen service number
    "nothing",  # nothing of the patient is stored
    "held",  # a legal hold stands on the patient
    "held_other",  # one stands on somebody whom a message of the patient mentions
    "waiting",  # messages wait for a worker
    "unanswered",  # alerts wait for a pharmacist
    "open_orders",  # IVIg orders are not over, and nobody said that the treatment is
    "covers",  # what was settled for the patient still covers alerts of another
]
StaysKind = Literal[
    "identity", "tombstone", "access_log", "control_id", "notes_elsewhere", "mixed_unread", "notices_sent"
]
WAIVED: Final = "open_orders"  # the only obstacle that a person may say is none


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why nothing may be erased now, with the rows concerned."""

    kind: ObstacleKind
    ids: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class ErasurePlan:
    """What would be erased of one patient, and what stays."""

    members: frozenset[int]  # every identity of the patient
    names: frozenset[Name]  # of these, and every other number of the patient
    goes: Mapping[str, int] = field(default_factory=dict)  # how many rows, by kind
    stays: Mapping[StaysKind, int] = field(default_factory=dict)
    rows: Mapping[StaysKind, Sequence[int]] = field(default_factory=dict)  # of what stays and must be looked at
    obstacles: Sequence[Obstacle] = ()
    code: str = ""  # of exactly this: an erasure names it

    @property
    def may_go(self) -> bool:
        """Whether it may be carried out when somebody says that the treatment is over."""
        return all(each.kind == WAIVED for each in self.obstacles)


@dataclass(frozen=True, slots=True)
class ErasureRequest:
    """What the register says of an erasure beside what was erased."""

    name: str  # of the erasure, in every register
    actor: str
    asked_by: str
    decided_by: str
    reason: str
    code: str | None  # of the plan that was looked at; None: whatever there is, as after a restore
    treatment_is_over: bool
    key_name: str
    hash_of: Callable[[Name], str]


@dataclass(frozen=True, slots=True)
class _Unread:
    """Messages that nobody recorded: those of this patient, and those of several people."""

    own: frozenset[int]
    mixed: frozenset[int]  # which may still be read for the others
    others: frozenset[Name]  # whom those that were ignored, of which nothing was read, name beside the patient
    until: int  # the last message that was read for it


class PlanChanged(Exception):
    """What would be erased is not what was looked at: look again."""


class ErasureObstructed(Exception):
    """Something stands in the way; nothing was erased."""

    def __init__(self, obstacles: Sequence[Obstacle]) -> None:
        super().__init__(", ".join(each.kind for each in obstacles))
        self.obstacles = obstacles


def look(
    engine: sa.Engine, site: Site, number: str, now: datetime, report: Callable[[int], None] = lambda _: None
) -> ErasurePlan:
    """Return what an erasure of the patient with this number (VALUE or AUTHORITY|VALUE) would do; change nothing."""
    with reading(engine) as connection:
        found = person_with(connection, number)
        if isinstance(found, Obstacle):
            return ErasurePlan(frozenset(), frozenset(), obstacles=[found])
        names = _names_of(connection, found)
    unread = _read_unread(engine, site, names, report)
    with reading(engine) as connection:
        return _examined(connection, found, unread, now).plan


def erase(
    engine: sa.Engine,
    site: Site,
    members: Collection[int],
    request: ErasureRequest,
    now: datetime,
    record: Callable[[sa.Connection, Erasure], None],
    report: Callable[[int], None] = lambda _: None,
) -> Erasure:
    """Erase the patient with exactly these identities, and return the line of the register.

    `record` is called last in the transaction. Raises ErasureObstructed, or PlanChanged when it is not what the request
    names; then nothing was changed.
    """
    with reading(engine) as connection:
        names = _names_of(connection, members)
    unread = _read_unread(engine, site, names, report)
    work = partial(_erase, site=site, members=frozenset(members), unread=unread, request=request, now=now)

    def erased(connection: sa.Connection) -> Erasure:
        line = work(connection)
        record(connection, line)
        return line

    done = in_transaction(engine, erased)
    _leave_no_log(engine)
    return done


def _erase(
    connection: sa.Connection,
    site: Site,
    members: frozenset[int],
    unread: _Unread,
    request: ErasureRequest,
    now: datetime,
) -> Erasure:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
    _lock(connection, members)
    unread = _with_newer(connection, site, _names_of(connection, members), unread)
    found = _examined(connection, members, unread, now)
    waived = request.treatment_is_over or request.code is None
    _refuse(found.plan, waived=waived, again=request.code is None)
    if request.code is not None and found.plan.code != request.code:
        raise PlanChanged
    newest = erasure.newest_line_at(connection, members)
    at = now if newest is None else max(now, newest)  # later than all that goes, also by a clock that was set back
    line = Erasure(
        name=request.name,
        at=at,
        actor=request.actor,
        asked_by=request.asked_by,
        decided_by=request.decided_by,
        reason=request.reason,
        messages=found.marks,
        counts=dict(found.plan.goes),
        key_name=request.key_name,
        hashes=sorted(request.hash_of(name) for name in patients_names(connection, members)),
    )
    erasure.register(connection, line, members)
    erasure.remove(connection, found.belongings)
    erasure.erase_messages(connection, found.messages, at)
    erasure.forget_identities(connection, members)
    return line


def patients_names(connection: sa.Connection, members: Collection[int]) -> list[Name]:
    """Return the names of these identities."""
    return [row.name for row in patients.of_ids(connection, members).values()]


def _refuse(plan: ErasurePlan, *, waived: bool, again: bool) -> None:
    """Raise ErasureObstructed for what stands in the way.

    What was decided once is carried out again whatever a backup says of alerts, orders and holds of then.
    """
    passed = {WAIVED} if waived else set[str]()
    if again:
        passed |= {"unanswered", "held", "waiting"}
    if left := [each for each in plan.obstacles if each.kind not in passed]:
        raise ErasureObstructed(left)


def _leave_no_log(engine: sa.Engine) -> None:
    """On SQLite write the log of changes, which holds the pages as they were, into the file and empty it."""
    if engine.dialect.name != "sqlite":
        return
    connection = engine.raw_connection()
    try:
        driver = connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        driver.execute("PRAGMA secure_delete = OFF")
    finally:
        connection.close()


def _lock(connection: sa.Connection, members: frozenset[int]) -> None:
    """Lock the patient, and everybody whom the patient's messages mention, so that nothing new rests on them."""
    locked, wanted = set[int](), set(members)
    while not wanted <= locked:
        locked = lock_people(connection, locked | wanted)
        shared = erasure.messages_of(connection, members, ()).shared
        wanted = set(members.union(*shared.values()))
    people = merges.persons(connection, members)
    if members != {each for person in people for each in person.members}:
        raise PlanChanged  # somebody was joined to the patient, or parted, since


def person_with(connection: sa.Connection, number: str) -> frozenset[int] | Obstacle:
    """Return every identity of the patient with this number, or why it cannot be said who that is."""
    authority, separator, value = number.rpartition("|")
    named = patients.named(connection, value, authority if separator else None)
    if not named:
        return Obstacle("unknown")
    people: list[Person[int]] = merges.persons(connection, named)
    if len(people) > 1:
        return Obstacle("several", [len(people)])
    return frozenset(people[0].members)


def _names_of(connection: sa.Connection, members: Collection[int]) -> frozenset[Name]:
    names = set(patients_names(connection, members))
    return frozenset(names.union((each.authority, each.value) for each in patients.numbers_of(connection, members)))


@dataclass(frozen=True, slots=True)
class _Found:
    plan: ErasurePlan
    messages: MessagesOf
    belongings: Belongings

    @property
    def marks(self) -> int:
        """How many messages will be marked as erased."""
        return len(self.messages.ids)


def _examined(connection: sa.Connection, members: frozenset[int], unread: _Unread, now: datetime) -> _Found:
    names = _names_of(connection, members)
    messages = erasure.messages_of(connection, members, unread.own)
    found = erasure.belongings(connection, members, erasure.cards_about(connection, members, names))
    rows = erasure.counts(connection, found)
    goes = {"message": len(messages.own), "shared_message": len(messages.shared)} | rows
    goes = {kind: count for kind, count in goes.items() if count}
    values = {value for _, value in names}
    elsewhere = erasure.notes_elsewhere(connection, members, values)
    stays: dict[StaysKind, int] = {
        "identity": len(members),
        "tombstone": len(messages.ids),
        "access_log": erasure.access_lines(connection, members),
        "control_id": erasure.with_number_outside(connection, messages.ids, values),
        "notes_elsewhere": len(elsewhere),
        "mixed_unread": len(unread.mixed),
        "notices_sent": erasure.notices_sent(connection, members),
    }
    plan = ErasurePlan(
        members=members,
        names=names,
        goes=goes,
        stays={kind: count for kind, count in stays.items() if count or kind == "access_log"},
        rows={"notes_elsewhere": elsewhere, "mixed_unread": sorted(unread.mixed)},
        obstacles=list(_obstacles(connection, members, messages, unread, goes, now)),
        code=_code_of(members, messages, goes),
    )
    return _Found(plan, messages, found)


def _beside(connection: sa.Connection, messages: MessagesOf, unread: _Unread) -> set[int]:
    """Return whom the messages of the patient name beside the patient."""
    named = patients.found(connection, sorted(unread.others)) if unread.others else {}
    return set(named.values()).union(*messages.shared.values())


def _obstacles(
    connection: sa.Connection,
    members: frozenset[int],
    messages: MessagesOf,
    unread: _Unread,
    goes: Mapping[str, int],
    now: datetime,
) -> Iterator[Obstacle]:
    """Yield what stands in the way."""
    if merges.unclear_among(connection, members) or citizen_numbers.is_shared(connection, members):
        yield Obstacle("unclear")
    if not goes:
        yield Obstacle("nothing")
    rows: dict[ObstacleKind, Iterable[int]] = {
        "held": [each.id for each in holds.on(connection, members)],
        "held_other": [each.id for each in holds.on(connection, _beside(connection, messages, unread))],
        "waiting": erasure.waiting(connection, messages.ids | unread.mixed),
        "unanswered": erasure.unanswered_alerts(connection, members),
        "open_orders": erasure.open_orders(connection, members, {*STOPPED, ABSORBED}, now),
        "covers": erasure.covers_others(connection, members),
    }
    for kind, ids in rows.items():
        if found := list(ids):
            yield Obstacle(kind, found)


def _code_of(members: Collection[int], messages: MessagesOf, goes: Mapping[str, int]) -> str:
    """Return a short code of exactly this."""
    content = msgspec.json.encode(
        [sorted(members), sorted(messages.own), sorted(messages.shared), sorted(goes.items())]
    )
    return hashlib.sha256(content).hexdigest()[:10]


def _read_unread(engine: sa.Engine, site: Site, names: Collection[Name], report: Callable[[int], None]) -> _Unread:
    """Look in every message that nobody recorded, without holding anybody up."""
    found = _Unread(frozenset(), frozenset(), frozenset(), 0)
    with reading(engine) as connection:
        newest = erasure.newest_message(connection)
    last = 0
    while last < newest:
        with reading(engine) as connection:
            some = erasure.unread(connection, last, TOGETHER)
        some = [each for each in some if each.id <= newest]
        found = _sorted_out(some, site, names, found)
        last = some[-1].id if len(some) == TOGETHER else newest
        report(last)
    return replace(found, until=newest)


def _with_newer(connection: sa.Connection, site: Site, names: Collection[Name], before: _Unread) -> _Unread:
    """Add what has arrived since."""
    last, found = before.until, before
    while some := erasure.unread(connection, last, TOGETHER):
        found = _sorted_out(some, site, names, found)
        last = some[-1].id
    return found


def _sorted_out(some: Iterable[erasure.UnreadMessage], site: Site, names: Collection[Name], before: _Unread) -> _Unread:
    own, mixed, others = set(before.own), set(before.mixed), set(before.others)
    text = _pattern(names)
    for each in some:
        is_own, beside = _whose(unpack(each.raw), site.defaults_of(each.feed_name), names, text)
        if is_own and beside and each.state != "ignored":
            mixed.add(each.id)
        elif is_own:
            own.add(each.id)
            others |= beside
    return _Unread(frozenset(own), frozenset(mixed), frozenset(others), before.until)


def _pattern(names: Collection[Name]) -> re.Pattern[str]:
    """Return what finds one of the numbers in a text, or a reference to the patient in a resource of FHIR."""
    telling = sorted(re.escape(value) for _, value in names if len(value) >= _TELLING)
    referred = sorted(re.escape(value) for _, value in names)
    by_number = rf"(?<![0-9A-Za-z])(?:{'|'.join(telling)})(?![0-9A-Za-z])|" if telling else ""
    return re.compile(rf'{by_number}"Patient/(?:{"|".join(referred)})"')


def _whose(raw: bytes, defaults: Defaults, names: Collection[Name], text: re.Pattern[str]) -> tuple[bool, set[Name]]:
    """Return whether a message speaks of the patient with these names, and whom else it names."""
    if is_resource(raw):
        return text.search(raw.decode("utf-8", "replace")) is not None, set()
    try:
        message = split(raw, defaults.charset)
    except ParserError:
        return text.search(raw.decode("latin-1")) is not None, set()
    is_own, others = False, set[Name]()
    for segment in message.segments:
        numbers = read_patient(segment, defaults) if segment.name == "PID" else ()
        numbers = read_identifiers(segment, (1, 4), defaults) if segment.name == "MRG" else numbers
        if numbers:
            usual = usual_spelling(numbers[0], defaults)
            named = {(each.authority, each.value) for each in (numbers[0], usual)}
            if named.isdisjoint(names):
                others |= named
            else:
                is_own = True
    return is_own, others
