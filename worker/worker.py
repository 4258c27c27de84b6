"""A worker, with everything it works with, passed in by whoever starts it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from forwarding.contract import Destination
from history.choices import Site
from rules.knowledge import Knowledge
from worker.memory import HistoryMemory

MOST_FACTS = 5_000
MOST_ENTRIES = 1_000  # some 30 ms


def _tell_nobody(ids: Sequence[int]) -> None:
    """Do nothing: for a worker without a queue or a page."""


def _queue_nowhere(lane: str, ids: Sequence[int]) -> None:
    """Do nothing: for a worker without a queue."""


def _no_link(*_: object) -> str:
    """Return no link: nobody can reply."""
    return ""


@dataclass(frozen=True, slots=True)
class Leases:
    """How long another process's work is left alone before it is taken over."""

    left_behind: timedelta = timedelta(seconds=15)  # a message that waits longer has probably lost its task
    lease: timedelta = timedelta(seconds=30)  # a sender that dies keeps a notice from others for this long


@dataclass(frozen=True, slots=True)
class Hung:
    """That a destination kept its sender waiting for an answer that did not come."""

    until: datetime  # this process leaves it alone until then
    error: str


@dataclass(frozen=True, slots=True)
class Worker:
    """What one worker works with, and whom it notifies."""

    engine: sa.Engine
    knowledge: Knowledge
    site: Site
    clock: Callable[[], datetime]
    announce: Callable[[Sequence[int]], None] = _tell_nobody  # alert ids, for pages that are open
    ring_deliveries: Callable[[Sequence[int]], None] = _tell_nobody  # delivery ids that are due
    ring_messages: Callable[[str, Sequence[int]], None] = _queue_nowhere  # lane, message ids
    destinations: Mapping[str, Destination] = field(default_factory=dict)
    link_of: Callable[[int], str] = str  # alert id → the address of its page
    reply_link: Callable[[int, int, str, datetime], str] = _no_link  # alert, line, person, moment → to reply by
    home: str = "http://localhost/"  # the page that says how the telling goes
    leases: Leases = Leases()
    newest_knowledge: Callable[[], Knowledge] | None = None  # where knowledge may change while the worker runs
    most_facts: int = MOST_FACTS  # that it judges under a lock; longer histories are judged ahead
    most_entries: int = MOST_ENTRIES  # that one message records in one transaction
    last_resort: bool = False  # for messages that take long: one that is too slow even here is parked
    memory: HistoryMemory = field(default_factory=HistoryMemory)  # of histories that were judged last
    hung: dict[str, Hung] = field(default_factory=dict)  # destinations that kept this process waiting
    mapped: dict[tuple[str, int], Knowledge] = field(default_factory=dict)  # the knowledge with people's mappings

    def up_to_date(self) -> "Worker":
        """Return the same worker with the knowledge of this moment; one batch is judged by one knowledge."""
        if self.newest_knowledge is None:
            return self
        return replace(self, knowledge=self.newest_knowledge())
