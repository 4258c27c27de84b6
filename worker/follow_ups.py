"""Follow-ups that answer themselves: the result that somebody waits for arrives, and nobody has to look again."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from history.evidence import AwaitedResult, evidence_of
from rules.knowledge import Knowledge
from store import alerts, due
from store.alerts import AlertEvent, Columns, Happening
from store.due import Due
from worker.answers import StoredPerson

_TURNS = frozenset({"raised", "reopened", "changed", "taken_on", "acknowledged", "overridden", "undone"})


def answer_follow_ups(
    connection: sa.Connection, knowledge: Knowledge, people: Sequence[StoredPerson], now: datetime
) -> list[int]:
    """End the follow-ups of these people that a result answers; the people are locked. Return the alerts."""
    members = {member: each.person for each in people for member in each.person.members}
    answered: list[int] = []
    for each in due.awaited(connection, members) if members else []:
        alert = alerts.get(connection, each.alert_id)
        if alert is None:
            continue
        entries = members[alert.patient_id].entries
        found = evidence_of(each.data.get("look_at", ""), each.created_at, entries, knowledge)
        if found is not None:
            _end(connection, each, found, now)
            answered.append(each.alert_id)
    return answered


def _end(connection: sa.Connection, each: Due, found: AwaitedResult, now: datetime) -> None:
    """Write what answered it; an alert that is on the list for nothing else is settled again as it was."""
    columns: Columns = {}
    came_back = _came_back(alerts.events_of(connection, each.alert_id), each)
    if came_back is not None:
        before = came_back.data["before"]
        columns = {
            "status": before["status"],
            "settled_signature": before["settled_signature"],
            "covered_by": before["covered_by"],
        }
        due.settle(connection, [each.alert_id], ("take_on", "step", "snooze"), "followed_up", now)
    due.answer(connection, each.id, "result", now)
    data = {
        "why": "result",
        "look_at": each.data.get("look_at", ""),
        "value": f"{found.value} {found.unit}".strip(),
        "at": found.taken_at.isoformat(),
        "message": found.message,
        "message_id": str(found.message_id),
        "path": found.path,
    }
    alerts.update(connection, each.alert_id, Happening("followed_up", now, data=data), **columns)


def _came_back(events: Sequence[AlertEvent], each: Due) -> AlertEvent | None:
    """Return the line that put the alert on the list for this follow-up, if nothing else happened to it since."""
    last = next((event for event in reversed(events) if event.kind in _TURNS), None)
    is_it = last is not None and last.kind == "reopened" and last.data.get("due") == each.id and "before" in last.data
    return last if is_it else None
