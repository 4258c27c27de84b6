"""Who is alive."""

from datetime import datetime

import sqlalchemy as sa

from store import tables
from store.upserting import insert_or


def beat(connection: sa.Connection, name: str, now: datetime) -> None:
    """Note that the process of this name is alive."""
    insert = insert_or(connection.dialect.name, tables.heartbeat)
    statement = insert.on_conflict_do_update(index_elements=["name"], set_={"at": insert.excluded.at})
    connection.execute(statement, [{"name": name, "at": now}])


def last(connection: sa.Connection) -> dict[str, datetime]:
    """Tell when each process last said it is alive."""
    return {row.name: row.at for row in connection.execute(sa.select(tables.heartbeat))}
