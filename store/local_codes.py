"""Local codes: codes in no value set, recorded as they are seen, mapped or dismissed by people.

Recording only adds rows, so workers do not wait for each other over a code in every second message.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa

from clinical.identities import without_citizen_numbers
from store.engine import to_json
from store.message_queries import Waiting, wait_again
from store.rowsets import PARAMETER, Types, insert_or, rowset
from store.tables import feed, local_code, local_code_seen, local_code_version, mention, message, patient

KINDS = ("product", "diagnosis")
STATES = ("open", "mapped", "dismissed", "known")  # known: a value set holds it by now
LOCK = 0x1717  # shared while codes are recorded, exclusive while a mapping changes

_CODES: Types = {"kind": sa.Text(), "system": sa.Text(), "code": sa.Text()}
_SEEN: Types = {"code_id": sa.BigInteger(), "message_id": sa.BigInteger(), "path": sa.Text()}

Key = tuple[str, str, str]  # kind, system, code


class LocalCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code in no value set, and what was decided about it."""

    id: int
    kind: str  # product | diagnosis
    system: str
    code: str
    display: str  # the sender's text for the code
    likely: str  # a value set that this text names, or ""
    first_seen: datetime
    state: str  # open | mapped | dismissed | known: a value set holds it by now
    value_set: str | None  # the value set it is mapped to
    reason: str | None  # why it was dismissed
    decided_by: str | None
    decided_at: datetime | None
    decisions: int  # how many decisions there were, for the optimistic check


@dataclass(frozen=True, slots=True)
class Sighting:
    """One code in one message."""

    kind: str
    system: str
    code: str
    display: str
    likely: str
    message_id: int
    path: str

    @property
    def key(self) -> Key:
        """What identifies the code."""
        return self.kind, self.system, self.code


def hold(connection: sa.Connection) -> None:
    """Keep every mapping unchanged until this transaction ends. On SQLite a writer is alone anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(LOCK)))


def begin_change(connection: sa.Connection) -> None:
    """Wait until codes being recorded are committed, and block further recording until this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))


def version(connection: sa.Connection) -> int:
    """Return the number of changes to mappings so far."""
    number: int = connection.execute(sa.select(local_code_version.c.number)).scalar_one()
    return number


def mapped(connection: sa.Connection) -> dict[str, list[tuple[str, str]]]:
    """Return system and code of every mapped code, by value set."""
    query = sa.select(local_code.c.value_set, local_code.c.system, local_code.c.code)
    members: dict[str, list[tuple[str, str]]] = {}
    for row in connection.execute(query.where(local_code.c.state == "mapped").order_by(local_code.c.id)):
        members.setdefault(row.value_set, []).append((row.system, row.code))
    return members


def record(connection: sa.Connection, sightings: Collection[Sighting], now: datetime) -> None:
    """Record which codes were seen and where; repeating it changes nothing."""
    if not sightings:
        return
    ids = _ids(connection, sightings, now)
    paths: dict[tuple[int, int], str] = {}
    for each in sorted(sightings, key=lambda sighting: sighting.path):
        paths.setdefault((ids[each.key], each.message_id), each.path)
    rows = [{"code_id": code, "message_id": number, "path": path} for (code, number), path in sorted(paths.items())]
    connection.execute(_insert_seen(connection.dialect.name), {PARAMETER: to_json(rows)})


def _ids(connection: sa.Connection, sightings: Iterable[Sighting], now: datetime) -> dict[Key, int]:
    """Return the row of every code, created for a new one."""
    codes = {each.key: each for each in sightings}
    ids = _find(connection, codes)
    missing = sorted(codes.keys() - ids.keys())
    if missing:
        rows = [_row(codes[key], now) for key in missing]
        connection.execute(insert_or(connection.dialect.name, local_code).on_conflict_do_nothing(), rows)
        ids |= _find(connection, missing)
    return ids


