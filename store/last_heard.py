"""The heartbeats, read by the driver alone: a health check of each process asks for them twice a minute.

Importing SQLAlchemy and our tables costs it more processor than everything else that it does.
"""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from store.errors import StoreUnavailable

ALIVE_WITHIN = timedelta(seconds=60)
_QUERY = "SELECT name, at FROM heartbeat"
_WITHIN_S = 10


def last_heard(url: str) -> dict[str, datetime]:
    """Return the last heartbeat of each process, or raise StoreUnavailable.

    An address that names several servers, or a port among its parameters, is in a form that SQLAlchemy alone reads.
    """
    scheme, _, rest = url.partition("://")
    asked = unquote(rest.partition("?")[2])
    if asked.count("host=") > 1 or ":" in asked:
        return _by_sqlalchemy(url)
    try:
        rows = _sqlite(rest) if scheme.startswith("sqlite") else _postgresql(rest)
    except sqlite3.Error as error:
        raise StoreUnavailable(type(error).__name__) from None
    return {
        name: at if isinstance(at, datetime) else datetime.fromisoformat(at).replace(tzinfo=UTC) for name, at in rows
    }


def machine_of(name: str) -> str:
    """Return the machine or container that a process runs on."""
    return name.partition("@")[2]


def _sqlite(rest: str) -> list[tuple[str, Any]]:
    path = Path(rest.removeprefix("/"))  # sqlite:///relative, sqlite:////absolute
    if not path.is_file():
        raise StoreUnavailable("there is no such file")
    connection = sqlite3.connect(path, timeout=_WITHIN_S)
    try:
        return connection.execute(_QUERY).fetchall()
    finally:
        connection.close()


def _postgresql(rest: str) -> list[tuple[str, Any]]:
    import psycopg

    try:
        with psycopg.connect(
            f"postgresql://{rest}", connect_timeout=_WITHIN_S, application_name="ivigilant"
        ) as connection:
            return connection.execute(_QUERY).fetchall()
    except psycopg.Error as error:
        raise StoreUnavailable(type(error).__name__) from None


def _by_sqlalchemy(url: str) -> dict[str, datetime]:
    import sqlalchemy as sa

    from store import tables
    from store.engine import connect, reading

    try:
        with reading(connect(url)) as connection:
            return {row.name: row.at for row in connection.execute(sa.select(tables.heartbeat))}
    except sa.exc.SQLAlchemyError as error:
        raise StoreUnavailable(type(error).__name__) from None
