"""The roots of the access log outside the database: one a day in the log, and as a line of a file."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import sqlalchemy as sa
import structlog

from ivigilant.errors import IvigilantError, UnreadablePath
from store import access_log
from store.access_proof import Root
from store.engine import reading

EVERY = timedelta(days=1)

log = structlog.get_logger()


class UnwritableRoots(IvigilantError):
    """The file of roots cannot be written; name another, or make it writable. The database has the root."""


@dataclass(slots=True)
class DailyRoot:
    """Takes a root of the access log when the last one, whoever took it, is a day old."""

    engine: sa.Engine
    file: Path | None
    clock: Callable[[], datetime]
    _next: datetime | None = None

    def look(self) -> None:
        """Take the root when it is due."""
        now = self.clock()
        if self._next is not None and now < self._next:
            return
        with reading(self.engine) as connection:
            last = access_log.last_root_at(connection)
        if last is None or now >= last + EVERY:
            last = now
            self._take(now)
        self._next = last + EVERY

    def _take(self, now: datetime) -> None:
        root = take_root(self.engine, now)
        log.info("access.root", at=now.isoformat(), number=root.number, hash=root.hash)
        try:
            add_root(self.file, root)
        except UnwritableRoots as error:
            log.error("access.root_not_written", reason=str(error))


def take_root(engine: sa.Engine, now: datetime) -> Root:
    """Take a root of the access log, which the database keeps as well."""
    with engine.begin() as connection:
        end = access_log.take_root(connection, now)
    return Root(now, end.number, end.hash.hex())


def add_root(file: Path | None, root: Root) -> None:
    """Add a root to the file, if there is one, or raise UnwritableRoots."""
    if file is None:
        return
    try:
        with file.open("ab") as lines:
            lines.write(msgspec.json.encode(root) + b"\n")
    except OSError as error:
        raise UnwritableRoots(f"IVIGILANT_ACCESS_ROOTS: {file} cannot be written ({type(error).__name__})") from None


def read_roots(file: Path) -> list[Root]:
    """Return the roots of a file, or raise UnreadablePath naming the file or the line at fault."""
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise UnreadablePath(f"{file} cannot be read ({type(error).__name__})") from None
    return [_read_root(file, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _read_root(file: Path, number: int, line: bytes) -> Root:
    try:
        return msgspec.json.decode(line, type=Root)
    except msgspec.MsgspecError:
        raise UnreadablePath(f"{file}, line {number}: not a root of the access log") from None
