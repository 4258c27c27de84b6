"""Taking back: undo within half a minute, until somebody else acted; and opening a settled alert again by hand."""

from datetime import timedelta

from clinical.words import SETTLED, Channel
from history.chains import BEGAN_AT
from history.conclusion import channel_of
from history.due_times import take_on_due
from inbox.acting import Acting
from inbox.alerts.act import (
    UNDO,
    WAITING,
    ActChange,
    ActForm,
    AlertAct,
    Note,
    change,
    check_length,
    existing,
    happening,
    update_and_notify,
)
from inbox.errors import ActRefused, AlertSettled
from store import alerts, due, merges
from store.alerts import AlertEvent, ConcludedAlert
from store.due import DueKind, NewDue

UNDO_WITHIN = timedelta(seconds=30)
_OF_DECISION: tuple[DueKind, ...] = (*WAITING, "override_end")


class Undo(AlertAct, frozen=True):
    """Take back the last act, as if it had not been done; the record keeps both."""

    action = "undo"

    @classmethod
    def read(cls, form: ActForm) -> "Undo":  # noqa: ARG003  # the form has nothing to fill in
        """Read the form of the page: there is nothing to fill in."""
        return cls()

    def write(self, acting: Acting, alert: ConcludedAlert) -> None:
        """Give the alert back everything that the act changed, and the others that were settled with it."""
        act = _last_act(acting, alert)
        members = merges.merge_set(acting.connection, {alert.patient_id})
        together = alerts.of_same_act(acting.connection, act, members)
        self._take_back(acting, alert, act)
        for number in together:
            other = existing(acting.connection, number)
            self._take_back(acting, other, _last_act(acting, other))

    def _take_back(self, acting: Acting, alert: ConcludedAlert, act: AlertEvent) -> None:
        before = act.before(UNDO)
        if act.kind == "overridden":
            alerts.end_decisions(acting.connection, alert.id, acting.now)
        due.withdraw(acting.connection, before.planned, "undone", acting.now)
        if before.status != "open":  # somebody has it again: what the chain did meanwhile goes no further
            due.settle(acting.connection, [alert.id], ("take_on", "step"), "undone", acting.now)
        due.reinstate(acting.connection, before.ended)
        data = {"event": act.id, "what": act.kind, "status": before.status}
        line = happening("undone", acting, alert, "", data=data)
        columns: alerts.Columns = {**before.settlement, "assigned_to": before.assigned_to}
        update_and_notify(acting, alert, line, columns)


def _last_act(acting: Acting, alert: ConcludedAlert) -> AlertEvent:
    """Return what can be taken back, or refuse: nothing was done, it is too long ago, or somebody acted since."""
    events = alerts.events_of(acting.connection, alert.id)
    undone = {event.data.get("event") for event in events if event.kind == "undone"}
    act = next((event for event in reversed(events) if UNDO in event.data and event.id not in undone), None)
    last = events[-1] if events else None
    if act is None or last is None:
        raise ActRefused("undo", "nothing")
    if act.actor != acting.actor or last.actor != acting.actor:
        other = act if act.actor != acting.actor else last
        raise AlertSettled(alert.status, other.actor, other.at)
    if acting.now - act.at > UNDO_WITHIN:
        raise ActRefused("undo", "too_late")
    return act


class Reopening(AlertAct, frozen=True):
    """Open again what was settled, or give back what was taken on: it is nobody's, and waits for somebody."""

    action = "reopen"
    may_be = ("taken_on", *SETTLED, "covered")

    note: Note = ""

    @classmethod
    def read(cls, form: ActForm) -> "Reopening":
        """Read the form of the page."""
        return cls(form.text("note"))

    def check(self, acting: Acting) -> None:
        """Refuse a note that is too long."""
        check_length("note", self.note)

    def write(self, acting: Acting, alert: ConcludedAlert) -> None:
        """Put it back on the list; a reason that let the order pass ends with it."""
        if alert.status == "overridden":
            alerts.end_decisions(acting.connection, alert.id, acting.now)
        columns: alerts.Columns = {"assigned_to": None, "settled_signature": None, "covered_by": None}
        plans = []
        if channel_of(alert.conclusion.channel, alert.tier) is Channel.INTERRUPT:
            by = take_on_due(alert.tier, alert.starts_at, acting.now, acting.due)
            plans.append(NewDue(alert.id, "take_on", by, acting.now, acting.actor))
            begins = {BEGAN_AT: acting.now.isoformat()}  # whoever carries out what is due notifies at once
            plans.append(NewDue(alert.id, "step", acting.now, acting.now, acting.actor, begins))
        data = {"why": "by_hand"}
        change(acting, alert, ActChange("reopened", "open", self.note, None, data, columns, _OF_DECISION, plans))
