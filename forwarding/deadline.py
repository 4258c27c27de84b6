"""One deadline for all steps of sending a notice, however slowly the receiver takes each."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from forwarding.errors import Unreachable

T = TypeVar("T")

DEADLINE_S: Final = 10.0  # of most destinations


def within(seconds: float, steps: Coroutine[Any, Any, T]) -> T:
    """Carry out the steps, or raise Unreachable when all of them together take longer."""
    try:
        return asyncio.run(_limited(seconds, steps))
    except TimeoutError as error:
        raise Unreachable("no answer: TimeoutError") from error


async def _limited(seconds: float, steps: Coroutine[Any, Any, T]) -> T:
    async with asyncio.timeout(seconds):
        return await steps
