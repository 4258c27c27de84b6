"""What the inbox reads: lists of alerts, assessments and messages, newest or most urgent first."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from clinical.words import TIERS
from store.alerts import COLUMNS, Alert
from store.assessments import COLUMNS as ASSESSMENT
from store.assessments import StoredAssessment
from store.merges import merge_set
from store.messages import unpack
from store.orders import numbered
from store.patients import named
from store.tables import alert, assessment, feed, medication_order, message


class ConcludedAlert(Alert, frozen=True):
    """An alert with what was concluded, and the state of its order."""

    conclusion: dict[str, Any]
    knowledge: str
    order_state: str


class MessageLine(msgspec.Struct, frozen=True, kw_only=True):
    """A message in a list, without its text."""

    id: int
    control_id: str
    feed_name: str
    type: str
    event: str
    hl7_version: str
    received_at: datetime
    state: str
    reason: str | None
    detail: str | None
    flags: list[str]
    ack_code: str
    test: bool
    pruned_at: datetime | None


class KeptMessage(MessageLine, frozen=True, kw_only=True):
    """A message with its text, as it was kept."""

    raw: bytes

    @property
    def text(self) -> bytes:
        """The bytes as they came."""
        return unpack(self.raw)


_ALERT = (*COLUMNS, assessment.c.conclusion, assessment.c.knowledge, medication_order.c.state)


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts are asked for; an empty collection asks for all, None asks for no one in particular."""

    statuses: Collection[str] = ()
    tiers: Collection[str] = ()
    patients: Collection[int] | None = None
    order: str = ""
    since: datetime | None = None
    streams: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which messages are asked for."""

    states: Collection[str] = ()
    control_id: str = ""
    feed: str = ""


def _alerts() -> sa.Select[Any]:
    return (
        sa.select(*_ALERT)
        .join(assessment, assessment.c.id == alert.c.assessment_id)
        .join(medication_order, medication_order.c.id == alert.c.order_id)
    )


def list_alerts(connection: sa.Connection, wanted: AlertFilter, before: int | None, limit: int) -> list[ConcludedAlert]:
    """Alerts with what was concluded, newest first, older than the alert `before`."""
    query = _wanted(wanted).order_by(alert.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(alert.c.id < before)
    return _read_alerts(connection, query)


def _read_alerts(connection: sa.Connection, query: sa.Select[Any]) -> list[ConcludedAlert]:
    return [ConcludedAlert(*row) for row in connection.execute(query)]


def gravest_alerts(connection: sa.Connection, wanted: AlertFilter, limit: int) -> list[ConcludedAlert]:
    """Alerts with what was concluded, by tier, so that what is left out for want of room is never graver."""
    rank = sa.case({tier: place for place, tier in enumerate(TIERS)}, value=alert.c.tier)
    return _read_alerts(connection, _wanted(wanted).order_by(rank, alert.c.id.desc()).limit(limit))


def _wanted(wanted: AlertFilter) -> sa.Select[Any]:
    query = _alerts()
    if wanted.statuses:
        query = query.where(alert.c.status.in_(wanted.statuses))
    if wanted.streams:
        query = query.where(alert.c.stream.in_(wanted.streams))
    if wanted.tiers:
        query = query.where(alert.c.tier.in_(wanted.tiers))
    if wanted.patients is not None:
        query = query.where(alert.c.patient_id.in_(wanted.patients))
    if wanted.order:  # by their ids, or SQLite reads every alert to find the newest of one order
        query = query.where(alert.c.order_id.in_(sa.select(medication_order.c.id).where(numbered(wanted.order))))
    if wanted.since is not None:
        query = query.where(alert.c.changed_at >= wanted.since)
    return query


def find_alert(connection: sa.Connection, alert_id: int) -> ConcludedAlert | None:
    """One alert with what was concluded."""
    return next(iter(_read_alerts(connection, _alerts().where(alert.c.id == alert_id))), None)


def list_assessments(
    connection: sa.Connection, patients: Collection[int] | None, order: str, before: int | None, limit: int
) -> list[StoredAssessment]:
    """Every answer, also "nothing found", newest first."""
    query = (
        sa.select(*ASSESSMENT)
        .join(medication_order, medication_order.c.id == assessment.c.order_id)
        .order_by(assessment.c.id.desc())
        .limit(limit)
    )
    if patients is not None:
        query = query.where(assessment.c.patient_id.in_(patients))
    if order:
        query = query.where(assessment.c.order_id.in_(sa.select(medication_order.c.id).where(numbered(order))))
    if before is not None:
        query = query.where(assessment.c.id < before)
    return [StoredAssessment(*row) for row in connection.execute(query)]


def find_assessment(connection: sa.Connection, assessment_id: int) -> StoredAssessment | None:
    """One answer."""
    row = connection.execute(sa.select(*ASSESSMENT).where(assessment.c.id == assessment_id)).one_or_none()
    return None if row is None else StoredAssessment(*row)


def patients_named(connection: sa.Connection, number: str) -> set[int]:
    """Every identity of the patients a number points to, `authority|value` or the value alone, merged ones included."""
    authority, separator, value = number.rpartition("|")
    return merge_set(connection, named(connection, value, authority if separator else None))


def list_messages(
    connection: sa.Connection, wanted: MessageFilter, before: int | None, limit: int
) -> list[MessageLine]:
    """Messages without their text, newest first."""
    query = _messages().order_by(message.c.id.desc()).limit(limit)
    if wanted.states:
        query = query.where(message.c.state.in_(wanted.states))
    if wanted.control_id:
        query = query.where(message.c.control_id == wanted.control_id)
    if wanted.feed:
        query = query.where(feed.c.name == wanted.feed)
    if before is not None:
        query = query.where(message.c.id < before)
    return [MessageLine(**row) for row in connection.execute(query).mappings()]


def _messages() -> sa.Select[Any]:
    columns = (message.c[name] for name in MessageLine.__struct_fields__ if name != "feed_name")
    return sa.select(*columns, feed.c.name.label("feed_name")).join(feed, feed.c.id == message.c.feed_id)


def find_message(connection: sa.Connection, message_id: int) -> KeptMessage | None:
    """One message, with its text as it was kept."""
    query = _messages().add_columns(message.c.raw).where(message.c.id == message_id)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else KeptMessage(**row)


def assign_alert(connection: sa.Connection, alert_id: int, user: str | None) -> None:
    """Note who works on the alert. It is not a change: what was settled stands no longer than it did."""
    connection.execute(sa.update(alert).where(alert.c.id == alert_id).values(assigned_to=user))
