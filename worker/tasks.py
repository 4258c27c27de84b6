"""The task that processes messages: all or nothing, and one that fails never affects the others."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import sqlalchemy as sa
import structlog

from history.choices import Site
from history.messages import ReadMessage
from rules.knowledge import Knowledge
from store import local_codes, message_queries
from store.engine import reading
from store.errors import PeopleMoved
from store.feeds import CANARY
from store.local_codes import Sighting
from store.message_queries import MessageOutcome, StoredMessage
from worker import canary
from worker.application_acks import NOTHING, Correspondence, correspondence
from worker.batch import Judge, record_and_judge
from worker.failures import failure_of
from worker.histories import history_as_of
from worker.judged_ahead import JudgedAhead, LongHistory, judge_ahead
from worker.local_codes import knowledge_now, sightings
from worker.raise_alerts import Effects
from worker.record import MessageContent, content_of, open_message, record_in_parts
from worker.transactions import OUT_OF_TIME, in_transaction, is_passing
from worker.worker import Worker

log = structlog.get_logger()
T = TypeVar("T")

MOST_AHEAD = 100  # history messages of its patient that an order waits for
MOST_AHEAD_TRIES = 4  # at a history that changes while it is judged
MOST_CRASHES = 5  # a message begun alone this often and never finished is parked


@dataclass(frozen=True, slots=True)
class _Failure:
    """A batch or message that could not be recorded; only the error's class, because its text may hold patient data."""

    error: str


class _FailedTogether(Exception):
    """One of the messages cannot be recorded: roll back, and find out which."""


@dataclass(frozen=True, slots=True)
class _Manner:
    """How a transaction goes about it."""

    most_facts: int | None = None  # that it judges itself
    ahead: JudgedAhead | None = None
    is_careful: bool = False  # each message can fail alone, which takes more statements


Read = MessageContent | MessageOutcome | _Failure


@dataclass(frozen=True, slots=True)
class _Opened:
    """The messages of a task as read before anything is locked."""

    read: dict[int, Read]
    sightings: Mapping[int, Sequence[Sighting]] = field(default_factory=dict)  # of codes in no value set, by message
    correspondence: Correspondence = NOTHING
    canaries: Sequence[StoredMessage] = ()


def process_messages(worker: Worker, ids: Sequence[int]) -> Effects:
    """Process the messages that still wait; safe to call again with the same ids, at the same time too."""
    try:
        return _process_together(worker.up_to_date(), ids)
    except OUT_OF_TIME:
        _set_apart(worker, ids)
        return Effects()


def _process_together(worker: Worker, ids: Sequence[int]) -> Effects:
    opened = _read_all(worker, ids)
    canary.follow(worker, opened.canaries)
    if not opened.read:
        return Effects()
    done = _process_opened(worker, _but_the_last_part(worker, opened))
    worker.memory.keep(done.kept)
    if done.alerts:
        worker.announce(done.alerts)
    if done.deliveries:
        worker.ring_deliveries(done.deliveries)
    return done


def _but_the_last_part(worker: Worker, opened: _Opened) -> _Opened:
    """Record long messages in parts; return what is left to record."""

    def left_of(content: MessageContent) -> Read:
        return _attempt(partial(record_in_parts, worker.engine, content, worker.most_entries))

    left = {id_: left_of(each) if isinstance(each, MessageContent) else each for id_, each in opened.read.items()}
    return replace(opened, read=left)


def _process_opened(worker: Worker, opened: _Opened) -> Effects:
    """Process what was read; long histories are judged ahead, and under the lock only if they never stand still."""
    manner = _Manner(worker.most_facts)
    for _ in range(MOST_AHEAD_TRIES):
        try:
            return in_transaction(worker.engine, partial(_process, worker=worker, opened=opened, manner=manner))
        except LongHistory as found:
            ahead = _judged_ahead(worker, found.contents)
            if ahead is None:
                break
            manner = replace(manner, ahead=ahead)
        except _FailedTogether:
            break
    careful = _Manner(is_careful=True)
    return in_transaction(worker.engine, partial(_process, worker=worker, opened=opened, manner=careful))


def _judged_ahead(worker: Worker, contents: Sequence[MessageContent]) -> JudgedAhead | None:
    """Return the answers to come; None where they cannot be foreseen: by a merge, or a fault that parks a message."""
    if any(each.gathered.merges for each in contents):
        return None
    with reading(worker.engine) as connection:
        knowledge = knowledge_now(worker, connection)
        as_of = history_as_of(connection, worker.clock())
    ahead = _attempt(partial(judge_ahead, worker.engine, contents, knowledge, worker.site, as_of))
    return None if isinstance(ahead, _Failure) else ahead


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
        # An order that overtakes its own patient's admission would be answered "no history", and again a moment later.
        # Messages about other patients are left alone: no order waits for them.
        rows, mappings = message_queries.work_of(connection, ids, MOST_AHEAD)
        if not rows:
            return _Opened({})
        knowledge = knowledge_now(worker, connection, mappings)
    if not _may_begin(worker, ids, rows):
        return _Opened({})
    canaries = [row for row in rows if row.feed_name == CANARY]
    rows = [row for row in rows if row.feed_name != CANARY]
    read: dict[int, Read] = {row.id: _attempt(partial(_content, row, knowledge, worker.site)) for row in rows}
    contents = [each for each in read.values() if isinstance(each, MessageContent)]
    found = {each.message.message_id: sightings(worker.knowledge, [each.message]) for each in contents}
    return _Opened(read, found, correspondence(worker.engine, worker.site, rows, read), canaries)


