"""How long a call takes."""

import gc
import time
from collections.abc import Callable

ROUNDS = 7


def seconds_of(call: Callable[[], object], at_least: float = 0.2) -> float:
    """Return the shortest of some rounds, for one call; each round is long enough to be measured."""
    times = 1
    while (took := _round(call, times)) < at_least / ROUNDS:
        times = max(times * 2, int(times * at_least / ROUNDS / max(took, 1e-9)))
    return min(_round(call, times) for _ in range(ROUNDS)) / times


def processor_seconds_of(call: Callable[[], object], runs: int = 300) -> float:
    """Return the least processor time of many calls, one by one: what else runs on the machine counts little."""
    least = float("inf")
    for _ in range(runs):
        began = time.process_time()
        call()
        least = min(least, time.process_time() - began)
    return least


def yardstick() -> float:
    """Return the processor seconds of a fixed piece of plain Python, to hold figures of two machines side by side."""
    return processor_seconds_of(_count_words, 50)


def yardstick_now() -> float:
    """Return the processor seconds of the same piece, once, as this thread gets them at this moment.

    Beside a load it takes longer than alone: what shares a core's caches slows both, and so does a throttled machine.
    """
    began = time.thread_time()
    _count_words()
    return time.thread_time() - began


def _count_words() -> dict[int, int]:
    counted: dict[int, int] = {}
    for number in range(20_000):
        counted[number % 97] = counted.get(number % 97, 0) + number
    return counted


def _round(call: Callable[[], object], times: int) -> float:
    gc.collect()
    began = time.perf_counter()
    for _ in range(times):
        call()
    return time.perf_counter() - began
