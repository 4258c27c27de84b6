"""The progress of a long task, so that it resumes where it stopped."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from store import tables
from store.rowsets import insert_or


@dataclass(frozen=True, slots=True)
class Progress:
    """The last row done, and when the task began."""

    position: int
    begun_at: datetime


def begin(connection: sa.Connection, name: str, now: datetime) -> Progress:
    """Return how far this task had come when it stopped, or begin it."""
    table = tables.progress
    insert = insert_or(connection.dialect.name, table)
    connection.execute(insert.values(name=name, position=0, begun_at=now).on_conflict_do_nothing())
    row = connection.execute(sa.select(table).where(table.c.name == name)).one()
    return Progress(row.position, row.begun_at)


def advance(connection: sa.Connection, name: str, position: int) -> None:
    """Record that everything up to this row is done."""
    table = tables.progress
    connection.execute(sa.update(table).where(table.c.name == name).values(position=position))


def end(connection: sa.Connection, name: str) -> None:
    """Record that the task is complete."""
    table = tables.progress
    connection.execute(sa.delete(table).where(table.c.name == name))
