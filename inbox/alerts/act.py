"""What every act on an alert shares: how it is read, who may still do it, and what it leaves in the record.

Each act is the body that the API reads. A form of the page is read into the same; its fields are named alike. Whoever
holds the patient first does it; the other hears who was first.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa

from clinical.words import PENDING, STATUSES
from inbox.acting import Acting, Concerned, Done
from inbox.errors import ActRefused, AlertChanged, AlertMissing, AlertSettled
from inbox.http.api_requests import number_of
from inbox.people.access import has_viewed
from inbox.people.permissions import Permission
from store import alerts, assessments, deliveries, due, merges
from store.alerts import DESTINATIONS, Alert, Columns, ConcludedAlert, Happening, before_change, find_alert
from store.deliveries import NewDelivery
from store.due import DueKind, NewDue
from store.locks import lock_people

LONGEST_TEXT = 4000
MOST_TOGETHER = 100  # alerts of one patient that are settled at once
WAITING: tuple[DueKind, ...] = ("take_on", "owner", "snooze", "step")  # what ends when somebody acts on an alert
UNDO = "undo"  # in a line of the record: what the alert was before


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

    @property
    def together(self) -> list[str]:
        """The other alerts of the patient that were ticked: fields `with-ID`."""
        return sorted(name.removeprefix("with-") for name in self.values if name.startswith("with-"))

    def until(self, field: str) -> datetime | None:
        """Until the end of the day that was filled in; without one, for good."""
        day = self.values.get(field, "")
        if not day:
            return None
        try:
            return datetime.combine(datetime.fromisoformat(day).date(), time(23, 59, 59), self.zone)
        except ValueError as error:
            raise ActRefused(field, "unknown") from error

    def moment(self, field: str) -> datetime | None:
        """Return the day and time that were filled in; None when they were left open."""
        text = self.values.get(field, "")
        if not text:
            return None
        try:
            return datetime.fromisoformat(text).replace(tzinfo=self.zone)
        except ValueError as error:
            raise ActRefused(field, "unknown") from error


Note = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]
Ids = Annotated[Sequence[str], msgspec.Meta(max_length=MOST_TOGETHER)]


class AlertAct(msgspec.Struct, frozen=True):
    """What is done with an alert, as it was filled in."""

    action: ClassVar[str]
    may_be: ClassVar[Collection[str]] = STATUSES  # the statuses of an alert with which it can be done

    @property
    def seen(self) -> int | None:
        """The assessment that the reader had before her; None: whichever is the latest."""
        assessment: str | None = getattr(self, "assessment", None)
        return None if assessment is None else number_of(assessment) or 0

    @property
    def others(self) -> Sequence[str]:
        """The ids of other alerts of the patient with which the same is done."""
        return getattr(self, "together", ())

    @classmethod
    def read(cls, form: ActForm) -> "AlertAct":
        """Read the form of the page, or refuse it."""
        raise NotImplementedError

    def check(self, acting: Acting) -> None:
        """Refuse what was filled in, before anything is held."""

    def write(self, acting: Acting, alert: ConcludedAlert) -> None:
        """Do it; the alert is held."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class OnAlert:
    """An act, and the alert it is done with."""

    permission: ClassVar[Permission] = Permission.ALERTS_ACT

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
        """Do it, and give the alert as it is then; with all that are named, or with none."""
        self.act.check(acting)
        alert = self._held(acting)
        self._check_standing(acting, alert)
        others = _others(acting, alert, self.act)
        for each in (alert, *others):
            self.act.write(acting, each)
        what = " ".join(f"alert {each.id}" for each in (alert, *others))
        ids = tuple(each.id for each in (alert, *others))
        return Done(existing(acting.connection, alert.id), what, (alert.patient_id,), alerts=ids)

    def _held(self, acting: Acting) -> ConcludedAlert:
        """Return the alert as it is while nobody else, worker or pharmacist, can change it."""
        lock_people(acting.connection, {existing(acting.connection, self.alert_id).patient_id})
        return existing(acting.connection, self.alert_id)

    def _check_standing(self, acting: Acting, alert: Alert) -> None:
        """Refuse when somebody was first, or when the alert is not what the reader had before her."""
        if alert.status not in self.act.may_be:
            raise was_first(acting.connection, alert)
        if self.act.seen is not None and self.act.seen != alert.assessment_id:
            raise AlertChanged("the alert has another assessment than the one that was seen")


