"""What a pharmacist does with an alert. Whoever holds the patient first does it; the other hears who was first.

Each act is the body that the API reads. A form of the page is read into the same; its fields are named alike.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa

from clinical.words import AFTER_INFUSION, STATUSES
from inbox.acting import Acting, Concerned, Done
from inbox.errors import ActRefused, AlertChanged, AlertMissing, AlertSettled
from inbox.http.api_requests import number_of
from inbox.people.accounts import user_names
from rules.naranjo import REPLIES, score_of
from store import alerts, assessments
from store.alerts import Alert, ConcludedAlert, Happening, NewDecision, assign_alert, find_alert
from store.locks import lock_people

LONGEST_TEXT = 4000
OTHER = "other"
REASONS = (  # why a pharmacist lets an order pass although the alert stands
    "benefit_outweighs_risk",
    "adequately_anticoagulated",
    "order_adjusted",
    "discussed_with_prescriber",
    "will_monitor",
    "tolerated_before",
    "history_incorrect",
    OTHER,
)
NARANJO = "naranjo"  # kind of the line in the alert's record


@dataclass(frozen=True, slots=True)
class ActForm:
    """What was filled in on the page, in the hospital's zone."""

    values: Mapping[str, str]
    zone: ZoneInfo

    def text(self, field: str) -> str:
        """Return what was typed, its lines ended as the browser counted them."""
        return self.values.get(field, "").replace("\r\n", "\n")

    @property
    def seen(self) -> str | None:
        """The assessment that the page showed."""
        seen = self.values.get("seen", "")
        return seen if number_of(seen) is not None else None

    def until(self, field: str) -> datetime | None:
        """Until the end of the day that was filled in; without one, for good."""
        day = self.values.get(field, "")
        if not day:
            return None
        try:
            return datetime.combine(datetime.fromisoformat(day).date(), time(23, 59, 59), self.zone)
        except ValueError as error:
            raise ActRefused(field, "unknown") from error


class AlertAct(msgspec.Struct, frozen=True):
    """What is done with an alert, as it was filled in."""

    action: ClassVar[str]
    may_be: ClassVar[Collection[str]] = STATUSES  # the statuses of an alert with which it can be done

    @property
    def seen(self) -> int | None:
        """The assessment that the reader had before her; None: whichever is the latest."""
        told: str | None = getattr(self, "assessment", None)
        return None if told is None else number_of(told) or 0

    @classmethod
    def read(cls, form: ActForm) -> "AlertAct":
        """Read the form of the page, or refuse it."""
        raise NotImplementedError

    def check(self, acting: Acting) -> None:
        """Refuse what was filled in, before anything is held."""

    def write(self, acting: Acting, alert: Alert) -> None:
        """Do it; the alert is held."""
        raise NotImplementedError


class Acknowledgement(AlertAct, frozen=True):
    """Seen and taken on."""

    action = "acknowledge"
    may_be = ("open",)

    note: str = ""
    assessment: str | None = None  # the answer that was seen; refused when there is a newer one

    @classmethod
    def read(cls, form: ActForm) -> "Acknowledgement":
        """Read the form of the page."""
        return cls(form.text("note"), form.seen)

    def check(self, acting: Acting) -> None:
        """Refuse a note that is too long."""
        _check_length("note", self.note)

    def write(self, acting: Acting, alert: Alert) -> None:
        """Settle an open alert as seen and taken on."""
        happening = _happening("acknowledged", acting, alert, self.note)
        signature = _signature(acting.connection, alert)
        alerts.update(acting.connection, alert.id, happening, status="acknowledged", settled_signature=signature)


class Override(AlertAct, frozen=True):
    """The order goes on for a coded reason, which stands until its time is over."""

    action = "override"
    may_be = ("open", "acknowledged")

    reason: str
    note: str = ""
    valid_until: datetime | None = None
    assessment: str | None = None

    @classmethod
    def read(cls, form: ActForm) -> "Override":
        """Read the form of the page; a reason stands until the end of the day that was filled in."""
        return cls(form.text("reason"), form.text("note"), form.until("valid_until"), form.seen)

    def check(self, acting: Acting) -> None:
        """Refuse a reason that is none of ours, a note that is too long, and a time that is over."""
        if self.reason not in REASONS:
            raise ActRefused("reason", "unknown" if self.reason else "required")
        _check_length("note", self.note)
        if self.valid_until is not None and self.valid_until <= acting.now:
            raise ActRefused("valid_until", "past")

    def write(self, acting: Acting, alert: Alert) -> None:
        """Let the order pass for a coded reason, which then stands for the patient until its time is over."""
        if not self.note.strip() and (self.reason == OTHER or alert.tier == "contraindication"):
            raise ActRefused("note", "required")
        signature = _signature(acting.connection, alert)
        data = {"valid_until": self.valid_until.isoformat() if self.valid_until else None}
        happening = _happening("overridden", acting, alert, self.note, reason=self.reason, data=data)
        alerts.update(acting.connection, alert.id, happening, status="overridden", settled_signature=signature)
        decision = NewDecision(
            patient_id=alert.patient_id,
            alert_id=alert.id,
            signature=signature,
            reason=self.reason,
            note=self.note,
            made_by=acting.actor,
            made_at=acting.now,
            valid_until=self.valid_until,
        )
        alerts.insert_decision(acting.connection, decision)


