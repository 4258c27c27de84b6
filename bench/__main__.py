"""`make bench`: everything, in about fifteen minutes; `--full` longer and with a million facts in the store.

`python -m bench --soak MINUTES` loads for so long instead, and shows whether memory, descriptors and disk stay flat.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console

from bench import (
    end_to_end,
    first_page,
    growing_history,
    hooks,
    importing,
    judging,
    listeners,
    order_latency,
    reading_hl7,
    receiving,
    soak,
)
from bench.baseline import measure as baseline
from bench.machine import describe
from bench.report import RESULTS, Table, show, write
from bench.services import DATABASES


def _measured(
    seconds: float, sizes: tuple[int, ...], node_modules: Path | None, say: Callable[[str], None]
) -> Iterator[Table]:
    say("reading")
    yield reading_hl7.measure()
    say("judging")
    yield from judging.measure(sizes)
    yield growing_history.measure()
    say("cards")
    yield hooks.measure(sizes)
    say("a first load")
    yield importing.measure()
    say("acknowledging")
    yield receiving.measure(seconds / 3)
    say("our listener beside others")
    yield listeners.measure(seconds / 15, node_modules)
    say("end to end")
    runs = [end_to_end.measure(seconds, database) for database in DATABASES]
    yield end_to_end.throughput(runs)
    yield end_to_end.by_process(runs)
    yield end_to_end.memory(runs)
    say("from order to alert")
    yield order_latency.measure(seconds)
    say("from order to alert behind large messages")
    yield order_latency.measure_behind_large(seconds)
    say("the first page")
    yield first_page.measure_paint()
    yield first_page.measure_new(seconds)
    say("the baseline")
    yield baseline.measure(seconds / 2, next(run.per_second for run in runs if run.database == "PostgreSQL"))


def _soak(minutes: float) -> int:
    """Load for so long and print what became of memory, descriptors and disk; RESULTS.md stays as it is."""
    console = Console(width=140)
    for database in DATABASES:
        console.print(f"[dim]a soak of {minutes:g} minutes: {database} …[/]")
        for table in soak.measure(minutes, database):
            show(table, console)
    return 0


def main() -> int:
    """Measure, print each table as it comes, and keep them all."""
    asked = argparse.ArgumentParser(prog="make bench", description=__doc__)
    asked.add_argument("--seconds", type=float, default=30.0, help="how long each kind of load lasts")
    asked.add_argument(
        "--million", action="store_true", help="also with a million facts in the store: three minutes more"
    )
    asked.add_argument("--full", action="store_true", help="five minutes of load, a million facts")
    asked.add_argument("--soak", type=float, metavar="MINUTES", help="only load for so long, on each database")
    asked.add_argument("--node-modules", type=Path, help="where @medplum/hl7 and simple-hl7 are installed, to compare")
    options = asked.parse_args()
    if options.soak is not None:
        return _soak(options.soak)
    seconds = 300.0 if options.full else options.seconds
    sizes = (1_000, 100_000, 1_000_000) if options.full or options.million else (1_000, 100_000)
    console = Console(width=140)
    tables = []
    for table in _measured(
        seconds, sizes, options.node_modules, lambda what: console.print(f"[dim]measuring: {what} …[/]")
    ):
        show(table, console)
        tables.append(table)
        write(tables, describe())
    console.print(f"kept in {RESULTS.parent.name}/{RESULTS.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