def _others(acting: Acting, alert: Alert, act: AlertAct) -> list[ConcludedAlert]:
    """Return the other alerts that are settled with this one: of the patient, waiting, and read if they are grave."""
    if len(act.others) > MOST_TOGETHER:
        raise ActRefused("together", "too_long")
    numbers = {number_of(text) for text in act.others} - {alert.id}
    members = merges.merge_set(acting.connection, {alert.patient_id}) if numbers else set()
    found = [existing(acting.connection, number or 0) for number in sorted(numbers, key=lambda number: number or 0)]
    for other in found:
        if other.patient_id not in members:
            raise ActRefused("together", "unknown")
        if other.status not in PENDING:
            raise was_first(acting.connection, other)
        if is_unread(acting.connection, other, acting.actor):
            raise ActRefused("together", "unread")
    return found


def is_unread(connection: sa.Connection, alert: Alert, who: str) -> bool:
    """Return whether it is a contra-indication that this person has not looked at since it last changed."""
    return alert.tier == "contraindication" and not has_viewed(connection, who, alert, since=alert.changed_at)


def was_first(connection: sa.Connection, alert: Alert) -> AlertSettled:
    """Return who brought the alert into its status, and when."""
    events = alerts.events_of(connection, alert.id)
    first = next((event for event in reversed(events) if event.kind == alert.status), None)
    return AlertSettled(alert.status, first.actor if first else "", first.at if first else None)


def existing(connection: sa.Connection, alert_id: int) -> ConcludedAlert:
    """Return the alert of this number, or raise AlertMissing."""
    alert = find_alert(connection, alert_id)
    if alert is None:
        raise AlertMissing("there is no such alert")
    return alert


@dataclass(frozen=True, slots=True)
class ActChange:
    """What an act makes of an alert: the line in its record, its columns, and what is due from now on."""

    kind: str  # of the line in the record
    status: str
    note: str = ""
    reason: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    columns: Columns = field(default_factory=Columns)  # besides the status
    ends: Collection[DueKind] = WAITING
    plans: Sequence[NewDue] = ()


def change(acting: Acting, alert: Alert, to: ActChange) -> None:
    """Change the alert, with all that can be taken back within half a minute written beside it."""
    ended = due.settle(acting.connection, [alert.id], to.ends, to.kind, acting.now)
    planned = due.plan(acting.connection, to.plans)
    data = {**to.data, UNDO: before_change(alert, ended, planned)}
    line = happening(to.kind, acting, alert, to.note, reason=to.reason, data=data)
    columns: Columns = {**to.columns, "status": to.status}
    update_and_notify(acting, alert, line, columns)


def update_and_notify(acting: Acting, alert: Alert, line: Happening, columns: Columns) -> None:
    """Change the alert, and notify those who were notified of it; whoever sends finds it in the database."""
    heard = deliveries.heard_of(acting.connection, [alert.id]).get(alert.id, [])
    data = {**line.data, **({DESTINATIONS: heard} if heard else {})}
    event = alerts.update(acting.connection, alert.id, replace(line, data=data), **columns).event_id
    wanted = [NewDelivery(alert.id, event, place, acting.now) for place in heard]
    deliveries.enqueue(acting.connection, wanted, acting.now)


def happening(
    kind: str, acting: Acting, alert: Alert, note: str, *, reason: str | None = None, data: dict[str, Any] | None = None
) -> Happening:
    """Return a line of the record by whoever acts."""
    return Happening(kind, acting.now, acting.actor, reason, note or None, alert.assessment_id, data or {})


def signature_of(connection: sa.Connection, alert: Alert) -> str:
    """Return the signature of the answer that was seen."""
    return assessments.of_ids(connection, {alert.assessment_id})[alert.assessment_id].signature


def check_length(field: str, text: str) -> None:
    """Refuse a text that is too long."""
    if len(text) > LONGEST_TEXT:
        raise ActRefused(field, "too_long")