class Comment(AlertAct, frozen=True):
    """A remark."""

    action = "comment"

    text: str

    @classmethod
    def read(cls, form: ActForm) -> "Comment":
        """Read the form of the page."""
        return cls(form.text("text"))

    def check(self, acting: Acting) -> None:
        """Refuse an empty text, and one that is too long."""
        if not self.text.strip():
            raise ActRefused("text", "required")
        _check_length("text", self.text)

    def write(self, acting: Acting, alert: Alert) -> None:
        """Add a remark to the alert's record."""
        alerts.record(acting.connection, alert.id, Happening("comment", acting.now, acting.actor, note=self.text))


class Assignment(AlertAct, frozen=True):
    """Who is working on it; an empty name gives it back to everybody."""

    action = "assign"

    user: str

    @classmethod
    def read(cls, form: ActForm) -> "Assignment":
        """Read the form of the page."""
        return cls(form.text("user"))

    def check(self, acting: Acting) -> None:
        """Refuse a name that is nobody's."""
        if self.user and self.user not in user_names(acting.connection):
            raise ActRefused("user", "unknown")

    def write(self, acting: Acting, alert: Alert) -> None:
        """Say who is working on the alert."""
        assign_alert(acting.connection, alert.id, self.user or None)
        happening = Happening("assigned", acting.now, acting.actor, data={"user": self.user})
        alerts.record(acting.connection, alert.id, happening)


class NaranjoAnswers(AlertAct, frozen=True):
    """An answer to each of the ten questions: yes, no or unknown, by its number."""

    action = "naranjo"

    answers: dict[str, str]
    note: str = ""
    assessment: str | None = None

    @classmethod
    def read(cls, form: ActForm) -> "NaranjoAnswers":
        """Read the form of the page."""
        answers = {
            name.removeprefix("answer-"): reply for name, reply in form.values.items() if name.startswith("answer-")
        }
        return cls(answers, form.text("note"), form.seen)

    def check(self, acting: Acting) -> None:
        """Refuse answers to other questions than the ten, and a note that is too long."""
        numbers = {str(item.number) for item in acting.knowledge().naranjo.items}
        if set(self.answers) != numbers or not set(self.answers.values()) <= set(REPLIES):
            raise ActRefused("naranjo", "incomplete")
        _check_length("note", self.note)

    def write(self, acting: Acting, alert: Alert) -> None:
        """Write down the ten answers of a pharmacist; those before stay in the record."""
        if alert.stream != AFTER_INFUSION:
            raise ActRefused("naranjo", "not_asked")
        replies = {int(number): reply for number, reply in self.answers.items()}
        found = score_of(acting.knowledge().naranjo, replies)
        data = {"replies": dict(self.answers), "score": found.score, "band": found.band}
        alerts.record(acting.connection, alert.id, _happening(NARANJO, acting, alert, self.note, data=data))


ACTS: dict[str, type[AlertAct]] = {
    act.action: act for act in (Acknowledgement, Override, Comment, Assignment, NaranjoAnswers)
}


@dataclass(frozen=True, slots=True)
class OnAlert:
    """An act, and the alert it is done with."""

    alert_id: int
    act: AlertAct

    @property
    def action(self) -> str:
        """Its name."""
        return self.act.action

    def concerns(self, connection: sa.Connection) -> Concerned:
        """Return the alert and its patient."""
        alert = find_alert(connection, self.alert_id)
        return Concerned(f"alert {self.alert_id}", (alert.patient_id if alert else None,))

    def perform(self, acting: Acting) -> Done[ConcludedAlert]:
        """Do it, and give the alert as it is then."""
        self.act.check(acting)
        alert = self._held(acting)
        self._check_standing(acting, alert)
        self.act.write(acting, alert)
        what, patients = f"alert {alert.id}", (alert.patient_id,)
        return Done(existing(acting.connection, alert.id), what, patients, alerts=(alert.id,))

    def _held(self, acting: Acting) -> Alert:
        """Return the alert as it is while nobody else, worker or pharmacist, can change it."""
        lock_people(acting.connection, {existing(acting.connection, self.alert_id).patient_id})
        return existing(acting.connection, self.alert_id)

    def _check_standing(self, acting: Acting, alert: Alert) -> None:
        """Refuse when somebody was first, or when the alert is not what the reader had before her."""
        if alert.status not in self.act.may_be:
            events = alerts.events_of(acting.connection, alert.id)
            first = next((event for event in reversed(events) if event.kind == alert.status), None)
            raise AlertSettled(alert.status, first.actor if first else "", first.at if first else None)
        if self.act.seen is not None and self.act.seen != alert.assessment_id:
            raise AlertChanged("the alert has another assessment than the one that was seen")


def existing(connection: sa.Connection, alert_id: int) -> ConcludedAlert:
    """Return the alert of this number, or raise AlertMissing."""
    alert = find_alert(connection, alert_id)
    if alert is None:
        raise AlertMissing("there is no such alert")
    return alert


def _happening(
    kind: str, acting: Acting, alert: Alert, note: str, *, reason: str | None = None, data: dict[str, Any] | None = None
) -> Happening:
    return Happening(kind, acting.now, acting.actor, reason, note or None, alert.assessment_id, data or {})


def _signature(connection: sa.Connection, alert: Alert) -> str:
    return assessments.of_ids(connection, {alert.assessment_id})[alert.assessment_id].signature


def _check_length(field: str, text: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise ActRefused(field, "too_long")