def _row(sighting: Sighting, now: datetime) -> dict[str, Any]:
    row = {"kind": sighting.kind, "system": sighting.system, "code": sighting.code, "display": sighting.display}
    return row | {"likely": sighting.likely, "first_seen": now, "state": "open", "decisions": 0}


def _find(connection: sa.Connection, keys: Iterable[Key]) -> dict[Key, int]:
    given = to_json([dict(zip(_CODES, key, strict=True)) for key in sorted(keys)])
    found = connection.execute(_find_query(connection.dialect.name), {PARAMETER: given})
    return {(row.kind, row.system, row.code): row.id for row in found}


@cache
def _find_query(dialect: str) -> sa.Executable:
    asked = rowset(dialect, _CODES)
    same = sa.and_(*(local_code.c[name] == asked.c[name] for name in _CODES))
    return sa.select(local_code.c.id, *(local_code.c[name] for name in _CODES)).join(asked, same)


@cache
def _insert_seen(dialect: str) -> sa.Executable:
    given = rowset(dialect, _SEEN)
    values = sa.select(*(given.c[name] for name in _SEEN)).where(sa.true())
    return insert_or(dialect, local_code_seen).from_select(list(_SEEN), values).on_conflict_do_nothing()


@dataclass(frozen=True, slots=True)
class CodeDecision:
    """A decision about a code."""

    state: str  # open, mapped, dismissed or known
    by: str
    at: datetime
    value_set: str | None = None
    reason: str | None = None


def decide(connection: sa.Connection, code_id: int, decision: CodeDecision) -> None:
    """Record the decision about a code; call `begin_change` first."""
    change = sa.update(local_code).where(local_code.c.id == code_id)
    connection.execute(
        change.values(
            state=decision.state,
            value_set=decision.value_set,
            reason=decision.reason,
            decided_by=decision.by,
            decided_at=decision.at,
            decisions=local_code.c.decisions + 1,
        )
    )
    connection.execute(sa.update(local_code_version).values(number=local_code_version.c.number + 1))


def process_again(connection: sa.Connection, code_ids: Collection[int]) -> list[Waiting]:
    """Let every message with these codes be processed again; the sweep queues them."""
    seen = sa.select(local_code_seen.c.message_id).where(local_code_seen.c.code_id.in_(sorted(code_ids)))
    which = sa.and_(message.c.id.in_(seen), message.c.pruned_at.is_(None))
    return wait_again(connection, which, queued_at=None)


def with_states(connection: sa.Connection, states: Sequence[str]) -> list[LocalCode]:
    """Return the codes in these states."""
    query = sa.select(local_code).where(local_code.c.state.in_(states))
    return [LocalCode(**row) for row in connection.execute(query.order_by(local_code.c.id)).mappings()]


class SeenCode(LocalCode, frozen=True, kw_only=True):
    """A local code with how often it was seen, and the newest message with it, if that still has its text."""

    messages: int
    message_id: int | None
    path: str | None
    control_id: str | None
    last_seen: datetime | None
    feed: str | None


@dataclass(frozen=True, slots=True)
class CodeFilter:
    """The codes to list; an empty criterion leaves nothing out."""

    states: Sequence[str] = ()
    kinds: Sequence[str] = ()
    words: str = ""  # in the code, its system or the sender's text
    telling: bool = False  # only those whose text names a value set

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """Return it as the database understands it."""
        wanted: list[sa.ColumnElement[bool]] = []
        if self.states:
            wanted.append(local_code.c.state.in_(self.states))
        if self.kinds:
            wanted.append(local_code.c.kind.in_(self.kinds))
        if self.telling:
            wanted.append(local_code.c.likely != "")
        if self.words:
            places = (local_code.c.code, local_code.c.display, local_code.c.system)
            wanted.append(sa.or_(*(place.icontains(self.words, autoescape=True) for place in places)))
        return wanted


