"""The history of a patient: entries of which the latest version stays."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from store import tables
from store.upserting import insert_or

_CHANGED = ("version", "deleted", "data", "message_id", "path")


@dataclass(frozen=True, slots=True)
class FactRow:
    """One entry, as a message told it."""

    patient_id: int
    kind: str
    key: str
    version: str
    data: bytes
    message_id: int
    path: str
    deleted: bool = False


def upsert(connection: sa.Connection, rows: Iterable[FactRow]) -> set[int]:
    """Keep every entry that is later than the one we have; give the patients for whom something changed."""
    later = _latest(rows)
    if not later:
        return set()
    insert = insert_or(connection, tables.fact)
    statement = insert.on_conflict_do_update(
        index_elements=["patient_id", "kind", "key"],
        set_={name: insert.excluded[name] for name in _CHANGED},
        where=insert.excluded.version > tables.fact.c.version,
    ).returning(tables.fact.c.patient_id)
    return set(connection.execute(statement, [asdict(row) for row in later]).scalars())


def _latest(rows: Iterable[FactRow]) -> list[FactRow]:
    """One entry per key, the first of a tie; in the order of the keys, so two batches never wait for each other."""
    latest: dict[tuple[int, str, str], FactRow] = {}
    for row in rows:
        key = (row.patient_id, row.kind, row.key)
        if key not in latest or latest[key].version < row.version:
            latest[key] = row
    return [latest[key] for key in sorted(latest)]


def of_patients(
    connection: sa.Connection, ids: Collection[int], kinds: Collection[str] | None = None
) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """Give the history of these patients, withdrawn entries too, oldest version first."""
    fact = tables.fact
    query = sa.select(fact).where(fact.c.patient_id.in_(sorted(ids)))
    if kinds is not None:
        query = query.where(fact.c.kind.in_(sorted(kinds)))
    return connection.execute(query.order_by(fact.c.version, fact.c.kind, fact.c.key, fact.c.patient_id)).all()