def _content(message: StoredMessage, knowledge: Knowledge, site: Site) -> MessageContent | MessageOutcome:
    found = open_message(message, knowledge, site)
    return content_of(found, knowledge) if isinstance(found, ReadMessage) else found


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
        message_queries.mark(connection, asked.settle(connection, [end], _processed_before(held), now), now)


def _processed_before(held: Mapping[int, str | None]) -> set[int]:
    """Return the messages whose sender was told before how they ended."""
    return {message_id for message_id, reason in held.items() if reason == message_queries.AGAIN}


def _process(connection: sa.Connection, worker: Worker, opened: _Opened, manner: _Manner) -> Effects:
    now = worker.clock()
    contents: list[MessageContent] = []
    outcomes: list[MessageOutcome] = []
    held, mappings = message_queries.lock_work(connection, opened.read)
    for message_id, reason in held.items():
        found = opened.read[message_id]
        if isinstance(found, MessageContent):
            contents.append(replace(found, message=replace(found.message, again=reason is not None)))
        else:
            outcomes.append(_parked(message_id, found) if isinstance(found, _Failure) else found)
    unknown = [each for message_id in held for each in opened.sightings.get(message_id, ())]
    if unknown:
        local_codes.hold(connection)  # until we are done: who maps one of these codes finds these messages
        mappings = None  # one may have been added while we waited
    knowledge = knowledge_now(worker, connection, mappings)
    judge = Judge(knowledge, worker.site, now, manner.most_facts, manner.ahead, worker.memory)
    done = _recorded(connection, judge, [each.by(judge.knowledge) for each in contents], outcomes, manner)
    ended = opened.correspondence.settle(connection, outcomes, _processed_before(held), now)
    message_queries.mark(connection, ended, now)
    note_flags(connection, [each.message for each in contents])
    local_codes.record(connection, unknown, now)
    done.ended = [each.id for each in ended]
    return done


def _recorded(
    connection: sa.Connection,
    judge: Judge,
    contents: Sequence[MessageContent],
    outcomes: list[MessageOutcome],
    manner: _Manner,
) -> Effects:
    if manner.is_careful or not contents:
        return record_safely(connection, judge, contents, outcomes)
    try:
        done = _attempt(partial(record_and_judge, connection, judge, contents))
    except LongHistory:
        raise LongHistory(contents) from None
    if isinstance(done, _Failure):
        raise _FailedTogether
    outcomes += [MessageOutcome(each.message.message_id, "processed") for each in contents]
    return done


def record_safely(
    connection: sa.Connection, judge: Judge, contents: Sequence[MessageContent], outcomes: list[MessageOutcome]
) -> Effects:
    """Record and answer them in this transaction; adds how each ended, and one that fails is parked alone."""
    if not contents:
        return Effects()
    together = _attempt(partial(_in_savepoint, connection, judge, contents))
    if isinstance(together, Effects):
        outcomes += [MessageOutcome(each.message.message_id, "processed") for each in contents]
        return together
    total = Effects()
    for each in contents:
        alone = _attempt(partial(_in_savepoint, connection, judge, [each]))
        if isinstance(alone, _Failure):
            outcomes.append(_parked(each.message.message_id, alone))
        else:
            outcomes.append(MessageOutcome(each.message.message_id, "processed"))
            total.include(alone)
    return total


def _in_savepoint(connection: sa.Connection, judge: Judge, contents: Sequence[MessageContent]) -> Effects:
    with connection.begin_nested():
        return record_and_judge(connection, judge, contents)


def _attempt(action: Callable[[], T]) -> T | _Failure:
    try:
        return action()
    except (OUT_OF_TIME, LongHistory, PeopleMoved):
        raise
    except Exception as error:  # whatever is wrong with one message, it is parked and the others continue
        if is_passing(error):
            raise
        return _Failure(failure_of(error))


def _parked(message_id: int, failure: _Failure) -> MessageOutcome:
    log.error("message.parked", message=message_id, reason="failed", error=failure.error)
    return MessageOutcome(message_id, "parked", "failed", failure.error)


def note_flags(connection: sa.Connection, arrivals: Sequence[ReadMessage]) -> None:
    """Store the doubts about these messages with them."""
    flags: dict[int, Collection[str]] = {
        arrival.message_id: arrival.reading.flags for arrival in arrivals if arrival.reading.flags
    }
    if flags:
        message_queries.add_flags(connection, flags)
