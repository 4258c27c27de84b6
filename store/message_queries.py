"""Saved messages: who works on them, how they ended, which patients they mention, and lists for people."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, Literal, NamedTuple, get_args

import msgspec
import sqlalchemy as sa

from store import tables
from store.canary import of_canary, of_senders
from store.engine import to_json
from store.messages import Arrival, key_of, unpack
from store.rowsets import PARAMETER, Types, among, insert_or, one_of, rowset

End = Literal["processed", "ignored", "parked"]
STATES: Final[tuple[str, ...]] = ("received", *get_args(End))

SLOW = "slow"  # the lane of messages that may take long to read: each alone, with a worker of their own
HISTORY_LANES = ("history", SLOW)  # the lanes an order does not wait for

AGAIN = "again"  # the reason of a message that waits although it was processed before
BEGUN = "begun"  # the reason of one that waits although some of it has been recorded


@dataclass(frozen=True, slots=True)
class MessageOutcome:
    """How one message ended."""

    id: int
    state: End
    reason: str | None = None  # a short code
    detail: str | None = None  # where and what, without patient data


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that nobody has processed yet."""

    id: int
    lane: str
    begun_before: bool = False  # a worker began it after the sweep had queued it, and did not finish

    @property
    def goes_alone(self) -> bool:
        """Whether no other message may have to wait for it."""
        return self.begun_before or self.lane == SLOW


class StoredMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message as a worker needs it."""

    id: int
    control_id: str
    body_hash: bytes
    message_time: datetime | None
    received_at: datetime
    test: bool
    feed_name: str
    lane: str = "history"
    flags: Sequence[str] = ()  # the doubts about it
    raw: bytes = b""  # as stored
    attempts: int = 0
    queued_at: datetime | None = None  # when the sweep last put it on the queue again
    patient_key: int | None = None

    @property
    def text(self) -> bytes:
        """The bytes as received."""
        return unpack(self.raw)


def received(connection: sa.Connection, ids: Collection[int]) -> list[StoredMessage]:
    """Return the messages of these that still wait, with what a worker needs, oldest first."""
    return read_work(connection.execute(_received(connection.dialect.name), {"ids": ids}))


def of_ids(connection: sa.Connection, ids: Collection[int]) -> list[StoredMessage]:
    """Return these messages, however they ended, with what a worker needs, oldest first."""
    return read_work(connection.execute(select_work().where(among(connection, tables.message.c.id, ids))))


def read_work(rows: sa.Result[*tuple[Any, ...]]) -> list[StoredMessage]:
    """Read what `select_work` found."""
    return [StoredMessage(**row) for row in rows.mappings()]


@cache
def _received(dialect: str) -> sa.Executable:
    return select_work().where(one_of(dialect, tables.message.c.id), tables.message.c.state == "received")


def lock_received(connection: sa.Connection, ids: Collection[int]) -> dict[int, str | None]:
    """Lock the messages of these that still wait, oldest first, without those another worker holds.

    Each comes with AGAIN, BEGUN or None.
    """
    return lock_work(connection, ids).reasons


class HeldMessages(NamedTuple):
    """The messages that were locked, each with AGAIN, BEGUN or None, and the number of changes to mappings so far."""

    reasons: dict[int, str | None]
    mappings: int | None  # None when none was locked


def lock_work(connection: sa.Connection, ids: Collection[int]) -> HeldMessages:
    """Lock the messages of these that still wait, as `lock_received` does, and see which mappings are current."""
    rows = connection.execute(_lock_received(connection.dialect.name), {"ids": ids}).all()
    return HeldMessages({row.id: row.reason for row in rows}, rows[0].mappings if rows else None)


@cache
def _lock_received(dialect: str) -> sa.Executable:
    message = tables.message
    query = sa.select(message.c.id, message.c.reason, _MAPPINGS).where(one_of(dialect, message.c.id))
    query = query.where(message.c.state == "received").order_by(message.c.id)
    return query.with_for_update(skip_locked=True, key_share=True)  # NO KEY: a rebuild may still refer to the message


_MAPPINGS = sa.select(tables.local_code_version.c.number).scalar_subquery().label("mappings")


def mark_begun(connection: sa.Connection, message_id: int) -> None:
    """Record that some of this message is recorded: it must be locked, and judged whatever else changes."""
    message = tables.message
    change = sa.update(message).where(message.c.id == message_id, message.c.reason.is_(None))
    connection.execute(change.values(reason=BEGUN))


def select_work() -> sa.Select[*tuple[Any, ...]]:
    """Return the query for what a worker needs of a message; the caller adds which messages."""
    message, feed = tables.message, tables.feed
    columns = (message.c[name] for name in StoredMessage.__struct_fields__ if name != "feed_name")
    return (
        sa.select(*columns, feed.c.name.label("feed_name"))
        .join(feed, feed.c.id == message.c.feed_id)
        .order_by(message.c.id)
    )


class Work(NamedTuple):
    """Messages that wait, as a worker needs them, and the number of changes to mappings so far."""

    messages: list[StoredMessage]
    mappings: int | None  # None when no message waits


def work_of(connection: sa.Connection, ids: Collection[int], most: int) -> Work:
    """Return the messages of these that still wait, and the history that an order among them must not overtake.

    That is the last `most` messages about the patient of an order that came before the last order and still wait.
    Messages that a worker began and did not finish are left out: they may be what stopped it.
    """
    rows = connection.execute(_work_of(connection.dialect.name), {"ids": ids, "most": most}).mappings().all()
    messages = [StoredMessage(**{name: row[name] for name in StoredMessage.__struct_fields__}) for row in rows]
    return Work(messages, rows[0]["mappings"] if rows else None)


@cache
def _work_of(dialect: str) -> sa.Executable:
    message = tables.message
    these = sa.and_(one_of(dialect, message.c.id), message.c.state == "received")
    asked = sa.select(message.c.id, message.c.lane, message.c.patient_key).where(these).cte("asked")
    is_order = sa.and_(asked.c.lane == "orders", asked.c.patient_key.is_not(None))
    patients, last = sa.select(asked.c.patient_key).where(is_order), sa.select(sa.func.max(asked.c.id)).where(is_order)
    waits = sa.and_(tables.WAITS, message.c.lane == "history", message.c.attempts == 0)
    about = sa.select(message.c.id).where(waits, message.c.patient_key.in_(patients))
    # Found before it is sorted: so it is by the patient, however the rows are planned.
    found = about.where(message.c.id < last.scalar_subquery()).cte("found").prefix_with("MATERIALIZED")
    ahead = sa.select(found.c.id).order_by(found.c.id.desc()).limit(sa.bindparam("most", type_=sa.Integer)).subquery()
    wanted = sa.union(sa.select(asked.c.id), sa.select(ahead.c.id))
    return select_work().add_columns(_MAPPINGS).where(message.c.id.in_(wanted), message.c.state == "received")


def mark(connection: sa.Connection, outcomes: Iterable[MessageOutcome], now: datetime) -> None:
    """Record how these messages ended."""
    rows = [{name: getattr(each, name) for name in _OUTCOME} for each in sorted(outcomes, key=lambda each: each.id)]
    if rows:
        connection.execute(_mark(connection.dialect.name), {PARAMETER: to_json(rows), "processed_at": now})


_OUTCOME: Types = {"id": sa.BigInteger(), "state": sa.Text(), "reason": sa.Text(), "detail": sa.Text()}


@cache
def _mark(dialect: str) -> sa.Executable:
    message, given = tables.message, rowset(dialect, _OUTCOME)
    values: dict[str, Any] = {name: given.c[name] for name in ("state", "reason", "detail")}
    values["processed_at"] = sa.bindparam("processed_at", type_=message.c.processed_at.type)
    return sa.update(message).where(message.c.id == given.c.id).values(values)


def add_flags(connection: sa.Connection, flags: dict[int, Collection[str]]) -> None:
    """Add doubts to these messages, which must be locked."""
    message = tables.message
    query = sa.select(message.c.id, message.c.flags).where(among(connection, message.c.id, flags))
    known = {row.id: row.flags for row in connection.execute(query)}
    more = [
        {"which": id_, "now": sorted({*known[id_], *new})}
        for id_, new in sorted(flags.items())
        if not set(new) <= set(known[id_])
    ]
    if more:
        change = sa.update(message).where(message.c.id == sa.bindparam("which")).values(flags=sa.bindparam("now"))
        connection.execute(change, more)


def count_attempt(connection: sa.Connection, ids: Collection[int]) -> dict[int, int]:
    """Count one more attempt for these messages, and return how many each has had."""
    message = tables.message
    change = sa.update(message).where(among(connection, message.c.id, ids), message.c.state == "received")
    change = change.values(attempts=message.c.attempts + 1)
    return {row.id: row.attempts for row in connection.execute(change.returning(message.c.id, message.c.attempts))}


def set_apart(connection: sa.Connection, ids: Collection[int], lane: str | None, now: datetime) -> list[Waiting]:
    """Process these messages alone from now on if they still wait, in this lane if one is named."""
    message = tables.message
    change = sa.update(message).where(among(connection, message.c.id, ids), message.c.state == "received")
    values: dict[str, Any] = {"queued_at": now, "attempts": message.c.attempts + 1}
    change = change.values(values | ({"lane": lane} if lane else {}))
    rows = connection.execute(change.returning(message.c.id, message.c.lane))
    return sorted((Waiting(row.id, row.lane, True) for row in rows), key=lambda waiting: waiting.id)


def stale_received(connection: sa.Connection, older_than: datetime, limit: int) -> list[Waiting]:
    """Return messages that were saved, and last queued, before this moment and still wait; oldest first."""
    message = tables.message
    query = (
        sa.select(message.c.id, message.c.lane, message.c.attempts)
        .where(message.c.state == "received", message.c.received_at < older_than)
        .where(sa.or_(message.c.queued_at.is_(None), message.c.queued_at < older_than))
        .order_by(message.c.id)
        .limit(limit)
    )
    return [Waiting(row.id, row.lane, row.attempts > 0) for row in connection.execute(query)]


def waiting_since(
    connection: sa.Connection, older_than: datetime, lanes: Collection[str], limit: int, attempts: int
) -> list[Waiting]:
    """Return messages of these lanes that were saved before this moment and still wait, however queued; oldest first.

    Messages begun `attempts` times and never finished are left out.
    """
    message = tables.message
    query = (
        sa.select(message.c.id, message.c.lane, message.c.attempts)
        .where(message.c.state == "received", message.c.received_at < older_than, message.c.lane.in_(lanes))
        .where(message.c.attempts < attempts)
        .order_by(message.c.id)
        .limit(limit)
    )
    return [Waiting(row.id, row.lane, row.attempts > 0) for row in connection.execute(query)]


def mark_queued(connection: sa.Connection, ids: Collection[int], now: datetime) -> None:
    """Record that these were queued again, so that the next sweep waits before it does so too."""
    message = tables.message
    change = sa.update(message).where(among(connection, message.c.id, ids), message.c.state == "received")
    connection.execute(change.values(queued_at=now))


def reprocess(connection: sa.Connection, ids: Collection[int], now: datetime) -> list[Waiting]:
    """Let these messages be processed again, however they ended; return those that were not waiting already.

    A message without its text is left out.
    """
    return wait_again(connection, among(connection, tables.message.c.id, ids), now)


def wait_again(connection: sa.Connection, which: sa.ColumnElement[bool], queued_at: datetime | None) -> list[Waiting]:
    """Let messages wait again, with AGAIN as the reason; without `queued_at` the next sweep queues them."""
    message = tables.message
    # A message without its text cannot be read again.
    change = sa.update(message).where(which, message.c.state != "received", message.c.pruned_at.is_(None))
    values = {"state": "received", "reason": AGAIN, "detail": None, "processed_at": None, "attempts": 0}
    change = change.values(values | {"queued_at": queued_at})
    rows = connection.execute(change.returning(message.c.id, message.c.lane))
    return sorted((Waiting(row.id, row.lane) for row in rows), key=lambda waiting: waiting.id)


def oldest_received_age(connection: sa.Connection, now: datetime, lanes: Collection[str] = ()) -> timedelta | None:
    """Return how long the oldest message has been waiting, in some lanes or in any; None when none waits.

    A message being processed again does not count: it was not left behind.
    """
    message = tables.message
    query = sa.select(message.c.received_at).where(message.c.id.in_(oldest_waiting(lanes)))
    oldest: datetime | None = connection.execute(query).scalar()
    return None if oldest is None else now - oldest


def oldest_waiting(lanes: Collection[str] = ()) -> sa.Select[tuple[int]]:
    """Return the query for the oldest message that waits for the first time, in some lanes or in any."""
    message = tables.message.alias("waiting")
    waits = (message.c.state == "received", message.c.reason.is_(None), of_senders(message))
    query = sa.select(message.c.id).where(*waits)
    if lanes:
        query = query.where(message.c.lane.in_(lanes))
    return sa.select(query.order_by(message.c.id).limit(1).subquery().c.id)


def counts(connection: sa.Connection) -> dict[str, int]:
    """Count the messages that wait and those that are parked."""
    message = tables.message
    query = sa.select(message.c.state, sa.func.count().label("how_many"))
    query = query.where(message.c.state.in_(["received", "parked"]), of_senders()).group_by(message.c.state)
    return {"received": 0, "parked": 0} | {row.state: row.how_many for row in connection.execute(query)}


Key = tuple[int, str, str, str, bytes]

_KEY: Types = {
    "feed_id": sa.BigInteger(),
    "sending_application": sa.Text(),
    "sending_facility": sa.Text(),
    "control_id": sa.Text(),
}


def ended(connection: sa.Connection, arrivals: Collection[Arrival]) -> set[Key]:
    """Return the keys of messages stored before that no longer wait."""
    names = {key_of(each)[:-1] for each in arrivals}
    if not names:
        return set()
    rows = to_json([dict(zip(_KEY, name, strict=True)) for name in sorted(names)])
    found = connection.execute(_find(connection.dialect.name), {PARAMETER: rows})
    return {(*_name(row), bytes(row.body_hash)) for row in found if row.state != "received"}


def _name(row: Any) -> tuple[int, str, str, str]:
    return row.feed_id, row.sending_application, row.sending_facility, row.control_id


@cache
def _find(dialect: str) -> sa.Executable:
    message, wanted = tables.message, rowset(dialect, _KEY)
    same = sa.and_(*(message.c[name] == wanted.c[name] for name in _KEY))
    columns = [message.c[name] for name in (*_KEY, "body_hash", "state")]
    return sa.select(*columns).join_from(wanted, message, same)


def states(connection: sa.Connection, ids: Collection[int]) -> list[str]:
    """Return the current state of each of these messages."""
    message = tables.message
    query = sa.select(message.c.state).where(among(connection, message.c.id, ids))
    return list(connection.execute(query).scalars())


_PAIR: Types = {"message_id": sa.BigInteger(), "patient_id": sa.BigInteger()}


def add_mentions(connection: sa.Connection, pairs: Iterable[tuple[int, int]]) -> None:
    """Record that these messages mention these identities: (message, patient)."""
    if rows := mention_rows(pairs):
        connection.execute(insert_mentions(connection.dialect.name), {PARAMETER: to_json(rows)})


def mention_rows(pairs: Iterable[tuple[int, int]]) -> list[dict[str, int]]:
    """Return these pairs as `insert_mentions` takes them, each once, so that two batches never deadlock."""
    return [dict(zip(_PAIR, pair, strict=True)) for pair in sorted(set(pairs))]


@cache
def insert_mentions(dialect: str, rows: str = PARAMETER) -> sa.Insert:
    """Return the statement of `add_mentions` for the rows of this parameter."""
    given, insert = rowset(dialect, _PAIR, rows), insert_or(dialect, tables.mention)
    new = insert.from_select(list(_PAIR), sa.select(given).where(sa.true()), include_defaults=False)
    return new.on_conflict_do_nothing()


def messages_about(connection: sa.Connection, ids: Collection[int]) -> list[int]:
    """Return the messages that mention any of these identities, in order of arrival."""
    mention = tables.mention
    query = sa.select(mention.c.message_id).where(among(connection, mention.c.patient_id, ids)).distinct()
    return list(connection.execute(query.order_by(mention.c.message_id)).scalars())


def patients_of(connection: sa.Connection, ids: Collection[int]) -> dict[int, set[int]]:
    """Return the identities each of these messages mentions, without messages that mention none."""
    mention = tables.mention
    found: dict[int, set[int]] = {}
    for row in connection.execute(sa.select(mention).where(among(connection, mention.c.message_id, ids))):
        found.setdefault(row.message_id, set()).add(row.patient_id)
    return found


def count_messages(connection: sa.Connection, state: str, after: int, until: int | None = None) -> int:
    """Count the messages in a state, between two ids."""
    message = tables.message
    which = [message.c.state == state, message.c.id > after]
    if until is not None:
        which.append(message.c.id <= until)
    # Those of the canary, a handful, are counted off: of millions the index alone is read.
    query = sa.select(sa.func.count()).select_from(message).where(*which)
    return (connection.scalar(query) or 0) - (connection.scalar(query.where(of_canary())) or 0)


def settled_until(connection: sa.Connection) -> int:
    """Return the last message before which no message waits for a worker."""
    waiting = sa.select(sa.func.min(tables.message.c.id)).where(tables.message.c.state == "received")
    first: int | None = connection.scalar(waiting)
    newest: int = connection.scalar(sa.select(sa.func.max(tables.message.c.id))) or 0
    return newest if first is None else first - 1


def last_message_at(connection: sa.Connection) -> datetime | None:
    """Return when the newest message arrived."""
    query = sa.select(tables.message.c.received_at).where(of_senders()).order_by(tables.message.c.id.desc()).limit(1)
    found: datetime | None = connection.scalar(query)
    return found


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
    """A message with its text, as stored."""

    raw: bytes

    @property
    def text(self) -> bytes:
        """The bytes as received."""
        return unpack(self.raw)


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """The messages to list."""

    states: Collection[str] = ()
    control_id: str = ""
    feed: str = ""


def list_messages(
    connection: sa.Connection, wanted: MessageFilter, before: int | None, limit: int
) -> list[MessageLine]:
    """Messages without their text, newest first."""
    query = _messages().order_by(tables.message.c.id.desc()).limit(limit)
    if wanted.states:
        query = query.where(tables.message.c.state.in_(wanted.states))
    if wanted.control_id:
        query = query.where(tables.message.c.control_id == wanted.control_id)
    if wanted.feed:
        query = query.where(tables.feed.c.name == wanted.feed)
    if before is not None:
        query = query.where(tables.message.c.id < before)
    return [MessageLine(**row) for row in connection.execute(query).mappings()]


def _messages() -> sa.Select[Any]:
    columns = (tables.message.c[name] for name in MessageLine.__struct_fields__ if name != "feed_name")
    query = sa.select(*columns, tables.feed.c.name.label("feed_name"))
    return query.join(tables.feed, tables.feed.c.id == tables.message.c.feed_id).where(of_senders())


def find_message(connection: sa.Connection, message_id: int) -> KeptMessage | None:
    """Return one message, with its text as stored."""
    query = _messages().add_columns(tables.message.c.raw).where(tables.message.c.id == message_id)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else KeptMessage(**row)
