"""The sweep: what was saved and not processed goes on the queue again.

Redis may lose every task; the rows are the truth. A message queued again, begun and not finished goes alone, so
that one that kills its worker is found (`tasks._may_begin`) and delays nobody.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
import structlog

from store import heartbeats, message_queries
from store.message_queries import SLOW, Waiting
from worker.taking import TOGETHER, together
from worker.worker import Worker

log = structlog.get_logger()

ROUND = 5_000


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep put on the queue."""

    messages: int


def sweep(worker: Worker) -> Swept:
    """Queue again what waits too long. Raises nothing when Redis is down: the next sweep will follow."""
    now = worker.clock()
    with worker.engine.begin() as connection:
        waiting = message_queries.stale_received(connection, now - worker.leases.left_behind, ROUND)
        message_queries.mark_queued(connection, [one.id for one in waiting], now)
        slow = _lane_of_slow(connection, now)
    lanes: dict[str, list[Waiting]] = defaultdict(list)
    for one in waiting:
        lanes[slow if one.lane == SLOW else one.lane].append(one)
    for lane, some in sorted(lanes.items()):
        for ids in together(some, TOGETHER):
            worker.ring_messages(lane, ids)
    if waiting:
        log.info("sweep.requeued", messages=len(waiting))
    return Swept(len(waiting))


def _lane_of_slow(connection: sa.Connection, now: datetime) -> str:
    """Return the lane for messages that take long: the usual one when no slow worker runs."""
    seen = heartbeats.last(connection)
    return SLOW if heartbeats.is_alive(seen, heartbeats.SLOW_WORKER, now) else "history"
