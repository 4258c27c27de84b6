"""Taking an alert on, and settling it: done, or the order goes ahead for a reason. One word for each act everywhere."""

from datetime import datetime
from typing import Annotated

from clinical.words import PENDING
from history.due_times import owner_due
from history.evidence import LOOK_AT
from inbox.acting import Acting
from inbox.alerts.act import ActChange, ActForm, AlertAct, Ids, Note, change, check_length, signature_of
from inbox.alerts.follow_ups import check_follow_up, follow_up_after
from inbox.errors import ActRefused
from inbox.http.api_shapes import one_of
from store import alerts
from store.alerts import ConcludedAlert, NewDecision
from store.due import NewDue

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
DONE_AS = (  # what a pharmacist did about an alert
    "order_stopped",
    "dose_lowered",
    "rate_lowered",
    "product_changed",
    "prophylaxis_started",
    "discussed_with_prescriber",
    "monitoring_agreed",
    "no_action_needed",
    OTHER,
)


class TakenOn(AlertAct, frozen=True):
    """I'm on it: the alert stays on the list under my name, with a time by which it must be settled."""

    action = "take_on"
    may_be = ("open",)

    assessment: str | None = None  # the answer that was seen; refused when there is a newer one
    together: Ids = ()  # ids of other alerts of the patient

    @classmethod
    def read(cls, form: ActForm) -> "TakenOn":
        """Read the form of the page."""
        return cls(form.seen, form.together)

    def write(self, acting: Acting, alert: ConcludedAlert) -> None:
        """Put the alert under a name, and plan by when it must be settled."""
        by = owner_due(alert.tier, alert.starts_at, acting.now, acting.due)
        owner = NewDue(alert.id, "owner", by, acting.now, acting.actor)
        signature = signature_of(acting.connection, alert)
        columns: alerts.Columns = {"assigned_to": acting.actor, "settled_signature": signature}
        change(acting, alert, ActChange("taken_on", "taken_on", columns=columns, plans=[owner]))


class Acknowledgement(AlertAct, frozen=True):
    """Done: what was done about it."""

    action = "acknowledge"
    may_be = PENDING

    note: Note = ""
    assessment: str | None = None
    done_as: Annotated[str, one_of(("", *DONE_AS))] = ""  # "": a program that does not say what was done
    look_again_at: datetime | None = None
    look_at: Annotated[str, one_of(("", *LOOK_AT))] = ""
    together: Ids = ()

    @classmethod
    def read(cls, form: ActForm) -> "Acknowledgement":
        """Read the form of the page; there it must be said what was done."""
        done_as = form.text("done_as")
        if not done_as:
            raise ActRefused("done_as", "required")
        again = form.moment("look_again_at")
        return cls(form.text("note"), form.seen, done_as, again, form.text("look_at"), form.together)

    def check(self, acting: Acting) -> None:
        """Refuse what cannot be done about an alert, a note that is too long, and a time that is over."""
        if self.done_as and self.done_as not in DONE_AS:
            raise ActRefused("done_as", "unknown")
        if self.done_as == OTHER and not self.note.strip():
            raise ActRefused("note", "required")
        check_length("note", self.note)
        check_follow_up(acting, self.look_again_at, self.look_at)

    def write(self, acting: Acting, alert: ConcludedAlert) -> None:
        """Settle the alert as done; what was agreed to be looked at again comes back by itself."""
        plans = follow_up_after(acting, alert, self.done_as, self.look_again_at, self.look_at)
        signature = signature_of(acting.connection, alert)
        to = ActChange(
            "acknowledged",
            "acknowledged",
            self.note,
            self.done_as or None,
            {"look_again_at": plans[0].due_at.isoformat(), **plans[0].data} if plans else {},
            {"settled_signature": signature},
            plans=plans,
        )
        change(acting, alert, to)


class Override(AlertAct, frozen=True):
    """The order goes on for a coded reason, which stands until its time is over."""

    action = "override"
    may_be = (*PENDING, "acknowledged")

    reason: Annotated[str, one_of(REASONS)]
    note: Note = ""
    valid_until: datetime | None = None
    assessment: str | None = None
    look_again_at: datetime | None = None
    look_at: Annotated[str, one_of(("", *LOOK_AT))] = ""
    together: Ids = ()

    @classmethod
    def read(cls, form: ActForm) -> "Override":
        """Read the form of the page; a reason stands until the end of the day that was filled in."""
        again = form.moment("look_again_at")
        until = form.until("valid_until")
        return cls(form.text("reason"), form.text("note"), until, form.seen, again, form.text("look_at"), form.together)

    def check(self, acting: Acting) -> None:
        """Refuse an unknown reason, a note that is too long, and a time that is past."""
        if self.reason not in REASONS:
            raise ActRefused("reason", "unknown" if self.reason else "required")
        check_length("note", self.note)
        if self.valid_until is not None and self.valid_until <= acting.now:
            raise ActRefused("valid_until", "past")
        check_follow_up(acting, self.look_again_at, self.look_at)

    def write(self, acting: Acting, alert: ConcludedAlert) -> None:
        """Let the order pass for a coded reason, which then stands for the patient until its time is over."""
        if not self.note.strip() and (self.reason == OTHER or alert.tier == "contraindication"):
            raise ActRefused("note", "required")
        plans = follow_up_after(acting, alert, self.reason, self.look_again_at, self.look_at)
        data = {"valid_until": self.valid_until.isoformat() if self.valid_until else None}
        if plans:
            data |= {"look_again_at": plans[0].due_at.isoformat(), **plans[0].data}
        if self.valid_until is not None:
            plans.append(NewDue(alert.id, "override_end", self.valid_until, acting.now, acting.actor))
        signature = signature_of(acting.connection, alert)
        columns: alerts.Columns = {"settled_signature": signature}
        change(acting, alert, ActChange("overridden", "overridden", self.note, self.reason, data, columns, plans=plans))
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
