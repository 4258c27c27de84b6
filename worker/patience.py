"""A transaction tried again when the database chose it to break a deadlock, or was away for a moment."""

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

T = TypeVar("T")

MOST_DEADLOCKS = 5  # a transaction that loses this often is left to whoever comes later


def patiently(engine: sa.Engine, work: Callable[[sa.Connection], T]) -> T:
    """Do the work in a transaction of its own, again when the database says so; what it gives is committed."""
    for _ in range(MOST_DEADLOCKS - 1):
        try:
            with engine.begin() as connection:
                return work(connection)
        except sa.exc.OperationalError:
            continue
    with engine.begin() as connection:
        return work(connection)
