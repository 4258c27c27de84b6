"""Patients whom a message names by their citizen number alone.

Such a number is an identity of its own. It leads to the only person who also has it beside a hospital number; with
two such people it leads to neither, and both are shown as unclear: a wrong digit must never join two histories.
"""

from collections.abc import Collection
from functools import cache

import sqlalchemy as sa

from clinical.identities import CITIZEN_NUMBERS, is_citizen_number, with_carried
from store import merges, tables
from store.rowsets import among, one_of


def related(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    """Return the citizen numbers of these that are identities, and the carriers of those among these."""
    return set(connection.execute(_related(connection.dialect.name), {"ids": ids}).scalars())


@cache
def _related(dialect: str) -> sa.Executable:
    return sa.union(*select_related(dialect))


def select_related(dialect: str) -> list[sa.Select[int]]:
    """Return the queries of `related` about "ids", to combine with others."""
    patient, identifier = tables.patient, tables.identifier
    of_them = one_of(dialect, identifier.c.patient_id) & (identifier.c.authority == CITIZEN_NUMBERS)
    carried = sa.select(patient.c.id).select_from(_numbers()).where(of_them)
    among_them = one_of(dialect, patient.c.id) & (patient.c.authority == CITIZEN_NUMBERS)
    carriers = sa.select(identifier.c.patient_id).select_from(_numbers()).where(among_them)
    return [carried, carriers]


def _numbers() -> sa.Join:
    """Return the numbers of patients, each with the identity named by it."""
    patient, identifier = tables.patient, tables.identifier
    same = (patient.c.authority == identifier.c.authority) & (patient.c.value == identifier.c.value)
    return sa.join(identifier, patient, same)


def join(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    """Link the citizen numbers of these people to their carriers; return everybody this may concern.

    All of them must be locked, and all that lead to them. A merge of the number itself, sent in a message, is left
    alone.
    """
    people = merges.connected(connection, ids)
    others = related(connection, people) - people.keys()
    near = people | (merges.identities(connection, others) if others else {})
    if not any(is_citizen_number(row.name) for row in near.values()):
        return set()
    rows = _all_related(connection, near.keys())
    numbers = _carriers(connection, {id_ for id_, row in rows.items() if is_citizen_number(row.name)})
    stated = {id_: pointer for id_, pointer in merges.pointing(rows).items() if pointer.version or id_ not in numbers}
    leading = with_carried(numbers, stated, {id_: row.name for id_, row in rows.items()})
    touched: set[int] = set()
    for id_ in sorted(numbers.keys() - stated.keys()):
        before, target = rows[id_].merged_into, leading[id_].target if id_ in leading else None
        if target != before:
            merges.point(connection, [(id_, target, "")])
            touched |= {each for each in (target, before) if each is not None}
        if target != before or id_ in near:
            touched |= {id_, *numbers[id_]}  # a shared number is shown with the orders of all its carriers
    return touched


def _all_related(connection: sa.Connection, ids: Collection[int]) -> dict[int, merges.Identity]:
    """Return everybody linked to these by merges and citizen numbers, however indirectly."""
    rows, more = dict[int, merges.Identity](), set(ids)
    while more:
        rows |= merges.connected(connection, more)
        more = related(connection, set(rows)) - rows.keys()
    return rows


def _carriers(connection: sa.Connection, numbers: Collection[int]) -> dict[int, set[int]]:
    """Return the carriers of each of these numbers."""
    patient, identifier = tables.patient, tables.identifier
    columns = patient.c.id.label("number"), identifier.c.patient_id
    query = sa.select(*columns).select_from(_numbers()).where(among(connection, patient.c.id, numbers))
    found: dict[int, set[int]] = {number: set() for number in numbers}
    for row in connection.execute(query.where(identifier.c.patient_id != patient.c.id)):
        found[row.number].add(row.patient_id)
    return found


def is_shared(connection: sa.Connection, members: Collection[int]) -> bool:
    """Return whether a citizen number of this person, itself an identity, also belongs to somebody else."""
    return not related(connection, members) <= set(members)
