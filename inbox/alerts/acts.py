"""Everything that a pharmacist can do with an alert, and what the forms for it offer before anybody types."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from clinical.words import PENDING
from history.due_times import DueLimits, snooze_limit
from history.evidence import LOOK_AT
from inbox.alerts.act import AlertAct, is_unread
from inbox.alerts.follow_ups import FollowedUp, FollowUp
from inbox.alerts.remarks import Assignment, Comment, HandoverNote, NaranjoAnswers, Tick
from inbox.alerts.settling import DONE_AS, OTHER, REASONS, Acknowledgement, Override, TakenOn
from inbox.alerts.sleeping import SNOOZE_REASONS, Snooze
from inbox.alerts.taking_back import Reopening, Undo
from inbox.alerts.ticks import Ticked, ticks_of
from store import alerts, due, merges
from store.alerts import Alert, AlertEvent, ConcludedAlert
from store.due import Due

AN_HOUR = timedelta(hours=1)
_ALL: tuple[type[AlertAct], ...] = (
    TakenOn,
    Acknowledgement,
    Override,
    Snooze,
    FollowUp,
    FollowedUp,
    Undo,
    Reopening,
    Comment,
    HandoverNote,
    Tick,
    Assignment,
    NaranjoAnswers,
)
ACTS: dict[str, type[AlertAct]] = {act.action: act for act in _ALL}  # by the name in addresses and access record


@dataclass(frozen=True, slots=True)
class Other:
    """Another alert of the patient that waits, and whether it must be read before it is settled with this one."""

    alert: Alert
    unread: bool


@dataclass(frozen=True, slots=True)
class ActChoices:
    """Everything that the forms of one alert offer."""

    others: tuple[Other, ...]
    follow_ups: tuple[Due, ...]  # that stand
    ticks: tuple[Ticked | None, ...]  # of each line of advice: who ticked it last
    sleep_until: datetime  # what the form of a snooze begins with
    sleep_at_most: datetime | None
    look_again: datetime
    reasons: tuple[str, ...] = REASONS
    done_as: tuple[str, ...] = DONE_AS
    snooze_reasons: tuple[str, ...] = SNOOZE_REASONS
    look_at: tuple[str, ...] = LOOK_AT
    other: str = OTHER


def choices_of(
    connection: sa.Connection,
    alert: ConcludedAlert,
    events: list[AlertEvent],
    who: str,
    limits: DueLimits,
    now: datetime,
) -> ActChoices:
    """Return what can be chosen for an alert by whoever looks at it."""
    latest = snooze_limit(alert.tier, alert.starts_at, now, limits)
    return ActChoices(
        others=tuple(_others(connection, alert, who)),
        follow_ups=tuple(each for each in due.standing(connection, [alert.id]) if each.kind == "follow_up"),
        ticks=ticks_of(events, alert.conclusion.advice),
        sleep_until=min(now + AN_HOUR, latest or now + AN_HOUR),
        sleep_at_most=latest,
        look_again=max(now, alert.starts_at or now) + timedelta(days=1),
    )


def _others(connection: sa.Connection, alert: Alert, who: str) -> list[Other]:
    members = merges.merge_set(connection, {alert.patient_id})
    rows = [row for row in alerts.of_patients(connection, members, PENDING) if row.id != alert.id]
    return [Other(row, is_unread(connection, row, who)) for row in rows]
