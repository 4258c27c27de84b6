"""What is due with an alert after a worker raised, changed or closed it; the patient is locked."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from history.chains import ChainStep
from history.due_times import DueLimits, owner_due, take_on_due
from store import due
from store.alerts import Alert
from store.due import KINDS, DueKind, NewDue

_TAKE_ON: tuple[DueKind, ...] = ("take_on",)
_STEP: tuple[DueKind, ...] = ("step",)
_OF_DECISION: tuple[DueKind, ...] = ("owner", "snooze", "override_end")


@dataclass(frozen=True, slots=True)
class Altered:
    """An alert that was raised or changed: what it was, and what it is now."""

    alert_id: int
    before: Alert | None  # None: it is new
    kind: str  # of the line in its record
    status: str
    tier: str
    starts_at: datetime | None
    interrupts: bool  # whether somebody must be on it
    tells: bool  # whether anybody is notified of it
    is_worse: bool
    chain: ChainStep | None = None  # one that begins now


def plan_due(connection: sa.Connection, altered: Iterable[Altered], limits: DueLimits, now: datetime) -> None:
    """Plan by when somebody must be on these alerts, and end what need not happen any more.

    What is due with a new alert is written with it.
    """
    changes = [each for each in altered if each.before is not None]
    closed = [each.alert_id for each in changes if each.status in ("resolved", "covered")]
    if closed:
        due.settle(connection, closed, KINDS, "closed", now)
    awake = [each.alert_id for each in changes if each.kind == "reopened" or each.is_worse]
    if awake:
        due.settle(connection, awake, _OF_DECISION, "reopened", now)
    waiting = [each for each in changes if each.status == "open"]
    calm = [each.alert_id for each in waiting if not each.interrupts]
    silent = [each.alert_id for each in waiting if not each.tells]
    if calm == silent:
        due.settle(connection, calm, (*_TAKE_ON, *_STEP), "not_urgent", now)
    else:
        due.settle(connection, calm, _TAKE_ON, "not_urgent", now)
        due.settle(connection, silent, _STEP, "not_urgent", now)
    due.plan(connection, [new for each in changes for new in dues_of(each, limits, now)])


def dues_of(each: Altered, limits: DueLimits, now: datetime) -> list[NewDue]:
    """Return what is to be planned with an alert that was raised or changed."""
    wanted = _planned(each, limits, now), next_step(each.alert_id, each.chain, now)
    return [new for new in wanted if new is not None]


def next_step(alert_id: int, chain: ChainStep | None, now: datetime) -> NewDue | None:
    """Return the step with which a chain goes on; None when it ends."""
    if chain is None or chain.next_at is None:
        return None
    return NewDue(alert_id, "step", chain.next_at, now, data=chain.next_data or {})


def _planned(each: Altered, limits: DueLimits, now: datetime) -> NewDue | None:
    """Return the time that counts from now on; None when the one that was planned stays."""
    had = each.before.due_at if each.before is not None else None
    if each.status == "taken_on" and each.before is not None and each.before.assigned_to is not None:
        by = owner_due(each.tier, each.starts_at, now, limits)
        earlier = had is not None and now < by < had
        return NewDue(each.alert_id, "owner", by, now, each.before.assigned_to) if earlier else None
    if each.status != "open" or not each.interrupts:
        return None
    by = take_on_due(each.tier, each.starts_at, now, limits)
    if each.kind == "changed" and each.before is not None:
        comes_first = had is not None and had <= by
        if each.is_worse:
            comes_first = comes_first and had is not None and now < had  # what was late counts anew
        if comes_first or (each.before.snoozed_until is not None and not each.is_worse):
            return None
    return NewDue(each.alert_id, "take_on", by, now)
