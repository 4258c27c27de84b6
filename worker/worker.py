"""A worker, with everything it works with, passed in by whoever starts it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from forwarding.contract import Destination
from history.choices import Site
from rules.knowledge import Knowledge


def _tell_nobody(ids: Sequence[int]) -> None:
    """Do nothing: for a worker without a queue or a page."""


def _queue_nowhere(lane: str, ids: Sequence[int]) -> None:
    """Do nothing: for a worker without a queue."""


@dataclass(frozen=True, slots=True)
class Leases:
    """How long another process's work is left alone before it is taken over."""

    left_behind: timedelta = timedelta(seconds=15)  # a message that waits longer has probably lost its task
    lease: timedelta = timedelta(minutes=2)  # a sender that dies keeps a delivery from others for this long


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
    leases: Leases = Leases()
    newest_knowledge: Callable[[], Knowledge] | None = None  # where knowledge may change while the worker runs
    last_resort: bool = False  # for messages that take long: one that is too slow even here is parked
    mapped: dict[tuple[str, int], Knowledge] = field(default_factory=dict)  # the knowledge with people's mappings

    def up_to_date(self) -> "Worker":
        """Return the same worker with the knowledge of this moment; one batch is judged by one knowledge."""
        if self.newest_knowledge is None:
            return self
        return replace(self, knowledge=self.newest_knowledge())
