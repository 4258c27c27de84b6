"""Current orders for a medicine, as derived from the history."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.sql.dml import ReturningInsert

from store import tables
from store.engine import to_json
from store.rowsets import Types, among, insert_or, one_of, rowset

ABSORBED = "absorbed"  # state of an order that became part of another


class MedicationOrder(msgspec.Struct, frozen=True):
    """A current order for a medicine."""

    id: int
    patient_id: int
    key: str
    placer: str
    filler: str
    product_class: str  # ivig | possible_ivig | other
    state: str
    version: str
    starts_at: datetime | None
    ends_at: datetime | None
    data: dict[str, Any]  # product, route, flags

    @property
    def is_absorbed(self) -> bool:
        """Whether it became part of another order."""
        return self.state == ABSORBED


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order's state, derived from all events about it."""

    patient_id: int
    key: str
    product_class: str  # ivig | possible_ivig | other
    state: str
    version: str
    data: Mapping[str, Any]
    placer: str = ""
    filler: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def is_stored_as(self, stored: MedicationOrder) -> bool:
        """Return whether nothing of it differs from what is stored."""
        return bool(_content(self) == _content(stored))


_content = attrgetter(*OrderRow.__slots__)


def upsert(connection: sa.Connection, rows: Iterable[OrderRow]) -> dict[tuple[int, str], int]:
    """Replace what was derived before, and return the id of each (patient, key); the patients must be locked."""
    latest = {(row.patient_id, row.key): row for row in rows}
    if not latest:
        return {}
    values = [_values(latest[key]) for key in sorted(latest)]
    returned = connection.execute(_upsert(connection.dialect.name, tuple(values[0])), values)
    return {(row.patient_id, row.key): row.id for row in returned}


_KEY = ("patient_id", "key")
_TYPES: Types = {
    name: sa.Text() if name == "data" else tables.medication_order.c[name].type
    for name in (*OrderRow.__slots__, "placer_number", "filler_number")
}


def json_rows(rows: Iterable[OrderRow]) -> list[dict[str, Any]]:
    """Return these orders as `upsert_rows` takes them, sorted, so that two batches never deadlock."""
    latest = {(row.patient_id, row.key): row for row in rows}
    return [_values(latest[key]) | {"data": to_json(latest[key].data)} for key in sorted(latest)]


@cache
def upsert_rows(rows: str) -> ReturningInsert[Any]:
    """Return the statement of `upsert` for the rows of this parameter, for PostgreSQL."""
    order, given = tables.medication_order, rowset("postgresql", _TYPES, rows)
    columns = [sa.cast(given.c.data, sa.JSON) if name == "data" else given.c[name] for name in _TYPES]
    insert = insert_or("postgresql", order).from_select(list(_TYPES), sa.select(*columns), include_defaults=False)
    change = {name: insert.excluded[name] for name in _TYPES if name not in _KEY}
    statement = insert.on_conflict_do_update(index_elements=_KEY, set_=change)
    return statement.returning(order.c.id, order.c.patient_id, order.c.key)


@cache
def _upsert(dialect: str, columns: tuple[str, ...]) -> sa.Executable:
    order, insert = tables.medication_order, insert_or(dialect, tables.medication_order)
    change = {name: insert.excluded[name] for name in columns if name not in {"patient_id", "key"}}
    statement = insert.on_conflict_do_update(index_elements=["patient_id", "key"], set_=change)
    return statement.returning(order.c.patient_id, order.c.key, order.c.id)


def _values(row: OrderRow) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in row.__slots__}
    return values | {"placer_number": number_of(row.placer), "filler_number": number_of(row.filler)}


def number_of(full: str) -> str:
    """Return what people search by: EPD|900001 is found as 900001 too."""
    namespace, separator, number = full.partition("|")
    return number if separator else namespace


def of_patients(connection: sa.Connection, ids: Collection[int]) -> list[MedicationOrder]:
    """Return every order of these patients, oldest first."""
    rows = connection.execute(_of_patients(connection.dialect.name), {"ids": ids})
    return [MedicationOrder(*row) for row in rows]


@cache
def _of_patients(dialect: str) -> sa.Executable:
    order = tables.medication_order
    columns = (order.c[name] for name in MedicationOrder.__struct_fields__)
    return sa.select(*columns).where(one_of(dialect, order.c.patient_id)).order_by(order.c.id)


def owners(connection: sa.Connection, ids: Collection[int]) -> frozenset[int]:
    """Return the identities of these that have an order."""
    order = tables.medication_order
    query = sa.select(order.c.patient_id).where(among(connection, order.c.patient_id, ids)).distinct()
    return frozenset(connection.execute(query).scalars())


def owners_answered_by_others(
    connection: sa.Connection, knowledge: str, ended_since: datetime, after: int, limit: int
) -> list[int]:
    """Return the next identities with an order, current or ended since then, last answered by other knowledge.

    A hospital's mappings follow a plus in the version of the knowledge; they do not make it other knowledge.
    """
    order, assessment = tables.medication_order, tables.assessment
    last = (
        sa.select(assessment.c.knowledge)
        .where(assessment.c.order_id == order.c.id, assessment.c.stream == "order")
        .order_by(assessment.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = (
        sa.select(order.c.patient_id)
        .where(order.c.patient_id > after, order.c.state != ABSORBED)
        .where(order.c.ends_at.is_(None) | (order.c.ends_at >= ended_since))
        .where(last != knowledge, sa.not_(last.startswith(f"{knowledge}+", autoescape=True)))
        .distinct()
        .order_by(order.c.patient_id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def numbered(number: str) -> sa.ColumnElement[bool]:
    """Return the orders with this placer or filler number; without a namespace, in any."""
    order = tables.medication_order
    bare = number_of(number)
    by_placer, by_filler = order.c.placer_number == bare, order.c.filler_number == bare
    if bare != number:
        by_placer, by_filler = by_placer & (order.c.placer == number), by_filler & (order.c.filler == number)
    return by_placer | by_filler


def move(connection: sa.Connection, order_id: int, patient_id: int, key: str) -> None:
    """Move an order, its answers and its alerts to another identity of the same person, or another key.

    The person must be locked, and must have no other order of that identity and key.
    """
    order, assessment, alert = tables.medication_order, tables.assessment, tables.alert
    connection.execute(sa.update(order).where(order.c.id == order_id).values(patient_id=patient_id, key=key))
    for table in (assessment, alert):
        connection.execute(sa.update(table).where(table.c.order_id == order_id).values(patient_id=patient_id))


def absorb(connection: sa.Connection, ids: Collection[int]) -> None:
    """Record that these are part of another order, or not IVIg orders; their answers stay in the record."""
    order = tables.medication_order
    if ids:
        connection.execute(sa.update(order).where(among(connection, order.c.id, ids)).values(state=ABSORBED))
