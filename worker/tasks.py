"""The task that processes messages: all or nothing, and one that fails never affects the others."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import sqlalchemy as sa
import structlog

from history.messages import ReadMessage
from store import local_codes, message_queries
from store.engine import reading
from store.message_queries import MessageOutcome, StoredMessage
from worker.application_acks import NOTHING, Correspondence, correspondence
from worker.batch import Judge, record_and_judge
from worker.local_codes import knowledge_now, sightings
from worker.raise_alerts import Effects
from worker.record import open_message
from worker.transactions import OUT_OF_TIME, TRY_AGAIN, in_transaction
from worker.worker import Worker

log = structlog.get_logger()
T = TypeVar("T")

MOST_AHEAD = 100  # history messages of its patient that an order waits for
MOST_CRASHES = 5  # a message begun alone this often and never finished is parked


@dataclass(frozen=True, slots=True)
class _Failure:
    """A batch or message that could not be recorded; only the error's class, because its text may hold patient data."""

    error: str


Read = ReadMessage | MessageOutcome | _Failure


@dataclass(frozen=True, slots=True)
class _Opened:
    """The messages of a task as read before anything is locked."""

    read: dict[int, Read]
    correspondence: Correspondence = NOTHING


def process_messages(worker: Worker, ids: Sequence[int]) -> Effects:
    """Process the messages that still wait; safe to call again with the same ids, at the same time too."""
    try:
        return _process_together(worker.up_to_date(), ids)
    except OUT_OF_TIME:
        _set_apart(worker, ids)
        return Effects()


def _process_together(worker: Worker, ids: Sequence[int]) -> Effects:
    opened = _read_all(worker, ids)
    if not opened.read:
        return Effects()
    done = in_transaction(worker.engine, partial(_process, worker=worker, opened=opened))
    if done.alerts:
        worker.announce(done.alerts)
    if done.deliveries:
        worker.ring_deliveries(done.deliveries)
    return done


def _set_apart(worker: Worker, ids: Sequence[int]) -> None:
    """Handle a timeout: process each alone; one that was alone goes to the slow lane, or is parked."""
    alone, now = len(ids) == 1, worker.clock()
    with worker.engine.begin() as connection:
        rows = message_queries.received(connection, ids)
        log.warning("messages.out_of_time", messages=len(rows), first=min(ids, default=None))
        if alone and worker.last_resort:
            _park_alone(connection, worker, rows, ids[0], "too_slow")
            return
        waiting = message_queries.set_apart(connection, ids, message_queries.SLOW if alone else None, now)
    for one in waiting:
        worker.ring_messages(one.lane, [one.id])


def _read_all(worker: Worker, ids: Sequence[int]) -> _Opened:
    """Read the messages before anything is locked, so that nobody waits while we read."""
    with reading(worker.engine) as connection:
        rows = _rows(connection, ids)
        knowledge = knowledge_now(worker, connection)
    if not _may_begin(worker, ids, rows):
        return _Opened({})
    read: dict[int, Read] = {row.id: _attempt(partial(open_message, row, knowledge, worker.site)) for row in rows}
    return _Opened(read, correspondence(worker.engine, worker.site, rows, read))


def _rows(connection: sa.Connection, ids: Sequence[int]) -> Sequence[StoredMessage]:
    """Return the messages, preceded for an order by its patient's earlier history that still waits.

    Without it an order that overtakes its own patient's admission is answered "no history", and answered again a
    moment later. Messages about other patients are left alone: no order waits for them.
    """
    rows = message_queries.received(connection, ids)
    orders = [row for row in rows if row.lane == "orders" and row.patient_key is not None]
    patients = {row.patient_key for row in orders if row.patient_key is not None}
    last = max((row.id for row in orders), default=0)
    ahead = message_queries.history_before(connection, last, patients, MOST_AHEAD) if orders else []
    more = set(ahead) - {row.id for row in rows}
    if not more:
        return rows
    return sorted([*rows, *message_queries.received(connection, more)], key=lambda row: row.id)


