"""An installation on every kind of database, a Redis that can be killed, and the same messages without a mishap."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest
import sqlalchemy as sa

from store.engine import connect
from synthetic.stream import hospital_messages
from tests.chaos.installation import Installation
from tests.journeys.hospital import Clock, Hospital
from tests.knowledge_folders import our_knowledge
from tests.services import RedisServer, Undertaker, redis_process
from tests.thoroughness import BACKLOG

Install = Callable[..., Installation]


@pytest.fixture(scope="session")
def messages() -> list[bytes]:
    """Every case report, and a few patients beside them."""
    return list(hospital_messages(now=datetime.now(UTC), patients=4))


@pytest.fixture(scope="session")
def undisturbed(messages: list[bytes], migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """What the database says when nothing happens to these messages."""
    return _without_mishap(messages, migrated_sqlite, tmp_path_factory)


@pytest.fixture(scope="session")
def backlog() -> list[bytes]:
    """More than a worker does in a moment."""
    return list(islice(hospital_messages(now=datetime.now(UTC), patients=BACKLOG // 10), BACKLOG))


@pytest.fixture(scope="session")
def undisturbed_backlog(
    backlog: list[bytes], migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[bytes]:
    """What the database says when nothing happens to these messages."""
    return _without_mishap(backlog, migrated_sqlite, tmp_path_factory)


def _without_mishap(messages: list[bytes], migrated: Path, folders: pytest.TempPathFactory) -> list[bytes]:
    path = shutil.copy(migrated, folders.mktemp("undisturbed") / "ivigilant.db")
    engine = connect(f"sqlite:///{path}", durable=False)
    hospital = Hospital(engine, our_knowledge(), clock=Clock(datetime.now(UTC)))
    hospital.sends(*messages)
    engine.dispose()
    return hospital.dump()


@pytest.fixture
def redis_server(cleanup: Undertaker) -> Iterator[RedisServer]:
    """A Redis that keeps a file, as that of an installation does."""
    with redis_process(cleanup, appendonly=True) as server:
        yield server


@pytest.fixture
def install(database_url: str, redis_server: RedisServer, tmp_path: Path) -> Iterator[Install]:
    """Makes an installation; it runs when it is told to start."""
    made = []

    def make(**more: str) -> Installation:
        made.append(Installation(database_url, redis_server.url, tmp_path, more))
        return made[-1]

    yield make
    for installation in made:
        installation.close()


@pytest.fixture
def watching(database_url: str) -> Iterator[sa.Engine]:
    """An engine to look with."""
    engine = connect(database_url)
    yield engine
    engine.dispose()
