"""What the database must be able to prove: each message has its row and its end, each IVIg order its assessment, each
alert its deliveries.

A statement covers the messages that arrived since the one before, by their number, count and checksum. The next
verification counts them again, so a row that was removed or changed afterwards is found.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from store import erasure, tables
from store.alerts import DESTINATIONS
from store.canary import of_senders
from store.rowsets import insert_or
from store.tables import ledger_statement

SETTLES_IN = timedelta(minutes=10)  # no transaction stays open for longer, so no older row can still appear
NAMED = 20  # the rows of one kind that a fault names; the rest are counted
LINE_OF_ALERT = (  # the kinds of which a notice may go out
    *("raised", "changed", "reopened", "resolved", "overdue", "notified", "escalated"),
    *("taken_on", "acknowledged", "overridden", "snoozed", "undone", "followed_up"),
)


@dataclass(frozen=True, slots=True)
class CountedMessages:
    """The messages with ids above `after` up to and including `last`, as they were counted once."""

    after: int
    last: int
    messages: int
    checksum: str  # SHA-256 over id, control id, body hash and acknowledgement code of each, in order


@dataclass(frozen=True, slots=True)
class LedgerFault:
    """Rows that lack what they must have."""

    what: str  # a short code of docs/operating.md
    count: int
    ids: Sequence[int] = ()  # the first of them


@dataclass(frozen=True, slots=True)
class Findings:
    """What one verification counted, and what it missed."""

    at: datetime
    segment: CountedMessages
    ends: Mapping[str, int]  # the messages of the segment by state
    acknowledged: Mapping[str, int]  # and by the code they were answered with
    orders: int
    alerts: int
    deliveries: Mapping[str, int]
    erased: int = 0  # messages in all that were erased on request: their rows still count
    faults: Sequence[LedgerFault] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class StoredStatement:
    """A statement as it was signed."""

    id: int
    at: datetime
    well: bool
    content: bytes
    signature: bytes  # empty: nobody had a key
    previous: bytes  # SHA-256 of the statement before; of the first, of nothing
    last_message: int


def examine(
    connection: sa.Connection, now: datetime, waits_at_most: timedelta, again: Sequence[CountedMessages]
) -> Findings:
    """Count what came since the last segment, count the segments in `again` anew, and look for what is missing."""
    after = _last_segment_end(connection)
    segment = count_segment(connection, after, _settled_until(connection, now, after))
    looked = (
        _changed_segments(connection, again),
        _overdue(connection, now - waits_at_most),
        _orders_without_assessment(connection),
        _orders_with_older_assessment(connection),
        _alerts_without_record(connection),
        _alerts_without_deliveries(connection),
        _erased_without_record(connection),
    )
    return Findings(
        at=now,
        segment=segment,
        ends=_counted(connection, tables.message.c.state, segment),
        acknowledged=_counted(connection, tables.message.c.ack_code, segment),
        orders=_count(connection, sa.select(sa.func.count()).select_from(tables.medication_order).where(_is_ivig())),
        alerts=_count(connection, sa.select(sa.func.count()).select_from(tables.alert)),
        deliveries=_by_state(connection),
        erased=erasure.marked_messages(connection),
        faults=tuple(fault for fault in looked if fault.count),
    )


def count_segment(connection: sa.Connection, after: int, last: int) -> CountedMessages:
    """Count the messages of a range of ids, with their checksum."""
    message, checksum, count = tables.message, hashlib.sha256(), 0
    columns = (message.c.id, message.c.control_id, message.c.body_hash, message.c.ack_code)
    within = (message.c.id > after, message.c.id <= last, of_senders())  # rows of the canary do not stay
    query = sa.select(*columns).where(*within).order_by(message.c.id)
    for row in connection.execute(query.execution_options(yield_per=5_000)):
        checksum.update(f"{row.id}|{row.control_id}|{row.body_hash.hex()}|{row.ack_code}\n".encode())
        count += 1
    return CountedMessages(after, last, count, checksum.hexdigest())


def missing_control_ids(connection: sa.Connection, acknowledged: Collection[str]) -> list[str]:
    """Return the control ids, of those that a sender saw acknowledged, of which no message is stored."""
    message, wanted, found = tables.message, sorted(acknowledged), set[str]()
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        query = sa.select(message.c.control_id).where(message.c.control_id.in_(part), of_senders())
        found.update(connection.execute(query).scalars())
    return [each for each in wanted if each not in found]


def statements(connection: sa.Connection, since: datetime | None = None) -> Iterator[StoredStatement]:
    """Yield the statements made since then, oldest first."""
    query = sa.select(*(ledger_statement.c[name] for name in StoredStatement.__slots__)).order_by(ledger_statement.c.id)
    if since is not None:
        query = query.where(ledger_statement.c.at >= since)
    for row in connection.execute(query):
        yield StoredStatement(*row)


def last_statement(connection: sa.Connection) -> StoredStatement | None:
    """Return the newest statement; None when there never was one."""
    columns = (ledger_statement.c[name] for name in StoredStatement.__slots__)
    row = connection.execute(sa.select(*columns).order_by(ledger_statement.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else StoredStatement(*row)


def append(connection: sa.Connection, findings: Findings, content: bytes, signature: bytes, previous: bytes) -> bool:
    """Store a statement; return False when another was made on the same predecessor meanwhile."""
    row = {
        "at": findings.at,
        "well": not findings.faults,
        "content": content,
        "signature": signature,
        "previous": previous,
        "last_message": findings.segment.last,
    }
    insert = insert_or(connection.dialect.name, ledger_statement).on_conflict_do_nothing()
    return connection.execute(insert.values(**row).returning(ledger_statement.c.id)).scalar() is not None


def _last_segment_end(connection: sa.Connection) -> int:
    newest = sa.select(ledger_statement.c.last_message).order_by(ledger_statement.c.id.desc()).limit(1)
    return int(connection.execute(newest).scalar() or 0)


def _settled_until(connection: sa.Connection, now: datetime, after: int) -> int:
    message = tables.message
    old = sa.select(message.c.id).where(message.c.received_at <= now - SETTLES_IN, of_senders())
    newest = connection.execute(old.order_by(message.c.id.desc()).limit(1)).scalar()
    return max(after, newest or 0)


def _changed_segments(connection: sa.Connection, again: Sequence[CountedMessages]) -> LedgerFault:
    changed = [each for each in again if count_segment(connection, each.after, each.last) != each]
    return LedgerFault("messages_changed", len(changed), [each.last for each in changed[:NAMED]])


def _overdue(connection: sa.Connection, before: datetime) -> LedgerFault:
    message = tables.message
    late = sa.select(message.c.id).where(message.c.state == "received", message.c.received_at < before, of_senders())
    return _fault(connection, "messages_without_end", message.c.id, late)


def _is_ivig() -> sa.ColumnElement[bool]:
    order = tables.medication_order
    return order.c.product_class.in_(["ivig", "possible_ivig"]) & (order.c.state != "absorbed")


def _orders_without_assessment(connection: sa.Connection) -> LedgerFault:
    order, assessment = tables.medication_order, tables.assessment
    has_one = sa.exists().where(assessment.c.order_id == order.c.id)
    query = sa.select(order.c.id).where(_is_ivig(), ~has_one)
    return _fault(connection, "orders_without_assessment", order.c.id, query)


def _orders_with_older_assessment(connection: sa.Connection) -> LedgerFault:
    """Return orders of which the last assessment is about another version than the current one."""
    order, assessment = tables.medication_order, tables.assessment
    newest = (
        sa.select(assessment.c.order_version)
        .where(assessment.c.order_id == order.c.id, assessment.c.stream == "order")
        .order_by(assessment.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = sa.select(order.c.id).where(_is_ivig(), newest != order.c.version)
    return _fault(connection, "orders_assessed_before_their_last_change", order.c.id, query)


def _alerts_without_record(connection: sa.Connection) -> LedgerFault:
    alert, event = tables.alert, tables.alert_event
    recorded = sa.exists().where(event.c.alert_id == alert.c.id)
    return _fault(connection, "alerts_without_record", alert.c.id, sa.select(alert.c.id).where(~recorded))


def _alerts_without_deliveries(connection: sa.Connection) -> LedgerFault:
    """Return lines of the record of which a notice had to go out, and no delivery is stored."""
    event, delivery = tables.alert_event, tables.delivery
    made: dict[int, set[str]] = {}
    for row in connection.execute(sa.select(delivery.c.event_id, delivery.c.destination)):
        made.setdefault(row.event_id, set()).add(row.destination)
    lines = sa.select(event.c.id, event.c.data).where(event.c.kind.in_(LINE_OF_ALERT)).order_by(event.c.id)
    lacking = [
        row.id
        for row in connection.execute(lines.execution_options(yield_per=1_000))
        if without_delivery(row.data, made.get(row.id, ()))
    ]
    return LedgerFault("alerts_without_deliveries", len(lacking), lacking[:NAMED])


def _erased_without_record(connection: sa.Connection) -> LedgerFault:
    """Count the messages marked as erased that no line of the register accounts for, or the other way round."""
    return LedgerFault(
        "messages_erased_without_record",
        abs(erasure.marked_messages(connection) - erasure.erased_messages(connection)),
    )


def without_delivery(data: Mapping[str, Any], made: Collection[str]) -> list[str]:
    """Return the destinations that had to be notified of a line with these data, and for which no delivery was made."""
    return [place for place in data.get(DESTINATIONS, ()) if place not in made]


def _fault(connection: sa.Connection, what: str, key: sa.ColumnElement[int], query: sa.Select[Any]) -> LedgerFault:
    count = _count(connection, sa.select(sa.func.count()).select_from(query.subquery()))
    ids = connection.execute(query.order_by(key).limit(NAMED)).scalars().all() if count else ()
    return LedgerFault(what, count, list(ids))


def _count(connection: sa.Connection, query: sa.Select[Any]) -> int:
    return int(connection.execute(query).scalar_one())


def _counted(connection: sa.Connection, column: sa.ColumnElement[str], segment: CountedMessages) -> dict[str, int]:
    message = tables.message
    within = (message.c.id > segment.after) & (message.c.id <= segment.last) & of_senders()
    rows = connection.execute(sa.select(column, sa.func.count()).where(within).group_by(column).order_by(column))
    return {row[0]: row[1] for row in rows}


def _by_state(connection: sa.Connection) -> dict[str, int]:
    state = tables.delivery.c.state
    rows = connection.execute(sa.select(state, sa.func.count()).group_by(state).order_by(state))
    return {row[0]: row[1] for row in rows}
