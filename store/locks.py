"""The locks that serialise work on one person, taken in one order so that workers never deadlock."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache

import sqlalchemy as sa

from clinical.identities import CITIZEN_NUMBERS, Name, is_citizen_number
from store import citizen_numbers, merges, patients, tables
from store.engine import to_json
from store.errors import PeopleMoved
from store.patients import KnownPatient
from store.rowsets import PARAMETER, one_of, rowset


@dataclass(frozen=True, slots=True)
class LockedPeople:
    """The identities that were asked for, and all that may be one person with them, as they are now."""

    ids: dict[Name, int]  # of those asked for
    rows: dict[int, KnownPatient]  # of all


def lock_named(connection: sa.Connection, names: Collection[Name], carried: Collection[Name]) -> LockedPeople:
    """Lock everybody with these names, created if missing, and all that these citizen numbers may join to them.

    Whoever was waited for may have merged them: `near`, in a later statement, sees whether they still are all. On
    SQLite the write transaction already locks everybody. Raises PeopleMoved when another transaction created one.
    """
    if connection.dialect.name != "postgresql":
        ids = patients.identities(connection, names)
        numbers = sorted(name for name in carried if is_citizen_number(name))
        of_numbers = patients.found(connection, numbers) if numbers else {}
        wanted = _all_connected(connection, {*ids.values(), *of_numbers.values()})
        return LockedPeople(ids, patients.of_ids(connection, wanted))
    taken = _take_numbers(connection, names, carried)
    alone = [name for name in names if is_citizen_number(name)]
    if alone:
        patients.identities(connection, alone)  # those who carry it must be locked with it
    seeds = [{"authority": authority, "value": value} for authority, value in sorted({*names, *taken})]
    if not seeds:
        return LockedPeople({}, {})
    found = connection.execute(_lock_named(), {PARAMETER: to_json(seeds)})
    rows = {row.id: row for row in (KnownPatient(*each) for each in found)}
    ids = {row.name: row.id for row in rows.values()}
    if missing := sorted(set(names) - ids.keys()):
        made = patients.make(connection, missing)
        if len(made) < len(missing):
            raise PeopleMoved
        ids |= made
        rows |= {id_: KnownPatient(id_, *name, None, {}, {}, False, []) for name, id_ in made.items()}
    return LockedPeople({name: ids[name] for name in names}, rows)


def lock_people(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    """Lock these identities, all of the same people, and all that a merge or citizen number may join to their carriers.

    This holds even if a merge came in between. On SQLite the write transaction already locks everybody.
    """
    if connection.dialect.name != "postgresql":
        return set(ids)
    wanted = _connected(connection, ids)
    while True:
        held = connection.begin_nested()
        patients.lock(connection, wanted)
        # After waiting for a lock, only a new statement sees what was merged meanwhile.
        more = _connected(connection, wanted) - wanted
        if not more:
            held.commit()
            return wanted
        # Locks are taken in one order, so all are released before any is added: no deadlock.
        held.rollback()
        wanted |= more


def lock_numbers(connection: sa.Connection, names: Iterable[Name], carried: Iterable[Name]) -> set[int]:
    """Serialise making an identity of a citizen number with linking that number to a patient.

    Neither sees the other's new rows before they are committed. Two patients who carry the same number do not wait,
    unless it is an identity: those are returned, to be locked with the people, because where they lead depends on all
    their carriers.
    """
    wanted = _take_numbers(connection, names, carried)
    return set(patients.found(connection, wanted).values()) if wanted else set()


def _take_numbers(connection: sa.Connection, names: Iterable[Name], carried: Iterable[Name]) -> list[Name]:
    """Lock the citizen numbers among these, and return them; none on SQLite."""
    if connection.dialect.name != "postgresql":
        return []
    alone = {name for name in names if is_citizen_number(name)}
    wanted = sorted(alone.union(name for name in carried if is_citizen_number(name)))
    if wanted:
        rows = [{"number": "|".join(name), "alone": name in alone} for name in wanted]
        connection.execute(_TAKE, {PARAMETER: to_json(rows)})
    return wanted


def _take() -> sa.Executable:
    wanted = rowset("postgresql", {"number": sa.Text(), "alone": sa.Boolean()})
    key = sa.func.hashtextextended(wanted.c.number, 0)
    mine, shared = sa.func.pg_advisory_xact_lock(key), sa.func.pg_advisory_xact_lock_shared(key)
    return sa.select(sa.case((wanted.c.alone, sa.cast(mine, sa.Text)), else_=sa.cast(shared, sa.Text)))


_TAKE = _take()


def _connected(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    return set(connection.execute(_near(), {"ids": ids}).scalars())


@cache
def _near() -> sa.Executable:
    return sa.select(near("ids").c.id)


def near(ids: str) -> sa.CTE:
    """Return the identities that may be one person with those of this parameter, for a statement of PostgreSQL."""
    return _closure(sa.select(tables.patient.c.id).where(one_of("postgresql", tables.patient.c.id, ids)))


@cache
def _lock_named() -> sa.Executable:
    patient = tables.patient
    wanted = rowset("postgresql", {"authority": sa.Text(), "value": sa.Text()})
    same = (patient.c.authority == wanted.c.authority) & (patient.c.value == wanted.c.value)
    found = _closure(sa.select(patient.c.id).join_from(wanted, patient, same))
    columns = (patient.c[name] for name in KnownPatient.__struct_fields__)
    query = sa.select(*columns).where(patient.c.id.in_(sa.select(found.c.id))).order_by(patient.c.id)
    return query.with_for_update(key_share=True)  # NO KEY: others may still insert rows that refer to the patient


def _closure(seeds: sa.Select[tuple[int]]) -> sa.CTE:
    """Return these and all that merges, statements about them, or citizen numbers link to them, however indirectly."""
    found = seeds.cte("near", recursive=True)
    patient, statement = tables.patient.alias("other"), tables.merge_statement
    number, identifier = tables.patient.alias("number"), tables.identifier
    named = (number.c.authority == identifier.c.authority) & (number.c.value == identifier.c.value)
    ways = [
        sa.select(patient.c.merged_into.label("id")).where(
            patient.c.id == found.c.id, patient.c.merged_into.is_not(None)
        ),
        sa.select(patient.c.id).where(patient.c.merged_into == found.c.id),
        sa.select(statement.c.survivor_id).where(statement.c.retired_id == found.c.id),
        sa.select(statement.c.retired_id).where(statement.c.survivor_id == found.c.id),
        sa.select(number.c.id)
        .join_from(identifier, number, named)
        .where(identifier.c.patient_id == found.c.id, identifier.c.authority == CITIZEN_NUMBERS),
        sa.select(identifier.c.patient_id)
        .join_from(number, identifier, named)
        .where(number.c.id == found.c.id, number.c.authority == CITIZEN_NUMBERS),
    ]
    others = sa.union_all(*(each.correlate(found) for each in ways)).lateral("others")
    return found.union(sa.select(others.c.id).select_from(found.join(others, sa.true())))


def _all_connected(connection: sa.Connection, ids: Iterable[int]) -> set[int]:
    """Return the same on SQLite, which knows no LATERAL."""
    wanted, seen = set(ids), set[int]()
    while wanted != seen:
        seen = wanted
        same = merges.merge_set(connection, wanted)
        wanted = same.union(connection.execute(_related(), {"ids": same}).scalars())
    return wanted


@cache
def _related() -> sa.Executable:
    return sa.union(*citizen_numbers.select_related("sqlite"), *merges.select_stated("sqlite"))
