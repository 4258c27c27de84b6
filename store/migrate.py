"""Migrations of a database to the schema of this release.

Alembic is imported by who migrates: a listener or a worker that starts again waits for nothing it does not need.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.config import Config

UPGRADE_LOCK = 0x1716  # one upgrade at a time, however many processes start together
ATTEMPTS = 10  # PostgreSQL ends one of those who wait for each other; when that is we, nothing was changed yet
DEADLOCK = "40P01"


def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """Apply every missing migration, in one transaction; on PostgreSQL others wait meanwhile."""
    for left in reversed(range(ATTEMPTS)):
        try:
            _upgrade(engine, revision)
            break
        except sa.exc.OperationalError as error:
            if left == 0 or getattr(error.orig, "sqlstate", "") != DEADLOCK:
                raise


def _upgrade(engine: sa.Engine, revision: str) -> None:
    from alembic import command

    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL lock_timeout = 0")  # another upgrade may take its time
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(UPGRADE_LOCK)))
            _lock_tables(connection)
        command.upgrade(configuration(connection), revision)


def _lock_tables(connection: sa.Connection) -> None:
    """Lock every table before the first is changed, `message` first.

    A listener or a worker begins with `message`: those at work have ended when that is locked, and no other begins. One
    after another as the migrations come to them, the tables would be locked in another order than theirs: a deadlock.
    """
    there = set(sa.inspect(connection).get_table_names())
    if not there or _revision(connection) == head():
        return
    tables = sorted(there, key=lambda name: (name != "message", name))
    quote = connection.dialect.identifier_preparer.quote
    connection.exec_driver_sql(f"LOCK TABLE {', '.join(map(quote, tables))} IN ACCESS EXCLUSIVE MODE")


def current(engine: sa.Engine) -> str | None:
    """Return the revision the database is at; None when it is empty."""
    with engine.connect() as connection:
        return _revision(connection)


def _revision(connection: sa.Connection) -> str | None:
    from alembic.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision()


def is_current(engine: sa.Engine) -> bool:
    """Return whether the database has the schema of this release."""
    return current(engine) == head()


def head() -> str | None:
    """Return the revision of this release."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(configuration()).get_current_head()


def configuration(connection: sa.Connection | None = None) -> "Config":
    """Return an Alembic configuration without an ini file."""
    from alembic.config import Config

    attributes: dict[str, Any] = {"connection": connection}
    config = Config(attributes=attributes)
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config
