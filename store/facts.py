"""A patient's history: entries, of which the latest version is kept."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from store import tables
from store.engine import to_json
from store.rowsets import PARAMETER, Types, insert_or, one_of, rowset

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


def upsert(connection: sa.Connection, rows: Iterable[FactRow]) -> set[int]:
    """Store every entry later than the one we have; return the patients whose history changed."""
    later = _latest(rows)
    if not later:
        return set()
    values = to_json([_as_json(row) for row in later])
    return set(connection.execute(_upsert(connection.dialect.name), {PARAMETER: values}).scalars())


def _as_json(row: FactRow) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in _TYPES}
    return values | {"data": row.data.decode()}


@cache
def _upsert(dialect: str) -> sa.Executable:
    fact, given = tables.fact, rowset(dialect, _TYPES)
    data = (
        sa.func.convert_to(given.c.data, "UTF8") if dialect == "postgresql" else sa.cast(given.c.data, sa.LargeBinary)
    )
    columns = [data if name == "data" else given.c[name] for name in _TYPES]
    insert = insert_or(dialect, fact).from_select(list(_TYPES), sa.select(*columns).where(sa.true()))
    new = insert.excluded
    # Read with another site file or release, the same message may give the same entry in another form.
    same = sa.and_(new.version == fact.c.version, new.message_id == fact.c.message_id)
    otherwise = sa.or_(*(new[name] != fact.c[name] for name in ("data", "deleted", "path")))
    return insert.on_conflict_do_update(
        index_elements=["patient_id", "kind", "key"],
        set_={name: new[name] for name in ("version", "deleted", "data", "message_id", "path")},
        where=sa.or_(new.version > fact.c.version, sa.and_(same, otherwise)),
    ).returning(fact.c.patient_id)


def _latest(rows: Iterable[FactRow]) -> list[FactRow]:
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
