"""One alert per order and stream, and everything that ever happened to it.

Whoever changes an alert holds the lock of its patient, so the worker and a pharmacist never overwrite each other.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, TypedDict, Unpack

import sqlalchemy as sa

from store import tables
from store.rowsets import one_of

STATUSES = ("open", "acknowledged", "overridden", "covered", "resolved")


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of an alert's record."""

    kind: str  # raised changed reopened resolved covered acknowledged overridden comment assigned
    at: datetime
    actor: str = "system"
    reason: str | None = None
    note: str | None = None
    assessment_id: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert, and the line that was written when it was raised or changed."""

    alert_id: int
    event_id: int


class Columns(TypedDict, total=False):
    """What can change about an alert."""

    assessment_id: int
    tier: str
    priority: str
    status: str
    badges: Sequence[str]
    settled_signature: str | None
    covered_by: int | None
    assigned_to: str | None


def of_orders(connection: sa.Connection, order_ids: Collection[int]) -> dict[tuple[int, str], sa.RowMapping]:
    """Give the alerts of these orders, by order and stream."""
    rows = connection.execute(_of_orders(connection.dialect.name), {"ids": order_ids}).mappings()
    return {(row["order_id"], row["stream"]): row for row in rows}


@cache
def _of_orders(dialect: str) -> sa.Executable:
    return sa.select(tables.alert).where(one_of(dialect, tables.alert.c.order_id))


def of_patients(
    connection: sa.Connection, ids: Collection[int], statuses: Collection[str] = STATUSES
) -> Sequence[sa.RowMapping]:
    """Give the alerts of these patients, oldest first."""
    query = _of_patients(connection.dialect.name)
    return connection.execute(query, {"ids": ids, "statuses": statuses}).mappings().all()


@cache
def _of_patients(dialect: str) -> sa.Executable:
    alert = tables.alert
    query = sa.select(alert).where(one_of(dialect, alert.c.patient_id), one_of(dialect, alert.c.status, "statuses"))
    return query.order_by(alert.c.id)


def get(connection: sa.Connection, alert_id: int) -> sa.RowMapping | None:
    """Give one alert."""
    query = sa.select(tables.alert).where(tables.alert.c.id == alert_id)
    return connection.execute(query).mappings().one_or_none()


def insert(
    connection: sa.Connection,
    happening: Happening,
    *,
    order_id: int,
    patient_id: int,
    stream: str = "order",
    **columns: Unpack[Columns],
) -> Raised:
    """Raise an alert, with its first line. One that exists is a fault: the unique key says so."""
    alert = tables.alert
    keys = {"order_id": order_id, "patient_id": patient_id, "stream": stream}
    times = {"opened_at": happening.at, "changed_at": happening.at}
    statement = sa.insert(alert).values(**keys, **times, **columns).returning(alert.c.id)
    alert_id = int(connection.execute(statement).scalar_one())
    return Raised(alert_id, record(connection, alert_id, happening))


def update(connection: sa.Connection, alert_id: int, happening: Happening, **columns: Unpack[Columns]) -> Raised:
    """Change an alert, and say in its record what happened."""
    alert = tables.alert
    change = sa.update(alert).where(alert.c.id == alert_id).values(changed_at=happening.at, **columns)
    connection.execute(change)
    return Raised(alert_id, record(connection, alert_id, happening))


def record(connection: sa.Connection, alert_id: int, happening: Happening) -> int:
    """Add a line to the record of an alert that itself stays as it is; give its id."""
    values = {name: getattr(happening, name) for name in ("kind", "at", "actor", "reason", "note", "assessment_id")}
    told = {"alert_id": alert_id, "data": dict(happening.data)} | values
    return int(connection.execute(_RECORD, told).scalar_one())


_RECORD = sa.insert(tables.alert_event).returning(tables.alert_event.c.id)


def settled_at(connection: sa.Connection, alert_id: int) -> datetime | None:
    """When a pharmacist last settled an alert; other orders may stand under what was planned then."""
    event = tables.alert_event
    query = sa.select(sa.func.max(event.c.id)).where(
        event.c.alert_id == alert_id, event.c.kind.in_(("acknowledged", "overridden"))
    )
    return connection.execute(sa.select(event.c.at).where(event.c.id == query.scalar_subquery())).scalar()


def happenings(connection: sa.Connection, alert_id: int) -> Sequence[sa.RowMapping]:
    """Give the record of an alert, oldest first."""
    event = tables.alert_event
    query = sa.select(event).where(event.c.alert_id == alert_id).order_by(event.c.id)
    return connection.execute(query).mappings().all()
