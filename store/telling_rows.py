"""Everything that is on record of the alerts of a period, one alert after another: four statements for all of them.

What must hold of a row at this moment is asked of the rules of `store/telling_audit.py`.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from clinical.words import PENDING
from store import tables
from store.telling_audit import (
    OVER_AFTER,
    due_not_tried,
    notice_not_tried,
    reached_nobody,
    will_be_told_no_more,
)

AT_ONCE: Final = 1_000  # rows that are read ahead


class NotifiedAlert(msgspec.Struct, frozen=True):
    """An alert as it stands."""

    alert_id: int
    status: str
    stream: str
    badges: list[str]
    snoozed_until: datetime | None
    opened_at: datetime
    order_ends_at: datetime | None
    tier: str
    channel: str | None  # None: the answer is from before there were channels
    is_told_no_more: bool
    reached_nobody: bool


class RecordLine(msgspec.Struct, frozen=True):
    """One line of its record."""

    alert_id: int
    id: int
    at: datetime
    kind: str
    actor: str
    reason: str | None
    data: dict[str, Any]


class PlannedStep(msgspec.Struct, frozen=True):
    """Something that was to happen with it, and how it ended."""

    alert_id: int
    kind: str
    due_at: datetime
    created_at: datetime
    done_at: datetime | None
    outcome: str | None
    data: dict[str, Any]
    is_not_tried: bool


class SentNotice(msgspec.Struct, frozen=True):
    """One line of its record on its way to one destination."""

    alert_id: int
    event_id: int
    destination: str
    state: str
    created_at: datetime
    unanswered: int
    is_not_tried: bool


class AlertTelling(msgspec.Struct, frozen=True):
    """One alert with everything that is on record of its telling; each the oldest first."""

    alert: NotifiedAlert
    lines: Sequence[RecordLine]
    planned: Sequence[PlannedStep]
    notices: Sequence[SentNotice]


def of_period(connection: sa.Connection, since: datetime, until: datetime, now: datetime) -> Iterator[AlertTelling]:
    """Yield each alert that was raised before `until`, and that changed since then or still concerns somebody."""
    within = _within(since, until)
    event, due, delivery = tables.alert_event, tables.due, tables.delivery
    alerts = _rows(connection, _alerts(now).where(within).order_by(tables.alert.c.id), NotifiedAlert)
    lines = _Beside(_rows(connection, _of(event, RecordLine, within), RecordLine))
    planned = _Beside(_rows(connection, _of(due, PlannedStep, within, due_not_tried(now)), PlannedStep))
    notices = _Beside(_rows(connection, _of(delivery, SentNotice, within, notice_not_tried(now)), SentNotice))
    for alert in alerts:
        each = alert.alert_id
        yield AlertTelling(alert, lines.of(each), planned.of(each), notices.of(each))


def _within(since: datetime, until: datetime) -> sa.ColumnElement[bool]:
    alert, order = tables.alert, tables.medication_order
    concerns = sa.or_(order.c.ends_at.is_(None), order.c.ends_at > since - OVER_AFTER)
    waits = alert.c.status.in_(PENDING) & concerns
    return sa.and_(alert.c.opened_at < until, sa.or_(alert.c.changed_at >= since, waits))


def _alerts(now: datetime) -> sa.Select[Any]:
    alert, order, assessment = tables.alert, tables.medication_order, tables.assessment
    return (
        sa.select(
            alert.c.id,
            alert.c.status,
            alert.c.stream,
            alert.c.badges,
            alert.c.snoozed_until,
            alert.c.opened_at,
            order.c.ends_at,
            alert.c.tier,
            assessment.c.conclusion["channel"].as_string(),
            will_be_told_no_more(now).label("is_told_no_more"),
            reached_nobody(now).label("reached_nobody"),
        )
        .join(order, order.c.id == alert.c.order_id)
        .join(assessment, assessment.c.id == alert.c.assessment_id)
    )


def _of(
    table: sa.Table,
    shape: type[msgspec.Struct],
    within: sa.ColumnElement[bool],
    is_not_tried: sa.ColumnElement[bool] | None = None,
) -> sa.Select[Any]:
    """Select the rows of a table that are of those alerts, with a column for the rule about them."""
    alert, order = tables.alert, tables.medication_order
    columns = [table.c[name] for name in shape.__struct_fields__ if name in table.c]
    rule = [is_not_tried.label("is_not_tried")] if is_not_tried is not None else []
    query = sa.select(*columns, *rule).join(alert, alert.c.id == table.c.alert_id)
    query = query.join(order, order.c.id == alert.c.order_id).where(within)
    return query.order_by(alert.c.id, table.c.id)


def _rows(connection: sa.Connection, query: sa.Select[Any], shape: type[Any]) -> Iterator[Any]:
    for row in connection.execute(query.execution_options(yield_per=AT_ONCE)):
        yield shape(*row)


class _Beside:
    """Rows in the order of their alerts, handed out alert by alert."""

    def __init__(self, rows: Iterator[Any]) -> None:
        self._groups = ((key, list(group)) for key, group in groupby(rows, key=attrgetter("alert_id")))
        self._next = next(self._groups, None)

    def of(self, alert_id: int) -> list[Any]:
        """Return the rows of this alert; the alerts must be asked for in ascending order."""
        while self._next is not None and self._next[0] < alert_id:
            self._next = next(self._groups, None)
        if self._next is None or self._next[0] != alert_id:
            return []
        rows, self._next = self._next[1], next(self._groups, None)
        return rows
