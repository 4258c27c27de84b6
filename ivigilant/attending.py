"""What a worker does besides its tasks: prove that it receives them, work without the queue, and exit when cut off.

A worker that has lost its queue looks healthy from outside: its processes are alive and waiting. So each worker sends
itself a task every few seconds, over a queue of its own, and running that task is its heartbeat. A worker that sends
and receives nothing, while one of its processes is idle, exits; whoever started it starts it again.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from multiprocessing.sharedctypes import RawArray
from typing import TYPE_CHECKING, Final

import structlog

from store import heartbeats

if TYPE_CHECKING:
    from worker.worker import Worker

LOOK_EVERY_S: Final = 1.0
IDLE_AFTER_S: Final = 1.0  # a process idle for this long takes work from the database
RING_EVERY_S: Final = 5.0
DEAF_AFTER_S: Final = 15.0
STUCK_AFTER_S: Final = 30.0  # beyond the time limit that the worker itself has for a task
END_WITHIN_S: Final = 2.0
DEAF: Final = 70  # exit code

END_SIGNAL: Final = signal.SIGUSR2

log = structlog.get_logger()


def worker_name(role: str) -> str:
    """Return the name of a worker's heartbeat: its role, and its machine or container."""
    return f"{role}@{socket.gethostname()}"


class Hearing:
    """When the processes of one worker sent a probe and received one; made before they start, and shared by them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times = RawArray("d", [0.0, 0.0])  # the last probe, and the first that has not been received yet

    def is_due(self) -> bool:
        """Return whether the next probe is due."""
        last: float = self._times[0]
        return self._clock() - last >= RING_EVERY_S

    def rang(self, *, went_out: bool) -> None:
        """Record a probe; one that could not be sent restarts the wait."""
        now = self._times[0] = self._clock()
        if not went_out:
            self._times[1] = 0.0
        elif not self._times[1]:
            self._times[1] = now

    def heard(self) -> None:
        """Record that a task was received."""
        self._times[1] = 0.0

    def deaf_for(self) -> float:
        """Return for how many seconds probes have gone unanswered."""
        since: float = self._times[1]
        return self._clock() - since if since else 0.0


@dataclass(slots=True)
class Turn:
    """What the process is doing: a task and since when, or nothing."""

    clock: Callable[[], float] = time.monotonic
    busy: bool = False
    since: float = field(default=0.0)

    def __post_init__(self) -> None:
        """Start idle."""
        self.since = self.clock()

    def begin(self) -> None:
        """Record the start of a task."""
        self.busy, self.since = True, self.clock()

    def end(self) -> None:
        """Record the end of a task."""
        self.busy, self.since = False, self.clock()

    def idle_for(self) -> float:
        """Return for how many seconds the process has been idle."""
        return 0.0 if self.busy else self.clock() - self.since

    def busy_for(self) -> float:
        """Return for how many seconds the task has been running."""
        return self.clock() - self.since if self.busy else 0.0


@dataclass(slots=True)
class Attendant:
    """Watches one process of a worker, in threads beside its tasks."""

    worker: "Worker"
    name: str
    lanes: Collection[str]
    longest_task_s: float
    ring: Callable[[], bool]  # sends this worker a probe; returns whether it was sent
    hearing: Hearing
    turn: Turn
    end: Callable[[], None]  # ends the whole worker
    _proved_at: float = 0.0  # by the clock of the turn

    def start(self) -> None:
        """Start the threads, which end with the process."""
        for what in (self.listen, self.take_messages, self.take_deliveries):
            threading.Thread(target=self._again_and_again, args=[what], name=what.__name__, daemon=True).start()

    def begin_task(self) -> None:
        """Record that a task was received."""
        self.turn.begin()
        self.hearing.heard()

    def prove(self) -> None:
        """Record that this worker receives tasks: this one came over its own queue."""
        with self.worker.engine.begin() as connection:
            heartbeats.beat(connection, self.name, self.worker.clock())
        self._proved_at = self.turn.clock()

    def listen(self) -> None:
        """Send a probe when due, and end the worker when probes go unanswered."""
        if self.hearing.is_due():
            went_out = self.ring()
            self.hearing.rang(went_out=went_out)
            if not went_out and self.turn.idle_for() > IDLE_AFTER_S:
                self.prove()  # the queue is unreachable; work is taken from the database
        elif self.turn.busy_for() > RING_EVERY_S and self.turn.clock() - self._proved_at > RING_EVERY_S:
            self.prove()  # a task that is allowed this long is running
        deaf, stuck = self.hearing.deaf_for(), self.turn.busy_for()
        if deaf > DEAF_AFTER_S and self.turn.idle_for() > DEAF_AFTER_S:
            log.critical("worker.deaf", name=self.name, seconds=round(deaf))
            self.end()
        elif stuck > self.longest_task_s + STUCK_AFTER_S:
            log.critical("worker.stuck", name=self.name, seconds=round(stuck))
            self.end()

    def take_messages(self) -> None:
        """Process messages waiting in the database while idle."""
        from worker.taking import take_messages

        while self.turn.idle_for() > IDLE_AFTER_S and take_messages(self.worker, self.lanes):
            self.prove()

    def take_deliveries(self) -> None:
        """Send due notices while idle."""
        from worker.taking import take_deliveries

        if self.turn.idle_for() > IDLE_AFTER_S:
            take_deliveries(self.worker)

    def _again_and_again(self, what: Callable[[], None]) -> None:
        while True:
            time.sleep(LOOK_EVERY_S)
            try:
                what()
            except Exception as error:  # noqa: BLE001  # whatever went wrong, the next look comes
                log.warning("attendant.failed", what=what.__name__, error=type(error).__name__)


def end_when_told() -> None:
    """End this process at once on END_SIGNAL: a hanging loop reacts to nothing else."""
    signal.signal(END_SIGNAL, lambda _number, _frame: os._exit(DEAF))


def end_parent(pid: int) -> None:
    """End the worker that this process belongs to, and so its other processes."""
    os.kill(pid, END_SIGNAL)
    time.sleep(END_WITHIN_S)
    os.kill(pid, signal.SIGKILL)
