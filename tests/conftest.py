"""Real databases and a real Redis for every test that asks."""

import logging
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa
import structlog
from hypothesis import HealthCheck, settings

from rules.knowledge import Knowledge
from store import migrate
from store.engine import connect
from tests.knowledge_folders import our_knowledge
from tests.services import Databases, Undertaker, postgresql_server, redis_server, undertaker

# How long a drawn case takes says how busy the machine is, not whether the answer is right.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def usual_logging() -> Iterator[None]:
    """Undo what a command that ran in the test's own process did to the log of the tests after it."""
    level, hooks = logging.root.level, (sys.excepthook, threading.excepthook)
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
        logging.captureWarnings(False)
        logging.root.setLevel(level)
        sys.excepthook, threading.excepthook = hooks
        for handler in logging.root.handlers[:]:
            if isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter):
                logging.root.removeHandler(handler)


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    """The knowledge of this release."""
    return our_knowledge()


@pytest.fixture(scope="session")
def cleanup() -> Iterator[Undertaker]:
    """Who stops everything, also when the test run is killed."""
    with undertaker() as cleaner:
        yield cleaner


@pytest.fixture(scope="session")
def postgres_databases(cleanup: Undertaker) -> Iterator[Databases]:
    """Makes databases on one PostgreSQL per test process."""
    with postgresql_server(cleanup) as server:
        databases = Databases(server)
        yield databases
        databases.close()


@pytest.fixture(scope="session")
def migrated_postgres(postgres_databases: Databases) -> str:
    """The name of a migrated PostgreSQL database to copy."""
    url = postgres_databases.make()
    _migrate(url.render_as_string(hide_password=False))
    return str(url.database)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    _migrate(f"sqlite:///{path}")
    return path


def _migrate(url: str) -> None:
    engine = connect(url)
    migrate.upgrade(engine)
    engine.dispose()


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """A fresh, migrated SQLite database."""
    return f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'ivigilant.db')}"


@pytest.fixture
def postgres_url(postgres_databases: Databases, migrated_postgres: str) -> Iterator[str]:
    """A fresh, migrated PostgreSQL database."""
    url = postgres_databases.lend(migrated_postgres)
    yield url.render_as_string(hide_password=False)
    postgres_databases.take_back(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, migrated database: the test runs on each kind."""
    name = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """An engine on a fresh, migrated database: the test runs on each kind."""
    yield from _engine(database_url)


@pytest.fixture
def sqlite_engine(sqlite_url: str) -> Iterator[sa.Engine]:
    """An engine on a fresh, migrated SQLite database."""
    yield from _engine(sqlite_url)


@pytest.fixture
def postgres_engine(postgres_url: str) -> Iterator[sa.Engine]:
    """An engine on a fresh, migrated PostgreSQL database."""
    yield from _engine(postgres_url)


def _engine(url: str) -> Iterator[sa.Engine]:
    engine = connect(url, durable=False)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def redis_process(cleanup: Undertaker) -> Iterator[str]:
    """One Redis per test process."""
    with redis_server(cleanup) as url:
        yield url


@pytest.fixture
def redis_url(redis_process: str) -> str:
    """The address of an empty Redis."""
    with redis.Redis.from_url(redis_process) as client:
        client.flushall()
    return redis_process
