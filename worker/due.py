"""What is due is carried out: a late alert is told again, and what was put off comes back on the list.

Claimed for seconds, so that a process that dies delays nothing; ended in the transaction that carries it out, so that
it happens once. A kind and what is done with it are a line of `CARRIED_OUT`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import sqlalchemy as sa
import structlog

from clinical.words import PENDING, Tier
from history.alerting import is_over, may_notify
from history.choices import Site
from history.conclusion import channel_of
from history.due_times import take_on_due
from store import alerts, deliveries, due
from store.alerts import DESTINATIONS, Columns, ConcludedAlert, Happening
from store.deliveries import NewDelivery
from store.due import CAME_BACK, Due, DueKind, NewDue
from store.locks import lock_people
from worker.raise_alerts import Effects, destinations_of
from worker.transactions import TRY_AGAIN, in_transaction
from worker.worker import Worker

log = structlog.get_logger()

ROUND = 20  # claimed at once
LEASE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class DueContext:
    """Where and when something due is carried out; the patient of the alert is locked."""

    connection: sa.Connection
    site: Site
    now: datetime


CarryOut = Callable[[DueContext, Due, ConcludedAlert], Effects]


def carry_out_due(worker: Worker) -> int:
    """Carry out everything that is due; return how much that was. Safe to call in several processes at a time."""
    total = 0
    while claimed := _claim(worker):
        for each in claimed:
            total += _carry_out(worker, each)
    return total


def _claim(worker: Worker) -> list[Due]:
    with worker.engine.begin() as connection:
        return due.claim_due(connection, worker.clock(), LEASE, ROUND, tuple(CARRIED_OUT))


def _carry_out(worker: Worker, each: Due) -> bool:
    try:
        done = in_transaction(worker.engine, partial(_in_turn, worker=worker, each=each))
    except TRY_AGAIN:
        raise
    except Exception as error:  # noqa: BLE001  # whatever is wrong with one, the others are carried out
        log.error("due.failed", due=each.id, alert=each.alert_id, kind=each.kind, error=type(error).__name__)
        return False
    if done is None:
        return False
    worker.announce(done.alerts)
    if done.deliveries:
        worker.ring_deliveries(done.deliveries)
    log.info("due.carried_out", due=each.id, alert=each.alert_id, kind=each.kind)
    return True


def _in_turn(connection: sa.Connection, *, worker: Worker, each: Due) -> Effects | None:
    """Carry out one, under the lock of its patient; None when it was ended or planned anew meanwhile."""
    known = alerts.get(connection, each.alert_id)
    if known is None:
        return None
    lock_people(connection, {known.patient_id})
    alert = alerts.find_alert(connection, each.alert_id)
    now = worker.clock()
    if alert is None or not due.finish(connection, each, CAME_BACK if each.kind == "follow_up" else "came", now):
        return None
    return CARRIED_OUT[each.kind](DueContext(connection, worker.site, now), each, alert)


def tell_overdue(context: DueContext, each: Due, alert: ConcludedAlert) -> Effects:
    """Write in the record that nobody took an alert on in time, or that whoever did is late; and tell it again."""
    if alert.status not in PENDING:
        return Effects()
    data = {"kind": each.kind, "due_at": each.due_at.isoformat(), "owner": alert.assigned_to}
    return _write(context, alert, Happening("overdue", context.now, data=data), {})


def end_override(context: DueContext, each: Due, alert: ConcludedAlert) -> Effects:
    """Put an alert on the list again because the reason that let its order pass stands no longer.

    With it come the alerts of other orders that stood under the same reason; one notice tells of all. What is over
    concerns nobody any more.
    """
    if alert.status != "overridden" or (alert.is_about_order and is_over(alert.order_ends_at, context.now)):
        return Effects()
    done = reopen(context, alert, {"why": "override_ended", "due": each.id})
    for covered in alerts.covered_by(context.connection, alert.id):
        found = alerts.find_alert(context.connection, covered.id)
        if found is not None and not is_over(found.order_ends_at, context.now):
            done.include(reopen(context, found, {"why": "override_ended", "due": each.id}, tells=False))
    return done


def end_snooze(context: DueContext, each: Due, alert: ConcludedAlert) -> Effects:
    """Wake an alert: it is everybody's again."""
    if alert.status not in PENDING:
        return Effects()
    return reopen(context, alert, {"why": "snooze_ended", "due": each.id, "by": each.created_by})


def look_again(context: DueContext, each: Due, alert: ConcludedAlert) -> Effects:
    """Put an alert on the list because somebody wanted to look again; what somebody is on stays hers."""
    if alert.is_resolved:
        return Effects()
    data = {"why": "follow_up", "due": each.id, "by": each.created_by, **each.data}
    if alert.status in PENDING:
        return _write(context, alert, Happening("reopened", context.now, data=data), {})
    before = {"status": alert.status, "settled_signature": alert.settled_signature, "covered_by": alert.covered_by}
    return reopen(context, alert, data | {"before": before})


CARRIED_OUT: Final[dict[DueKind, CarryOut]] = {
    "take_on": tell_overdue,
    "owner": tell_overdue,
    "override_end": end_override,
    "snooze": end_snooze,
    "follow_up": look_again,
}


def reopen(context: DueContext, alert: ConcludedAlert, data: Mapping[str, Any], *, tells: bool = True) -> Effects:
    """Open an alert again: it is nobody's, and must be taken on if it interrupts."""
    columns: Columns = {"status": "open", "assigned_to": None, "settled_signature": None, "covered_by": None}
    if _may_notify(alert, context.now):
        by = take_on_due(alert.tier, alert.starts_at, context.now, context.site.due)
        due.plan(context.connection, [NewDue(alert.id, "take_on", by, context.now)])
    return _write(context, alert, Happening("reopened", context.now, data=dict(data)), columns, tells=tells)


def _write(
    context: DueContext, alert: ConcludedAlert, line: Happening, columns: Columns, *, tells: bool = True
) -> Effects:
    """Write the line and the columns, and the notices of it where a notice may go out."""
    notifies = tells and _may_notify(alert, context.now)
    places = destinations_of(context.site, Tier.named(alert.tier)) if notifies else []
    data = {**line.data, **({DESTINATIONS: places} if places else {})}  # the ledger holds deliveries to it
    written = Happening(line.kind, line.at, assessment_id=alert.assessment_id, data=data)
    event = alerts.update(context.connection, alert.id, written, **columns).event_id
    wanted = [NewDelivery(alert.id, event, place, context.now) for place in places]
    return Effects([alert.id], deliveries.enqueue(context.connection, wanted, context.now))


def _may_notify(alert: ConcludedAlert, now: datetime) -> bool:
    channel = channel_of(alert.conclusion.channel, alert.tier)
    return may_notify(channel, alert.stream, frozenset(alert.badges), alert.order_ends_at, now)
