"""INSERT … ON CONFLICT on both databases."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert_or(dialect: str, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """Give an INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
