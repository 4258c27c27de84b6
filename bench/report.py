"""Results as tables: on the terminal with rich, in RESULTS.md as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

RESULTS = Path(__file__).with_name("RESULTS.md")


@dataclass(frozen=True, slots=True)
class Table:
    """One measurement: what was measured, the figures, and what must be known to read them."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


def show(table: Table, console: Console) -> None:
    """Print it."""
    drawn = RichTable(*table.columns, title=table.title, title_justify="left")
    for row in table.rows:
        drawn.add_row(*row)
    console.print(drawn)
    for note in table.notes:
        console.print(f"  {note}", markup=False, highlight=False)


def write(tables: Sequence[Table], machine: Sequence[str]) -> None:
    """Replace RESULTS.md."""
    lines = ["# What `make bench` measured last", "", *(f"- {line}" for line in machine), ""]
    for table in tables:
        lines += [f"## {table.title}", ""]
        lines += [_row(table.columns), _row(["---"] * len(table.columns)), *map(_row, table.rows), ""]
        lines += [f"- {note}" for note in table.notes]
        lines += [""] if table.notes else []
    RESULTS.write_text("\n".join(lines).rstrip() + "\n")


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def rate(number: float) -> str:
    """Write a number of messages a second."""
    return f"{number:,.0f}"


def ms(seconds: float) -> str:
    """Write a duration in milliseconds."""
    return f"{seconds * 1000:,.1f}"


def us(seconds: float) -> str:
    """Write a duration in microseconds."""
    return f"{seconds * 1e6:,.0f}"


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
