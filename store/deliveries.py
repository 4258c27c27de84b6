"""Deliveries: written with the alert, claimed by a sender, until sent or refused."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from clinical.words import Tier
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
        return _key(self.event_id, self.destination)


def _key(event_id: int, destination: str) -> str:
    return f"ivigilant-{event_id}-{destination}"


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
    sent_as: str | None = None  # the key of the notice that it goes out with; None: it was never tried


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


def heard_of(connection: sa.Connection, alert_ids: Collection[int]) -> dict[int, list[str]]:
    """Return, for each of these alerts, the destinations that were notified of it: they hear how it goes on."""
    if not alert_ids:
        return {}
    delivery = tables.delivery
    query = sa.select(delivery.c.alert_id, delivery.c.destination, sa.func.min(delivery.c.id).label("first"))
    query = query.where(among(connection, delivery.c.alert_id, alert_ids))
    found: dict[int, list[str]] = {}
    for row in connection.execute(query.group_by(delivery.c.alert_id, delivery.c.destination).order_by("first")):
        found.setdefault(row.alert_id, []).append(row.destination)
    return found


def told_together(connection: sa.Connection, alert_id: int, event_id: int, destination: str) -> list[tuple[int, int]]:
    """Return what the notice told in which a destination heard of this line: each alert with its last line in it.

    The alert itself comes first. A line that never went there is told by itself.
    """
    delivery, alert = tables.delivery, tables.alert
    own = delivery.c.idempotency_key == _key(event_id, destination)
    notice = sa.select(delivery.c.sent_as).where(own).scalar_subquery()
    patient = sa.select(alert.c.patient_id).where(alert.c.id == alert_id).scalar_subquery()
    query = sa.select(delivery.c.alert_id, sa.func.max(delivery.c.event_id).label("last"))
    query = query.join(alert, alert.c.id == delivery.c.alert_id).where(alert.c.patient_id == patient)
    rows = connection.execute(query.where(delivery.c.sent_as == notice).group_by(delivery.c.alert_id))
    found = {alert_id: event_id} | {row.alert_id: row.last for row in rows}
    return sorted(found.items(), key=lambda pair: (pair[0] != alert_id, pair[0]))


def was_sent(connection: sa.Connection, alert_id: int) -> bool:
    """Return whether any notice of this alert arrived."""
    delivery = tables.delivery
    query = sa.select(delivery.c.id).where(delivery.c.alert_id == alert_id, delivery.c.state == "sent").limit(1)
    return connection.execute(query).first() is not None


def failing_for(connection: sa.Connection, event_id: int, attempts: int) -> list[str]:
    """Return the destinations that do not take this line: they refused it, or that many attempts did not arrive."""
    delivery = tables.delivery
    failed = (delivery.c.state == "pending") & (delivery.c.attempts >= attempts)
    query = sa.select(delivery.c.destination).where(delivery.c.event_id == event_id)
    return list(connection.execute(query.where(sa.or_(delivery.c.state == "refused", failed))).scalars())


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
    change = change.values(_attempt(now + lease))
    columns = [delivery.c[name] for name in Claimed.__slots__]
    rows = connection.execute(change.returning(*columns)).all()
    return sorted((Claimed(*row) for row in rows), key=lambda claimed: claimed.id)


def _attempt(until: datetime) -> dict[str, Any]:
    """Return the values of a claim; one that was claimed before, and got no outcome, may have gone out then."""
    delivery = tables.delivery
    is_left = sa.case((delivery.c.claimed_until.is_not(None), 1), else_=0)
    return {
        "claimed_until": until,
        "attempts": delivery.c.attempts + 1,
        "unanswered": delivery.c.unanswered + is_left,
    }


def claim_together(
    connection: sa.Connection,
    now: datetime,
    lease: timedelta,
    limit: int,
    gather: timedelta,
    ids: Collection[int] | None = None,
) -> list[list[Claimed]] | None:
    """Claim what is due, and with it what goes out in the same notice; None when nothing is due.

    A destination gets one notice about one patient in the time that is gathered: what comes sooner waits, and goes out
    with everything that waits then. What was tried together is tried again together, under the same key.
    """
    if connection.dialect.name == "postgresql":  # or two senders share out what belongs together
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CLAIMING)))
    claimed = claim_due(connection, now, lease, limit, ids)
    if not claimed:
        return None
    patients = _patients(connection, claimed)
    fresh: dict[tuple[int, str], list[Claimed]] = {}
    again: dict[str, list[Claimed]] = {}
    for each in claimed:
        if each.sent_as is None:
            fresh.setdefault((patients[each.alert_id], each.destination), []).append(each)
        else:
            again.setdefault(each.sent_as, []).append(each)
    groups = [_with(connection, own, _tried_as(key), now + lease) for key, own in again.items()]
    for (patient, destination), own in fresh.items():
        about = _about(patient, destination)
        from_ = _free_from(connection, about, own, now, gather)
        if from_ > now:
            _put_off(connection, own, from_)
        else:
            groups.append(_begin(connection, _with(connection, own, about & _UNTRIED, now + lease)))
    return groups


_CLAIMING = 7_301_114  # an advisory lock of our own
_UNTRIED = (tables.delivery.c.state == "pending") & tables.delivery.c.sent_as.is_(None)


def _patients(connection: sa.Connection, claimed: Collection[Claimed]) -> dict[int, int]:
    alert = tables.alert
    query = sa.select(alert.c.id, alert.c.patient_id)
    query = query.where(alert.c.id.in_(sorted({each.alert_id for each in claimed})))
    return {row.id: row.patient_id for row in connection.execute(query)}


def _about(patient: int, destination: str) -> sa.ColumnElement[bool]:
    delivery, alert = tables.delivery, tables.alert
    of_patient = sa.select(alert.c.id).where(alert.c.patient_id == patient)
    return delivery.c.alert_id.in_(of_patient) & (delivery.c.destination == destination)


def _tried_as(key: str) -> sa.ColumnElement[bool]:
    return (tables.delivery.c.sent_as == key) & (tables.delivery.c.state == "pending")


def _with(
    connection: sa.Connection, own: Sequence[Claimed], which: sa.ColumnElement[bool], until: datetime
) -> list[Claimed]:
    """Claim these as well; return all, the oldest first."""
    delivery = tables.delivery
    others = which & delivery.c.id.not_in([each.id for each in own])
    change = sa.update(delivery).where(others).values(_attempt(until))
    rows = connection.execute(change.returning(*(delivery.c[name] for name in Claimed.__slots__)))
    return sorted([*own, *(Claimed(*row) for row in rows)], key=lambda each: each.id)


# Lines of the record that say how an alert goes on; all others call somebody.
_SAYS_HOW_IT_GOES: Final = ("taken_on", "snoozed", "acknowledged", "overridden", "followed_up", "resolved")
_SOON: Final = timedelta(minutes=30)  # what starts within it waits for no other notice


def _free_from(
    connection: sa.Connection, about: sa.ColumnElement[bool], own: Sequence[Claimed], now: datetime, gather: timedelta
) -> datetime:
    """Return from when the destination may get another notice about the patient.

    What calls somebody waits for nothing that only says how an alert goes on, and for nothing when it is graver than
    what was told, or its order starts soon. Nothing waits longer than the time that is gathered.
    """
    delivery = tables.delivery
    ids = [each.id for each in own]
    under_way = delivery.c.sent_as.is_not(None) & (delivery.c.state == "pending") & (delivery.c.claimed_until > now)
    others = sa.or_(delivery.c.sent_at.between(now - gather, now), under_way & delivery.c.id.not_in(ids))
    sent = connection.execute(_LINES.where(about, others)).all()
    calls = [row for row in connection.execute(_LINES.where(delivery.c.id.in_(ids))) if _calls(row)]
    if calls:
        sent = [row for row in sent if _calls(row)]
    if not sent or _presses(calls, sent, now):
        return now
    last = max((row.sent_at or now for row in sent), default=now)
    return min(last, *(each.created_at for each in own)) + gather


_LINES: Final[sa.Select[Any]] = (
    sa.select(
        tables.delivery.c.sent_at,
        tables.delivery.c.alert_id,
        tables.alert_event.c.kind,
        sa.func.coalesce(tables.assessment.c.tier, tables.alert.c.tier).label("tier"),
        tables.medication_order.c.starts_at,
    )
    .join(tables.alert_event, tables.alert_event.c.id == tables.delivery.c.event_id)
    .join(tables.alert, tables.alert.c.id == tables.delivery.c.alert_id)
    .join(tables.medication_order, tables.medication_order.c.id == tables.alert.c.order_id)
    .outerjoin(tables.assessment, tables.assessment.c.id == tables.alert_event.c.assessment_id)
)


def _calls(row: sa.Row[Any]) -> bool:
    return row.kind not in _SAYS_HOW_IT_GOES


def _presses(calls: Sequence[sa.Row[Any]], sent: Sequence[sa.Row[Any]], now: datetime) -> bool:
    """Return whether a call is graver than all that was sent, or about an order that starts soon, not called yet."""
    alerted = {row.alert_id for row in sent}
    soon = any(
        row.starts_at is not None and now < row.starts_at <= now + _SOON and row.alert_id not in alerted
        for row in calls
    )
    gravest = max(Tier.named(row.tier) for row in sent)
    return soon or any(Tier.named(row.tier) > gravest for row in calls)


def _put_off(connection: sa.Connection, own: Sequence[Claimed], until: datetime) -> None:
    delivery = tables.delivery
    change = sa.update(delivery).where(delivery.c.id.in_([each.id for each in own]))
    connection.execute(change.values(next_at=until, claimed_until=None, attempts=delivery.c.attempts - 1))


def _begin(connection: sa.Connection, group: Sequence[Claimed]) -> list[Claimed]:
    """Give them the key under which they go out from now on: that of the oldest."""
    delivery, key = tables.delivery, group[0].idempotency_key
    change = sa.update(delivery).where(delivery.c.id.in_([each.id for each in group])).values(sent_as=key)
    connection.execute(change)
    return [replace(each, sent_as=key) for each in group]


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


def hasten(connection: sa.Connection, destination: str, now: datetime) -> None:
    """Make due at once what waits for its next attempt at a destination; what a sender holds is left to it."""
    delivery = tables.delivery
    waits = (
        sa.select(delivery.c.id)
        .where(delivery.c.destination == destination, delivery.c.state == "pending", delivery.c.next_at > now)
        .where(delivery.c.claimed_until.is_(None), delivery.c.last_error.is_not(None))
        .with_for_update(skip_locked=True)
        .cte("waits")
    )
    connection.execute(sa.update(delivery).where(delivery.c.id.in_(sa.select(waits.c.id))).values(next_at=now))


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


def retry_all(connection: sa.Connection, destination: str, now: datetime) -> int:
    """Let everything that a destination refused be tried again; return how many that are."""
    delivery = tables.delivery
    change = sa.update(delivery).where(delivery.c.destination == destination, delivery.c.state == "refused")
    return connection.execute(change.values(state="pending", next_at=now, claimed_until=None)).rowcount


class DestinationState(msgspec.Struct, frozen=True):
    """How the deliveries of one destination fare."""

    last_sent_at: datetime | None = None
    pending: int = 0
    refused: int = 0
    next_at: datetime | None = None  # the next attempt
    refused_since: datetime | None = None  # when the oldest notice that was refused was made


def by_destination(connection: sa.Connection) -> dict[str, DestinationState]:
    """Return how the deliveries of each destination fare."""
    delivery = tables.delivery
    pending = sa.case((delivery.c.state == "pending", 1))
    query = sa.select(
        delivery.c.destination,
        sa.func.max(delivery.c.sent_at),
        sa.func.count(pending),
        sa.func.count(sa.case((delivery.c.state == "refused", 1))),
        sa.func.min(sa.case((delivery.c.state == "pending", delivery.c.next_at))),
        sa.func.min(sa.case((delivery.c.state == "refused", delivery.c.created_at))),
    )
    rows = connection.execute(query.group_by(delivery.c.destination))
    return {row[0]: DestinationState(*row[1:]) for row in rows}


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


def oldest_waiting(connection: sa.Connection) -> dict[str, datetime]:
    """Return, for each destination, since when its oldest pending delivery has existed; attempts change nothing."""
    delivery = tables.delivery
    query = sa.select(delivery.c.destination, sa.func.min(delivery.c.created_at).label("since"))
    query = query.where(delivery.c.state == "pending").group_by(delivery.c.destination)
    return {row.destination: row.since for row in connection.execute(query.order_by(delivery.c.destination))}
