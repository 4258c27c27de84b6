"""Deliveries: written with the alert, claimed by a sender, until sent or refused."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from store import tables
from store.rowsets import among, insert_or


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """One line of an alert's record, on its way to one destination."""

    alert_id: int
    event_id: int
    destination: str
    due_at: datetime

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt, so that the receiver recognises a repeat."""
        return f"ivigilant-{self.event_id}-{self.destination}"


class Delivery(msgspec.Struct, frozen=True):
    """One line of an alert's record and the state of its delivery to one destination."""

    id: int
    alert_id: int
    event_id: int
    destination: str
    idempotency_key: str
    state: str  # pending | sent | refused
    attempts: int
    next_at: datetime
    claimed_until: datetime | None
    last_error: str | None
    created_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours until the lease ends."""

    id: int
    alert_id: int
    event_id: int
    destination: str
    idempotency_key: str
    attempts: int  # this one counted
    created_at: datetime


def enqueue(connection: sa.Connection, deliveries: Iterable[NewDelivery], now: datetime) -> list[int]:
    """Record what must be sent, and return the ids of new deliveries."""
    delivery = tables.delivery
    rows = [
        {
            "alert_id": new.alert_id,
            "event_id": new.event_id,
            "destination": new.destination,
            "idempotency_key": new.idempotency_key,
            "state": "pending",
            "next_at": new.due_at,
            "created_at": now,
        }
        for new in deliveries
    ]
    if not rows:
        return []
    statement = insert_or(connection.dialect.name, delivery).on_conflict_do_nothing().returning(delivery.c.id)
    return sorted(connection.execute(statement, rows).scalars())


def claim_due(
    connection: sa.Connection, now: datetime, lease: timedelta, limit: int, ids: Collection[int] | None = None
) -> list[Claimed]:
    """Claim what is due, of these ids or of all, for the length of the lease."""
    delivery = tables.delivery
    due = (
        sa.select(delivery.c.id)
        .where(delivery.c.state == "pending", delivery.c.next_at <= now)
        .where(sa.or_(delivery.c.claimed_until.is_(None), delivery.c.claimed_until <= now))
        .order_by(delivery.c.next_at, delivery.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if ids is not None:
        due = due.where(among(connection, delivery.c.id, ids))
    chosen = due.cte("due")  # one that locks is never inlined, so the limit counts once
    change = sa.update(delivery).where(delivery.c.id.in_(sa.select(chosen.c.id)))
    change = change.values(claimed_until=now + lease, attempts=delivery.c.attempts + 1)
    columns = [delivery.c[name] for name in Claimed.__slots__]
    rows = connection.execute(change.returning(*columns)).all()
    return sorted((Claimed(*row) for row in rows), key=lambda claimed: claimed.id)


def mark_sent(connection: sa.Connection, claimed: Claimed, now: datetime) -> bool:
    """Record that the destination has it, even if the lease had ended."""
    delivery = tables.delivery
    change = sa.update(delivery).where(delivery.c.id == claimed.id, delivery.c.state != "sent")
    values = {"state": "sent", "sent_at": now, "claimed_until": None, "last_error": None}
    return connection.execute(change.values(values)).rowcount == 1


def mark_failed(connection: sa.Connection, claimed: Claimed, error: str, next_at: datetime) -> bool:
    """Record why it did not arrive and when to try again; return False if another sender has claimed it."""
    values = {"last_error": error, "next_at": next_at, "claimed_until": None}
    return _still_ours(connection, claimed, values)


def mark_refused(connection: sa.Connection, claimed: Claimed, error: str) -> bool:
    """Record that the destination will never take it; return False if another sender has claimed it."""
    return _still_ours(connection, claimed, {"state": "refused", "last_error": error, "claimed_until": None})


def _still_ours(connection: sa.Connection, claimed: Claimed, values: dict[str, object]) -> bool:
    delivery = tables.delivery
    change = sa.update(delivery).where(
        delivery.c.id == claimed.id, delivery.c.state == "pending", delivery.c.attempts == claimed.attempts
    )
    return connection.execute(change.values(values)).rowcount == 1


def retry(connection: sa.Connection, delivery_id: int, now: datetime) -> bool:
    """Let a refused delivery be tried again, once its cause is fixed."""
    delivery = tables.delivery
    change = sa.update(delivery).where(delivery.c.id == delivery_id, delivery.c.state == "refused")
    return connection.execute(change.values(state="pending", next_at=now, claimed_until=None)).rowcount == 1


def of_alert(connection: sa.Connection, alert_id: int) -> list[Delivery]:
    """Return the deliveries of an alert, oldest first."""
    delivery = tables.delivery
    columns = (delivery.c[name] for name in Delivery.__struct_fields__)
    query = sa.select(*columns).where(delivery.c.alert_id == alert_id).order_by(delivery.c.id)
    return [Delivery(*row) for row in connection.execute(query)]


def counts(connection: sa.Connection) -> dict[tuple[str, str], int]:
    """Count pending and refused deliveries, by destination and state."""
    delivery = tables.delivery
    keys = (delivery.c.destination, delivery.c.state)
    query = sa.select(*keys, sa.func.count().label("how_many")).where(delivery.c.state.in_(["pending", "refused"]))
    return {(row.destination, row.state): row.how_many for row in connection.execute(query.group_by(*keys))}


def oldest_due(connection: sa.Connection, now: datetime) -> datetime | None:
    """Return since when the oldest pending delivery has been due."""
    delivery = tables.delivery
    query = sa.select(sa.func.min(delivery.c.next_at)).where(delivery.c.state == "pending", delivery.c.next_at <= now)
    moment: datetime | None = connection.execute(query).scalar()
    return moment
