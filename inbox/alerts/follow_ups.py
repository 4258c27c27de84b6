"""Looking again: when, at what, and how that ends by hand. A result or a stop ends it too (`history/evidence.py`)."""

from datetime import datetime, timedelta
from typing import Annotated

from history.due_times import owner_due
from history.evidence import LOOK_AT
from inbox.acting import Acting
from inbox.alerts.act import ActForm, AlertAct, Note, check_length, happening
from inbox.errors import ActRefused
from inbox.http.api_requests import number_of
from inbox.http.api_shapes import one_of
from store import alerts, due
from store.alerts import ConcludedAlert
from store.due import NewDue

MONITORED = ("will_monitor", "monitoring_agreed")  # what was decided, after which somebody looks again
DISCUSSED = ("discussed_with_prescriber",)
LATEST = timedelta(days=90)


class FollowUp(AlertAct, frozen=True):
    """Look again at a time, and at what."""

    action = "follow_up"
    may_be = ("open", "taken_on", "acknowledged", "overridden", "covered")

    look_again_at: datetime
    look_at: Annotated[str, one_of(LOOK_AT)] = "other"
    note: Note = ""

    @classmethod
    def read(cls, form: ActForm) -> "FollowUp":
        """Read the form of the page."""
        again = form.moment("look_again_at")
        if again is None:
            raise ActRefused("look_again_at", "required")
        return cls(again, form.text("look_at"), form.text("note"))

    def check(self, acting: Acting) -> None:
        """Refuse a time that is over, and what cannot be looked at."""
        if not self.look_at:
            raise ActRefused("look_at", "unknown")
        check_follow_up(acting, self.look_again_at, self.look_at)
        check_length("note", self.note)

    def write(self, acting: Acting, alert: ConcludedAlert) -> None:
        """Plan it, and leave the alert as it is."""
        new = NewDue(
            alert.id, "follow_up", self.look_again_at, acting.now, acting.actor, _data(self.look_at, self.note)
        )
        due.plan(acting.connection, [new])
        data = {"look_again_at": self.look_again_at.isoformat(), "look_at": self.look_at}
        alerts.record(acting.connection, alert.id, happening("follow_up", acting, alert, self.note, data=data))


class FollowedUp(AlertAct, frozen=True):
    """It was looked at."""

    action = "followed_up"

    follow_up: str  # its id
    note: Note = ""

    @classmethod
    def read(cls, form: ActForm) -> "FollowedUp":
        """Read the form of the page."""
        return cls(form.text("follow_up"), form.text("note"))

    def check(self, acting: Acting) -> None:
        """Refuse a note that is too long."""
        check_length("note", self.note)

    def write(self, acting: Acting, alert: ConcludedAlert) -> None:
        """End one follow-up of the alert."""
        stands = due.standing(acting.connection, [alert.id])
        wanted = number_of(self.follow_up)
        found = next((each for each in stands if each.id == wanted and each.kind == "follow_up"), None)
        if found is None:
            raise ActRefused("follow_up", "unknown")
        due.finish(acting.connection, found, "followed_up", acting.now)
        data = {"look_at": found.look_at, "why": "by_hand"}
        alerts.record(acting.connection, alert.id, happening("followed_up", acting, alert, self.note, data=data))


def check_follow_up(acting: Acting, again: datetime | None, look_at: str) -> None:
    """Refuse a time that is over or far away, and what cannot be looked at."""
    if again is not None and again.tzinfo is None:
        raise ActRefused("look_again_at", "unknown")
    if again is not None and again <= acting.now:
        raise ActRefused("look_again_at", "past")
    if again is not None and again > acting.now + LATEST:
        raise ActRefused("look_again_at", "too_late")
    if look_at and look_at not in LOOK_AT:
        raise ActRefused("look_at", "unknown")


def follow_up_after(
    acting: Acting, alert: ConcludedAlert, decided: str, again: datetime | None, look_at: str
) -> list[NewDue]:
    """Return the follow-up of a decision: when and at what she said, else what fits "monitored" or "discussed"."""
    if again is None and decided not in (*MONITORED, *DISCUSSED):
        return []
    usual = "reply" if decided in DISCUSSED else "symptoms"
    when = again or look_again_by(acting, alert, decided)
    return [NewDue(alert.id, "follow_up", when, acting.now, acting.actor, _data(look_at or usual, ""))]


def look_again_by(acting: Acting, alert: ConcludedAlert, decided: str) -> datetime:
    """Return when to look again where nobody said so: at the prescriber's answer soon, at the patient after a day."""
    if decided in DISCUSSED:
        return owner_due(alert.tier, alert.starts_at, acting.now, acting.due)
    return max(acting.now, alert.starts_at or acting.now) + timedelta(days=1)


def _data(look_at: str, note: str) -> dict[str, str]:
    return {"look_at": look_at} | ({"note": note} if note else {})
