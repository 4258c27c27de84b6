"""Patients that a message names by their citizen number alone.

Such a number is an identity of its own. It leads to the one person who carries it beside a number of the hospital; with
two who carry it, it leads to neither, and both are shown as unclear: a wrong digit must never join two histories.
"""

from collections.abc import Collection
from functools import cache

import sqlalchemy as sa

from store import merges, patients, pointers, tables
from store.rowsets import one_of

AUTHORITY = "NLMINBIZA"


def is_one(name: patients.Name) -> bool:
    """Tell whether this is a citizen number (BSN)."""
    return name[0] == AUTHORITY


def beside(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    """Give the citizen numbers these carry, as far as they are identities, and who carries those among them."""
    return set(connection.execute(_beside(connection.dialect.name), {"ids": ids}).scalars())


@cache
def _beside(dialect: str) -> sa.Executable:
    return sa.union(*select_beside(dialect))


def select_beside(dialect: str) -> list[sa.Select[int]]:
    """Give the queries of `beside` about "ids", for whoever asks more at once."""
    patient, identifier = tables.patient, tables.identifier
    of_them = one_of(dialect, identifier.c.patient_id) & (identifier.c.authority == AUTHORITY)
    carried = sa.select(patient.c.id).select_from(_numbers()).where(of_them)
    among_them = one_of(dialect, patient.c.id) & (patient.c.authority == AUTHORITY)
    carriers = sa.select(identifier.c.patient_id).select_from(_numbers()).where(among_them)
    return [carried, carriers]


def _numbers() -> sa.Join:
    """Numbers that patients carry, each with the identity that goes by it."""
    patient, identifier = tables.patient, tables.identifier
    same = (patient.c.authority == identifier.c.authority) & (patient.c.value == identifier.c.value)
    return sa.join(identifier, patient, same)


def join(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    """Let the citizen numbers among or beside these lead to who carries them; give whom that may concern.

    All of them must be locked. A merge of the number itself, told by a message, is left alone.
    """
    numbers = merges.identities(connection, {*ids, *beside(connection, ids)})
    touched: set[int] = set()
    for id_, number in sorted(numbers.items()):
        if not is_one(number.name) or number.version:
            continue
        carriers = _carriers(connection, id_, number.name)
        rows = merges.connected(connection, carriers)
        names = {each: row.name for each, row in rows.items()}
        target = pointers.carrier(id_, carriers, merges.pointing(rows), names)
        if target != number.merged_into:
            merges.point(connection, [(id_, target, "")])
            touched |= {each for each in (target, number.merged_into) if each is not None}
        touched |= {id_, *carriers}  # that a number is shared is said with the orders of all who carry it
    return touched


def _carriers(connection: sa.Connection, number: int, name: patients.Name) -> set[int]:
    identifier = tables.identifier
    same = (identifier.c.authority == name[0]) & (identifier.c.value == name[1])
    carrying = sa.select(identifier.c.patient_id).where(same, identifier.c.patient_id != number)
    return set(connection.execute(carrying).scalars())


def is_shared(connection: sa.Connection, members: Collection[int]) -> bool:
    """Tell whether a citizen number of this person, itself an identity, is carried by somebody else too."""
    return not beside(connection, members) <= set(members)
