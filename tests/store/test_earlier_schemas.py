"""Databases of earlier releases are taken over as they are, and a migration that was released stays as it was.

`schemas/0007.sql.gz` is what a database held at migration 0007: `sqlite3 DATABASE .dump | gzip -9n`. When a release
adds migrations, add the dump of a database at the last of them, filled by the release itself. A new migration adds its
line to `migrations.sha256` (`sha256sum *.py`).
"""

import gzip
import hashlib
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from store import message_queries, migrate
from store.engine import connect
from store.tables import metadata
from tests.journeys.hospital import Clock, Hospital
from tests.knowledge_folders import our_knowledge

SCHEMAS = Path(__file__).parent / "schemas"
KEPT_UNTIL = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
MIGRATIONS = Path(migrate.__file__).parent / "migrations" / "versions"


@pytest.fixture(params=sorted(SCHEMAS.glob("*.sql.gz")), ids=lambda path: path.name)
def earlier(request: pytest.FixtureRequest, tmp_path: Path) -> sa.Engine:
    """A database as an earlier release left it."""
    path = tmp_path / "ivigilant.db"
    database = sqlite3.connect(path)
    database.executescript(gzip.decompress(request.param.read_bytes()).decode())
    database.close()
    return connect(f"sqlite:///{path}")


def test_a_database_of_an_earlier_release_is_upgraded_and_keeps_what_it_holds(earlier: sa.Engine) -> None:
    with earlier.connect() as connection:
        before = {table: held(connection, table) for table in tables_of(connection)}

    migrate.upgrade(earlier)

    with earlier.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert {table: held(connection, table) for table in before} == before
    assert before["message"] and before["alert"] and before["fact"]


def test_what_an_earlier_release_kept_is_read_judged_and_shown(earlier: sa.Engine) -> None:
    migrate.upgrade(earlier)
    hospital = Hospital(earlier, our_knowledge(), clock=Clock(KEPT_UNTIL))
    shown = {order for order, _, _ in hospital.inbox()}
    with earlier.begin() as connection:
        ids = [row.id for row in connection.execute(sa.text("SELECT id FROM message"))]
        again = message_queries.reprocess(connection, ids, hospital.clock())

    hospital.processes([each.id for each in again])

    with earlier.connect() as connection:
        ends = set(connection.execute(sa.text("SELECT state FROM message")).scalars())
    assert ends <= {"processed", "ignored"}
    assert {order for order, _, _ in hospital.inbox()} >= shown != set()


def test_migrations_are_added_and_never_changed() -> None:
    lines = (SCHEMAS / "migrations.sha256").read_text().splitlines()
    listed = {name: checksum for checksum, name in (line.split() for line in lines)}

    now = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in MIGRATIONS.glob("*.py")}

    assert {name: now.get(name) for name in listed} == listed, "a released migration was changed: add another instead"
    assert set(now) == set(listed), "list the new migration in tests/store/schemas/migrations.sha256"


def tables_of(connection: sa.Connection) -> list[str]:
    query = sa.text("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return [name for name in connection.execute(query).scalars() if name != "alembic_version"]


def held(connection: sa.Connection, table: str) -> int:
    return int(connection.execute(sa.text(f'SELECT count(*) FROM "{table}"')).scalar_one())
