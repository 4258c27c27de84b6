"""Natural batches: whatever arrived while the last commit ran is the next one.

One when it is quiet, many when it is busy, and nobody waits for a timer. Saving runs in one thread of its own, so
batches are kept in the order in which their frames came.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Generic, Protocol, TypeVar

import structlog

from listener.metrics import Metrics
from listener.saving import Save
from store.errors import MessageRefused, StoreUnavailable
from store.messages import Arrival, Saved

log = structlog.get_logger()


class Waiting(Protocol):
    """A frame that waits to be kept."""

    @property
    def arrivals(self) -> Sequence[Arrival]:
        """Its messages."""

    @property
    def size(self) -> int:
        """Its bytes."""

    @property
    def origin(self) -> object:
        """Where it came from; what comes from there is kept in order."""

    @property
    def given_up(self) -> bool:
        """Whether its link was closed because something before it was not kept."""

    def give_up(self) -> None:
        """Close its link: what came after it must not be kept before it."""


W = TypeVar("W", bound=Waiting)
Outcome = Sequence[Saved] | None  # None: not kept


class Batcher(Generic[W]):
    """Takes frames from any thread, and tells from its own what became of them."""

    def __init__(
        self,
        save: Save,
        settled: Callable[[list[tuple[W, Outcome]]], None],
        metrics: Metrics,
        *,
        frames: int = 256,
        size: int = 32 * 1024 * 1024,
        large: int = 1024 * 1024,
    ) -> None:
        self._save = save
        self._settled = settled
        self._metrics = metrics
        self._frames, self._size, self._large = frames, size, large
        self._change = threading.Condition()
        self._pending: deque[W] = deque()
        self._batch: list[W] = []
        self._resting = self._closing = False
        self._thread: threading.Thread | None = None

    def put(self, some: Sequence[W]) -> None:
        """Let these be kept with the next batch."""
        with self._change:
            self._pending.extend(some)
            if self._resting:
                self._change.notify()
            if self._thread is None:
                self._start()

    def close(self, within_s: float) -> None:
        """Finish what was put, if the database does in time."""
        with self._change:
            self._closing = True
            self._change.notify()
        if self._thread is not None:
            self._thread.join(within_s)

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="listener-save", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        finished = False
        try:
            while self._take():
                self._keep_batch()
            finished = True
        finally:
            if not finished:
                self._fail()

    def _keep_batch(self) -> None:
        started = perf_counter()
        outcomes = self._keep(self._batch)
        self._metrics.commit.observe(perf_counter() - started)
        self._metrics.batch.observe(len(self._batch))
        self._settled(outcomes)

    def _fail(self) -> None:
        """A fault of our own ends the thread and costs the links of one batch; the others get a new thread."""
        log.error("listener.save_failed", frames=len(self._batch))
        for each in self._batch:
            each.give_up()
        self._settled([(each, None) for each in self._batch])
        with self._change:
            self._start()

    def _take(self) -> bool:
        """Wait for the next batch; those whose link is given up are left out, unkept. False: there will be no more."""
        with self._change:
            while True:
                self._batch = self._next()
                if self._batch or self._closing:
                    return bool(self._batch)
                self._resting = True
                self._change.wait()
                self._resting = False

    def _next(self) -> list[W]:
        """What comes first, but one large frame at the most: the small ones of others do not wait for all of them."""
        batch: list[W] = []
        passed_over: list[W] = []
        waiting: set[object] = set()  # where those came from
        size = 0
        while self._pending and len(batch) < self._frames and size < self._size:
            each = self._pending.popleft()
            if each.given_up:
                continue
            if each.origin in waiting or (each.size > self._large and size > self._large):
                waiting.add(each.origin)
                passed_over.append(each)
            else:
                batch.append(each)
                size += each.size
        self._pending.extendleft(reversed(passed_over))
        return batch

    def _keep(self, batch: list[W]) -> list[tuple[W, Outcome]]:
        try:
            saved = self._save([arrival for each in batch for arrival in each.arrivals])
        except StoreUnavailable as error:
            log.error("listener.store_unavailable", error=str(error), frames=len(batch))
            for each in batch:
                each.give_up()
            return [(each, None) for each in batch]
        except MessageRefused as error:
            if len(batch) > 1:
                return [outcome for each in batch for outcome in self._keep_alone(each)]
            log.error("listener.message_refused", error=str(error))
            batch[0].give_up()
            return [(batch[0], None)]
        return list(zip(batch, _shares(batch, saved), strict=True))

    def _keep_alone(self, each: W) -> list[tuple[W, Outcome]]:
        return [(each, None)] if each.given_up else self._keep([each])


def _shares(batch: Sequence[Waiting], saved: Sequence[Saved]) -> list[Sequence[Saved]]:
    """What was kept of each frame."""
    shares, start = [], 0
    for each in batch:
        shares.append(saved[start : start + len(each.arrivals)])
        start += len(each.arrivals)
    return shares
