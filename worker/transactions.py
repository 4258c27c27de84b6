"""Transactions that are tried again when the database broke a deadlock with them, or was away for a moment."""

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from billiard.exceptions import SoftTimeLimitExceeded

T = TypeVar("T")

# The database cannot be reached, is locked, or chose this transaction to break a deadlock: try the same again.
TRY_AGAIN = (sa.exc.OperationalError, sa.exc.InterfaceError)
OUT_OF_TIME = SoftTimeLimitExceeded  # a task has taken longer than the worker allows
MOST_DEADLOCKS = 5  # a transaction that loses this often is left to whoever comes later


def in_transaction(engine: sa.Engine, work: Callable[[sa.Connection], T]) -> T:
    """Do the work in a transaction of its own, again when the database says so; what it gives is committed."""
    for _ in range(MOST_DEADLOCKS - 1):
        try:
            with engine.begin() as connection:
                return work(connection)
        except sa.exc.OperationalError:
            continue
    with engine.begin() as connection:
        return work(connection)
