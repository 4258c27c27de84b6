"""Who a patient is: for every field, what the latest message that speaks of it says."""

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa

from store import tables
from store.engine import to_json
from store.rowsets import PARAMETER, Types, one_of, rowset

Told = tuple[int, str, Mapping[str, Any]]  # patient, version, the fields a message fills

_CHANGE: Types = {"id": sa.BigInteger(), "fields": sa.JSON(), "versions": sa.JSON()}


def update_demographics(connection: sa.Connection, entries: Iterable[Told]) -> set[int]:
    """Keep the latest of every field, and tell for whom a value changed; the patients must be locked.

    One of several identities of a person is told of also when it says again what it said: of them the latest counts.
    """
    told: dict[int, list[tuple[str, Mapping[str, Any]]]] = {}
    for patient_id, version, fields in entries:
        told.setdefault(patient_id, []).append((version, fields))
    known = _known(connection, told)
    changes, changed = [], set()
    for patient_id in sorted(told):
        row = known[patient_id]
        values, versions = dict(row.demographics), dict(row.demographics_versions)
        for version, fields in told[patient_id]:
            later = [name for name in fields if versions.get(name, "") < version]
            values |= {name: fields[name] for name in later}
            versions |= dict.fromkeys(later, version)
        if versions != row.demographics_versions:
            changes.append({"id": patient_id, "fields": values, "versions": versions})
        if values != row.demographics or (versions != row.demographics_versions and row.is_merged):
            changed.add(patient_id)
    _write(connection, changes)
    return changed


def _known(connection: sa.Connection, ids: Collection[int]) -> dict[int, sa.Row[*tuple[Any, ...]]]:
    return {row.id: row for row in connection.execute(_select(connection.dialect.name), {"ids": ids})}


@cache
def _select(dialect: str) -> sa.Executable:
    patient, other = tables.patient, tables.patient.alias()
    is_merged = patient.c.merged_into.is_not(None) | sa.exists().where(other.c.merged_into == patient.c.id)
    columns = patient.c.id, patient.c.demographics, patient.c.demographics_versions, is_merged.label("is_merged")
    query = sa.select(*columns)
    return query.where(one_of(dialect, patient.c.id))


def _write(connection: sa.Connection, changes: list[dict[str, Any]]) -> None:
    if changes:
        connection.execute(_update(connection.dialect.name), {PARAMETER: to_json(changes)})


@cache
def _update(dialect: str) -> sa.Update:
    patient, told = tables.patient, rowset(dialect, _CHANGE)
    values = {"demographics": told.c.fields, "demographics_versions": told.c.versions}
    return sa.update(patient).where(patient.c.id == told.c.id).values(values)
