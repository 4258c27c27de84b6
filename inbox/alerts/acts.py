"""What a pharmacist does with an alert. Whoever holds the patient first does it; the other hears who was first."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from inbox.alerts.reasons import OTHER, REASONS
from inbox.errors import ActRefused, AlertChanged, AlertMissing, AlertSettled
from store import alerts, assessments, decisions
from store.alerts import Alert, Happening
from store.decisions import NewDecision
from store.inbox_queries import assign_alert
from store.locks import lock_people

LONGEST_TEXT = 4000


@dataclass(frozen=True, slots=True)
class Act:
    """Who acts on which alert, when, and on which answer; without `seen` on the latest."""

    alert_id: int
    actor: str
    now: datetime
    seen: int | None = None  # the assessment the reader had before her


def acknowledge(connection: sa.Connection, act: Act, note: str = "") -> None:
    """Settle an open alert as seen and taken on."""
    check_length("note", note)
    alert = held(connection, act)
    _check_standing(connection, act, alert, may_be={"open"})
    happening = Happening("acknowledged", act.now, act.actor, note=note or None, assessment_id=alert.assessment_id)
    signature = _signature(connection, alert.assessment_id)
    alerts.update(connection, act.alert_id, happening, status="acknowledged", settled_signature=signature)


def override(connection: sa.Connection, act: Act, reason: str, note: str, valid_until: datetime | None) -> None:
    """Let the order pass for a coded reason, which then stands for the patient until its time is over."""
    if reason not in REASONS:
        raise ActRefused("reason", "unknown" if reason else "required")
    check_length("note", note)
    if valid_until is not None and valid_until <= act.now:
        raise ActRefused("valid_until", "past")
    alert = held(connection, act)
    _check_standing(connection, act, alert, may_be={"open", "acknowledged"})
    if not note.strip() and (reason == OTHER or alert.tier == "contraindication"):
        raise ActRefused("note", "required")
    signature = _signature(connection, alert.assessment_id)
    happening = Happening(
        "overridden",
        act.now,
        act.actor,
        reason=reason,
        note=note or None,
        assessment_id=alert.assessment_id,
        data={"valid_until": valid_until.isoformat() if valid_until else None},
    )
    alerts.update(connection, act.alert_id, happening, status="overridden", settled_signature=signature)
    decision = NewDecision(
        patient_id=alert.patient_id,
        alert_id=act.alert_id,
        signature=signature,
        reason=reason,
        note=note,
        made_by=act.actor,
        made_at=act.now,
        valid_until=valid_until,
    )
    decisions.insert(connection, decision)


def comment(connection: sa.Connection, act: Act, text: str) -> None:
    """Add a remark to the alert's record."""
    if not text.strip():
        raise ActRefused("text", "required")
    check_length("text", text)
    held(connection, act)
    alerts.record(connection, act.alert_id, Happening("comment", act.now, act.actor, note=text))


def assign(connection: sa.Connection, act: Act, user: str, allowed: Collection[str]) -> None:
    """Say who is working on the alert; an empty name gives it back to everybody."""
    if user and user not in allowed:
        raise ActRefused("user", "unknown")
    held(connection, act)
    assign_alert(connection, act.alert_id, user or None)
    alerts.record(connection, act.alert_id, Happening("assigned", act.now, act.actor, data={"user": user}))


def held(connection: sa.Connection, act: Act) -> Alert:
    """Give the alert as it is while nobody else, worker or pharmacist, can change it."""
    lock_people(connection, {_existing(connection, act).patient_id})
    return _existing(connection, act)


def _existing(connection: sa.Connection, act: Act) -> Alert:
    alert = alerts.get(connection, act.alert_id)
    if alert is None:
        raise AlertMissing("there is no such alert")
    return alert


def _check_standing(connection: sa.Connection, act: Act, alert: Alert, may_be: Collection[str]) -> None:
    """Refuse when somebody was first, or when the alert is not what the reader had before her."""
    status = alert.status
    if status not in may_be:
        first = [line for line in alerts.events_of(connection, act.alert_id) if line.kind == status]
        raise AlertSettled(status, first[-1].actor if first else "", first[-1].at if first else None)
    check_seen(act, alert)


def check_seen(act: Act, alert: Alert) -> None:
    """Refuse when the alert has got another answer since it was read."""
    if act.seen is not None and act.seen != alert.assessment_id:
        raise AlertChanged("the alert has another assessment than the one that was seen")


def _signature(connection: sa.Connection, assessment_id: int) -> str:
    return assessments.of_ids(connection, {assessment_id})[assessment_id].signature


def check_length(field: str, text: str) -> None:
    """Refuse a text that is too long."""
    if len(text) > LONGEST_TEXT:
        raise ActRefused(field, "too_long")