def _may_begin(worker: Worker, ids: Sequence[int], rows: Sequence[StoredMessage]) -> bool:
    """Count an attempt before touching a message queued again, which may kill its worker; park it in the end."""
    again = {row.id: row.attempts for row in rows if row.queued_at is not None}
    if not again:
        return True
    with worker.engine.begin() as connection:
        if len(ids) == 1 and again.get(ids[0], 0) >= MOST_CRASHES:
            _park_alone(connection, worker, rows, ids[0], "crashes_worker")
            return False
        message_queries.count_attempt(connection, again)
        return True


def _park_alone(
    connection: sa.Connection, worker: Worker, rows: Sequence[StoredMessage], message_id: int, reason: str
) -> None:
    """Park a message that kills or stalls its workers, unless one has just finished it, or is working on it."""
    held, now = message_queries.lock_received(connection, [message_id]), worker.clock()
    if held:
        end = MessageOutcome(message_id, "parked", reason)
        asked = correspondence(worker.engine, worker.site, rows, {})
        before = {id_ for id_, again in held.items() if again}
        message_queries.mark(connection, asked.settle(connection, [end], before, now), now)


def _process(connection: sa.Connection, worker: Worker, opened: _Opened) -> Effects:
    now = worker.clock()
    arrivals: list[ReadMessage] = []
    outcomes: list[MessageOutcome] = []
    held = message_queries.lock_received(connection, opened.read)
    for message_id, again in held.items():
        found = opened.read[message_id]
        if isinstance(found, ReadMessage):
            arrivals.append(replace(found, again=again))
        else:
            outcomes.append(_parked(message_id, found) if isinstance(found, _Failure) else found)
    unknown = sightings(worker.knowledge, arrivals)
    if unknown:
        local_codes.hold(connection)  # until we are done: who maps one of these codes finds these messages
    judge = Judge(knowledge_now(worker, connection), worker.site, now)
    done = record_safely(connection, judge, arrivals, outcomes)
    before = {message_id for message_id, again in held.items() if again}
    message_queries.mark(connection, opened.correspondence.settle(connection, outcomes, before, now), now)
    note_flags(connection, arrivals)
    local_codes.record(connection, unknown, now)
    return done


def record_safely(
    connection: sa.Connection, judge: Judge, arrivals: list[ReadMessage], outcomes: list[MessageOutcome]
) -> Effects:
    """Record and answer them in this transaction; adds how each ended, and one that fails is parked alone."""
    if not arrivals:
        return Effects()
    together = _attempt(partial(_in_savepoint, connection, judge, arrivals))
    if isinstance(together, Effects):
        outcomes += [MessageOutcome(arrival.message_id, "processed") for arrival in arrivals]
        return together
    total = Effects()
    for arrival in arrivals:
        alone = _attempt(partial(_in_savepoint, connection, judge, [arrival]))
        if isinstance(alone, _Failure):
            outcomes.append(_parked(arrival.message_id, alone))
        else:
            outcomes.append(MessageOutcome(arrival.message_id, "processed"))
            total.include(alone)
    return total


def _in_savepoint(connection: sa.Connection, judge: Judge, arrivals: Sequence[ReadMessage]) -> Effects:
    with connection.begin_nested():
        return record_and_judge(connection, judge, arrivals)


def _attempt(action: Callable[[], T]) -> T | _Failure:
    try:
        return action()
    except (*TRY_AGAIN, OUT_OF_TIME):
        raise
    except Exception as error:  # noqa: BLE001  # whatever is wrong with one message, it is parked and the others continue
        return _Failure(f"{type(error).__name__} at {_place(error)}")


def _parked(message_id: int, failure: _Failure) -> MessageOutcome:
    log.error("message.parked", message=message_id, reason="failed", error=failure.error)
    return MessageOutcome(message_id, "parked", "failed", failure.error)


def _place(error: Exception) -> str:
    """Return where in our code it happened, never its text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace is not None else "?"


def note_flags(connection: sa.Connection, arrivals: Sequence[ReadMessage]) -> None:
    """Store the doubts about these messages with them."""
    flags: dict[int, Collection[str]] = {
        arrival.message_id: arrival.reading.flags for arrival in arrivals if arrival.reading.flags
    }
    if flags:
        message_queries.add_flags(connection, flags)
