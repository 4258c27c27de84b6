"""What the processes of a measurement use, and how far they are."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import redis
import sqlalchemy as sa

from bench.services import Surroundings
from store.engine import reading
from tests.chaos.installation import UNSEEN, Installation, family_of

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
GENERATOR = "load generator"


@dataclass(frozen=True, slots=True)
class Progress:
    """Messages so far."""

    received: int
    waiting: int

    @property
    def ended(self) -> int:
        """Processed, ignored or parked."""
        return self.received - self.waiting


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes on disk."""

    database: int
    log: int  # of the database: what it wrote ahead
    redis: int
    logs: int


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


def processes(installation: Installation, place: Surroundings) -> dict[str, list[int]]:
    """Return every process by its name: ours, those of the servers, and this one, which sends."""
    found: dict[str, list[int]] = {}
    for role in UNSEEN:
        first, *children = installation.pids(role)
        found[f"{role}, its first process" if "worker" in role else role] = [first]
        for number, child in enumerate(children, 1):
            found[role if len(children) == 1 else f"{role} {number}"] = [child]
    found |= {name: list(family_of(pid)) for name, pid in place.servers.items()}
    return found | {GENERATOR: [os.getpid()]}


def processor_of(named: Mapping[str, Iterable[int]]) -> dict[str, float]:
    """Return the processor seconds that each of these has used."""
    return {name: cpu_seconds(pids) for name, pids in named.items()}


def cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time that these processes have used, with that of children that have ended."""
    return sum(_cpu(pid) for pid in pids)


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS


def memory_mb(pid: int) -> float:
    """Return the memory of a process in MB, parts that it shares with others included."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 1e6
    except OSError:
        return 0.0


def own_memory_mb(pid: int) -> float:
    """Return the memory of a process in MB, with its share of what several processes have together (PSS)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("Pss:")), 0.0)


def descriptors(pid: int) -> int:
    """Return how many files and sockets a process has open."""
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return 0


def disk(engine: sa.Engine, place: Surroundings) -> Disk:
    """Return what is on disk."""
    with redis.Redis.from_url(place.redis_url) as client:
        appended = int(client.info("persistence").get("aof_current_size", 0))
    logs = sum(path.stat().st_size for path in place.folder.glob("*.log"))
    if engine.dialect.name == "sqlite":
        files = {path.name: path.stat().st_size for path in place.folder.glob("ivigilant.sqlite3*")}
        return Disk(files["ivigilant.sqlite3"], files.get("ivigilant.sqlite3-wal", 0), appended, logs)
    with engine.connect() as connection:
        size = connection.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one()
        ahead = connection.execute(sa.text("SELECT sum(size) FROM pg_ls_waldir()")).scalar_one()
    return Disk(int(size), int(ahead), appended, logs)
