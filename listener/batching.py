"""Natural batches: whatever arrives during one commit is the next batch.

One frame when it is quiet, many when it is busy, and nobody waits for a timer. Saving runs in its own thread, so
batches are saved in the order in which their frames came.
"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Protocol

import msgspec
import sqlalchemy as sa
import structlog

from listener.feeds import FeedNumbers
from listener.metrics import Metrics
from listener.receive import Received
from store import canary, feeds
from store.errors import MessageRefused, StoreUnavailable
from store.messages import Arrival, Saved, save_batch

log = structlog.get_logger()

_HURRIED_S = 0.01  # batches that follow one another this closely leave no time for compression

Save = Callable[[Sequence[Arrival]], Sequence[Saved]]


class AnsweredLink(Protocol):
    """The link of a frame: the frames of one link are saved and answered in order."""

    given_up: bool  # one of its frames was not saved: nothing after that is saved or answered

    def settle(self, frames: Sequence["PendingFrame"]) -> None:
        """Answer these frames."""


@dataclass(slots=True, eq=False)
class PendingFrame:
    """A frame on its way to the database, and its outcome."""

    link: AnsweredLink
    received: Received
    size: int
    since: float
    saved: Sequence[Saved] | None = None  # None: not saved


class Batcher:
    """Takes frames from any thread, and reports their outcome from its own."""

    def __init__(
        self,
        save: Save,
        settled: Callable[[list[PendingFrame]], None],
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
        self._pending: deque[PendingFrame] = deque()
        self._batch: list[PendingFrame] = []
        self._resting = self._closing = False
        self._thread: threading.Thread | None = None

    def put(self, some: Sequence[PendingFrame]) -> None:
        """Save these with the next batch."""
        with self._change:
            self._pending.extend(some)
            if self._resting:
                self._change.notify()
            if self._thread is None:
                self._start()

    def close(self, within_s: float) -> None:
        """Finish what was put, if the database does so in time."""
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
        self._keep(self._batch)
        self._metrics.commit.observe(perf_counter() - started)
        self._metrics.batch.observe(len(self._batch))
        self._settled(self._batch)

    def _fail(self) -> None:
        """Contain an internal error: it ends this thread and closes the links of one batch; others get a new one."""
        log.error("listener.save_failed", frames=len(self._batch))
        for each in self._batch:
            each.link.given_up, each.saved = True, None
        self._settled(self._batch)
        with self._change:
            self._start()

    def _take(self) -> bool:
        """Wait for the next batch; frames of abandoned links are left out, unsaved. False: there will be no more."""
        with self._change:
            while True:
                self._batch = self._next()
                if self._batch or self._closing:
                    return bool(self._batch)
                self._resting = True
                self._change.wait()
                self._resting = False

    def _next(self) -> list[PendingFrame]:
        """Return the first frames, at most one of them large, so that small frames do not wait for all large ones."""
        batch: list[PendingFrame] = []
        passed_over: list[PendingFrame] = []
        waiting: set[object] = set()  # the links of those frames
        size = 0
        while self._pending and len(batch) < self._frames and size < self._size:
            each = self._pending.popleft()
            if each.link.given_up:
                continue
            if each.link in waiting or (each.size > self._large and size > self._large):
                waiting.add(each.link)
                passed_over.append(each)
            else:
                batch.append(each)
                size += each.size
        self._pending.extendleft(reversed(passed_over))
        return batch

    def _keep(self, batch: list[PendingFrame]) -> None:
        try:
            saved = self._save([arrival for each in batch for arrival in each.received.arrivals])
        except StoreUnavailable as error:
            log.error("listener.store_unavailable", error=str(error), frames=len(batch))
            for each in batch:
                each.link.given_up = True
        except MessageRefused as error:
            if len(batch) > 1:
                for each in batch:
                    if not each.link.given_up:
                        self._keep([each])
                return
            log.error("listener.message_refused", error=str(error))
            batch[0].link.given_up = True
        else:
            _share(batch, saved)


def _share(batch: Sequence[PendingFrame], saved: Sequence[Saved]) -> None:
    """Give each frame its saved rows."""
    start = 0
    for each in batch:
        end = start + len(each.received.arrivals)
        each.saved = saved[start:end]
        start = end


def _canaries_apart(engine: sa.Engine, arrivals: Sequence[Arrival]) -> Sequence[Arrival]:
    """Put the messages that the canary announced on its own feed; what only bears its name stays its sender's."""
    asked = [each.body_hash for each in arrivals if each.sending_application == canary.APPLICATION]
    if not asked:
        return arrivals
    with engine.connect() as connection:
        feed_id, found = canary.announced(connection, asked)
    of_canary = {"feed_id": feed_id, "state": "received", "reason": None}
    return [msgspec.structs.replace(each, **of_canary) if each.body_hash in found else each for each in arrivals]


class Saving:
    """The saving of one thread, over its own connection: when it returns, the messages are on disk."""

    def __init__(self, engine: sa.Engine, numbers: FeedNumbers | None = None, *, heard_every_s: float = 5.0) -> None:
        # A batch is one statement, so it needs no transaction around it, which would be two more trips to the server.
        self._engine = engine
        self._numbers = numbers or FeedNumbers()
        self._committing = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._heard_every_s = heard_every_s
        self._heard: dict[int, datetime] = {}
        self._connection: sa.Connection | None = None
        self._saved_at = 0.0

    def __call__(self, arrivals: Sequence[Arrival]) -> list[Saved]:
        """Save them, or raise StoreUnavailable or MessageRefused; a broken connection is replaced once."""
        fresh = self._connection is None
        try:
            return self._save(arrivals)
        except StoreUnavailable:
            self.close()
            if fresh or self._engine.dialect.name == "sqlite":
                raise
        return self._save(arrivals)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            with contextlib.suppress(sa.exc.SQLAlchemyError):
                self._connection.invalidate()
                self._connection.close()
            self._connection = None

    def _save(self, arrivals: Sequence[Arrival]) -> list[Saved]:
        if self._connection is None:
            try:
                self._connection = self._committing.connect()
            except sa.exc.SQLAlchemyError as error:
                raise StoreUnavailable(type(error).__name__) from error
        try:
            arrivals = self._numbers.of_rows(self._engine, _canaries_apart(self._engine, arrivals))
        except sa.exc.SQLAlchemyError as error:
            raise StoreUnavailable(type(error).__name__) from error
        hurried = perf_counter() - self._saved_at < _HURRIED_S
        saved = save_batch(self._connection, arrivals, hurried=hurried)
        self._saved_at = perf_counter()
        self._note_heard(arrivals)
        return saved

    def _note_heard(self, arrivals: Sequence[Arrival]) -> None:
        """Record now and then when a feed was heard; a failure does not affect what is saved."""
        for feed_id, latest in {each.feed_id: each for each in arrivals}.items():
            at = latest.received_at
            before = self._heard.get(feed_id)
            if before is not None and (at - before).total_seconds() < self._heard_every_s:
                continue
            self._heard[feed_id] = at
            with contextlib.suppress(sa.exc.SQLAlchemyError), self._engine.begin() as connection:
                feeds.heard(connection, feed_id, at, latest.message_time)
