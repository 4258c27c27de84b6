"""What is due with an alert after a worker raised, changed or closed it; the patient is locked."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from history.due_times import DueLimits, owner_due, take_on_due
from store import due
from store.alerts import Alert
from store.due import KINDS, DueKind, NewDue

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
    is_worse: bool


def plan_due(connection: sa.Connection, altered: Iterable[Altered], limits: DueLimits, now: datetime) -> None:
    """Plan by when somebody must be on these alerts, and end what need not happen any more."""
    changes = list(altered)
    closed = [each.alert_id for each in changes if each.status in ("resolved", "covered")]
    if closed:
        due.settle(connection, closed, KINDS, "closed", now)
    awake = [each.alert_id for each in changes if each.kind == "reopened" or (each.is_worse and each.before)]
    if awake:
        due.settle(connection, awake, _OF_DECISION, "reopened", now)
    quiet = [each.alert_id for each in changes if each.status == "open" and each.before and not each.interrupts]
    if quiet:
        due.settle(connection, quiet, ("take_on", "step"), "not_urgent", now)
    due.plan(connection, [new for each in changes if (new := _planned(each, limits, now)) is not None])


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
