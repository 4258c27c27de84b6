"""What is due is carried out: a late alert is told again, and what was put off comes back on the list.

Claimed for seconds, so that a process that dies delays nothing; ended in the transaction that carries it out, so that
it happens once. A kind and what is done with it are a line of `CARRIED_OUT`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import sqlalchemy as sa
import structlog

from clinical.words import ABOUT_ORDER, AFTER_INFUSION, PENDING, Channel, Tier
from forwarding.policy import Situation
from history.alerting import is_over, is_quiet
from history.chains import AFTER, BEGAN_AT, CHAIN, ChainStep, chain_name, chain_step, destinations_of, tells
from history.choices import Site
from history.conclusion import channel_of
from history.due_times import take_on_due
from store import alerts, deliveries, due
from store.alerts import DESTINATIONS, Columns, ConcludedAlert, Happening, before_change
from store.deliveries import NewDelivery
from store.due import CAME_BACK, Due, DueKind, NewDue
from store.locks import lock_people
from worker.plan_due import next_step
from worker.raise_alerts import Effects
from worker.transactions import in_transaction, is_passing
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
    except Exception as error:  # whatever is wrong with one, the others are carried out
        if is_passing(error):
            raise
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
    unlocked = alerts.get(connection, each.alert_id)
    if unlocked is None:
        return None
    lock_people(connection, {unlocked.patient_id})
    alert = alerts.find_alert(connection, each.alert_id)
    now = worker.clock()
    if alert is None or not due.finish(connection, each, CAME_BACK if each.kind == "follow_up" else "came", now):
        return None
    return CARRIED_OUT[each.kind](DueContext(connection, worker.site, now), each, alert)


def tell_step(context: DueContext, each: Due, alert: ConcludedAlert) -> Effects:
    """Notify whom the chain of an alert names now, and plan when it goes on; it ends when somebody acts."""
    if alert.status not in PENDING:
        return Effects()
    began_at = datetime.fromisoformat(each.data[BEGAN_AT])
    after = datetime.fromisoformat(each.data[AFTER]) if AFTER in each.data else None
    is_exchanged = CHAIN in each.data and chain_name(context.site, situation_of(alert, began_at)) != each.data[CHAIN]
    if is_exchanged:  # what the other chain did is nothing that this one did
        step = _chain_step(context, alert, context.now, None)
    else:
        step = _chain_step(context, alert, began_at, after)
    places = list(step.destinations) if step is not None else []
    if after is None:  # opened again by hand, of which those who heard of it before were notified at once
        heard = _heard(context, alert)
        places = [place for place in places if place not in heard]
    if step is None or not places:
        return Effects()
    kind = "notified" if step.is_first and not is_exchanged else "escalated"
    return _write(context, alert, Happening(kind, context.now, data=step.data), {}, places)


def tell_overdue(context: DueContext, each: Due, alert: ConcludedAlert) -> Effects:
    """Write in the record that nobody took an alert on in time, or that whoever did is late; and notify again.

    While nobody has taken it on, its chain goes on; when whoever took it on is late, the chain begins anew. Where the
    chain notifies nobody in time, everybody is notified, and whoever was notified of it before.
    """
    if alert.status not in PENDING:
        return Effects()
    step = None
    places: Sequence[str] = ()
    if each.kind == "owner":
        step = _chain_step(context, alert, context.now, None)
        places = step.destinations if step is not None else ()
    if not places and not _chain_tells_in_time(context, alert) and (everybody := _everybody(context, alert)):
        places = list(dict.fromkeys([*everybody, *_heard(context, alert)]))
    data = {"kind": each.kind, "due_at": each.due_at.isoformat(), "owner": alert.assigned_to}
    data |= step.data if step is not None else {}
    return _write(context, alert, Happening("overdue", context.now, data=data), {}, places)


def _chain_tells_in_time(context: DueContext, alert: ConcludedAlert) -> bool:
    """Return whether the chain goes on before the order starts, and somebody was told, or will be after quiet hours."""
    steps = [each.due_at for each in due.standing(context.connection, [alert.id]) if each.kind == "step"]
    if not steps or (alert.starts_at is not None and context.now < alert.starts_at < min(steps)):
        return False
    tier = Tier.named(alert.tier).word
    is_allowed = context.site.telling.allowed_from(context.now, tier, context.site.zone) <= context.now
    return not is_allowed or deliveries.was_sent(context.connection, alert.id)


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
            done.include(reopen(context, found, {"why": "override_ended", "due": each.id}, tells_now=False))
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
        line = Happening("reopened", context.now, data=data)
        return _write(context, alert, line, {}, _everybody(context, alert))
    return reopen(context, alert, data | {"before": before_change(alert)})


CARRIED_OUT: Final[dict[DueKind, CarryOut]] = {
    "take_on": tell_overdue,
    "owner": tell_overdue,
    "override_end": end_override,
    "snooze": end_snooze,
    "follow_up": look_again,
    "step": tell_step,
}


def reopen(context: DueContext, alert: ConcludedAlert, data: Mapping[str, Any], *, tells_now: bool = True) -> Effects:
    """Open an alert again: it is nobody's, and must be taken on if it interrupts; its chain begins anew."""
    columns: Columns = {"status": "open", "assigned_to": None, "settled_signature": None, "covered_by": None}
    if _may_notify(context, alert):
        by = take_on_due(alert.tier, alert.starts_at, context.now, context.site.due)
        due.plan(context.connection, [NewDue(alert.id, "take_on", by, context.now)])
    step = _chain_step(context, alert, context.now, None)
    places = step.destinations if step is not None and tells_now else ()
    if places:
        places = list(dict.fromkeys([*places, *_heard(context, alert)]))
    return _write(context, alert, Happening("reopened", context.now, data=dict(data)), columns, places)


