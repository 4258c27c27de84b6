"""Our listener beside others: the prototype of its idea, servers of Node and the baseline, by turns in one run.

`python -m bench.listeners [--node-modules FOLDER/node_modules]`. Of a server that stores nothing an answer means less
than of ours: it is there to show what a durable acknowledgement costs.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import sqlalchemy as sa
import uvloop

from bench.load import Load, run, wait_for
from bench.messages import copies, hospital
from bench.report import Table, rate
from bench.services import running, surroundings
from bench.timing import yardstick_now
from bench.watching import cpu_seconds
from ivigilant.stack import free_port
from tests.chaos.installation import family_of

LINKS = (1, 10, 50)
ROUNDS = 3
FIRST_OF_BASELINE = 10  # links: hl7apy's server makes a thread for each message
NODE_SERVERS = {"simple-hl7": "serve_simple.mjs", "@medplum/hl7": "serve_medplum.mjs"}
CLIENTS = Path(__file__).parent / "clients"
MEASURED_AGAINST = {"ours, SQLite": "prototype, SQLite", "ours, PostgreSQL": "prototype, PostgreSQL"}


@dataclass(slots=True)
class Contender:
    """One server, and what was measured of it, by the number of links."""

    name: str
    port: int
    pids: list[int]
    database: list[int] = field(default_factory=list)  # the first process of its database server
    one_per_link: bool = False
    per_second: dict[int, list[float]] = field(default_factory=dict)
    processor: dict[int, list[float]] = field(default_factory=dict)  # seconds a message, without its database
    of_database: dict[int, list[float]] = field(default_factory=dict)
    in_yardsticks: dict[int, list[float]] = field(default_factory=dict)


def measure(seconds: float, node_modules: Path | None = None, links: tuple[int, ...] = LINKS) -> Table:
    """Send to each for so long at a time, by turns."""
    with contextlib.ExitStack() as stack:
        contenders = list(_contenders(stack, node_modules))
        frames = copies(hospital(40))  # one feed for all: no number comes twice
        for each in contenders:
            wait_for(each.port)
            _one_turn(each, frames, 4, seconds, count=False)
        for _ in range(ROUNDS):
            for number in links:
                for each in contenders:
                    if not each.one_per_link or number <= FIRST_OF_BASELINE:
                        _one_turn(each, frames, number, seconds)
    return _table(contenders, links)


def _one_turn(each: Contender, frames: Iterator[bytes], links: int, seconds: float, *, count: bool = True) -> None:
    load = Load(frames, one_per_link=each.one_per_link)
    database = [pid for first in each.database for pid in family_of(first)]
    before, before_database = cpu_seconds(each.pids), cpu_seconds(database)
    took, yardstick = uvloop.run(_loaded(load, each.port, links, seconds))
    if not count or not load.accepted:
        return
    spent = (cpu_seconds(each.pids) - before) / load.accepted
    each.per_second.setdefault(links, []).append(load.accepted / took)
    each.processor.setdefault(links, []).append(spent)
    each.of_database.setdefault(links, []).append((cpu_seconds(database) - before_database) / load.accepted)
    each.in_yardsticks.setdefault(links, []).append(spent / yardstick)


async def _loaded(load: Load, port: int, links: int, seconds: float) -> tuple[float, float]:
    yardsticks: list[float] = []

    async def watch() -> None:
        while True:
            yardsticks.append(yardstick_now())
            await asyncio.sleep(0.2)

    watching = asyncio.create_task(watch())
    took = await run(load, port, links, seconds)
    watching.cancel()
    return took, median(yardsticks)


def _contenders(stack: contextlib.ExitStack, node_modules: Path | None) -> Iterator[Contender]:
    for database in ("SQLite", "PostgreSQL"):
        place = stack.enter_context(surroundings(database))
        ours = stack.enter_context(running(place, "listener"))
        server = [place.servers["PostgreSQL"]] if database == "PostgreSQL" else []
        yield Contender(f"ours, {database}", ours.mllp_port, ours.pids("listener"), server)
        bare = stack.enter_context(surroundings(database, migrated=False))
        server = [bare.servers["PostgreSQL"]] if database == "PostgreSQL" else []
        address = _driver_address(bare.database_url) if server else str(bare.folder / "prototype.sqlite3")
        port = free_port()
        pid = stack.enter_context(_process(sys.executable, "-m", "bench.prototype", address, str(port)))
        yield Contender(f"prototype, {database}", port, [pid], server)
    if node_modules is not None and shutil.which("node"):
        for name, script in NODE_SERVERS.items():
            if not (node_modules / name).exists():
                continue
            port = free_port()
            pid = stack.enter_context(_process("node", str(CLIENTS / script), str(port), str(node_modules)))
            yield Contender(f"{name} (stores nothing)", port, [pid])
    bare = stack.enter_context(surroundings("SQLite", migrated=False))
    port = free_port()
    pid = stack.enter_context(
        _process(sys.executable, "-m", "bench.baseline.server", str(port), BASELINE_REDIS=bare.redis_url)
    )
    yield Contender("baseline (hl7apy, stores nothing)", port, [pid], one_per_link=True)


def _driver_address(url: str) -> str:
    return sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@contextlib.contextmanager
def _process(*words: str, **environment: str) -> Iterator[int]:
    process = subprocess.Popen(
        words, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _table(contenders: list[Contender], links: tuple[int, ...]) -> Table:
    by_name = {each.name: each for each in contenders}
    rows = []
    for number in links:
        for each in contenders:
            if number not in each.per_second:
                continue
            against = by_name.get(MEASURED_AGAINST.get(each.name, ""))
            rows.append(
                [
                    str(number),
                    each.name,
                    rate(median(each.per_second[number])),
                    f"{median(each.processor[number]) * 1e6:,.0f}",
                    f"{median(each.of_database[number]) * 1e6:,.0f}" if each.database else "",
                    f"{median(each.in_yardsticks[number]):.3f}",
                    f"{_ratio(each, against, number):.2f} ×" if against is not None else "",
                ]
            )
    columns = ("links", "server", "msg/s", "µs a message", "µs of its database", "yardsticks", "÷ prototype")
    notes = [
        f"the median of {ROUNDS} turns; processor of the server's own process for one acknowledged message; one message"
        " is under way on each link",
        "÷ prototype: of the yardsticks, so that turns in slow seconds compare; target on 50 links ≤ 1.5 ×",
    ]
    return Table("Our listener beside others, by turns", columns, rows, notes)


def _ratio(ours: Contender, other: Contender, links: int) -> float:
    return median(ours.in_yardsticks[links]) / median(other.in_yardsticks[links])


def main() -> int:
    """Measure and print the table."""
    from rich.console import Console

    from bench.report import show

    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--node-modules", type=Path, help="where @medplum/hl7 and simple-hl7 are installed")
    asked.add_argument("--seconds", type=float, default=3.0, help="of one turn")
    asked.add_argument("--links", type=int, nargs="+", default=list(LINKS))
    options = asked.parse_args()
    show(measure(options.seconds, options.node_modules, tuple(options.links)), Console(width=140))
    return 0


if __name__ == "__main__":
    sys.exit(main())
