"""A first load: many messages stored and processed together, like those of a feed, in one transaction.

They are stored under their own feed, and nothing about their orders is pushed. What was not committed was
not stored: loading the same again after a crash resumes where it ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import msgspec
import sqlalchemy as sa

from clinical.events import Reading
from history.messages import Envelope, ReadMessage
from parsers.errors import UnreadableMessage
from store import local_codes, message_queries
from store.engine import reading
from store.message_queries import MessageOutcome
from store.messages import Arrival, Saved, control_id_of, key_of, save_batch
from worker.batch import Judge
from worker.local_codes import knowledge_now, sightings
from worker.record import content_of, taken_up
from worker.tasks import note_flags, process_messages, record_safely
from worker.transactions import in_transaction
from worker.worker import Worker


@dataclass(frozen=True, slots=True)
class LoadedMessage:
    """A message that was read; one without a reading is processed like any other."""

    arrival: Arrival
    reading: Reading | UnreadableMessage | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """The outcomes of some messages."""

    messages: int = 0  # new ones
    known: int = 0  # kept before
    events: int = 0  # events in them
    ignored: int = 0
    parked: int = 0
    answers: int = 0
    alerts: int = 0

    def __add__(self, other: "Loaded") -> "Loaded":
        """Count both."""
        return Loaded(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


def new_among(worker: Worker, arrivals: Sequence[Arrival]) -> list[bool]:
    """Return for each whether it is still to be processed."""
    with reading(worker.engine) as connection:
        there = message_queries.ended(connection, arrivals)
    return [key_of(each) not in there for each in arrivals]


def load(worker: Worker, feed: str, opened: Sequence[LoadedMessage]) -> Loaded:
    """Store them and answer the orders they touch; when this returns they are committed."""
    if not opened:
        return Loaded()
    if any(each.reading is None and each.arrival.state == "received" for each in opened):
        return _the_usual_way(worker, [each.arrival for each in opened])
    loaded, waiting = in_transaction(worker.engine, partial(_load, worker=worker, feed=feed, opened=opened))
    if waiting:
        process_messages(worker, waiting)
    return loaded


def _the_usual_way(worker: Worker, arrivals: Sequence[Arrival]) -> Loaded:
    """Store them first: one that cannot be read is found and parked there, and the others continue."""
    with worker.engine.begin() as connection:
        saved = save_batch(connection, arrivals)
    ids = sorted({each.id for each in saved})
    done = process_messages(worker, ids)
    with worker.engine.connect() as connection:
        states = message_queries.states(connection, ids)
    known = sum(each.duplicate for each in saved)
    return Loaded(
        messages=len(saved) - known,
        known=known,
        ignored=states.count("ignored"),
        parked=states.count("parked"),
        answers=done.answers,
        alerts=len(done.alerts),
    )


def _load(
    connection: sa.Connection, worker: Worker, feed: str, opened: Sequence[LoadedMessage]
) -> tuple[Loaded, list[int]]:
    now = worker.clock()
    knowledge = knowledge_now(worker, connection)
    reader = replace(worker, knowledge=knowledge)
    ends = [_end_of(each, feed, reader) for each in opened]
    arrivals = [_as_it_ends(each.arrival, end, now) for each, end in zip(opened, ends, strict=True)]
    saved = save_batch(connection, arrivals)
    new = [(row.id, end) for row, end in zip(saved, ends, strict=True) if not row.duplicate]
    readable = [end.numbered(id_) for id_, end in new if isinstance(end, ReadMessage)]
    unknown = sightings(worker.knowledge, readable)
    if unknown:
        local_codes.hold(connection)  # until we commit: mapping one of these codes must find these messages
    contents = [content_of(each, knowledge) for each in readable]
    outcomes: list[MessageOutcome] = []
    done = record_safely(connection, Judge(knowledge, worker.site, now), contents, outcomes)
    failed = [each for each in outcomes if each.state != "processed"]
    message_queries.mark(connection, failed, now)
    note_flags(connection, readable)
    local_codes.record(connection, unknown, now)
    known = [each.id for each in saved if each.duplicate]
    states = [end.state for _, end in new if isinstance(end, MessageOutcome)]
    loaded = Loaded(
        messages=len(saved) - len(known),
        known=len(known),
        events=sum(len(each.reading.events) for each in readable),
        ignored=states.count("ignored"),
        parked=len(failed) + states.count("parked") + _parked_at_once(saved, opened),
        answers=done.answers,
        alerts=len(done.alerts),
    )
    return loaded, [row.id for row in message_queries.received(connection, known)] if known else []


def _parked_at_once(saved: Sequence[Saved], opened: Sequence[LoadedMessage]) -> int:
    pairs = zip(saved, opened, strict=True)
    return sum(each.arrival.state == "parked" and not row.duplicate for row, each in pairs)


def _end_of(message: LoadedMessage, feed: str, worker: Worker) -> ReadMessage | MessageOutcome | None:
    """Return what to record of a message that has no number yet, or how it ends; None for one parked already."""
    if message.reading is None:
        return None
    return taken_up(_envelope(message.arrival, feed), message.reading, worker.knowledge, worker.site)


def _as_it_ends(arrival: Arrival, end: ReadMessage | MessageOutcome | None, now: datetime) -> Arrival:
    """Return the row of a message as it will be when this transaction is committed: it is written once."""
    if end is None:
        return arrival
    if isinstance(end, ReadMessage):
        return msgspec.structs.replace(arrival, state="processed", processed_at=now)
    return msgspec.structs.replace(arrival, state=end.state, reason=end.reason, detail=end.detail, processed_at=now)


def _envelope(arrival: Arrival, feed: str) -> Envelope:
    return Envelope(
        message_id=0,  # until it is saved
        control_id=control_id_of(arrival),
        body_hash=arrival.body_hash,
        message_time=arrival.message_time,
        received_at=arrival.received_at,
        feed=feed,
        test=arrival.test,
    )
