"""Sends messages to a listener and counts the answers, for `replay` and `demo`."""

import asyncio
import os
import socket
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field

from ivigilant.errors import IvigilantError
from listener.client import UNANSWERED, Reply, Target, send_all


class NobodyListens(IvigilantError):
    """No connection could be made; start the listener, or name another."""


@dataclass(slots=True)
class Tally:
    """How many of each answer came."""

    answers: Counter[str] = field(default_factory=Counter)
    accepted: int = 0

    def count(self, answer: Reply) -> None:
        """Count one answer."""
        self.answers["unanswered" if answer.code == UNANSWERED else answer.code] += 1
        self.accepted += answer.accepted

    @property
    def sent(self) -> int:
        """Every message that was offered."""
        return self.answers.total()

    @property
    def all_accepted(self) -> bool:
        """Whether nothing was refused or left unanswered."""
        return self.accepted == self.sent


async def send(
    messages: Iterable[bytes],
    target: Target,
    *,
    links: int = 1,
    window: int = 1,
    rate: float | None = None,
    tell: Callable[[Tally], None] = lambda _tally: None,
) -> Tally:
    """Send every message once, or raise NobodyListens when there is nobody to begin with."""
    await _knock(target)
    tally = Tally()
    async for answer in send_all(messages, target, links=links, window=window, rate=rate):
        tally.count(answer)
        tell(tally)
    return tally


async def _knock(target: Target) -> None:
    try:
        async with asyncio.timeout(5):
            _, writer = await asyncio.open_connection(target.host, target.port)
    except socket.gaierror:
        raise NobodyListens(f"no connection to {target.host}:{target.port} (no such host)") from None
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else type(error).__name__
        raise NobodyListens(f"no connection to {target.host}:{target.port} ({reason})") from None
    with closing(writer):
        pass
