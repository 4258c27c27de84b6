"""Heartbeats: each worker and beat process writes, under its role and machine (`worker@host`), that it works."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from store import tables
from store.last_heard import ALIVE_WITHIN
from store.rowsets import insert_or

JUDGES = ("worker", "order-worker")  # the roles that judge a new order
SLOW_WORKER = "slow-worker"  # processes the messages that take long
FORGOTTEN_AFTER = timedelta(minutes=10)  # a machine or container that is gone is not reported missing for ever


def beat(connection: sa.Connection, name: str, now: datetime) -> None:
    """Record that the process with this name works."""
    insert = insert_or(connection.dialect.name, tables.heartbeat)
    statement = insert.on_conflict_do_update(index_elements=["name"], set_={"at": insert.excluded.at})
    connection.execute(statement, [{"name": name, "at": now}])


def last(connection: sa.Connection) -> dict[str, datetime]:
    """Return the last heartbeat of each process."""
    return {row.name: row.at for row in connection.execute(sa.select(tables.heartbeat))}


def forget(connection: sa.Connection, now: datetime) -> None:
    """Remove processes without a recent heartbeat."""
    heartbeat = tables.heartbeat
    connection.execute(sa.delete(heartbeat).where(heartbeat.c.at < now - FORGOTTEN_AFTER))


def judges(beats: Mapping[str, datetime]) -> dict[str, datetime]:
    """Return the processes that judge orders."""
    return {name: at for name, at in beats.items() if role_of(name) in JUDGES}


def is_alive(beats: Mapping[str, datetime], role: str, now: datetime) -> bool:
    """Return whether some process has this role."""
    return any(now - at <= ALIVE_WITHIN for name, at in beats.items() if role_of(name) == role)


def role_of(name: str) -> str:
    """Return the role of a process, without its machine."""
    return name.partition("@")[0]
