"""Merged identities: pointers followed on reading, so a merge commutes with everything and can be undone.

Also the statements about merges, for people to review: by pair, newest first, and those that contradict each other.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from clinical.identities import (
    MergeStatement,
    Name,
    Person,
    Pointer,
    are_two_people,
    is_contradicted,
    people_of,
    pointers,
)
from clinical.versions import BESIDE, SPELLED, event_time
from store import tables
from store.patients import KnownPatient, named
from store.rowsets import among, insert_or, one_of


@dataclass(frozen=True, slots=True)
class Statement:
    """What a message says about two identities: `retired` is now `survivor`, or no longer."""

    retired_id: int
    survivor_id: int
    version: str
    message_id: int
    path: str
    undone: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity as the merges see it: its name, where it leads by which version, and whose it is."""

    name: Name
    merged_into: int | None
    version: str
    demographics: Mapping[str, Any] = field(default_factory=dict)


def merge_set(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    """Return these identities and all of the same people."""
    return set(connected(connection, ids))


def persons(connection: sa.Connection, ids: Collection[int]) -> list[Person[int]]:
    """Return the persons behind these identities, each once, in the order of their root's name."""
    return _persons(connected(connection, ids), ids)


def joined_persons(connection: sa.Connection, ids: Collection[int]) -> list[Person[int]]:
    """Return the same of those of these identities that lead to another one or are led to; the others are alone."""
    joined = connection.execute(_joined(connection.dialect.name), {"ids": ids}).scalars().all()
    return persons(connection, joined) if joined else []


def persons_among(rows: Mapping[int, KnownPatient], ids: Collection[int]) -> list[Person[int]]:
    """Return the same, of rows that hold everybody who may be one person with these."""
    seen = {
        id_: Identity(row.name, row.merged_into, row.merge_version or "", row.demographics) for id_, row in rows.items()
    }
    return _persons(seen, ids)


def _persons(rows: Mapping[int, Identity], ids: Collection[int]) -> list[Person[int]]:
    people = people_of(rows, pointing(rows), {id_: row.name for id_, row in rows.items()})
    return [person for person in people if not person.members.isdisjoint(ids)]


def with_spellings(rows: Mapping[int, KnownPatient], ids: Collection[int]) -> set[int]:
    """Return these, and those whose number is written in another way: what is learnt of one may part or join both."""
    spelled = {(id_, row.merged_into) for id_, row in rows.items() if row.merge_version == SPELLED}
    return set(ids) | {id_ for pair in spelled if not {*pair}.isdisjoint(ids) for id_ in pair if id_ is not None}


def pointing(rows: Mapping[int, Identity]) -> dict[int, Pointer[int]]:
    """Return the pointers of those of these that lead anywhere; none between two people with numbers spelled alike."""
    return {
        id_: Pointer(row.merged_into, row.version)
        for id_, row in rows.items()
        if row.merged_into is not None and not _are_only_spelled_alike(row, rows.get(row.merged_into))
    }


def _are_only_spelled_alike(one: Identity, other: Identity | None) -> bool:
    return one.version == SPELLED and other is not None and are_two_people(one.demographics, other.demographics)


def select_stated(dialect: str) -> list[sa.Select[int]]:
    """Return queries for the identities in any statement with "ids": they may become one person again."""
    statement = tables.merge_statement
    survivors = sa.select(statement.c.survivor_id).where(one_of(dialect, statement.c.retired_id))
    retired = sa.select(statement.c.retired_id).where(one_of(dialect, statement.c.survivor_id))
    return [survivors, retired]


def record(connection: sa.Connection, statements: Iterable[Statement]) -> set[int]:
    """Store later statements about each pair; return the identities concerned, and where they led before.

    All of them must be locked. A statement may join or split two histories, or contradict another one.
    """
    later = _latest(statements)
    if not later:
        return set()
    table = tables.merge_statement
    insert = insert_or(connection.dialect.name, table)
    change = insert.on_conflict_do_update(
        index_elements=["retired_id", "survivor_id"],
        set_={name: insert.excluded[name] for name in ("version", "undone", "message_id", "path")},
        where=insert.excluded.version > table.c.version,
    )
    news = connection.execute(
        change.returning(table.c.retired_id, table.c.survivor_id), [_values(each) for each in later]
    )
    pairs = [(row.retired_id, row.survivor_id) for row in news]
    return {id_ for pair in pairs for id_ in pair} | repoint(connection, {retired for retired, _ in pairs})


def _latest(statements: Iterable[Statement]) -> list[Statement]:
    """Return the latest statement per pair, the first of a tie, ordered by pair; none about an identity and itself."""
    held: dict[tuple[int, int], Statement] = {}
    for each in statements:
        pair = each.retired_id, each.survivor_id
        if pair[0] != pair[1] and (pair not in held or held[pair].version < each.version):
            held[pair] = each
    return [held[pair] for pair in sorted(held)]


def _values(statement: Statement) -> dict[str, object]:
    return {name: getattr(statement, name) for name in statement.__slots__}


def repoint(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    """Point these identities where the statements say; return those that changed, with the old and new target."""
    about_these = sa.select(tables.merge_statement).where(among(connection, tables.merge_statement.c.retired_id, ids))
    statements = [_statement(row) for row in connection.execute(about_these)]
    rows = identities(connection, {*ids, *(statement.survivor for statement in statements)})
    leading = pointers(statements, {id_: row.name for id_, row in rows.items()})
    touched: set[int] = set()
    changed: list[tuple[int, int | None, str]] = []
    for id_ in sorted(ids):
        now, before = leading.get(id_), rows[id_]
        target, version = (now.target, now.version) if now else (None, "")
        if (target, version) != (before.merged_into, before.version):
            changed.append((id_, target, version))
        if target != before.merged_into:
            touched |= {each for each in (id_, target, before.merged_into) if each is not None}
    point(connection, changed)
    return touched


def point(connection: sa.Connection, led: Sequence[tuple[int, int | None, str]]) -> None:
    """Point each identity to another, or to none, with the version of the statement, "" without one."""
    if led:
        connection.execute(_POINT, [{"one": id_, "other": to, "told": version or None} for id_, to, version in led])


_POINT = (
    sa.update(tables.patient)
    .where(tables.patient.c.id == sa.bindparam("one"))
    .values(merged_into=sa.bindparam("other"), merge_version=sa.bindparam("told"))
)


def _statement(row: Any) -> MergeStatement[int]:
    return MergeStatement(row.retired_id, row.survivor_id, row.version, row.undone)


def identities(connection: sa.Connection, ids: Collection[int]) -> dict[int, Identity]:
    """Return these as the merges see them."""
    return _read(connection, _these, ids)


def _read(
    connection: sa.Connection, which: Callable[[str], sa.Executable], ids: Collection[int]
) -> dict[int, Identity]:
    return {
        row.id: Identity((row.authority, row.value), row.merged_into, row.merge_version or "", row.demographics)
        for row in connection.execute(which(connection.dialect.name), {"ids": ids})
    }


@cache
def _these(dialect: str) -> sa.Executable:
    return _IDENTITY.where(one_of(dialect, tables.patient.c.id))


@cache
def _these_and_near(dialect: str) -> sa.Executable:
    patient = tables.patient
    # Two queries: with both conditions in one, SQLite scans the table.
    these, near = one_of(dialect, patient.c.id), one_of(dialect, patient.c.merged_into)
    return sa.union_all(_IDENTITY.where(these), _IDENTITY.where(near))


@cache
def _joined(dialect: str) -> sa.Executable:
    patient = tables.patient
    leading = sa.select(patient.c.id).where(one_of(dialect, patient.c.id), patient.c.merged_into.is_not(None))
    return sa.union(leading, sa.select(patient.c.merged_into).where(one_of(dialect, patient.c.merged_into)))


_IDENTITY = sa.select(
    *(tables.patient.c[name] for name in ("id", "authority", "value", "merged_into", "merge_version", "demographics"))
)


def connected(connection: sa.Connection, ids: Iterable[int]) -> dict[int, Identity]:
    """Return these and every identity they lead to or that leads to them; one query when nothing was merged."""
    rows: dict[int, Identity] = {}
    asked: set[int] = set()
    frontier = set(ids)
    while frontier:
        found = _read(connection, _these_and_near, frontier)
        asked |= frontier
        rows |= found
        frontier = {row.merged_into for row in found.values() if row.merged_into is not None} | rows.keys()
        frontier -= asked
    return rows


Pair = tuple[int, int]  # two identities, the lower row first


@dataclass(frozen=True, slots=True)
class SourcedStatement:
    """The latest statement about two identities in one direction, and where it stands."""

    retired_id: int
    survivor_id: int
    retired: Name
    survivor: Name
    version: str
    undone: bool
    message_id: int
    control_id: str
    feed: str
    path: str

    @property
    def pair(self) -> Pair:
        """Whom it is about, whatever the direction."""
        return min(self.retired_id, self.survivor_id), max(self.retired_id, self.survivor_id)

    @property
    def beside(self) -> bool:
        """Whether no message merged them: one gave both numbers to one patient."""
        return self.version == BESIDE

    @property
    def at(self) -> datetime | None:
        """When it took effect."""
        return event_time(self.version)


@dataclass(frozen=True, slots=True)
class Unclear:
    """A person whose identity must be checked, and why."""

    person: Person[int]
    # circle: merges lead back to where they began; contradicted: other merges join two that were parted;
    # citizen_number: only because one carries the other.
    why: str


def newest(connection: sa.Connection, before: int | None, limit: int) -> list[SourcedStatement]:
    """Return the newest statements, older than the message `before`; an un-merge in one direction."""
    statement = tables.merge_statement
    ids = (
        sa.select(statement.c.message_id)
        .where(statement.c.version != SPELLED)
        .distinct()
        .order_by(statement.c.message_id.desc())
        .limit(limit)
    )
    if before is not None:
        ids = ids.where(statement.c.message_id < before)
    found = _read_sourced(connection, statement.c.message_id.in_(ids.subquery().select()))
    return list(by_pair(found).values())


def by_pair(spoken: Iterable[SourcedStatement]) -> dict[Pair, SourcedStatement]:
    """Return one statement per pair: the merge that stands, else the un-merge."""
    lines: dict[Pair, SourcedStatement] = {}
    for each in spoken:
        if each.pair not in lines or (lines[each.pair].undone and not each.undone):
            lines[each.pair] = each
    return lines


def of_pair(connection: sa.Connection, pair: Pair) -> list[SourcedStatement]:
    """Return the statements about these two, in either direction."""
    statement = tables.merge_statement
    one, other = pair
    there = (statement.c.retired_id == one) & (statement.c.survivor_id == other)
    back = (statement.c.retired_id == other) & (statement.c.survivor_id == one)
    return _read_sourced(connection, there | back)


def among_members(connection: sa.Connection, members: Collection[int]) -> list[SourcedStatement]:
    """Return the statements about any of these identities, newest first."""
    statement = tables.merge_statement
    return _read_sourced(
        connection,
        among(connection, statement.c.retired_id, members) | among(connection, statement.c.survivor_id, members),
    )


def _read_sourced(connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[SourcedStatement]:
    statement, message, feed = tables.merge_statement, tables.message, tables.feed
    retired, survivor = tables.patient.alias("retired"), tables.patient.alias("survivor")
    query = (
        sa.select(statement, message.c.control_id, feed.c.name.label("feed"))
        .add_columns(retired.c.authority.label("ra"), retired.c.value.label("rv"))
        .add_columns(survivor.c.authority.label("sa"), survivor.c.value.label("sv"))
        .join(message, message.c.id == statement.c.message_id)
        .join(feed, feed.c.id == message.c.feed_id)
        .join(retired, retired.c.id == statement.c.retired_id)
        .join(survivor, survivor.c.id == statement.c.survivor_id)
        .where(which, statement.c.version != SPELLED)
        .order_by(statement.c.message_id.desc(), statement.c.retired_id, statement.c.survivor_id)
    )
    return [_sourced(row) for row in connection.execute(query)]


def _sourced(row: Any) -> SourcedStatement:
    return SourcedStatement(
        retired_id=row.retired_id,
        survivor_id=row.survivor_id,
        retired=(row.ra, row.rv),
        survivor=(row.sa, row.sv),
        version=row.version,
        undone=row.undone,
        message_id=row.message_id,
        control_id=row.control_id,
        feed=row.feed,
        path=row.path,
    )


def unclear(connection: sa.Connection) -> list[Unclear]:
    """Return everybody whose merges contradict each other, by the name of the root."""
    return unclear_among(connection, _suspects(connection))


def unclear_among(connection: sa.Connection, ids: Collection[int]) -> list[Unclear]:
    """Return those of these people whose merges contradict each other."""
    rows = connected(connection, ids)
    names, leading = {id_: row.name for id_, row in rows.items()}, pointing(rows)
    by_statements = {id_: pointer for id_, pointer in leading.items() if pointer.version}
    people = people_of(rows, leading, names)
    several = {member for person in people if len(person.members) > 1 for member in person.members}
    statements = statements_about(connection, several)
    found = []
    for person in people:
        if person.in_circle:
            found.append(Unclear(person, "circle"))
        elif len(person.members) > 1 and is_contradicted(person, statements):
            by_statement = people_of(person.members, by_statements, names)
            by_number = not any(is_contradicted(each, statements) for each in by_statement)
            found.append(Unclear(person, "citizen_number" if by_number else "contradicted"))
    return found


def _suspects(connection: sa.Connection) -> set[int]:
    """Return the candidates: in a circle one is both retired and survivor, in a contradiction one was parted."""
    statement = tables.merge_statement
    further = tables.merge_statement.alias("further")
    chained = sa.select(statement.c.retired_id).join(further, further.c.retired_id == statement.c.survivor_id)
    chained = chained.where(sa.not_(statement.c.undone), sa.not_(further.c.undone))
    parted = sa.select(statement.c.retired_id).where(statement.c.undone)
    return set(connection.execute(sa.union(chained, parted)).scalars())


def statements_about(connection: sa.Connection, ids: Collection[int]) -> Sequence[MergeStatement[int]]:
    """Return what is said about these as retired identities."""
    statement = tables.merge_statement
    rows = connection.execute(sa.select(statement).where(among(connection, statement.c.retired_id, ids)))
    return [MergeStatement(row.retired_id, row.survivor_id, row.version, row.undone) for row in rows]


def patients_named(connection: sa.Connection, number: str) -> set[int]:
    """Return every identity, merged ones included, of the patients with this number (`authority|value` or value)."""
    authority, separator, value = number.rpartition("|")
    return merge_set(connection, named(connection, value, authority if separator else None))
