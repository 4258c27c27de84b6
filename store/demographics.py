"""Who a patient is: for every field, what the latest message that speaks of it says."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from store import patients, tables

Told = tuple[int, str, Mapping[str, Any]]  # patient, version, the fields a message fills


def update_demographics(connection: sa.Connection, entries: Iterable[Told]) -> set[int]:
    """Keep the latest of every field, and tell for whom a value changed; the patients must be locked."""
    told: dict[int, list[tuple[str, Mapping[str, Any]]]] = {}
    for patient_id, version, fields in entries:
        told.setdefault(patient_id, []).append((version, fields))
    known = patients.of_ids(connection, told)
    changes, changed = [], set()
    for patient_id in sorted(told):
        row = known[patient_id]
        values, versions = dict(row["demographics"]), dict(row["demographics_versions"])
        for version, fields in told[patient_id]:
            later = [name for name in fields if versions.get(name, "") < version]
            values |= {name: fields[name] for name in later}
            versions |= dict.fromkeys(later, version)
        if versions != row["demographics_versions"]:
            changes.append({"whose": patient_id, "fields": values, "versions": versions})
        if values != row["demographics"]:
            changed.add(patient_id)
    _write(connection, changes)
    return changed


def _write(connection: sa.Connection, changes: list[dict[str, Any]]) -> None:
    if not changes:
        return
    patient = tables.patient
    change = sa.update(patient).where(patient.c.id == sa.bindparam("whose"))
    values: dict[str, Any] = {"demographics": sa.bindparam("fields"), "demographics_versions": sa.bindparam("versions")}
    connection.execute(change.values(**values), changes)
