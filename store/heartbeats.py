"""Who works: a worker writes under its role and machine (`worker@host`) that it takes tasks; beat, that it beats."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from store import tables
from store.rowsets import insert_or

JUDGES = ("worker", "order-worker")  # one of these judges an order that comes now
SLOW_WORKER = "slow-worker"  # does the messages that take long
ALIVE_WITHIN = timedelta(seconds=60)
FORGOTTEN_AFTER = timedelta(minutes=10)  # a machine or container that is gone is not missed for ever


def beat(connection: sa.Connection, name: str, now: datetime) -> None:
    """Note that the process of this name works."""
    insert = insert_or(connection.dialect.name, tables.heartbeat)
    statement = insert.on_conflict_do_update(index_elements=["name"], set_={"at": insert.excluded.at})
    connection.execute(statement, [{"name": name, "at": now}])


def last(connection: sa.Connection) -> dict[str, datetime]:
    """Tell when each process last said that it works."""
    return {row.name: row.at for row in connection.execute(sa.select(tables.heartbeat))}


def forget(connection: sa.Connection, now: datetime) -> None:
    """Remove those of whom nothing was heard for a while."""
    heartbeat = tables.heartbeat
    connection.execute(sa.delete(heartbeat).where(heartbeat.c.at < now - FORGOTTEN_AFTER))


def judges(beats: Mapping[str, datetime]) -> dict[str, datetime]:
    """Give those who judge orders."""
    return {name: at for name, at in beats.items() if role_of(name) in JUDGES}


def is_alive(beats: Mapping[str, datetime], role: str, now: datetime) -> bool:
    """Tell whether some process has this role."""
    return any(now - at <= ALIVE_WITHIN for name, at in beats.items() if role_of(name) == role)


def role_of(name: str) -> str:
    """Give what a process does, without the machine it does it on."""
    return name.partition("@")[0]


def machine_of(name: str) -> str:
    """Give the machine or container that a process runs on."""
    return name.partition("@")[2]
