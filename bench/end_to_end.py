"""From a frame to a committed alert: a mixed feed, as fast as the workers keep up with."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median

import sqlalchemy as sa
import uvloop

from bench.load import Load, framed, run, wait_for
from bench.messages import endless_hospital
from bench.report import Table, rate
from bench.services import Surroundings, running, surroundings
from bench.timing import yardstick_now
from bench.watching import (
    GENERATOR,
    Progress,
    count,
    memory_mb,
    own_memory_mb,
    processes,
    processor_of,
    progress,
)
from store.engine import connect
from tests.chaos.installation import Installation

LINKS = 20
BACKLOG = 2000  # messages that may wait; above it the senders wait, so what is measured can be kept up for ever
WARM_UP_S = 5.0
SETTLE_WITHIN_S = 120.0
LOOK_EVERY_S = 0.5
WRITTEN_BEFORE = 60_000  # messages, at most: the rest is written while it is sent
EXPECTED = 1500.0  # messages a second
GOAL_US = 600.0  # of processor for a message: 3,000 a second on two cores


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
    processor: dict[str, float] = field(default_factory=dict)  # seconds of each process, over the measured time
    memory: dict[str, list[float]] = field(default_factory=dict)  # MB, looked at twice a second
    own_memory: dict[str, float] = field(default_factory=dict)  # MB at the end, without what others share
    yardsticks: list[float] = field(default_factory=list)  # seconds each, over the measured time

    @property
    def per_second(self) -> float:
        """Messages that were dealt with."""
        return self.ended / self.seconds

    @property
    def yardstick(self) -> float:
        """Processor seconds of the yardstick, as it went in the measured time."""
        return median(self.yardsticks)

    @property
    def per_message(self) -> dict[str, float]:
        """Processor seconds for one message, by process."""
        return {name: seconds / max(self.ended, 1) for name, seconds in self.processor.items()}


Look = Callable[[Installation, Surroundings, sa.Engine], None]  # called now and then while the load goes on


def measure(seconds: float, database: str, look: Look | None = None) -> Run:
    """Run everything, and count what was dealt with in so many seconds once it is warm."""
    written = min(int((seconds + WARM_UP_S) * EXPECTED), WRITTEN_BEFORE)
    result = Run(database, seconds, load=Load(map(framed, endless_hospital(written))))
    with surroundings(database) as place, running(place) as installation:
        wait_for(installation.mllp_port)
        engine = connect(place.database_url)
        uvloop.run(_drive(result, installation, place, engine, look))
        _settle(engine)
        result.assessed = count(engine, "assessment")
        result.alerts = count(engine, "alert")
        result.parked = count(engine, "message WHERE state = 'parked'")
        engine.dispose()
    return result


async def _drive(
    result: Run, installation: Installation, place: Surroundings, engine: sa.Engine, look: Look | None
) -> None:
    sending = asyncio.create_task(run(result.load, installation.mllp_port, LINKS))
    throttling = asyncio.create_task(_throttle(result.load, engine))
    await asyncio.sleep(WARM_UP_S)
    while not (await asyncio.to_thread(progress, engine)).ended:  # on a busy machine the workers start slowly
        await asyncio.sleep(LOOK_EVERY_S)
    watched = processes(installation, place)
    before, used = progress(engine), processor_of(watched)
    began = time.perf_counter()
    while (passed := time.perf_counter() - began) < result.seconds:
        for name, pids in watched.items():
            result.memory.setdefault(name, []).append(memory_mb(pids[0]))
        result.yardsticks.append(yardstick_now())
        if look is not None:
            await asyncio.to_thread(look, installation, place, engine)
        await asyncio.sleep(LOOK_EVERY_S)
    after = await asyncio.to_thread(progress, engine)
    result.seconds, result.ended = passed, after.ended - before.ended
    watched = processes(installation, place)  # with what started meanwhile
    result.processor = {name: now - used.get(name, 0.0) for name, now in processor_of(watched).items()}
    result.own_memory = {name: own_memory_mb(pids[0]) for name, pids in watched.items()}
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


def throughput(runs: list[Run]) -> Table:
    """Return what was dealt with in how long."""
    rows = []
    for each in runs:
        rows.append(
            [
                each.database,
                rate(each.per_second),
                f"{each.seconds:.0f}",
                rate(each.ended),
                rate(each.assessed),
                rate(each.alerts),
                str(each.parked),
                f"{sum(each.per_message.values()) * 1e6:,.0f}",
            ]
        )
    columns = ("database", "msg/s", "seconds", "messages", "answers", "alerts", "parked", "µs of processor a message")
    notes = [
        "ACK → history → assessed → alert committed; a mixed feed of which 5 % are IVIg orders; target ≥ 3,000 msg/s",
        f"senders wait while more than {BACKLOG:,} messages do; the feed is endless; the last column is all processes",
    ]
    return Table("End to end, sustained", columns, rows, notes)


def by_process(runs: list[Run]) -> Table:
    """Return who used the processors, and how much that is on a machine of any speed."""
    rows = []
    for each in runs:
        spent = each.per_message
        everything = sum(spent.values())
        without = everything - spent.get(GENERATOR, 0.0)
        for name, seconds in (spent | {"all without the generator": without, "all": everything}).items():
            share = f"{seconds / everything:.0%}" if everything else "-"
            rows.append([each.database, name, f"{seconds * 1e6:,.0f}", f"{seconds / each.yardstick:.3f}", share])
    notes = [
        "a yardstick is a fixed loop of plain Python, measured every half second beside the load, on the same cores: "
        + ", ".join(f"{each.yardstick * 1e6:,.0f} µs ({each.database})" for each in runs),
        "two machines, or one that is throttled, compare by the column of yardsticks; "
        f"the goal of {GOAL_US:.0f} µs for all is two cores at 3,000 msg/s",
    ]
    return Table("Processor for one message of the mixed feed", _COLUMNS, rows, notes)


_COLUMNS = ("database", "process", "µs a message", "yardsticks a message", "share")
_LIMITS: Mapping[str, int] = {"listener": 150}
_LIMIT = 200


def memory(runs: list[Run]) -> Table:
    """Return how large our processes are in the middle and at the end."""
    rows = []
    for each in runs:
        for name, seen in each.memory.items():
            if name in ("PostgreSQL", "Redis", GENERATOR):
                continue
            early = max(seen[: len(seen) // 2] or seen)
            own = f"{each.own_memory.get(name, 0.0):.0f}"
            limit = f"≤ {_LIMITS.get(name, _LIMIT)}"
            rows.append([each.database, name, f"{early:.0f}", f"{max(seen):.0f}", own, limit])
    columns = ("database", "process", "first half MB", "most MB", "its own MB", "target")
    notes = ["its own: at the end, with its share of what several processes hold together (PSS)"]
    return Table("Memory under load", columns, rows, notes)
