"""Waiting for what another process does."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def soon(ask: Callable[[], T], within_s: float = 15.0) -> T:
    """Give the first answer that says yes."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            if answer := ask():
                return answer
        except (IndexError, FileNotFoundError):
            pass
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
