"""What must hold of the telling at any moment, looked for in the rows themselves and not in what the sender says."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
import sqlalchemy as sa

from clinical.words import PENDING
from store import tables

Violation = Literal["no-next-step", "told-nobody", "due-not-tried", "notices-not-tried"]
LATE_AFTER: Final = timedelta(seconds=30)  # nothing that is due waits this long for its first attempt
OVER_AFTER: Final = timedelta(days=30)  # after the last dose an alert concerns nobody any more


class TellingFault(msgspec.Struct, frozen=True):
    """One thing that does not hold, and how often."""

    what: Violation
    count: int
    alerts: Sequence[int]  # the newest of them

    @property
    def stops_telling(self) -> bool:
        """Whether nothing can be relied on: what is due is not carried out, or not sent."""
        return self.what not in ("no-next-step", "told-nobody")


NAMED: Final = 20


def audit(connection: sa.Connection, now: datetime, *, has_destinations: bool) -> list[TellingFault]:
    """Return what does not hold now: an open alert that nobody will be told of again, or what was not tried in time."""
    due, delivery = tables.due, tables.delivery
    found = (
        TellingFault("no-next-step", *_counted(connection, _alerts_that(will_be_told_no_more(now))))
        if has_destinations
        else None,
        TellingFault("told-nobody", *_counted(connection, _alerts_that(reached_nobody(now))))
        if has_destinations
        else None,
        TellingFault("due-not-tried", *_counted(connection, sa.select(due.c.alert_id).where(due_not_tried(now)))),
        TellingFault(
            "notices-not-tried", *_counted(connection, sa.select(delivery.c.alert_id).where(notice_not_tried(now)))
        ),
    )
    return [fault for fault in found if fault is not None and fault.count]


def never_begun(connection: sa.Connection, now: datetime, alert_id: int | None = None) -> list[int]:
    """Return the alerts that nobody has and that never had a step, such as those from before there were chains.

    Those of which the answer does not interrupt are not among them; where it names no channel, its tier says so.
    """
    alert, due, order, assessment = tables.alert, tables.due, tables.medication_order, tables.assessment
    had_one = sa.exists().where(due.c.alert_id == alert.c.id, due.c.kind == "step")
    put_off = sa.exists().where(
        due.c.alert_id == alert.c.id, due.c.kind.in_(("owner", "snooze")), due.c.done_at.is_(None)
    )
    channel = assessment.c.conclusion["channel"].as_string()
    query = (
        sa.select(alert.c.id)
        .join(order, order.c.id == alert.c.order_id)
        .join(assessment, assessment.c.id == alert.c.assessment_id)
        .where(alert.c.status.in_(PENDING), ~had_one, ~put_off, sa.or_(channel.is_(None), channel == "interrupt"))
        .where(sa.or_(order.c.ends_at.is_(None), order.c.ends_at > now - OVER_AFTER))
    )
    if alert_id is not None:
        query = query.where(alert.c.id == alert_id)
    return list(connection.execute(query.order_by(alert.c.id)).scalars())


def told_no_more(connection: sa.Connection, now: datetime, alert_id: int | None = None) -> list[int]:
    """Return the alerts of which nobody will be told any more, though somebody must be on them."""
    query = _alerts_that(will_be_told_no_more(now))
    if alert_id is not None:
        query = query.where(tables.alert.c.id == alert_id)
    return list(connection.execute(query.order_by(tables.alert.c.id)).scalars())


def will_be_told_no_more(now: datetime) -> sa.ColumnElement[bool]:
    """Tell of an alert, joined with its order, that somebody must be on it and nothing will happen.

    Its `due_at` says that it interrupts. Somebody is told again (step), is late (take_on), has it until a time (owner),
    or put it off (snooze).
    """
    alert, due = tables.alert, tables.due
    kinds = ("step", "take_on", "owner", "snooze")
    goes_on = sa.exists().where(due.c.alert_id == alert.c.id, due.c.kind.in_(kinds), due.c.done_at.is_(None))
    return sa.and_(alert.c.status.in_(PENDING), alert.c.due_at.is_not(None), ~goes_on, _concerns_somebody(now))


def reached_nobody(now: datetime) -> sa.ColumnElement[bool]:
    """Tell of an alert, joined with its order, that somebody had to be on it by now and no notice ever arrived.

    Not of one that somebody has or put off, nor whose chain begins before the order starts: after quiet hours.
    """
    alert, due, order, delivery = tables.alert, tables.due, tables.medication_order, tables.delivery
    sent = sa.exists().where(delivery.c.alert_id == alert.c.id)
    arrived = sa.exists().where(delivery.c.alert_id == alert.c.id, delivery.c.state == "sent")
    stands = sa.and_(due.c.alert_id == alert.c.id, due.c.done_at.is_(None))
    put_off = sa.exists().where(stands, due.c.kind.in_(("owner", "snooze")))
    in_time = sa.or_(order.c.starts_at.is_(None), order.c.starts_at <= now, due.c.due_at <= order.c.starts_at)
    begins = ~sent & sa.exists().where(stands, due.c.kind == "step", in_time)
    is_late = alert.c.status.in_(PENDING) & (alert.c.due_at < now - LATE_AFTER)
    return sa.and_(is_late, ~arrived, ~put_off, ~begins, _concerns_somebody(now))


def due_not_tried(now: datetime) -> sa.ColumnElement[bool]:
    """Tell of what was due that nobody carried it out in time."""
    due = tables.due
    return sa.and_(due.c.done_at.is_(None), due.c.due_at < now - LATE_AFTER)


def notice_not_tried(now: datetime) -> sa.ColumnElement[bool]:
    """Tell of a delivery that nobody tries although its attempt is due."""
    delivery = tables.delivery
    is_free = sa.or_(delivery.c.claimed_until.is_(None), delivery.c.claimed_until <= now)
    return sa.and_(delivery.c.state == "pending", delivery.c.next_at < now - LATE_AFTER, is_free)


def _concerns_somebody(now: datetime) -> sa.ColumnElement[bool]:
    ends_at = tables.medication_order.c.ends_at
    return sa.or_(ends_at.is_(None), ends_at > now - OVER_AFTER)


def _alerts_that(rule: sa.ColumnElement[bool]) -> sa.Select[Any]:
    alert, order = tables.alert, tables.medication_order
    return sa.select(alert.c.id).join(order, order.c.id == alert.c.order_id).where(rule)


def _counted(connection: sa.Connection, query: sa.Select[Any]) -> tuple[int, list[int]]:
    count = int(connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one())
    if not count:
        return 0, []
    alert_id = query.selected_columns[0]
    return count, sorted(set(connection.execute(query.order_by(alert_id.desc()).limit(NAMED)).scalars()))
