"""Waiting for what another process does."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def soon(ask: Callable[[], T], within_s: float = 90.0) -> T:
    """Return the first answer that says yes."""
    deadline, pause_s = time.monotonic() + within_s, 0.02
    while True:
        try:
            if answer := ask():
                return answer
        except (IndexError, FileNotFoundError):
            pass
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.2, 0.2)  # an answer that costs a process is not asked for without a break
