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
    found = (
        TellingFault("no-next-step", *_counted(connection, _without_next_step(now))) if has_destinations else None,
        TellingFault("told-nobody", *_counted(connection, _told_nobody(now))) if has_destinations else None,
        TellingFault("due-not-tried", *_counted(connection, _due_not_tried(now))),
        TellingFault("notices-not-tried", *_counted(connection, _notices_not_tried(now))),
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


def _without_next_step(now: datetime) -> sa.Select[Any]:
    """Select the alerts on which somebody must be, with nothing that will happen: its `due_at` says that it interrupts.

    Somebody is told again (step), is late (take_on), has it until a time (owner), or put it off (snooze).
    """
    alert, due, order = tables.alert, tables.due, tables.medication_order
    kinds = ("step", "take_on", "owner", "snooze")
    goes_on = sa.exists().where(due.c.alert_id == alert.c.id, due.c.kind.in_(kinds), due.c.done_at.is_(None))
    return (
        sa.select(alert.c.id)
        .join(order, order.c.id == alert.c.order_id)
        .where(alert.c.status.in_(PENDING), alert.c.due_at.is_not(None), ~goes_on)
        .where(sa.or_(order.c.ends_at.is_(None), order.c.ends_at > now - OVER_AFTER))
    )


def _told_nobody(now: datetime) -> sa.Select[Any]:
    """Select the alerts on which somebody had to be by now, of which no notice ever arrived.

    Not those that somebody has or put off, nor those whose chain begins before the order starts: after quiet hours.
    """
    alert, due, order, delivery = tables.alert, tables.due, tables.medication_order, tables.delivery
    sent = sa.exists().where(delivery.c.alert_id == alert.c.id)
    arrived = sa.exists().where(delivery.c.alert_id == alert.c.id, delivery.c.state == "sent")
    stands = sa.and_(due.c.alert_id == alert.c.id, due.c.done_at.is_(None))
    put_off = sa.exists().where(stands, due.c.kind.in_(("owner", "snooze")))
    in_time = sa.or_(order.c.starts_at.is_(None), order.c.starts_at <= now, due.c.due_at <= order.c.starts_at)
    begins = ~sent & sa.exists().where(stands, due.c.kind == "step", in_time)
    return (
        sa.select(alert.c.id)
        .join(order, order.c.id == alert.c.order_id)
        .where(alert.c.status.in_(PENDING), alert.c.due_at < now - LATE_AFTER, ~arrived, ~put_off, ~begins)
        .where(sa.or_(order.c.ends_at.is_(None), order.c.ends_at > now - OVER_AFTER))
    )


def _due_not_tried(now: datetime) -> sa.Select[Any]:
    due = tables.due
    return sa.select(due.c.alert_id).where(due.c.done_at.is_(None), due.c.due_at < now - LATE_AFTER)


def _notices_not_tried(now: datetime) -> sa.Select[Any]:
    delivery = tables.delivery
    return sa.select(delivery.c.alert_id).where(
        delivery.c.state == "pending",
        delivery.c.next_at < now - LATE_AFTER,
        sa.or_(delivery.c.claimed_until.is_(None), delivery.c.claimed_until <= now),
    )


def _counted(connection: sa.Connection, query: sa.Select[Any]) -> tuple[int, list[int]]:
    count = int(connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one())
    if not count:
        return 0, []
    alert_id = query.selected_columns[0]
    return count, sorted(set(connection.execute(query.order_by(alert_id.desc()).limit(NAMED)).scalars()))


class TellingReport(msgspec.Struct, frozen=True):
    """What became of everything that was told in a time."""

    alerts: int  # of which somebody was notified
    answered: int  # somebody took it on, settled it or put it off
    ended: int  # the order stopped, or what was found was withdrawn, before anybody answered
    waiting: int  # nobody answered yet
    longest_to_answer: timedelta | None
    steps: int  # carried out
    latest_step: timedelta  # the most that a step came late
    late_steps: Sequence[int]  # the alerts of those that came later than they may
    notices: int  # deliveries that arrived
    pending: int
    refused: int
    unheard: Sequence[int]  # alerts with a line that had to be told, and that no destination took


_ANSWERS: Final = frozenset({"taken_on", "acknowledged", "overridden", "snoozed"})


def report(connection: sa.Connection, since: datetime) -> TellingReport:
    """Return what became of everything that was told since then."""
    opened, ends = _first_lines(connection, since)
    times = [ends[alert][1] - opened[alert] for alert in opened if alert in ends and ends[alert][0] in _ANSWERS]
    late = _lateness(connection, since)
    states = _states_of_events(connection, since)
    return TellingReport(
        alerts=len(opened),
        answered=len(times),
        ended=sum(ends[alert][0] == "resolved" for alert in opened if alert in ends),
        waiting=sum(alert not in ends for alert in opened),
        longest_to_answer=max(times, default=None),
        steps=len(late),
        latest_step=max((by for _, by in late), default=timedelta(0)),
        late_steps=sorted({alert for alert, by in late if by > LATE_AFTER}),
        notices=sum(each.count("sent") for _, each in states),
        pending=sum(each.count("pending") for _, each in states),
        refused=sum(each.count("refused") for _, each in states),
        unheard=sorted({alert for alert, each in states if set(each) == {"refused"}}),
    )


def _first_lines(
    connection: sa.Connection, since: datetime
) -> tuple[dict[int, datetime], dict[int, tuple[str, datetime]]]:
    """Return when each alert was first told, and the first answer or end after that."""
    event, delivery = tables.alert_event, tables.delivery
    query = sa.select(delivery.c.alert_id, sa.func.min(delivery.c.created_at).label("at"))
    query = query.where(delivery.c.created_at >= since).group_by(delivery.c.alert_id)
    opened = {row.alert_id: row.at for row in connection.execute(query)}
    lines = sa.select(event.c.alert_id, event.c.kind, event.c.at).where(
        event.c.kind.in_([*_ANSWERS, "resolved"]), event.c.at >= since
    )
    ends: dict[int, tuple[str, datetime]] = {}
    for row in connection.execute(lines.order_by(event.c.id)):
        if row.alert_id in opened and row.at >= opened[row.alert_id]:
            ends.setdefault(row.alert_id, (row.kind, row.at))
    return opened, ends


def _lateness(connection: sa.Connection, since: datetime) -> list[tuple[int, timedelta]]:
    """Return, of each step that was carried out, its alert and by how much it came late."""
    due = tables.due
    query = sa.select(due.c.alert_id, due.c.due_at, due.c.done_at)
    query = query.where(due.c.kind == "step", due.c.outcome == "came", due.c.done_at >= since)
    return [(row.alert_id, row.done_at - row.due_at) for row in connection.execute(query)]


def _states_of_events(connection: sa.Connection, since: datetime) -> list[tuple[int, list[str]]]:
    """Return, of each line that was told, its alert and the states of its deliveries."""
    delivery = tables.delivery
    query = sa.select(delivery.c.event_id, delivery.c.alert_id, delivery.c.state)
    found: dict[int, tuple[int, list[str]]] = {}
    for row in connection.execute(query.where(delivery.c.created_at >= since)):
        found.setdefault(row.event_id, (row.alert_id, []))[1].append(row.state)
    return list(found.values())
