"""Databases that nobody has migrated yet."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from store.engine import connect
from tests.services import Databases


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """An engine on a database without tables: the test runs on each kind."""
    if request.param == "sqlite":
        engine = connect(f"sqlite:///{tmp_path / 'empty.db'}", durable=False)
        yield engine
        engine.dispose()
        return
    databases: Databases = request.getfixturevalue("postgres_databases")
    url = databases.make()
    engine = connect(url.render_as_string(hide_password=False), durable=False)
    yield engine
    engine.dispose()
    databases.drop(url)
