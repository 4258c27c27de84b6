"""Patients that a message names by their citizen number alone.

Such a number is an identity of its own. It leads to the one person who carries it beside a number of the hospital; with
two who carry it, it leads to neither, and both are shown as unclear: a wrong digit must never join two histories.
"""

from collections.abc import Collection
from functools import cache

import sqlalchemy as sa

from clinical.identities import CITIZEN_NUMBERS, is_citizen_number, with_carried
from store import merges, tables
from store.rowsets import among, one_of


def beside(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    """Give the citizen numbers these carry, as far as they are identities, and who carries those among them."""
    return set(connection.execute(_beside(connection.dialect.name), {"ids": ids}).scalars())


@cache
def _beside(dialect: str) -> sa.Executable:
    return sa.union(*select_beside(dialect))


def select_beside(dialect: str) -> list[sa.Select[int]]:
    """Give the queries of `beside` about "ids", for whoever asks more at once."""
    patient, identifier = tables.patient, tables.identifier
    of_them = one_of(dialect, identifier.c.patient_id) & (identifier.c.authority == CITIZEN_NUMBERS)
    carried = sa.select(patient.c.id).select_from(_numbers()).where(of_them)
    among_them = one_of(dialect, patient.c.id) & (patient.c.authority == CITIZEN_NUMBERS)
    carriers = sa.select(identifier.c.patient_id).select_from(_numbers()).where(among_them)
    return [carried, carriers]


def _numbers() -> sa.Join:
    """Numbers that patients carry, each with the identity that goes by it."""
    patient, identifier = tables.patient, tables.identifier
    same = (patient.c.authority == identifier.c.authority) & (patient.c.value == identifier.c.value)
    return sa.join(identifier, patient, same)


def join(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    """Let the citizen numbers among or beside these lead to who carries them; give whom that may concern.

    All of them must be locked, and all that lead to them. A merge of the number itself, told by a message, is left
    alone.
    """
    near = {*ids, *beside(connection, ids)}
    if not any(is_citizen_number(row.name) for row in merges.identities(connection, near).values()):
        return set()
    rows = _all_around(connection, near)
    numbers = _carriers(connection, {id_ for id_, row in rows.items() if is_citizen_number(row.name)})
    told = {id_: pointer for id_, pointer in merges.pointing(rows).items() if pointer.version or id_ not in numbers}
    leading = with_carried(numbers, told, {id_: row.name for id_, row in rows.items()})
    touched: set[int] = set()
    for id_ in sorted(numbers.keys() - told.keys()):
        before, target = rows[id_].merged_into, leading[id_].target if id_ in leading else None
        if target != before:
            merges.point(connection, [(id_, target, "")])
            touched |= {each for each in (target, before) if each is not None}
        if target != before or id_ in near:
            touched |= {id_, *numbers[id_]}  # that a number is shared is said with the orders of all who carry it
    return touched


def _all_around(connection: sa.Connection, ids: Collection[int]) -> dict[int, merges.Identity]:
    """Everybody whom merges and citizen numbers link to these, however far: where one number leads decides others."""
    rows, more = dict[int, merges.Identity](), set(ids)
    while more:
        rows |= merges.connected(connection, more)
        more = beside(connection, set(rows)) - rows.keys()
    return rows


def _carriers(connection: sa.Connection, numbers: Collection[int]) -> dict[int, set[int]]:
    """Who carries each of these numbers beside another."""
    patient, identifier = tables.patient, tables.identifier
    columns = patient.c.id.label("number"), identifier.c.patient_id
    query = sa.select(*columns).select_from(_numbers()).where(among(connection, patient.c.id, numbers))
    found: dict[int, set[int]] = {number: set() for number in numbers}
    for row in connection.execute(query.where(identifier.c.patient_id != patient.c.id)):
        found[row.number].add(row.patient_id)
    return found


def is_shared(connection: sa.Connection, members: Collection[int]) -> bool:
    """Tell whether a citizen number of this person, itself an identity, is carried by somebody else too."""
    return not beside(connection, members) <= set(members)
