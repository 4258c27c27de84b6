"""Migrations of a database to the schema of this release.

Alembic is imported by who migrates: a listener or a worker that starts again waits for nothing it does not need.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.config import Config

UPGRADE_LOCK = 0x1716  # one upgrade at a time, however many processes start together


def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """Apply every missing migration, in one transaction."""
    from alembic import command

    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL lock_timeout = 0")  # another upgrade may take its time
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(UPGRADE_LOCK)))
        command.upgrade(configuration(connection), revision)


def current(engine: sa.Engine) -> str | None:
    """Return the revision the database is at; None when it is empty."""
    from alembic.migration import MigrationContext

    with engine.connect() as connection:
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
