"""How far a long work has come, so that it goes on where it was stopped."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from store import tables
from store.rowsets import insert_or


@dataclass(frozen=True, slots=True)
class Progress:
    """Up to which row it was done, and when it was begun."""

    position: int
    begun_at: datetime


def begin(connection: sa.Connection, name: str, now: datetime) -> Progress:
    """Give how far this work had come when it was stopped; begin it when it was not."""
    table = tables.progress
    insert = insert_or(connection.dialect.name, table)
    connection.execute(insert.values(name=name, position=0, begun_at=now).on_conflict_do_nothing())
    row = connection.execute(sa.select(table).where(table.c.name == name)).one()
    return Progress(row.position, row.begun_at)


def advance(connection: sa.Connection, name: str, position: int) -> None:
    """Note that everything up to this row is done."""
    table = tables.progress
    connection.execute(sa.update(table).where(table.c.name == name).values(position=position))


def end(connection: sa.Connection, name: str) -> None:
    """Note that all of it is done."""
    table = tables.progress
    connection.execute(sa.delete(table).where(table.c.name == name))
