"""Telling the workers which messages wait, out of the way of the senders.

A queue that is down or hangs is waited for in a thread of its own. What it does not take is offered again; what there
is no room to remember is left to the sweep.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic

import structlog
from kombu.exceptions import KombuError

from listener.errors import NotQueued
from listener.metrics import Metrics

log = structlog.get_logger()

Enqueue = Callable[[str, Sequence[int]], None]  # (lane, ids); raises NotQueued, or what kombu and sockets raise
_AGAIN_AFTER_S = 1.0


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
    ) -> None:
        self._enqueue = enqueue
        self._metrics = metrics
        self._limit = limit
        self._ids_per_task = ids_per_task
        self._history_every_s = history_every_s
        self._history_at = 0.0
        self._change = threading.Condition()
        self._ids: dict[str, deque[int]] = {"orders": deque(), "history": deque()}
        self._closing = self._gathering = False
        self._thread: threading.Thread | None = None

    def put(self, ids: dict[str, list[int]]) -> None:
        """Publish these soon."""
        with self._change:
            for lane, some in ids.items():
                self._ids[lane].extend(some)
            self._forget_the_oldest()
            if self._thread is None or not self._thread.is_alive():  # the first time, or a fault of our own ended it
                self._thread = threading.Thread(target=self._run, name="listener-publish", daemon=True)
                self._thread.start()
            if self._ids["orders"] or not self._gathering:
                self._change.notify()

    def close(self, within_s: float) -> None:
        """Publish what is left, if the queue takes it in time."""
        with self._change:
            self._closing = True
            self._change.notify()
            thread = self._thread
        if thread is not None:
            thread.join(within_s)
        with self._change:
            self._metrics.unpublished.inc(sum(map(len, self._ids.values())))

    def _forget_the_oldest(self) -> None:
        for lane in ("history", "orders"):
            waiting = self._ids[lane]
            over = sum(map(len, self._ids.values())) - self._limit
            for _ in range(min(max(over, 0), len(waiting))):
                waiting.popleft()
                self._metrics.unpublished.inc()

    def _run(self) -> None:
        while (task := self._next()) is not None:
            lane, ids = task
            try:
                self._enqueue(lane, ids)
            except (NotQueued, KombuError, OSError) as error:
                log.warning("listener.not_queued", error=type(error).__name__, waiting=len(ids))
                if not self._put_back(lane, ids):
                    return

    def _next(self) -> tuple[str, list[int]] | None:
        """Wait for ids; orders go at once, history gathers for a moment. None: there is nothing left to wait for."""
        with self._change:
            while True:
                wait = None
                if self._ids["orders"]:
                    return "orders", self._take("orders")
                if self._ids["history"]:
                    wait = self._history_at + self._history_every_s - monotonic()
                    if wait <= 0 or self._closing:
                        self._history_at = monotonic()
                        return "history", self._take("history")
                elif self._closing:
                    return None
                self._gathering = wait is not None
                self._change.wait(wait)
                self._gathering = False

    def _take(self, lane: str) -> list[int]:
        waiting = self._ids[lane]
        return [waiting.popleft() for _ in range(min(len(waiting), self._ids_per_task))]

    def _put_back(self, lane: str, ids: Sequence[int]) -> bool:
        """Keep them for another attempt in a second; not when we are closing."""
        with self._change:
            self._ids[lane].extendleft(reversed(ids))
            until = monotonic() + _AGAIN_AFTER_S
            while not self._closing and (left := until - monotonic()) > 0:
                self._change.wait(left)
            return not self._closing
