"""The locks that serialise work on one person, taken in one order so that workers never deadlock."""

from collections.abc import Collection, Iterable

import sqlalchemy as sa

from clinical.identities import Name, is_citizen_number
from store import citizen_numbers, merges, patients
from store.engine import to_json
from store.rowsets import PARAMETER, rowset


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
    if connection.dialect.name != "postgresql":
        return set()
    alone = {name for name in names if is_citizen_number(name)}
    wanted = sorted(alone.union(name for name in carried if is_citizen_number(name)))
    if not wanted:
        return set()
    rows = [{"number": "|".join(name), "alone": name in alone} for name in wanted]
    connection.execute(_TAKE, {PARAMETER: to_json(rows)})
    return set(patients.found(connection, wanted).values())


def _take() -> sa.Executable:
    wanted = rowset("postgresql", {"number": sa.Text(), "alone": sa.Boolean()})
    key = sa.func.hashtextextended(wanted.c.number, 0)
    mine, shared = sa.func.pg_advisory_xact_lock(key), sa.func.pg_advisory_xact_lock_shared(key)
    return sa.select(sa.case((wanted.c.alone, sa.cast(mine, sa.Text)), else_=sa.cast(shared, sa.Text)))


_TAKE = _take()


def _connected(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    wanted, seen = set(ids), set[int]()
    while wanted != seen:
        seen = wanted
        same = merges.merge_set(connection, wanted)
        wanted = same.union(connection.execute(_RELATED, {"ids": same}).scalars())
    return wanted


_RELATED = sa.union(*citizen_numbers.select_related("postgresql"), *merges.select_stated("postgresql"))
