"""Publishing to the workers which messages wait, without holding up the senders.

A separate thread waits for a queue that is down or hangs. Ids it does not accept are offered again; ids that there
is no room to remember are left to the sweep. While the workers are busy, ids gather here, so the busier it is
the more messages go into one task.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from math import inf
from time import monotonic

import structlog
from kombu.exceptions import KombuError

from listener.errors import NotQueued
from listener.metrics import Metrics
from store.message_queries import SLOW

log = structlog.get_logger()

Enqueue = Callable[[str, Sequence[int]], None]  # (lane, ids); raises NotQueued, or what kombu and sockets raise
Crowded = Callable[[str], bool]  # lane → whether tasks already wait for a worker
LANES = ("orders", "history", SLOW)  # the most urgent first
_AGAIN_AFTER_S = 1.0
_LOOK_AGAIN_S = 0.01


def _never(_lane: str) -> bool:
    return False


class Publisher:
    """Publishes ids, orders before history; `put` never waits."""

    def __init__(
        self,
        enqueue: Enqueue,
        metrics: Metrics,
        *,
        limit: int = 20_000,
        ids_per_task: int = 200,
        history_every_s: float = 0.01,
        crowded: Crowded = _never,
    ) -> None:
        self._enqueue = enqueue
        self._metrics = metrics
        self._limit = limit
        self._ids_per_task = ids_per_task
        self._history_every_s = history_every_s
        self._crowded = crowded
        self._not_before = dict.fromkeys(LANES, 0.0)
        self._change = threading.Condition()
        self._ids: dict[str, deque[int]] = {lane: deque() for lane in LANES}
        self._closing = False
        self._wakes_at = inf  # how often the thread wakes by itself
        self._thread: threading.Thread | None = None

    def put(self, ids: dict[str, list[int]]) -> None:
        """Publish these soon."""
        with self._change:
            for lane, some in ids.items():
                self._ids[lane].extend(some)
            self._forget_the_oldest()
            if self._thread is None or not self._thread.is_alive():  # the first time, or after an internal error
                self._thread = threading.Thread(target=self._run, name="listener-publish", daemon=True)
                self._thread.start()
            if min(self._not_before[lane] for lane in ids) < self._wakes_at:
                self._change.notify()

    def close(self, within_s: float) -> None:
        """Publish the rest, if the queue accepts it in time."""
        with self._change:
            self._closing = True
            self._change.notify()
            thread = self._thread
        if thread is not None:
            thread.join(within_s)
        with self._change:
            self._metrics.unpublished.inc(sum(map(len, self._ids.values())))

    def _forget_the_oldest(self) -> None:
        for lane in reversed(LANES):
            waiting = self._ids[lane]
            over = sum(map(len, self._ids.values())) - self._limit
            for _ in range(min(max(over, 0), len(waiting))):
                waiting.popleft()
                self._metrics.unpublished.inc()

    def _run(self) -> None:
        while (lane := self._due()) is not None:
            if self._could_grow(lane) and self._crowded(lane):
                self._not_before[lane] = monotonic() + _LOOK_AGAIN_S
                continue
            ids = self._take(lane)
            try:
                self._enqueue(lane, ids)
            except (NotQueued, KombuError, OSError) as error:
                log.warning("listener.not_queued", error=type(error).__name__, waiting=len(ids))
                if not self._put_back(lane, ids):
                    return

    def _due(self) -> str | None:
        """Wait for ids; orders go at once, history gathers for a moment. None: there is nothing more to wait for."""
        with self._change:
            while True:
                lanes = [lane for lane, waiting in self._ids.items() if waiting]
                if not lanes and self._closing:
                    return None
                wait = {lane: self._not_before[lane] - monotonic() for lane in lanes}
                for lane in lanes:
                    if wait[lane] <= 0 or self._closing:
                        return lane
                self._wakes_at = min((self._not_before[lane] for lane in lanes), default=inf)
                self._change.wait(min(wait.values(), default=None))
                self._wakes_at = -inf

    def _could_grow(self, lane: str) -> bool:
        """Return whether waiting would make a task larger; orders never wait for that."""
        with self._change:
            return lane != "orders" and not self._closing and len(self._ids[lane]) < self._most(lane)

    def _take(self, lane: str) -> list[int]:
        with self._change:
            waiting = self._ids[lane]
            if lane == "history":
                self._not_before[lane] = monotonic() + self._history_every_s
            return [waiting.popleft() for _ in range(min(len(waiting), self._most(lane)))]

    def _most(self, lane: str) -> int:
        """Return the number of messages in one task: one if they take long."""
        return 1 if lane == SLOW else self._ids_per_task

    def _put_back(self, lane: str, ids: Sequence[int]) -> bool:
        """Keep them for another attempt in a second, unless we are closing."""
        with self._change:
            self._ids[lane].extendleft(reversed(ids))
            until = monotonic() + _AGAIN_AFTER_S
            while not self._closing and (left := until - monotonic()) > 0:
                self._change.wait(left)
            return not self._closing
