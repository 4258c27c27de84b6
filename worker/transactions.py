"""Transactions retried after a deadlock or a short outage of the database."""

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from billiard.exceptions import SoftTimeLimitExceeded

T = TypeVar("T")

# The database cannot be reached, is locked, or chose this transaction to break a deadlock: retry.
TRY_AGAIN = (sa.exc.OperationalError, sa.exc.InterfaceError)
OUT_OF_TIME = SoftTimeLimitExceeded  # a task has taken longer than the worker allows
MOST_DEADLOCKS = 5  # after this many failures the transaction is left for later


def in_transaction(engine: sa.Engine, work: Callable[[sa.Connection], T]) -> T:
    """Do the work in its own transaction, retried if needed; return its result once committed."""
    for _ in range(MOST_DEADLOCKS - 1):
        try:
            with engine.begin() as connection:
                return work(connection)
        except sa.exc.OperationalError:
            continue
    with engine.begin() as connection:
        return work(connection)
