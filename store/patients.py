"""Identities, their demographics, and the lock that serialises work on one patient.

An identity is the (authority, value) a message names its patient by. Merges are in `store/merges.py`, names and dates
in `store/demographics.py`.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from store import tables
from store.upserting import insert_or

Name = tuple[str, str]  # authority, value


@dataclass(frozen=True, slots=True)
class Number:
    """One number by which a patient is known."""

    patient_id: int
    authority: str
    value: str
    type: str = ""


def identities(connection: sa.Connection, names: Iterable[Name]) -> dict[Name, int]:
    """Give the identity of every name, made where it was missing.

    Ask for all names of a batch at once: they are made in sorted order, so two batches never wait for each other.
    """
    wanted = sorted(set(names))
    found = _ids_of(connection, wanted)
    missing = [name for name in wanted if name not in found]
    if missing:
        rows = [{"authority": authority, "value": value} for authority, value in missing]
        connection.execute(insert_or(connection, tables.patient).on_conflict_do_nothing(), rows)
        found |= _ids_of(connection, missing)
    return found


def _ids_of(connection: sa.Connection, names: Sequence[Name]) -> dict[Name, int]:
    if not names:
        return {}
    patient = tables.patient
    query = sa.select(patient.c.authority, patient.c.value, patient.c.id)
    query = query.where(sa.tuple_(patient.c.authority, patient.c.value).in_(names))
    return {(row.authority, row.value): row.id for row in connection.execute(query)}


def link_identifiers(connection: sa.Connection, links: Iterable[tuple[str, str, str, int]]) -> None:
    """Note by which numbers patients are known: (authority, value, type, patient). Of two types the greater stays."""
    types: dict[tuple[str, str, int], str] = {}
    for authority, value, kind, patient_id in links:
        types[authority, value, patient_id] = max(types.get((authority, value, patient_id), ""), kind)
    known = _types_of(connection, sorted(types))
    rows = [
        {"authority": authority, "value": value, "patient_id": patient_id, "type": kind}
        for (authority, value, patient_id), kind in sorted(types.items())
        if (authority, value, patient_id) not in known or kind > known[authority, value, patient_id]
    ]
    if rows:
        insert = insert_or(connection, tables.identifier)
        statement = insert.on_conflict_do_update(
            index_elements=["authority", "value", "patient_id"],
            set_={"type": insert.excluded.type},
            where=insert.excluded.type > tables.identifier.c.type,
        )
        connection.execute(statement, rows)


def _types_of(connection: sa.Connection, keys: Sequence[tuple[str, str, int]]) -> dict[tuple[str, str, int], str]:
    if not keys:
        return {}
    identifier = tables.identifier
    columns = (identifier.c.authority, identifier.c.value, identifier.c.patient_id)
    query = sa.select(*columns, identifier.c.type).where(sa.tuple_(*columns).in_(keys))
    return {(row.authority, row.value, row.patient_id): row.type for row in connection.execute(query)}


def lock(connection: sa.Connection, ids: Collection[int]) -> None:
    """Hold these patients until the transaction ends; on SQLite the write transaction already does."""
    if connection.dialect.name != "postgresql" or not ids:
        return
    patient = tables.patient
    query = sa.select(patient.c.id).where(patient.c.id.in_(sorted(ids))).order_by(patient.c.id)
    # NO KEY: others may still insert rows that refer to the patient.
    connection.execute(query.with_for_update(key_share=True))


def mark_has_ivig(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    """Note that these patients have an order or administration that may be IVIg; tell for whom that is news."""
    patient = tables.patient
    change = sa.update(patient).where(patient.c.id.in_(sorted(ids)), patient.c.has_ivig.is_(False))
    return set(connection.execute(change.values(has_ivig=True).returning(patient.c.id)).scalars())


def of_ids(connection: sa.Connection, ids: Collection[int]) -> dict[int, sa.RowMapping]:
    """Give these patients by id."""
    if not ids:
        return {}
    rows = connection.execute(sa.select(tables.patient).where(tables.patient.c.id.in_(sorted(ids)))).mappings()
    return {row["id"]: row for row in rows}


def numbers_of(connection: sa.Connection, ids: Collection[int]) -> list[Number]:
    """Give every number these patients are known by."""
    identifier = tables.identifier
    query = sa.select(identifier).where(identifier.c.patient_id.in_(sorted(ids)))
    query = query.order_by(identifier.c.authority, identifier.c.value, identifier.c.patient_id)
    return [Number(row.patient_id, row.authority, row.value, row.type) for row in connection.execute(query)]
