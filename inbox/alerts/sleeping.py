"""Snooze: the alert leaves the list for a while, for a reason; a contra-indication returns before it is too late."""

from datetime import datetime, timedelta
from typing import Annotated

from clinical.words import PENDING
from history.due_times import snooze_limit
from inbox.acting import Acting
from inbox.alerts.act import ActChange, ActForm, AlertAct, Note, change, check_length
from inbox.errors import ActRefused
from inbox.http.api_shapes import one_of
from store.alerts import ConcludedAlert
from store.due import NewDue

SNOOZE_REASONS = ("awaits_result", "awaits_prescriber", "awaits_ward", "start_is_far", "other")
LONGEST = timedelta(days=14)


class Snooze(AlertAct, frozen=True):
    """Later, for a coded reason; whoever snoozes it owns it until then."""

    action = "snooze"
    may_be = PENDING

    until: datetime
    reason: Annotated[str, one_of(SNOOZE_REASONS)]
    note: Note = ""
    assessment: str | None = None

    @classmethod
    def read(cls, form: ActForm) -> "Snooze":
        """Read the form of the page."""
        until = form.moment("until")
        if until is None:
            raise ActRefused("until", "required")
        return cls(until, form.text("reason"), form.text("note"), form.seen)

    def check(self, acting: Acting) -> None:
        """Refuse an unknown reason, and a time that is past or too far ahead."""
        if self.reason not in SNOOZE_REASONS:
            raise ActRefused("reason", "unknown" if self.reason else "required")
        if self.reason == "other" and not self.note.strip():
            raise ActRefused("note", "required")
        check_length("note", self.note)
        if self.until.tzinfo is None:
            raise ActRefused("until", "unknown")
        if self.until <= acting.now:
            raise ActRefused("until", "past")
        if self.until > acting.now + LONGEST:
            raise ActRefused("until", "too_late")

    def write(self, acting: Acting, alert: ConcludedAlert) -> None:
        """Put it to sleep under the actor's name."""
        limit = snooze_limit(alert.tier, alert.starts_at, acting.now, acting.due)
        if limit is not None and self.until > limit:
            raise ActRefused("until", "near_start")
        wakes = NewDue(alert.id, "snooze", self.until, acting.now, acting.actor, {"reason": self.reason})
        data = {"until": self.until.isoformat()}
        to = ActChange(
            "snoozed", alert.status, self.note, self.reason, data, {"assigned_to": acting.actor}, plans=[wakes]
        )
        change(acting, alert, to)
