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


def _round(call: Callable[[], object], times: int) -> float:
    gc.collect()
    began = time.perf_counter()
    for _ in range(times):
        call()
    return time.perf_counter() - began
