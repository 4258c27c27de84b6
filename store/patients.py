"""Patient identities, their demographics, and the lock that serialises work on one patient.

An identity is the (authority, value) by which a message names its patient. For each demographic field the latest
message that mentions it counts; a flag is set once and never cleared. Merges are in `store/merges.py`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa

from clinical.identities import Name
from store import tables
from store.engine import to_json
from store.rowsets import PARAMETER, Types, among, insert_or, one_of, rowset

_NAME: dict[str, sa.types.TypeEngine[Any]] = {"authority": sa.Text(), "value": sa.Text()}
_NEW: dict[str, Any] = {"demographics": {}, "demographics_versions": {}, "has_ivig": False, "flags": []}
_NUMBER: Types = {"authority": sa.Text(), "value": sa.Text(), "patient_id": sa.BigInteger(), "type": sa.Text()}


class KnownPatient(msgspec.Struct, frozen=True):
    """One identity, with the demographics from its messages."""

    id: int
    authority: str
    value: str
    merged_into: int | None
    demographics: dict[str, Any]
    demographics_versions: dict[str, str]  # field → the version it came from
    has_ivig: bool  # some order or administration may be IVIg
    flags: list[str]

    @property
    def name(self) -> Name:
        """The authority and value that a message names it by."""
        return self.authority, self.value


@dataclass(frozen=True, slots=True)
class Number:
    """One number by which a patient is known."""

    patient_id: int
    authority: str
    value: str
    type: str = ""


def identities(connection: sa.Connection, names: Iterable[Name]) -> dict[Name, int]:
    """Return the identity of every name, created if missing.

    Ask for all names of a batch at once: they are created in sorted order, so two batches never deadlock.
    """
    wanted = sorted(set(names))
    if not wanted:
        return {}
    dialect = connection.dialect.name
    found = _run(connection, _find(dialect), wanted)
    if missing := [name for name in wanted if name not in found]:
        found |= _run(connection, _make(dialect), missing)
    if elsewhere := [name for name in missing if name not in found]:
        found |= _run(connection, _find(dialect), elsewhere)  # created by another transaction just now
    return found


def found(connection: sa.Connection, names: Sequence[Name]) -> dict[Name, int]:
    """Return the identity of every name that has one."""
    return _run(connection, _find(connection.dialect.name), names)


def _run(connection: sa.Connection, statement: sa.Executable, names: Sequence[Name]) -> dict[Name, int]:
    rows = to_json([_NEW | {"authority": authority, "value": value} for authority, value in names])
    found = connection.execute(statement, {PARAMETER: rows})
    return {(row.authority, row.value): row.id for row in found}


@cache
def _find(dialect: str) -> sa.Executable:
    patient, wanted = tables.patient, rowset(dialect, _NAME)
    same = (patient.c.authority == wanted.c.authority) & (patient.c.value == wanted.c.value)
    return sa.select(patient.c.authority, patient.c.value, patient.c.id).join_from(wanted, patient, same)


@cache
def _make(dialect: str) -> sa.Executable:
    patient = tables.patient
    types = _NAME | {name: patient.c[name].type for name in _NEW}
    rows = sa.select(rowset(dialect, types)).where(sa.true())
    insert = insert_or(dialect, patient).from_select(list(types), rows, include_defaults=False)
    return insert.on_conflict_do_nothing().returning(patient.c.authority, patient.c.value, patient.c.id)


def link_identifiers(connection: sa.Connection, links: Iterable[tuple[str, str, str, int]]) -> set[int]:
    """Record patients' numbers as (authority, value, type, patient); return the patients with a new one.

    If a number has two types, the greater is kept.
    """
    types: dict[tuple[str, str, int], str] = {}
    for authority, value, kind, patient_id in links:
        types[authority, value, patient_id] = max(types.get((authority, value, patient_id), ""), kind)
    rows = [dict(zip(_NUMBER, (*key, kind), strict=True)) for key, kind in sorted(types.items())]
    if not rows:
        return set()
    return set(connection.execute(_link(connection.dialect.name), {PARAMETER: to_json(rows)}).scalars())


@cache
def _link(dialect: str) -> sa.Executable:
    identifier, given = tables.identifier, rowset(dialect, _NUMBER)
    keys = ("authority", "value", "patient_id")
    same = sa.and_(*(identifier.c[name] == given.c[name] for name in keys))
    # Nearly always the number is known already; reading that is cheaper than a conflict.
    news = sa.select(*(given.c[name] for name in _NUMBER)).join_from(given, identifier, same, isouter=True)
    news = news.where(identifier.c.patient_id.is_(None) | (identifier.c.type < given.c.type))
    insert = insert_or(dialect, identifier).from_select(list(_NUMBER), news, include_defaults=False)
    greater = insert.excluded.type > identifier.c.type
    link = insert.on_conflict_do_update(index_elements=keys, set_={"type": insert.excluded.type}, where=greater)
    return link.returning(identifier.c.patient_id)


def lock(connection: sa.Connection, ids: Collection[int]) -> None:
    """Lock these patients until the transaction ends; on SQLite the write transaction already does."""
    if connection.dialect.name == "postgresql" and ids:
        connection.execute(_lock(), {"ids": ids})


@cache
def _lock() -> sa.Executable:
    patient = tables.patient
    query = sa.select(patient.c.id).where(one_of("postgresql", patient.c.id)).order_by(patient.c.id)
    return query.with_for_update(key_share=True)  # NO KEY: others may still insert rows that refer to the patient


def mark_has_ivig(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    """Record that these patients have an order or administration that may be IVIg; return those for whom it is new."""
    if not ids:
        return set()
    return set(connection.execute(_mark_has_ivig(connection.dialect.name), {"ids": ids}).scalars())


@cache
def _mark_has_ivig(dialect: str) -> sa.Executable:
    patient = tables.patient
    change = sa.update(patient).where(one_of(dialect, patient.c.id), patient.c.has_ivig.is_(False))
    return change.values(has_ivig=True).returning(patient.c.id)


def with_ivig(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    """Return the patients of these who have an order or administration that may be IVIg."""
    patient = tables.patient
    query = sa.select(patient.c.id).where(among(connection, patient.c.id, ids), patient.c.has_ivig)
    return set(connection.execute(query).scalars())


def of_ids(connection: sa.Connection, ids: Collection[int]) -> dict[int, KnownPatient]:
    """Return these patients by id."""
    if not ids:
        return {}
    rows = connection.execute(_of_ids(connection.dialect.name), {"ids": ids})
    return {patient.id: patient for patient in (KnownPatient(*row) for row in rows)}


@cache
def _of_ids(dialect: str) -> sa.Executable:
    columns = (tables.patient.c[name] for name in KnownPatient.__struct_fields__)
    return sa.select(*columns).where(one_of(dialect, tables.patient.c.id))


def numbers_of(connection: sa.Connection, ids: Collection[int]) -> list[Number]:
    """Return every number these patients are known by."""
    rows = connection.execute(_numbers_of(connection.dialect.name), {"ids": ids})
    return [Number(row.patient_id, row.authority, row.value, row.type) for row in rows]


@cache
def _numbers_of(dialect: str) -> sa.Executable:
    identifier = tables.identifier
    query = sa.select(identifier).where(one_of(dialect, identifier.c.patient_id))
    return query.order_by(identifier.c.authority, identifier.c.value, identifier.c.patient_id)


@dataclass(frozen=True, slots=True)
class NamesakeClues:
    """What tells whether two identities may be one person."""

    authority: str
    value: str
    family: str
    birth_date: str
    leads_elsewhere: bool  # it was merged into another, or is one that others lead to


def newest(connection: sa.Connection, limit: int) -> list[NamesakeClues]:
    """Give the identities that were made last."""
    patient = tables.patient
    columns = patient.c.id, patient.c.authority, patient.c.value, patient.c.merged_into, patient.c.demographics
    rows = connection.execute(sa.select(*columns).order_by(patient.c.id.desc()).limit(limit)).all()
    led_to = {row.merged_into for row in rows}
    return [
        NamesakeClues(
            authority=row.authority,
            value=row.value,
            family=row.demographics.get("family", ""),
            birth_date=row.demographics.get("birth_date", ""),
            leads_elsewhere=row.merged_into is not None or row.id in led_to,
        )
        for row in rows
    ]


def named(connection: sa.Connection, value: str, authority: str | None = None) -> set[int]:
    """Return the identities that go by this number, at any authority unless one is named."""
    patient, identifier = tables.patient, tables.identifier
    of_messages = sa.select(patient.c.id).where(patient.c.value == value)
    known_as = sa.select(identifier.c.patient_id).where(identifier.c.value == value)
    if authority is not None:
        of_messages = of_messages.where(patient.c.authority == authority)
        known_as = known_as.where(identifier.c.authority == authority)
    return set(connection.execute(sa.union(of_messages, known_as)).scalars())


Told = tuple[int, str, Mapping[str, Any]]  # patient, version, the fields a message fills

_CHANGE: Types = {"id": sa.BigInteger(), "fields": sa.JSON(), "versions": sa.JSON()}


def update_demographics(connection: sa.Connection, entries: Iterable[Told]) -> set[int]:
    """Store the latest of every field, and return whose values changed; the patients must be locked.

    One of several identities of a person is returned even if its values are repeated: the latest identity counts.
    """
    by_patient: dict[int, list[tuple[str, Mapping[str, Any]]]] = {}
    for patient_id, version, fields in entries:
        by_patient.setdefault(patient_id, []).append((version, fields))
    stored = _known(connection, by_patient)
    changes, changed = [], set()
    for patient_id in sorted(by_patient):
        row = stored[patient_id]
        values, versions = dict(row.demographics), dict(row.demographics_versions)
        for version, fields in by_patient[patient_id]:
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
    patient, given = tables.patient, rowset(dialect, _CHANGE)
    values = {"demographics": given.c.fields, "demographics_versions": given.c.versions}
    return sa.update(patient).where(patient.c.id == given.c.id).values(values)


def add_flag(connection: sa.Connection, ids: Collection[int], flag: str) -> set[int]:
    """Set the flag for these patients, who must be locked; return those for whom it is new."""
    if not ids:
        return set()
    stored = connection.execute(_known_flags(connection.dialect.name), {"ids": ids})
    added = {row.id: sorted({*row.flags, flag}) for row in stored if flag not in row.flags}
    if added:
        rows = to_json([{"id": id_, "flags": flags} for id_, flags in added.items()])
        connection.execute(_update_flags(connection.dialect.name), {PARAMETER: rows})
    return set(added)


@cache
def _known_flags(dialect: str) -> sa.Executable:
    return sa.select(tables.patient.c.id, tables.patient.c.flags).where(one_of(dialect, tables.patient.c.id))


@cache
def _update_flags(dialect: str) -> sa.Update:
    patient, given = tables.patient, rowset(dialect, {"id": sa.BigInteger(), "flags": sa.JSON()})
    return sa.update(patient).where(patient.c.id == given.c.id).values(flags=given.c.flags)
