"""What a link and its listener say to each other."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from listener.config import ListenerConfig
from listener.framing import Part
from listener.metrics import Metrics
from listener.receive import Received, Reception
from listener.room import Room
from listener.sources import FeedOf
from store.messages import Arrival

if TYPE_CHECKING:
    from listener.link import Link


@dataclass(slots=True, eq=False)
class Pending:
    """A frame on its way to the database."""

    link: "Link"
    received: Received
    size: int
    since: float

    @property
    def arrivals(self) -> Sequence[Arrival]:
        """Its messages."""
        return self.received.arrivals

    @property
    def origin(self) -> object:
        """Its link: what comes over one is kept in order."""
        return self.link

    @property
    def given_up(self) -> bool:
        """Whether its link is closed because something was not kept."""
        return self.link.given_up

    def give_up(self) -> None:
        """Let nothing more of its link be kept."""
        self.link.given_up = True


class Post(Protocol):
    """What a link needs of its listener."""

    config: ListenerConfig
    metrics: Metrics
    reception: Reception
    feed_of: FeedOf
    clock: Callable[[], datetime]
    room: Room

    def opened(self, link: "Link") -> None:
        """Another link."""

    def closed(self, link: "Link") -> None:
        """One fewer."""

    def keep(self, pending: Pending) -> None:
        """Save this with the next batch."""

    def read_aside(self, read: Callable[[], Received]) -> "asyncio.Future[Received]":
        """Read what takes long beside the loop."""


@dataclass(slots=True)
class Queue:
    """Frames that were read and not answered."""

    held: deque[Part] = field(default_factory=deque)  # not yet given to the database
    waiting: deque[Pending] = field(default_factory=deque)
    size: int = 0
    reading: bool = False  # a large one is read in a thread; what came after it is held

    def __bool__(self) -> bool:
        return bool(self.held or self.waiting or self.reading)
