"""Work taken from the database itself: what waits although its task was lost or not taken.

The queue is only a bell. Whatever happens to it, an idle worker looks in the database for messages that
wait, so that no state of the queue can hold an order back.
"""

import random
from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta

from store import deliveries, message_queries
from store.engine import reading
from store.message_queries import Waiting
from worker.canary import notify_nobody
from worker.deliver import deliver
from worker.tasks import process_messages
from worker.worker import Worker

UNHEARD = timedelta(seconds=2)  # a message that waits longer while a worker is idle has lost its task
TOGETHER = 100
FEW_ATTEMPTS = 3  # a message begun this often and never finished is left to the queue, where a task can be stopped
WINDOW = 1_000  # how many messages idle workers divide among them, so that they seldom read the same ones


def take_messages(worker: Worker, lanes: Collection[str]) -> int:
    """Process some of the waiting messages of these lanes; return how many were found waiting."""
    now = worker.clock()
    with reading(worker.engine) as connection:
        waiting = message_queries.waiting_since(connection, now - UNHEARD, lanes, WINDOW, FEW_ATTEMPTS)
    for ids in together(_a_part(waiting), TOGETHER):
        process_messages(worker, ids)
    return len(waiting)


def take_deliveries(worker: Worker) -> int:
    """Send due notices that lost their task; return how many were delivered."""
    notify_nobody(worker)
    with reading(worker.engine) as connection:
        due = deliveries.oldest_due(connection, worker.clock())
    if due is None or due > worker.clock() - UNHEARD:
        return 0
    return deliver(worker)


def together(waiting: Sequence[Waiting], most: int) -> Iterator[list[int]]:
    """Yield the ids that may share a transaction; a slow message, or one begun and not finished, goes alone."""
    fresh = [one.id for one in waiting if not one.goes_alone]
    for start in range(0, len(fresh), most):
        yield fresh[start : start + most]
    for one in waiting:
        if one.goes_alone:
            yield [one.id]


def _a_part(waiting: Sequence[Waiting]) -> Sequence[Waiting]:
    """Return a random slice of the waiting messages: another worker probably draws another."""
    start = random.randrange(0, max(len(waiting), 1), TOGETHER)  # noqa: S311  # not for security
    return waiting[start : start + TOGETHER]
