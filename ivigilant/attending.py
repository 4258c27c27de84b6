"""What a worker does beside its tasks: prove that it takes them, do without the queue, and end itself when it is deaf.

A worker that has lost its queue looks well from outside: its processes live, and wait. So each worker rings itself
every few seconds, over a queue of its own, and the task that this starts is its sign of life. One that rings and
hears nothing, while a process of it has nothing to do, ends itself; whoever started it starts it again.
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
IDLE_AFTER_S: Final = 1.0  # a process without a task for so long does what waits in the ledger
RING_EVERY_S: Final = 5.0
DEAF_AFTER_S: Final = 15.0
STUCK_AFTER_S: Final = 30.0  # beyond the time limit that the worker itself has for a task
END_WITHIN_S: Final = 2.0
DEAF: Final = 70  # exit code

END_SIGNAL: Final = signal.SIGUSR2

log = structlog.get_logger()


def worker_name(role: str) -> str:
    """Give the name of a worker's sign of life: what it is, and on which machine or in which container."""
    return f"{role}@{socket.gethostname()}"


class Hearing:
    """When the processes of one worker rang and heard; made before they are, and shared between them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times = RawArray("d", [0.0, 0.0])  # the last ring, and the first one that nobody has heard yet

    def is_due(self) -> bool:
        """Whether it is time to ring again."""
        last: float = self._times[0]
        return self._clock() - last >= RING_EVERY_S

    def rang(self, *, went_out: bool) -> None:
        """Note a ring; one that did not go out cannot be heard, and starts the waiting anew."""
        now = self._times[0] = self._clock()
        if not went_out:
            self._times[1] = 0.0
        elif not self._times[1]:
            self._times[1] = now

    def heard(self) -> None:
        """Note that a task came."""
        self._times[1] = 0.0

    def deaf_for(self) -> float:
        """Give how long rings have gone unheard."""
        since: float = self._times[1]
        return self._clock() - since if since else 0.0


@dataclass(slots=True)
class Turn:
    """What the process does now: a task since a moment, or nothing."""

    clock: Callable[[], float] = time.monotonic
    busy: bool = False
    since: float = field(default=0.0)

    def __post_init__(self) -> None:
        """Begin with nothing to do."""
        self.since = self.clock()

    def begin(self) -> None:
        """A task begins."""
        self.busy, self.since = True, self.clock()

    def end(self) -> None:
        """A task ended."""
        self.busy, self.since = False, self.clock()

    def idle_for(self) -> float:
        """Give how long there has been nothing to do."""
        return 0.0 if self.busy else self.clock() - self.since

    def busy_for(self) -> float:
        """Give how long the task has been running."""
        return self.clock() - self.since if self.busy else 0.0


@dataclass(slots=True)
class Attendant:
    """Looks after one process of a worker, in threads beside its tasks."""

    worker: "Worker"
    name: str
    lanes: Collection[str]
    longest_task_s: float
    ring: Callable[[], bool]  # rings this worker itself; whether that went out
    hearing: Hearing
    turn: Turn
    end: Callable[[], None]  # ends the whole worker
    _proved_at: float = 0.0  # by the clock of the turn

    def start(self) -> None:
        """Begin; the threads go when the process goes."""
        for what in (self.listen, self.take_messages, self.take_deliveries):
            threading.Thread(target=self._again_and_again, args=[what], name=what.__name__, daemon=True).start()

    def begin_task(self) -> None:
        """Note that a task came."""
        self.turn.begin()
        self.hearing.heard()

    def prove(self) -> None:
        """Write down that this worker takes tasks: this one came over its queue."""
        with self.worker.engine.begin() as connection:
            heartbeats.beat(connection, self.name, self.worker.clock())
        self._proved_at = self.turn.clock()

    def listen(self) -> None:
        """Ring when it is time, and end the worker when it does not hear."""
        if self.hearing.is_due():
            went_out = self.ring()
            self.hearing.rang(went_out=went_out)
            if not went_out and self.turn.idle_for() > IDLE_AFTER_S:
                self.prove()  # the queue is away; what waits is taken from the ledger
        elif self.turn.busy_for() > RING_EVERY_S and self.turn.clock() - self._proved_at > RING_EVERY_S:
            self.prove()  # a task that may take as long as this is under way
        deaf, stuck = self.hearing.deaf_for(), self.turn.busy_for()
        if deaf > DEAF_AFTER_S and self.turn.idle_for() > DEAF_AFTER_S:
            log.critical("worker.deaf", name=self.name, seconds=round(deaf))
            self.end()
        elif stuck > self.longest_task_s + STUCK_AFTER_S:
            log.critical("worker.stuck", name=self.name, seconds=round(stuck))
            self.end()

    def take_messages(self) -> None:
        """Process what waits in the ledger while there is nothing else to do."""
        from worker.taking import take_messages

        while self.turn.idle_for() > IDLE_AFTER_S and take_messages(self.worker, self.lanes):
            self.prove()

    def take_deliveries(self) -> None:
        """Send what is due while there is nothing else to do."""
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
    """Let this process end at once on END_SIGNAL: a loop that hangs does not hear anything else."""
    signal.signal(END_SIGNAL, lambda _number, _frame: os._exit(DEAF))


def end_parent(pid: int) -> None:
    """End the worker this process belongs to; its other processes end with it."""
    os.kill(pid, END_SIGNAL)
    time.sleep(END_WITHIN_S)
    os.kill(pid, signal.SIGKILL)
