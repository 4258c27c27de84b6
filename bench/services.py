"""Databases, a Redis and our processes, as an installation has them: durable, with the settings of production."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from store import migrate
from store.engine import connect
from tests.chaos.installation import Installation
from tests.services import postgresql, redis_process, undertaker

DATABASES = ("SQLite", "PostgreSQL")
POSTGRES_SETTINGS = "shared_buffers = 256MB\nmax_connections = 100\nlog_min_messages = fatal\n"  # durable, as it comes
PRODUCTION = {
    "IVIGILANT_BEAT_EVERY_S": "5",
    "IVIGILANT_LEFT_BEHIND_S": "15",
    "IVIGILANT_DELIVERY_LEASE_S": "120",
    "IVIGILANT_LOG_LEVEL": "warning",
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where the processes of one measurement find what they need."""

    database_url: str
    redis_url: str
    folder: Path
    servers: Mapping[str, int]  # the first process of PostgreSQL and of Redis, by name

    def installation(self) -> Installation:
        """Our processes, with the settings of production; they run when they are started."""
        return Installation(self.database_url, self.redis_url, self.folder, PRODUCTION)


@contextlib.contextmanager
def surroundings(database: str, *, migrated: bool = True) -> Iterator[Surroundings]:
    """Return an empty database of this kind and an empty Redis, for as long as they are needed."""
    with contextlib.ExitStack() as stack:
        cleaner = stack.enter_context(undertaker())
        servers: dict[str, int] = {}
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ivigilant-bench-")))
        cleaner.will_remove(folder)
        if database == "PostgreSQL":
            server = stack.enter_context(postgresql(cleaner, POSTGRES_SETTINGS))
            url = server.url.render_as_string(hide_password=False)
            servers["PostgreSQL"] = server.pid
        else:
            url = f"sqlite:///{folder / 'ivigilant.sqlite3'}"
        redis = stack.enter_context(redis_process(cleaner, appendonly=True))
        servers["Redis"] = redis.pid
        if migrated:
            engine = connect(url)
            migrate.upgrade(engine)
            engine.dispose()
        yield Surroundings(url, redis.url, folder, servers)


@contextlib.contextmanager
def running(surroundings: Surroundings, *roles: str) -> Iterator[Installation]:
    """Run these of our processes, or all that work without a pharmacist."""
    installation = surroundings.installation()
    installation.start(*roles)
    try:
        yield installation
    finally:
        installation.close()
