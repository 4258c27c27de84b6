"""Merged identities: pointers that are followed when read, so a merge commutes with everything and can be undone.

Also what was said of merges, for people to look at: two by two, newest first, and those that contradict each other.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from clinical.identities import MergeStatement, Name, Person, Pointer, is_contradicted, people_of, pointers
from clinical.versions import SPELLED, event_time
from store import tables
from store.patients import named
from store.rowsets import among, insert_or, one_of


@dataclass(frozen=True, slots=True)
class Statement:
    """What a message says of two identities: `retired` is `survivor` now, or no longer is."""

    retired_id: int
    survivor_id: int
    version: str
    message_id: int
    path: str
    undone: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """A patient as the merges see it: its name, and where it leads by which version."""

    name: Name
    merged_into: int | None
    version: str


def merge_set(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    """Give these identities and all that are the same person as one of them."""
    return set(connected(connection, ids))


def persons(connection: sa.Connection, ids: Collection[int]) -> list[Person[int]]:
    """Give the persons behind these identities, each once, in the order of their root's name."""
    rows = connected(connection, ids)
    return people_of(rows, pointing(rows), {id_: row.name for id_, row in rows.items()})


def pointing(rows: Mapping[int, Identity]) -> dict[int, Pointer[int]]:
    """Give where each of these leads that leads anywhere."""
    return {id_: Pointer(row.merged_into, row.version) for id_, row in rows.items() if row.merged_into is not None}


def select_told(dialect: str) -> list[sa.Select[int]]:
    """Give queries for the identities that anything was ever said of beside "ids": they may be one again."""
    told = tables.merge_statement
    survivors = sa.select(told.c.survivor_id).where(one_of(dialect, told.c.retired_id))
    retired = sa.select(told.c.retired_id).where(one_of(dialect, told.c.survivor_id))
    return [survivors, retired]


def contradicted(connection: sa.Connection, person: Person[int]) -> bool:
    """Tell whether somebody said that two identities of this person are two, and others lead them together again."""
    if len(person.members) == 1:
        return False
    told = sa.select(tables.merge_statement).where(
        among(connection, tables.merge_statement.c.retired_id, person.members)
    )
    return is_contradicted(person, map(_said, connection.execute(told)))


def tell(connection: sa.Connection, statements: Iterable[Statement]) -> set[int]:
    """Keep what is later than what we have of each pair; give those it is news of, and where they led before.

    All of them must be locked. News may join or split two histories, or contradict what else was said.
    """
    told = _latest(statements)
    if not told:
        return set()
    table = tables.merge_statement
    insert = insert_or(connection.dialect.name, table)
    change = insert.on_conflict_do_update(
        index_elements=["retired_id", "survivor_id"],
        set_={name: insert.excluded[name] for name in ("version", "undone", "message_id", "path")},
        where=insert.excluded.version > table.c.version,
    )
    news = connection.execute(
        change.returning(table.c.retired_id, table.c.survivor_id), [_values(each) for each in told]
    )
    pairs = [(row.retired_id, row.survivor_id) for row in news]
    return {id_ for pair in pairs for id_ in pair} | repoint(connection, {retired for retired, _ in pairs})


def _latest(statements: Iterable[Statement]) -> list[Statement]:
    """One per pair, the first of a tie, in the order of the pairs; none of an identity with itself."""
    held: dict[tuple[int, int], Statement] = {}
    for each in statements:
        pair = each.retired_id, each.survivor_id
        if pair[0] != pair[1] and (pair not in held or held[pair].version < each.version):
            held[pair] = each
    return [held[pair] for pair in sorted(held)]


def _values(statement: Statement) -> dict[str, object]:
    return {name: getattr(statement, name) for name in statement.__slots__}


