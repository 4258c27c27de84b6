"""Work taken from the ledger itself: what waits although nobody was told of it, or whoever was told does not hear.

The queue only rings. Whatever becomes of it, a worker that has nothing to do looks in the database for messages that
wait, so that no state of the queue can hold an order back.
"""

import random
from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta

from store import deliveries, message_queries
from store.engine import reading
from store.message_queries import Waiting
from worker.deliver import deliver
from worker.tasks import process_messages
from worker.worker import Worker

UNHEARD = timedelta(seconds=2)  # what waits longer while a worker is idle: its bell was not heard
TOGETHER = 100
FEW_ATTEMPTS = 3  # a message that was begun so often and never ended is left to the queue, where a task can be ended
WINDOW = 1_000  # messages among which idle workers each take a part, so that they seldom read the same ones


def take_messages(worker: Worker, lanes: Collection[str]) -> int:
    """Process some of the messages of these lanes that wait unheard; give how many were seen to wait."""
    now = worker.clock()
    with reading(worker.engine) as connection:
        waiting = message_queries.waiting_since(connection, now - UNHEARD, lanes, WINDOW, FEW_ATTEMPTS)
    for ids in together(_a_part(waiting), TOGETHER):
        process_messages(worker, ids)
    return len(waiting)


def take_deliveries(worker: Worker) -> int:
    """Send the notices that are due and were not rung for; give how many were taken by their destination."""
    with reading(worker.engine) as connection:
        due = deliveries.oldest_due(connection, worker.clock())
    if due is None or due > worker.clock() - UNHEARD:
        return 0
    return deliver(worker)


def together(waiting: Sequence[Waiting], most: int) -> Iterator[list[int]]:
    """Give the ids that may share a transaction; a message that takes long, or was begun and not ended, goes alone."""
    fresh = [one.id for one in waiting if not one.goes_alone]
    for start in range(0, len(fresh), most):
        yield fresh[start : start + most]
    for one in waiting:
        if one.goes_alone:
            yield [one.id]


def _a_part(waiting: Sequence[Waiting]) -> Sequence[Waiting]:
    """One of the parts of what waits, drawn: whoever looks at the same moment probably draws another."""
    start = random.randrange(0, max(len(waiting), 1), TOGETHER)  # noqa: S311  # nothing secret
    return waiting[start : start + TOGETHER]
