"""From a frame to a committed alert: a mixed feed, as fast as the workers keep up with."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa
import uvloop

from bench.load import Load, framed, run, wait_for
from bench.messages import hospital
from bench.report import Table, rate
from bench.services import running, surroundings
from bench.watching import Progress, count, cpu_seconds, memory_mb, progress
from store.engine import connect
from tests.chaos.installation import UNSEEN, Installation

LINKS = 20
BACKLOG = 2000  # messages that may wait; above it the senders wait, so what is measured can be kept up for ever
WARM_UP_S = 5.0
SETTLE_WITHIN_S = 120.0
PER_PATIENT = 12  # messages; the feed is made this much longer than needed


@dataclass(slots=True)
class Run:
    """One database under load."""

    database: str
    seconds: float
    ended: int = 0
    load: Load = field(default_factory=lambda: Load(iter(())))
    assessed: int = 0
    alerts: int = 0
    parked: int = 0
    cpu: dict[str, float] = field(default_factory=dict)  # seconds for each process, over the measured time
    memory: dict[str, list[float]] = field(default_factory=dict)  # MB, looked at twice a second

    @property
    def per_second(self) -> float:
        """Messages that were dealt with."""
        return self.ended / self.seconds


def measure(seconds: float, database: str, expected: float = 1500.0) -> Run:
    """Run everything, and count what was dealt with in so many seconds once it is warm."""
    messages = hospital(int((seconds + WARM_UP_S) * expected / PER_PATIENT))
    result = Run(database, seconds, load=Load(map(framed, messages)))
    with surroundings(database) as place, running(place) as installation:
        wait_for(installation.mllp_port)
        engine = connect(place.database_url)
        uvloop.run(_drive(result, installation, engine))
        _settle(engine)
        result.assessed = count(engine, "assessment")
        result.alerts = count(engine, "alert")
        result.parked = count(engine, "message WHERE state = 'parked'")
        engine.dispose()
    return result


async def _drive(result: Run, installation: Installation, engine: sa.Engine) -> None:
    sending = asyncio.create_task(run(result.load, installation.mllp_port, LINKS))
    throttling = asyncio.create_task(_throttle(result.load, engine))
    await asyncio.sleep(WARM_UP_S)
    before, used = progress(engine), _used(installation)
    began = time.perf_counter()
    while (passed := time.perf_counter() - began) < result.seconds and not result.load.ended:
        for name, pid in _processes(installation):
            result.memory.setdefault(name, []).append(memory_mb(pid))
        await asyncio.sleep(0.5)
    after = await asyncio.to_thread(progress, engine)
    result.seconds, result.ended = passed, after.ended - before.ended
    result.cpu = {name: now - used[name] for name, now in _used(installation).items()}
    result.load.ended = True
    await sending
    throttling.cancel()


async def _throttle(load: Load, engine: sa.Engine) -> None:
    """Let the senders wait while too much of what they sent does."""
    while not load.ended:
        now: Progress = await asyncio.to_thread(progress, engine)
        if now.waiting > BACKLOG:
            load.hold()
        elif not load.open:
            load.release()
        await asyncio.sleep(0.1)


def _settle(engine: sa.Engine) -> None:
    deadline = time.monotonic() + SETTLE_WITHIN_S
    while progress(engine).waiting and time.monotonic() < deadline:
        time.sleep(0.1)


def _used(installation: Installation) -> dict[str, float]:
    return {role: cpu_seconds(installation.pids(role)) for role in UNSEEN} | {"generator": time.process_time()}


def _processes(installation: Installation) -> Iterator[tuple[str, int]]:
    yield "listener", installation.pids("listener")[0]
    yield from (("worker", pid) for pid in installation.pids("worker")[1:])


def throughput(runs: list[Run]) -> Table:
    """Return what was dealt with, and who used the processors for it."""
    rows = []
    for each in runs:
        spent = {name: seconds / each.ended * 1e6 for name, seconds in each.cpu.items()}
        rows.append(
            [
                each.database,
                rate(each.per_second),
                f"{each.seconds:.0f}",
                rate(each.ended),
                rate(each.assessed),
                rate(each.alerts),
                str(each.parked),
                f"{spent['listener']:,.0f} / {spent['worker']:,.0f} / {spent['generator']:,.0f}",
            ]
        )
    columns = ("database", "msg/s", "seconds", "messages", "answers", "alerts", "parked", "µs of processor per message")
    notes = [
        "ACK → history → assessed → alert committed; a mixed feed of which 5 % are IVIg orders; target ≥ 3,000 msg/s",
        f"senders wait while more than {BACKLOG:,} messages do; the last column is listener / workers / load generator",
    ]
    return Table("End to end, sustained", columns, rows, notes)


def memory(runs: list[Run]) -> Table:
    """Return how large the processes are in the middle and at the end."""
    rows = []
    for each in runs:
        for name, target in (("listener", 150), ("worker", 200)):
            seen = each.memory[name]
            early = max(seen[: len(seen) // 2] or seen)
            rows.append([each.database, name, f"{early:.0f}", f"{max(seen):.0f}", f"≤ {target}"])
    return Table("Memory under load", ("database", "process", "first half MB", "most MB", "target"), rows)
