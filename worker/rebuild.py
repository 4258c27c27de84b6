"""The history derived again from the stored messages, as if the current knowledge had always been in use.

Some patients at a time, in one transaction and under their locks: workers continue meanwhile, and nobody sees half a
history. What people did stays: alerts, their record, decisions and deliveries belong to orders, which are found again
by their keys. Nothing is pushed.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial

import sqlalchemy as sa
import structlog

from clinical.identities import Name
from history.messages import ReadMessage, identities_in, numbers_in
from parsers.hl7 import message_types
from store import citizen_numbers, merges, message_queries, patients, progress, rebuilding
from store.locks import lock_numbers, lock_people
from store.message_queries import MessageOutcome
from worker.batch import Judge, judge_again
from worker.local_codes import knowledge_now
from worker.record import Touched, content_of, open_message, record
from worker.transactions import in_transaction
from worker.worker import Worker

log = structlog.get_logger()

NAME = "rebuild"
TOGETHER = 50  # identities in one transaction; a message that mentions another adds that one too


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How far it has come."""

    position: int  # the identity up to which all are done
    patients: int = 0
    messages: int = 0
    unreadable: int = 0  # messages that are now parked or ignored


@dataclass(slots=True)
class _Histories:
    """Some locked patients, and every message that mentions them as it is read now."""

    held: set[int]
    ids: dict[Name, int]
    arrivals: list[ReadMessage]
    outcomes: list[MessageOutcome]


def rebuild(worker: Worker, report: Callable[[Rebuilt], None], together: int = TOGETHER) -> Rebuilt:
    """Derive everything again, from where it stopped; `report` is called after every step."""
    with worker.engine.begin() as connection:
        done = Rebuilt(progress.begin(connection, NAME, worker.clock()).position)
        rebuilding.read_at_last(connection, message_types.READ)
    while (further := in_transaction(worker.engine, partial(_step, worker, done, together))) is not None:
        done = further
        report(done)
    with worker.engine.begin() as connection:
        progress.end(connection, NAME)
    log.info("rebuild.done", patients=done.patients, messages=done.messages, unreadable=done.unreadable)
    return done


def _step(worker: Worker, done: Rebuilt, together: int, connection: sa.Connection) -> Rebuilt | None:
    """Derive the next patients again; None when there are none."""
    ids = rebuilding.patients_after(connection, done.position, together)
    if not ids:
        return None
    people = merges.persons(connection, ids)
    # Also people merged with somebody derived before: that merge brought nothing of theirs with it.
    found = _derive(connection, worker, {member for person in people for member in person.members})
    progress.advance(connection, NAME, ids[-1])
    return Rebuilt(
        ids[-1],
        done.patients + len(ids),
        done.messages + len(found.arrivals),
        done.unreadable + len(found.outcomes),
    )


def _derive(connection: sa.Connection, worker: Worker, ids: Collection[int]) -> _Histories:
    found = _open_all(connection, worker, ids)
    rebuilding.forget(connection, found.held)
    knowledge = knowledge_now(worker, connection)
    rows = patients.of_ids(connection, found.held)  # as they are without what was just forgotten
    record(connection, [content_of(each, knowledge) for each in found.arrivals], found.ids, rows)
    # Merges and numbers from pruned messages were not read again just now, and count as well.
    merges.repoint(connection, found.held)
    citizen_numbers.join(connection, found.held)
    judge = Judge(knowledge, replace(worker.site, destinations=()), worker.clock())
    judge_again(connection, judge, Touched(found.held, found.held))
    message_queries.mark(connection, found.outcomes, judge.now)
    return found


def _open_all(connection: sa.Connection, worker: Worker, ids: Collection[int]) -> _Histories:
    """Read every message about these patients, and about everybody those messages name now."""
    knowledge = knowledge_now(worker, connection)
    opened: dict[int, ReadMessage | MessageOutcome] = {}
    held, wanted = set[int](), set(ids)
    named: dict[Name, int] = {}
    while not wanted <= held:
        held = lock_people(connection, held | wanted)
        for row in rebuilding.readable_about(connection, held):
            if row.id not in opened:
                opened[row.id] = open_message(row, knowledge, worker.site)
        arrivals = [each for each in opened.values() if isinstance(each, ReadMessage)]
        names = identities_in(arrivals)
        named = patients.identities(connection, names)
        lock_numbers(connection, names, numbers_in(arrivals))
        wanted = {*held, *named.values()}
    arrivals.sort(key=lambda arrival: arrival.message_id)
    return _Histories(held, named, arrivals, [each for each in opened.values() if isinstance(each, MessageOutcome)])
