"""What the processes of a measurement use, and how far they are."""

import os
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from store.engine import reading

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Progress:
    """Messages so far."""

    received: int
    waiting: int

    @property
    def ended(self) -> int:
        """Processed, ignored or parked."""
        return self.received - self.waiting


def progress(engine: sa.Engine) -> Progress:
    """Look how far the work is, by the index; nothing is counted that is done with."""
    with reading(engine) as connection:
        waiting = connection.execute(sa.text("SELECT count(*) FROM message WHERE state = 'received'")).scalar_one()
        last = connection.execute(sa.text("SELECT max(id) FROM message")).scalar_one()
    return Progress(last or 0, waiting)


def count(engine: sa.Engine, words: str) -> int:
    """Count rows: `words` is a table, with or without a WHERE."""
    with reading(engine) as connection:
        return int(connection.execute(sa.text(f"SELECT count(*) FROM {words}")).scalar_one())


def cpu_seconds(pids: list[int]) -> float:
    """Processor time that these processes have used."""
    return sum(_cpu(pid) for pid in pids)


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb(pid: int) -> float:
    """Return a process's memory in bytes, shared parts included."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 1e6
    except OSError:
        return 0.0