def most_seen(connection: sa.Connection, wanted: CodeFilter, limit: int) -> list[SeenCode]:
    """List codes: those whose text names a value set first, then by how often they were seen."""
    seen = _seen(wanted.conditions())
    query = _with_example(seen).where(*wanted.conditions())
    order = ((local_code.c.likely == "").asc(), sa.func.coalesce(seen.c.messages, 0).desc(), local_code.c.id)
    return _read(connection, query.order_by(*order).limit(limit))


def newest(connection: sa.Connection, wanted: CodeFilter, before: int | None, limit: int) -> list[SeenCode]:
    """List codes, newest first, from a place in that list on."""
    conditions = wanted.conditions()
    if before is not None:
        conditions.append(local_code.c.id < before)
    page = sa.select(local_code.c.id).where(*conditions).order_by(local_code.c.id.desc()).limit(limit).subquery()
    chosen = local_code.c.id.in_(sa.select(page.c.id))
    return _read(connection, _with_example(_seen([chosen])).where(chosen).order_by(local_code.c.id.desc()))


def one(connection: sa.Connection, code_id: int) -> SeenCode | None:
    """Return one code, or None."""
    chosen = local_code.c.id == code_id
    return next(iter(_read(connection, _with_example(_seen([chosen])).where(chosen))), None)


def _read(connection: sa.Connection, query: sa.Select[*tuple[Any, ...]]) -> list[SeenCode]:
    rows = connection.execute(query).mappings()
    return [SeenCode(**dict(row) | {"display": without_citizen_numbers(row["display"], [row["code"]])}) for row in rows]


def count(connection: sa.Connection, wanted: CodeFilter) -> int:
    """Count codes."""
    query = sa.select(sa.func.count()).select_from(local_code).where(*wanted.conditions())
    return connection.execute(query).scalar_one()


def _seen(conditions: Sequence[sa.ColumnElement[bool]]) -> sa.Subquery:
    ids = sa.select(local_code.c.id).where(*conditions)
    seen = sa.select(
        local_code_seen.c.code_id,
        sa.func.count().label("messages"),
        sa.func.max(local_code_seen.c.message_id).label("last"),
    )
    return seen.where(local_code_seen.c.code_id.in_(ids)).group_by(local_code_seen.c.code_id).subquery("seen")


def _with_example(seen: sa.Subquery) -> sa.Select[*tuple[Any, ...]]:
    """Return each code with its figures, and the newest message it was seen in."""
    example = local_code_seen.alias("example")
    return (
        sa.select(
            local_code,
            sa.func.coalesce(seen.c.messages, 0).label("messages"),
            seen.c.last.label("message_id"),
            example.c.path,
            message.c.control_id,
            message.c.received_at.label("last_seen"),
            feed.c.name.label("feed"),
        )
        .select_from(local_code)
        .outerjoin(seen, seen.c.code_id == local_code.c.id)
        .outerjoin(example, sa.and_(example.c.code_id == seen.c.code_id, example.c.message_id == seen.c.last))
        .outerjoin(message, message.c.id == seen.c.last)
        .outerjoin(feed, feed.c.id == message.c.feed_id)
    )


@dataclass(frozen=True, slots=True)
class Reach:
    """The messages and orders that a decision on a code affects."""

    messages: int  # messages to process again
    patients: int
    with_ivig: int  # patients among these whose IVIg orders are answered again


def reach(connection: sa.Connection, code_id: int) -> Reach:
    """Count the messages with a code, and the patients they mention."""
    seen = local_code_seen
    messages = sa.select(sa.func.count()).where(seen.c.code_id == code_id)
    people = (
        sa.select(patient.c.id, patient.c.has_ivig)
        .join(mention, mention.c.patient_id == patient.c.id)
        .join(seen, seen.c.message_id == mention.c.message_id)
        .where(seen.c.code_id == code_id)
        .distinct()
        .subquery()
    )
    counts = sa.select(sa.func.count(), sa.func.count().filter(people.c.has_ivig)).select_from(people)
    patients, with_ivig = connection.execute(counts).one()
    return Reach(connection.execute(messages).scalar_one(), patients, with_ivig)
