"""A patient's history: entries, of which the latest version is kept.

Of a patient who is watched (`watch`) the changes are counted: whoever read the history earlier sees whether it still is
what was read.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.dml import ReturningInsert

from store import tables
from store.engine import to_json
from store.rowsets import PARAMETER, Types, among, insert_or, one_of, rowset

_TYPES: Types = {
    "patient_id": sa.BigInteger(),
    "kind": sa.Text(),
    "key": sa.Text(),
    "version": sa.Text(),
    "deleted": sa.Boolean(),
    "data": sa.Text(),
    "message_id": sa.BigInteger(),
    "path": sa.Text(),
}

ROW = ("patient_id", "kind", "key", "version", "deleted", "data", "message_id", "path")  # the columns a reader gets


FactTuple = Sequence[Any]  # the same columns, in this order


@dataclass(frozen=True, slots=True)
class FactRow:
    """One entry, as a message reported it."""

    patient_id: int
    kind: str
    key: str
    version: str
    data: bytes  # JSON
    message_id: int
    path: str
    deleted: bool = False

    @property
    def as_read(self) -> FactTuple:
        """The same as a reader gets it, its columns as in ROW."""
        return tuple(getattr(self, name) for name in ROW)


def upsert(connection: sa.Connection, rows: Iterable[FactRow]) -> set[int]:
    """Store every entry later than the one we have; return the patients whose history changed."""
    later = json_rows(rows)
    if not later:
        return set()
    changed = set(connection.execute(_upsert(connection.dialect.name), {PARAMETER: to_json(later)}).scalars())
    if connection.dialect.name != "postgresql":
        count_change(connection, changed)
    return changed


def json_rows(rows: Iterable[FactRow]) -> list[dict[str, Any]]:
    """Return the latest entry of each key as `insert_later` takes them, so that two batches never deadlock."""
    return [_as_json(row) for row in latest(rows)]


def folded(rows: Iterable[FactTuple], later: Iterable[FactRow]) -> list[FactTuple]:
    """Return what `of_patients` would give of one patient after an `upsert` of these, who has these rows now."""
    held = {(row[1], row[2]): row for row in rows}
    for new in latest(later):
        row = new.as_read
        old = held.get((new.kind, new.key))
        if old is None or old[3] < new.version or (old[3] == new.version and old[6] == new.message_id):
            held[new.kind, new.key] = row
    return sorted(held.values(), key=itemgetter(3, 1, 2))


def watch(connection: sa.Connection, ids: Collection[int]) -> None:
    """Count the changes of these patients' facts from now on; they must be locked."""
    patient = tables.patient
    unwatched = among(connection, patient.c.id, ids), patient.c.facts_version == 0
    connection.execute(sa.update(patient).where(*unwatched).values(facts_version=1))


def versions(connection: sa.Connection, ids: Collection[int]) -> dict[int, int]:
    """Return how often the facts of these patients have changed, of those who are watched."""
    patient = tables.patient
    query = sa.select(patient.c.id, patient.c.facts_version)
    query = query.where(among(connection, patient.c.id, ids), patient.c.facts_version > 0)
    return {row.id: row.facts_version for row in connection.execute(query)}


def count_change(connection: sa.Connection, ids: Collection[int]) -> None:
    """Count a change of these patients' facts, of those who are watched."""
    if ids:
        connection.execute(_count_change(connection.dialect.name), {"ids": ids})


@cache
def _count_change(dialect: str) -> sa.Update:
    return _one_more().where(one_of(dialect, tables.patient.c.id))


def _one_more() -> sa.Update:
    patient = tables.patient
    return sa.update(patient).where(patient.c.facts_version > 0).values(facts_version=patient.c.facts_version + 1)


def are_more_than(connection: sa.Connection, ids: Collection[int], most: int) -> bool:
    """Return whether these patients have more facts than that in all."""
    count: int = connection.execute(_count(connection.dialect.name), {"ids": ids, "most": most + 1}).scalar_one()
    return count > most


@cache
def _count(dialect: str) -> sa.Executable:
    some = sa.select(sa.literal(1)).where(one_of(dialect, tables.fact.c.patient_id))
    return sa.select(sa.func.count()).select_from(some.limit(sa.bindparam("most", type_=sa.Integer)).subquery())


def _as_json(row: FactRow) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in _TYPES}
    return values | {"data": row.data.decode()}


@cache
def _upsert(dialect: str) -> sa.Executable:
    if dialect != "postgresql":
        return insert_later(dialect)
    written = insert_later(dialect).cte("written")
    counted = _one_more().where(tables.patient.c.id.in_(sa.select(written.c.patient_id))).cte("counted")
    return sa.select(written.c.patient_id).distinct().add_cte(counted)


@cache
def insert_later(dialect: str, rows: str = PARAMETER) -> ReturningInsert[tuple[int]]:
    """Return the statement that stores later entries and returns whose they are; it counts no change."""
    fact, given = tables.fact, rowset(dialect, _TYPES, rows)
    data = (
        sa.func.convert_to(given.c.data, "UTF8") if dialect == "postgresql" else sa.cast(given.c.data, sa.LargeBinary)
    )
    columns = [data if name == "data" else given.c[name] for name in _TYPES]
    insert = insert_or(dialect, fact).from_select(list(_TYPES), sa.select(*columns).where(sa.true()))
    new = insert.excluded
    # Read with another site file or release, the same message may give the same entry in another form.
    same = sa.and_(new.version == fact.c.version, new.message_id == fact.c.message_id)
    otherwise = sa.or_(*(new[name] != fact.c[name] for name in ("data", "deleted", "path")))
    later = insert.on_conflict_do_update(
        index_elements=["patient_id", "kind", "key"],
        set_={name: new[name] for name in ("version", "deleted", "data", "message_id", "path")},
        where=sa.or_(new.version > fact.c.version, sa.and_(same, otherwise)),
    )
    return later.returning(fact.c.patient_id)


def latest(rows: Iterable[FactRow]) -> list[FactRow]:
    """Return one entry per key, the first of a tie, ordered by key so that two batches never deadlock."""
    latest: dict[tuple[int, str, str], FactRow] = {}
    for row in rows:
        key = (row.patient_id, row.kind, row.key)
        if key not in latest or latest[key].version < row.version:
            latest[key] = row
    return [latest[key] for key in sorted(latest)]


def of_patients(
    connection: sa.Connection, ids: Collection[int], kinds: Collection[str] | None = None
) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """Return the history of these patients, withdrawn entries too, oldest version first; the columns as in ROW."""
    query = _of_patients(connection.dialect.name, kinds is not None)
    return connection.execute(query, {"ids": ids} if kinds is None else {"ids": ids, "kinds": kinds}).all()


@cache
def _of_patients(dialect: str, of_some_kinds: bool) -> sa.Executable:
    fact = tables.fact
    query = sa.select(*(fact.c[name] for name in ROW)).where(one_of(dialect, fact.c.patient_id))
    if of_some_kinds:
        query = query.where(one_of(dialect, fact.c.kind, "kinds"))
    return query.order_by(fact.c.version, fact.c.kind, fact.c.key, fact.c.patient_id)
