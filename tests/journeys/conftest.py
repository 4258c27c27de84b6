"""A hospital on each kind of database."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from rules.knowledge import Knowledge
from store.engine import connect
from tests.journeys.hospital import Hospital


@pytest.fixture
def hospital(engine: sa.Engine, knowledge: Knowledge) -> Hospital:
    return Hospital(engine, knowledge)


@pytest.fixture(scope="module")
def fresh_engine(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], sa.Engine]]:
    """Makes engines on empty SQLite databases, for what several tests compare with."""
    engines = []

    def make() -> sa.Engine:
        path = shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("fresh") / "ivigilant.db")
        engines.append(connect(f"sqlite:///{path}", durable=False))
        return engines[-1]

    yield make
    for engine in engines:
        engine.dispose()
