"""Sends messages over one or more links, each waiting for its answer, and counts the answers."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

ACCEPTED = frozenset({"AA", "CA"})
UNANSWERED = "no answer"
PAUSE_S = 0.2


class Link(Protocol):
    """One connection to a receiver."""

    async def exchange(self, message: bytes) -> str:
        """Send one message and give MSA-1 of its answer; raise OSError or TimeoutError when none came."""


OpenLink = Callable[[], AbstractAsyncContextManager[Link]]


@dataclass(slots=True)
class Tally:
    """How many of each answer came."""

    answers: Counter[str] = field(default_factory=Counter)

    @property
    def sent(self) -> int:
        """Every message that was offered."""
        return self.answers.total()

    @property
    def accepted(self) -> int:
        """Those that the receiver took."""
        return sum(how_many for answer, how_many in self.answers.items() if answer in ACCEPTED)

    @property
    def all_accepted(self) -> bool:
        """Whether nothing was refused or left unanswered."""
        return self.accepted == self.sent


async def replay(
    messages: Iterator[bytes],
    open_link: OpenLink,
    *,
    links: int = 1,
    per_second: float | None = None,
    patience_s: float = 10.0,
    tell: Callable[[Tally], None] = lambda _tally: None,
) -> Tally:
    """Send every message, no more of them a second than asked, each link one at a time.

    A message whose link broke is sent again over a new one, as a hospital's own systems do, for as long as we have
    patience; when that has run out once, there is none until somebody answers again.
    """
    tally = Tally()
    source, lock = _paced(messages, per_second), asyncio.Lock()
    async with asyncio.TaskGroup() as group:
        for _ in range(links):
            sender = _Sender(open_link, lambda: _next(source, lock), tally, tell, patience_s)
            group.create_task(sender.run())
    return tally


@dataclass(slots=True)
class _Sender:
    """One link's worth of sending."""

    open_link: OpenLink
    take: Callable[[], Awaitable[bytes | None]]
    tally: Tally
    tell: Callable[[Tally], None]
    patience_s: float
    _message: bytes | None = None
    _silent_since: float | None = None

    async def run(self) -> None:
        """Send until nothing is left."""
        self._message = await self.take()
        while self._message is not None:
            try:
                async with self.open_link() as link:
                    while self._message is not None:
                        answer = await link.exchange(self._message)
                        self._silent_since = None
                        await self._count(answer)
            except (OSError, TimeoutError, EOFError):
                await self._wait_or_give_up()

    async def _wait_or_give_up(self) -> None:
        now = time.monotonic()
        self._silent_since = self._silent_since or now
        if now - self._silent_since < self.patience_s:
            await asyncio.sleep(PAUSE_S)
        else:
            await self._count(UNANSWERED)

    async def _count(self, answer: str) -> None:
        self.tally.answers[answer] += 1
        self.tell(self.tally)
        self._message = await self.take()


async def _next(source: AsyncIterator[bytes], lock: asyncio.Lock) -> bytes | None:
    async with lock:
        return await anext(source, None)


async def _paced(messages: Iterator[bytes], per_second: float | None) -> AsyncIterator[bytes]:
    began = time.monotonic()
    for number, message in enumerate(messages):
        if per_second:
            await asyncio.sleep(max(0.0, began + number / per_second - time.monotonic()))
        yield message
