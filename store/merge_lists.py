"""What was said of merges, for people to look at: two by two, newest first, and those that contradict each other."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from clinical.identities import MergeStatement, Name, Person, is_contradicted, people_of
from clinical.versions import event_time
from store import merges, tables
from store.rowsets import among

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
    ids = sa.select(told.c.message_id).distinct().order_by(told.c.message_id.desc()).limit(limit)
    if before is not None:
        ids = ids.where(told.c.message_id < before)
    found = _read(connection, told.c.message_id.in_(ids.subquery().select()))
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
    return _read(connection, there | back)


def among_members(connection: sa.Connection, members: Collection[int]) -> list[Spoken]:
    """What was said of any of these identities, newest first."""
    told = tables.merge_statement
    return _read(
        connection, among(connection, told.c.retired_id, members) | among(connection, told.c.survivor_id, members)
    )


def _read(connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[Spoken]:
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
        .where(which)
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
    rows = merges.connected(connection, ids)
    names, leading = {id_: row.name for id_, row in rows.items()}, merges.pointing(rows)
    by_statements = {id_: pointer for id_, pointer in leading.items() if pointer.version}
    people = people_of(rows, leading, names)
    several = {member for person in people if len(person.members) > 1 for member in person.members}
    said = _said(connection, several)
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


def _said(connection: sa.Connection, ids: Collection[int]) -> Sequence[MergeStatement[int]]:
    told = tables.merge_statement
    rows = connection.execute(sa.select(told).where(among(connection, told.c.retired_id, ids)))
    return [MergeStatement(row.retired_id, row.survivor_id, row.version, row.undone) for row in rows]
