"""How far the events of alerts are complete, so that a listener misses none.

PostgreSQL gives an event its number before it is committed, so a lower number may show up after a higher one. While it
has not, there is a gap, and a listener's position is the number before the first gap. An old gap was left
by a transaction that was rolled back. On SQLite there is one writer, so there are no gaps.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from store.tables import alert_event

LONGEST_TRANSACTION = timedelta(minutes=10)  # far longer than our timeouts allow
LOOK_BACK = 1_000  # how many events a new listener searches for gaps; one that continues remembers them
MOST_OPEN = 20_000  # how many events are read again because of one gap


@dataclass(frozen=True, slots=True)
class EventPlace:
    """One line in the record of an alert."""

    id: int
    alert_id: int
    at: datetime


def after(connection: sa.Connection, position: int) -> list[EventPlace]:
    """Return every event after this position, by number."""
    columns = (alert_event.c.id, alert_event.c.alert_id, alert_event.c.at)
    query = sa.select(*columns).where(alert_event.c.id > max(position, 0)).order_by(alert_event.c.id)
    return [EventPlace(row.id, row.alert_id, row.at) for row in connection.execute(query)]


def position(connection: sa.Connection) -> int:
    """Return where to begin without missing an event still to be committed; 0 when there are no events."""
    newest: int = connection.execute(sa.select(sa.func.max(alert_event.c.id))).scalar() or 0
    base = max(newest - LOOK_BACK, 0)
    committed = sa.select(sa.func.count()).where(alert_event.c.id > base, alert_event.c.id <= newest)
    if connection.execute(committed).scalar() == newest - base:
        return newest  # without a gap there is nothing to read
    return settled(base, after(connection, base))


def settled(position: int, events: Sequence[EventPlace]) -> int:
    """Move a position past the events that follow it, up to the first number that may still come."""
    if not events:
        return position
    old = max(event.at for event in events) - LONGEST_TRANSACTION
    least = events[-1].id - MOST_OPEN
    for event in events:
        if event.id != position + 1 and event.at > old and event.id > least:
            break
        position = event.id
    return position


def alerts_of(events: Iterable[EventPlace]) -> set[int]:
    """Return the alerts of these events."""
    return {event.alert_id for event in events}
