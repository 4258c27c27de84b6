"""How much of everything there is, for the figures an administrator watches. No patient in any of it."""

from datetime import datetime

import sqlalchemy as sa

from store.tables import alert, message


def count_messages(connection: sa.Connection, state: str, after: int, until: int | None = None) -> int:
    """Count the messages in a state, between two ids."""
    query = sa.select(sa.func.count()).select_from(message).where(message.c.state == state, message.c.id > after)
    if until is not None:
        query = query.where(message.c.id <= until)
    return connection.scalar(query) or 0


def settled_until(connection: sa.Connection) -> int:
    """Give the last message before which none waits for a worker."""
    waiting = sa.select(sa.func.min(message.c.id)).where(message.c.state == "received")
    first: int | None = connection.scalar(waiting)
    newest: int = connection.scalar(sa.select(sa.func.max(message.c.id))) or 0
    return newest if first is None else first - 1


def last_message_at(connection: sa.Connection) -> datetime | None:
    """Tell when the newest message came."""
    query = sa.select(message.c.received_at).order_by(message.c.id.desc()).limit(1)
    found: datetime | None = connection.scalar(query)
    return found


def open_alerts(connection: sa.Connection) -> dict[tuple[str, str], int]:
    """Count the open alerts, per stream and tier: a case after an infusion is none about its order."""
    query = sa.select(alert.c.stream, alert.c.tier, sa.func.count().label("how_many")).where(alert.c.status == "open")
    rows = connection.execute(query.group_by(alert.c.stream, alert.c.tier))
    return {(row.stream, row.tier): row.how_many for row in rows}