def repoint(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    """Let these identities lead where the statements say; give those that changed, with where they led and lead."""
    told = sa.select(tables.merge_statement).where(among(connection, tables.merge_statement.c.retired_id, ids))
    statements = [_said(row) for row in connection.execute(told)]
    rows = identities(connection, {*ids, *(said.survivor for said in statements)})
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
    """Let each identity lead to another, or to none, by the version of the statement that says so, "" without one."""
    if led:
        connection.execute(_POINT, [{"one": id_, "other": to, "told": version or None} for id_, to, version in led])


_POINT = (
    sa.update(tables.patient)
    .where(tables.patient.c.id == sa.bindparam("one"))
    .values(merged_into=sa.bindparam("other"), merge_version=sa.bindparam("told"))
)


def _said(row: Any) -> MergeStatement[int]:
    return MergeStatement(row.retired_id, row.survivor_id, row.version, row.undone)


def identities(connection: sa.Connection, ids: Collection[int]) -> dict[int, Identity]:
    """Give these as the merges see them."""
    return _read(connection, _these, ids)


def _read(
    connection: sa.Connection, which: Callable[[str], sa.Executable], ids: Collection[int]
) -> dict[int, Identity]:
    return {
        row.id: Identity((row.authority, row.value), row.merged_into, row.merge_version or "")
        for row in connection.execute(which(connection.dialect.name), {"ids": ids})
    }


@cache
def _these(dialect: str) -> sa.Executable:
    return _IDENTITY.where(one_of(dialect, tables.patient.c.id))


@cache
def _these_and_near(dialect: str) -> sa.Executable:
    patient = tables.patient
    # Two queries: of both conditions in one, SQLite reads the table whole.
    these, near = one_of(dialect, patient.c.id), one_of(dialect, patient.c.merged_into)
    return sa.union(_IDENTITY.where(these), _IDENTITY.where(near))


_IDENTITY = sa.select(
    *(tables.patient.c[name] for name in ("id", "authority", "value", "merged_into", "merge_version"))
)


def connected(connection: sa.Connection, ids: Iterable[int]) -> dict[int, Identity]:
    """Give these and every identity they lead to or that leads to them; one query when nothing was merged."""
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
class Spoken:
    """The latest that was said of two identities in one direction, and where it stands."""

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
    def at(self) -> datetime | None:
        """When it took effect."""
        return event_time(self.version)


@dataclass(frozen=True, slots=True)
class Unclear:
    """A person whose identity somebody must look into, and why."""

    person: Person[int]
    # circle: merges lead back to where they began; contradicted: others lead two together that were parted;
    # citizen_number: only that one carries the other does so.
    why: str


def newest(connection: sa.Connection, before: int | None, limit: int) -> list[Spoken]:
    """What the newest messages about merges said, older than the message `before`; an un-merge in one direction."""
    told = tables.merge_statement
    ids = (
        sa.select(told.c.message_id)
        .where(told.c.version != SPELLED)
        .distinct()
        .order_by(told.c.message_id.desc())
        .limit(limit)
    )
    if before is not None:
        ids = ids.where(told.c.message_id < before)
    found = _read_spoken(connection, told.c.message_id.in_(ids.subquery().select()))
    return list(by_pair(found).values())


def by_pair(spoken: Iterable[Spoken]) -> dict[Pair, Spoken]:
    """One line for each two: the merge that stands, else that they were parted."""
    lines: dict[Pair, Spoken] = {}
    for each in spoken:
        if each.pair not in lines or (lines[each.pair].undone and not each.undone):
            lines[each.pair] = each
    return lines


def of_pair(connection: sa.Connection, pair: Pair) -> list[Spoken]:
    """What was said of these two, in either direction."""
    told = tables.merge_statement
    one, other = pair
    there = (told.c.retired_id == one) & (told.c.survivor_id == other)
    back = (told.c.retired_id == other) & (told.c.survivor_id == one)
    return _read_spoken(connection, there | back)


def among_members(connection: sa.Connection, members: Collection[int]) -> list[Spoken]:
    """What was said of any of these identities, newest first."""
    told = tables.merge_statement
    return _read_spoken(
        connection, among(connection, told.c.retired_id, members) | among(connection, told.c.survivor_id, members)
    )


def _read_spoken(connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[Spoken]:
    told, message, feed = tables.merge_statement, tables.message, tables.feed
    retired, survivor = tables.patient.alias("retired"), tables.patient.alias("survivor")
    query = (
        sa.select(told, message.c.control_id, feed.c.name.label("feed"))
        .add_columns(retired.c.authority.label("ra"), retired.c.value.label("rv"))
        .add_columns(survivor.c.authority.label("sa"), survivor.c.value.label("sv"))
        .join(message, message.c.id == told.c.message_id)
        .join(feed, feed.c.id == message.c.feed_id)
        .join(retired, retired.c.id == told.c.retired_id)
        .join(survivor, survivor.c.id == told.c.survivor_id)
        .where(which, told.c.version != SPELLED)
        .order_by(told.c.message_id.desc(), told.c.retired_id, told.c.survivor_id)
    )
    return [_spoken(row) for row in connection.execute(query)]


def _spoken(row: Any) -> Spoken:
    return Spoken(
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
    """Everybody whose merges contradict each other, by the name of the root."""
    return unclear_among(connection, _suspects(connection))


def unclear_among(connection: sa.Connection, ids: Collection[int]) -> list[Unclear]:
    """Those of these people whose merges contradict each other."""
    rows = connected(connection, ids)
    names, leading = {id_: row.name for id_, row in rows.items()}, pointing(rows)
    by_statements = {id_: pointer for id_, pointer in leading.items() if pointer.version}
    people = people_of(rows, leading, names)
    several = {member for person in people if len(person.members) > 1 for member in person.members}
    said = _said_of(connection, several)
    found = []
    for person in people:
        if person.in_circle:
            found.append(Unclear(person, "circle"))
        elif len(person.members) > 1 and is_contradicted(person, said):
            said_to_be_one = people_of(person.members, by_statements, names)
            by_number = not any(is_contradicted(each, said) for each in said_to_be_one)
            found.append(Unclear(person, "citizen_number" if by_number else "contradicted"))
    return found


def _suspects(connection: sa.Connection) -> set[int]:
    """Who may be unclear: a circle has somebody who is both retired and survivor, a contradiction somebody parted."""
    told = tables.merge_statement
    further = tables.merge_statement.alias("further")
    chained = sa.select(told.c.retired_id).join(further, further.c.retired_id == told.c.survivor_id)
    chained = chained.where(sa.not_(told.c.undone), sa.not_(further.c.undone))
    parted = sa.select(told.c.retired_id).where(told.c.undone)
    return set(connection.execute(sa.union(chained, parted)).scalars())


def _said_of(connection: sa.Connection, ids: Collection[int]) -> Sequence[MergeStatement[int]]:
    told = tables.merge_statement
    rows = connection.execute(sa.select(told).where(among(connection, told.c.retired_id, ids)))
    return [MergeStatement(row.retired_id, row.survivor_id, row.version, row.undone) for row in rows]


def patients_named(connection: sa.Connection, number: str) -> set[int]:
    """Every identity of the patients a number points to, `authority|value` or the value alone, merged ones included."""
    authority, separator, value = number.rpartition("|")
    return merge_set(connection, named(connection, value, authority if separator else None))