def _chain_step(
    context: DueContext, alert: ConcludedAlert, began_at: datetime, after: datetime | None
) -> ChainStep | None:
    """Return what the chain does now, and plan its next step; None when nobody is notified of this alert."""
    situation = situation_of(alert, began_at)
    if not tells(context.site, situation) or _is_quiet(context, alert):
        return None
    step = chain_step(context.site, situation, after, context.now)
    planned = next_step(alert.id, step, context.now)
    due.plan(context.connection, [planned] if planned is not None else [])
    return step


def situation_of(alert: ConcludedAlert, began_at: datetime) -> Situation:
    """Return the alert as far as its chain depends on it."""
    return Situation(
        began_at=began_at,
        tier=Tier.named(alert.tier).word,
        ward=alert.conclusion.patient.ward,
        channel=channel_of(alert.conclusion.channel, alert.tier).word,
        stream=ABOUT_ORDER if alert.is_about_order else AFTER_INFUSION,
    )


def _write(
    context: DueContext, alert: ConcludedAlert, line: Happening, columns: Columns, places: Sequence[str]
) -> Effects:
    """Write the line, the columns, and the notices of it."""
    data = {**line.data, **({DESTINATIONS: list(places)} if places else {})}  # the ledger holds deliveries to it
    written = Happening(line.kind, line.at, assessment_id=alert.assessment_id, data=data)
    event = alerts.update(context.connection, alert.id, written, **columns).event_id
    wanted = [NewDelivery(alert.id, event, place, context.now) for place in places]
    return Effects([alert.id], deliveries.enqueue(context.connection, wanted, context.now))


def _heard(context: DueContext, alert: ConcludedAlert) -> list[str]:
    return deliveries.heard_of(context.connection, [alert.id]).get(alert.id, [])


def _everybody(context: DueContext, alert: ConcludedAlert) -> list[str]:
    return destinations_of(context.site, Tier.named(alert.tier).word) if _may_notify(context, alert) else []


def _may_notify(context: DueContext, alert: ConcludedAlert) -> bool:
    interrupts = channel_of(alert.conclusion.channel, alert.tier) >= Channel.INTERRUPT
    return interrupts and not _is_quiet(context, alert)


def _is_quiet(context: DueContext, alert: ConcludedAlert) -> bool:
    return is_quiet(alert.stream, frozenset(alert.badges), alert.order_ends_at, context.now)
