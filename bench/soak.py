"""Hours of load: whether memory, descriptors and disk stay as they are.

The feed is the mixed one, as fast as the workers keep up with. What a message leaves in the database grows with every
message, so it is held against their number.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from bench import end_to_end
from bench.report import Table, rate
from bench.services import Surroundings
from bench.watching import GENERATOR, Disk, descriptors, disk, own_memory_mb, processes, progress
from tests.chaos.installation import Installation

LOOKS = 40  # over the whole time
MOMENTS = ((0.25, "after a quarter"), (0.5, "half-way"), (1.0, "at the end"))
FLAT = 1.05  # at the end, of what it was half-way


@dataclass(frozen=True, slots=True)
class Moment:
    """How large everything is at one moment."""

    messages: int
    memory: dict[str, float]  # MB by process, without what others share
    descriptors: dict[str, int]
    disk: Disk


@dataclass(slots=True)
class Watch:
    """Looks at every process and the disk, at intervals."""

    every_s: float
    moments: list[Moment] = field(default_factory=list)
    _next: float = 0.0

    def look(self, installation: Installation, place: Surroundings, engine: sa.Engine) -> None:
        """Look, if it is time."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self.every_s
        watched = {name: pids for name, pids in processes(installation, place).items() if name != GENERATOR}
        self.moments.append(
            Moment(
                progress(engine).ended,
                {name: sum(map(own_memory_mb, pids)) for name, pids in watched.items()},
                {name: sum(map(descriptors, pids)) for name, pids in watched.items()},
                disk(engine, place),
            )
        )


def measure(minutes: float, database: str) -> list[Table]:
    """Run everything for so long."""
    watch = Watch(minutes * 60 / LOOKS)
    run = end_to_end.measure(minutes * 60, database, watch.look)
    some = [watch.moments[round(share * (len(watch.moments) - 1))] for share, _ in MOMENTS]
    names = some[-1].memory
    rows = [_row(f"memory of {name}, MB", [each.memory.get(name, 0.0) for each in some]) for name in names]
    rows += [_row(f"descriptors of {name}", [each.descriptors.get(name, 0) for each in some]) for name in names]
    rows += [
        _row("database, KB a message", [each.disk.database / max(each.messages, 1) / 1e3 for each in some], 0),
        _row("written ahead by the database, MB", [each.disk.log / 1e6 for each in some]),
        _row("append-only file of Redis, MB", [each.disk.redis / 1e6 for each in some]),
        _row("logs, MB", [each.disk.logs / 1e6 for each in some], 0),
    ]
    notes = [
        f"{rate(run.ended)} messages in {run.seconds / 60:.0f} minutes; memory is a process's own,"
        " with its share of what several have together (PSS)",
        f"flat: at the end at most {FLAT - 1:.0%} above what it was half-way",
    ]
    columns = ("what", *(name for _, name in MOMENTS), "")
    soaked = Table(f"A soak of {minutes:g} minutes, {database}", columns, rows, notes)
    return [soaked, end_to_end.throughput([run]), end_to_end.by_process([run]), end_to_end.memory([run])]


def _row(name: str, values: Sequence[float], slack: float = 2.0) -> list[str]:
    half, end = values[-2], values[-1]
    return [name, *(f"{value:,.1f}" for value in values), "flat" if end <= half * FLAT + slack else "grows"]
