"""Patient identities, their demographics, and the lock that serialises work on one patient.

An identity is the (authority, value) by which a message names its patient. For each demographic field the latest
message that mentions it counts; a flag is set once and never cleared. Merges are in `store/merges.py`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.sql.dml import ReturningInsert

from clinical.identities import Name
from store import patient_terms, tables
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
    merge_version: str | None = None  # of the statement that says where it leads
    facts_version: int = 0  # counts the changes of its facts, once they are watched

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
        found |= make(connection, missing)
    if elsewhere := [name for name in missing if name not in found]:
        found |= _run(connection, _find(dialect), elsewhere)  # created by another transaction just now
    return found


def make(connection: sa.Connection, names: Sequence[Name]) -> dict[Name, int]:
    """Create these identities, sorted; return those that nobody else created meanwhile."""
    return _run(connection, _make(connection.dialect.name), names)


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
    rows = number_rows(links)
    if not rows:
        return set()
    found = connection.execute(insert_numbers(connection.dialect.name), {PARAMETER: to_json(rows)})
    return {row.patient_id for row in found}


def number_rows(links: Iterable[tuple[str, str, str, int]]) -> list[dict[str, Any]]:
    """Return these numbers as `insert_numbers` takes them, each once, so that two batches never deadlock."""
    types: dict[tuple[str, str, int], str] = {}
    for authority, value, kind, patient_id in links:
        types[authority, value, patient_id] = max(types.get((authority, value, patient_id), ""), kind)
    return [dict(zip(_NUMBER, (*key, kind), strict=True)) for key, kind in sorted(types.items())]


@cache
def insert_numbers(dialect: str, rows: str = PARAMETER) -> ReturningInsert[tuple[int]]:
    """Return the statement of `link_identifiers` for the rows of this parameter."""
    identifier, given = tables.identifier, rowset(dialect, _NUMBER, rows)
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
    """Return the identities that were made last."""
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


def authorities_of(connection: sa.Connection, value: str) -> set[str]:
    """Return who gave this number to anybody."""
    patient, identifier = tables.patient, tables.identifier
    of_messages = sa.select(patient.c.authority).where(patient.c.value == value)
    known_as = sa.select(identifier.c.authority).where(identifier.c.value == value)
    return set(connection.execute(sa.union(of_messages, known_as)).scalars())


SentFields = tuple[int, str, Mapping[str, Any]]  # patient, version, the fields a message fills


@dataclass(slots=True)
class PatientChanges:
    """The changes that messages make to some patients, who must be locked."""

    rows: dict[int, KnownPatient]  # as they will be
    altered: set[int] = field(default_factory=set)  # whose row differs from what is stored
    renamed: set[int] = field(default_factory=set)  # whose terms differ
    changed: set[int] = field(default_factory=set)  # whose orders may be answered otherwise

    def alter(self, id_: int, row: KnownPatient) -> None:
        """Replace one of them."""
        self.rows[id_] = row
        self.altered.add(id_)

    def add_demographics(self, entries: Iterable[SentFields]) -> None:
        """Take the latest of every field, of what is stored and these.

        One of several identities of a person counts as changed even if its values are repeated: the latest identity
        counts.
        """
        by_patient: dict[int, list[tuple[str, Mapping[str, Any]]]] = {}
        for patient_id, version, fields in entries:
            by_patient.setdefault(patient_id, []).append((version, fields))
        led_to = {row.merged_into for row in self.rows.values()}
        for patient_id, sent in by_patient.items():
            row = self.rows[patient_id]
            values, versions = latest(row.demographics, row.demographics_versions, sent)
            is_merged = row.merged_into is not None or patient_id in led_to
            if values != row.demographics or (versions != row.demographics_versions and is_merged):
                self.changed.add(patient_id)
            if any(values.get(name) != row.demographics.get(name) for name in patient_terms.FIELDS):
                self.renamed.add(patient_id)
            if versions != row.demographics_versions:
                new_row = msgspec.structs.replace(row, demographics=values, demographics_versions=versions)
                self.alter(patient_id, new_row)

    def mark_has_ivig(self, ids: Iterable[int]) -> None:
        """Record that these patients have an order or administration that may be IVIg."""
        for id_ in ids:
            if not self.rows[id_].has_ivig:
                self.alter(id_, msgspec.structs.replace(self.rows[id_], has_ivig=True))
                self.changed.add(id_)

    def add_flag(self, ids: Iterable[int], flag: str) -> None:
        """Set the flag for these patients."""
        for id_ in ids:
            row = self.rows[id_]
            if flag not in row.flags:
                self.alter(id_, msgspec.structs.replace(row, flags=sorted({*row.flags, flag})))
                self.changed.add(id_)

    def for_update(self) -> list[dict[str, Any]]:
        """Return the altered rows as `update_rows` takes them."""
        return [
            {
                "id": id_,
                "fields": self.rows[id_].demographics,
                "versions": self.rows[id_].demographics_versions,
                "has_ivig": self.rows[id_].has_ivig,
                "flags": self.rows[id_].flags,
            }
            for id_ in sorted(self.altered)
        ]


_CHANGE: Types = {
    "id": sa.BigInteger(),
    "fields": sa.JSON(),
    "versions": sa.JSON(),
    "has_ivig": sa.Boolean(),
    "flags": sa.JSON(),
}


@cache
def update_rows(dialect: str, rows: str = PARAMETER) -> sa.Update:
    """Return the statement that stores altered rows, which this parameter holds."""
    patient, given = tables.patient, rowset(dialect, _CHANGE, rows)
    values = {"demographics": given.c.fields, "demographics_versions": given.c.versions}
    values |= {"has_ivig": given.c.has_ivig, "flags": given.c.flags}
    return sa.update(patient).where(patient.c.id == given.c.id).values(values)


def latest(
    fields: Mapping[str, Any], versions: Mapping[str, str], more: Iterable[tuple[str, Mapping[str, Any]]]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the latest value of every field and its version, of those stored and more, each with its version."""
    newest, of = dict(fields), dict(versions)
    for version, sent in more:
        later = [name for name in sent if of.get(name, "") < version]
        newest |= {name: sent[name] for name in later}
        of |= dict.fromkeys(later, version)
    return newest, of
