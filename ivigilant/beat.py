"""The scheduler: at every beat it queues messages that were left behind, and notices that are due.

It reads the database itself, so it finds what the queue has lost. Running two of them does no harm.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from store import heartbeats

NAME = "beat"

log = structlog.get_logger()


def repeat(work: Callable[[], object], every: timedelta, stopping: threading.Event) -> None:
    """Do something again and again until told to stop; whatever goes wrong is tried again at the next turn."""
    while True:
        try:
            work()
        except Exception as error:  # noqa: BLE001  # the one loop that must not end while the process runs
            log.error("repeat.failed", error=type(error).__name__)
        if stopping.wait(every.total_seconds()):
            return


@dataclass(frozen=True, slots=True)
class Beat:
    """What happens at every beat; when the database is unreachable, the next beat tries again."""

    engine: sa.Engine
    clock: Callable[[], datetime]
    sweep: Callable[[], object]
    ring: Callable[[], None]  # for notices that are due

    def run(self, every: timedelta, stopping: threading.Event) -> None:
        """Run until asked to stop."""
        while True:
            self.once()
            if stopping.wait(every.total_seconds()):
                return

    def once(self) -> None:
        """Beat once."""
        try:
            self.sweep()
            with self.engine.begin() as connection:
                heartbeats.beat(connection, NAME, self.clock())
                heartbeats.forget(connection, self.clock())
        except sa.exc.SQLAlchemyError as error:
            log.warning("beat.database_unreachable", error=type(error).__name__)
        self.ring()
