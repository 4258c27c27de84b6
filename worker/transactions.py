"""Transactions retried after a deadlock, a short outage of the database, or a merge of people being locked."""

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from billiard.exceptions import SoftTimeLimitExceeded

from store.errors import PeopleMoved

T = TypeVar("T")

OUT_OF_TIME = SoftTimeLimitExceeded  # a task has taken longer than the worker allows
MOST_DEADLOCKS = 5  # after this many failures the transaction is left for later
MOST_MOVES = 100  # of people being locked: each means that another transaction has ended, so ours will have its turn
_BEYOND_A_LIMIT = "54"  # SQLSTATE class: larger than this database can ever hold, such as a key of an index


def is_passing(error: Exception) -> bool:
    """Return whether the same work may succeed later: the database is away or locked, or chose it to end a deadlock."""
    if not isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError):
        return False
    state = getattr(error.orig, "sqlstate", None) or ""  # SQLite has none
    return not state.startswith(_BEYOND_A_LIMIT)


def in_transaction(engine: sa.Engine, work: Callable[[sa.Connection], T]) -> T:
    """Do the work in its own transaction, retried if needed; return its result once committed."""
    faults = moves = 0
    while True:
        try:
            with engine.begin() as connection:
                return work(connection)
        except PeopleMoved:
            moves += 1
            if moves == MOST_MOVES:
                raise
        except sa.exc.OperationalError as error:
            faults += 1
            if faults == MOST_DEADLOCKS or not is_passing(error):
                raise
