"""What a trace needs of messages and alert lines: numbers and codes, nothing of a patient."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from store import tables
from store.rowsets import among
from store.tables import CONCLUSION


class TraceRoot(msgspec.Struct, frozen=True):
    """The message with which a trace begins; both together never come twice, not in another installation either."""

    message_id: int
    received_at: datetime


class MessageEnd(msgspec.Struct, frozen=True):
    """How a message ended."""

    root: TraceRoot
    feed: str  # its name in the site file, else its number: a name that was only heard is what a sender wrote
    lane: str
    state: str


class AlertLine(msgspec.Struct, frozen=True):
    """One line of an alert's record, and the message that the order of the alert was read from."""

    root: TraceRoot
    id: int
    alert_id: int
    kind: str
    at: datetime
    is_judged: bool  # written with an answer, not by a person or a clock
    tier: str
    rules: tuple[str, ...]


def ends_of(connection: sa.Connection, message_ids: Collection[int]) -> list[MessageEnd]:
    """Return how these messages ended, oldest first."""
    message, feed = tables.message.c, tables.feed.c
    name = sa.case((feed.known, feed.name), else_=sa.cast(feed.id, sa.Text))
    columns = (message.id, message.received_at, name, message.lane, message.state)
    query: sa.Select[Any] = sa.select(*columns).join(tables.feed, feed.id == message.feed_id)
    rows = connection.execute(query.where(among(connection, message.id, message_ids)).order_by(message.id))
    return [MessageEnd(TraceRoot(id_, at), *rest) for id_, at, *rest in rows]


def last_lines(connection: sa.Connection, alert_ids: Collection[int]) -> list[AlertLine]:
    """Return the last line that an answer wrote about each of these alerts."""
    line = tables.alert_event.c
    query = sa.select(sa.func.max(line.id)).where(
        among(connection, line.alert_id, alert_ids), line.assessment_id.is_not(None)
    )
    return lines_of(connection, list(connection.scalars(query.group_by(line.alert_id))))


def lines_of(connection: sa.Connection, line_ids: Collection[int]) -> list[AlertLine]:
    """Return these lines, without those whose order names no message that is stored."""
    line, alert, answer = tables.alert_event.c, tables.alert.c, tables.assessment.c
    query: sa.Select[Any] = (
        sa.select(line.id, line.alert_id, line.kind, line.at, line.assessment_id, answer.tier, CONCLUSION)
        .join(tables.alert, alert.id == line.alert_id)
        .join(tables.assessment, answer.id == sa.func.coalesce(line.assessment_id, alert.assessment_id))
        .where(among(connection, line.id, line_ids))
        .order_by(line.id)
    )
    rows = connection.execute(query).all()
    named = {int(row.conclusion.order.message_id) for row in rows if row.conclusion.order.message_id}
    roots = _roots(connection, named)
    return [
        AlertLine(
            root=root,
            id=row.id,
            alert_id=row.alert_id,
            kind=row.kind,
            at=row.at,
            is_judged=row.assessment_id is not None,
            tier=row.tier,
            rules=tuple(sorted({finding.rule for finding in row.conclusion.findings})),
        )
        for row in rows
        if (root := roots.get(row.conclusion.order.message_id)) is not None
    ]


def _roots(connection: sa.Connection, message_ids: Collection[int]) -> dict[str, TraceRoot]:
    message = tables.message.c
    query = sa.select(message.id, message.received_at).where(among(connection, message.id, message_ids))
    return {str(id_): TraceRoot(id_, at) for id_, at in connection.execute(query)}
