"""A transaction is tried again until its turn has come."""

import pytest
import sqlalchemy as sa

from store.errors import PeopleMoved
from worker.transactions import MOST_DEADLOCKS, MOST_MOVES, in_transaction


class Work:
    """Fails so often, in this way; then it is done."""

    def __init__(self, fault: Exception, times: int) -> None:
        self.fault, self.left = fault, times

    def __call__(self, _connection: sa.Connection) -> str:
        self.left -= 1
        if self.left >= 0:
            raise self.fault
        return "done"


DEADLOCK = sa.exc.OperationalError("", {}, Exception())


def test_whose_people_others_create_meanwhile_waits_until_all_others_are_done(sqlite_engine: sa.Engine) -> None:
    assert in_transaction(sqlite_engine, Work(PeopleMoved(), 3 * MOST_DEADLOCKS)) == "done"


@pytest.mark.parametrize(("fault", "most"), [(PeopleMoved(), MOST_MOVES), (DEADLOCK, MOST_DEADLOCKS)])
def test_it_is_left_for_later_in_the_end(fault: Exception, most: int, sqlite_engine: sa.Engine) -> None:
    assert in_transaction(sqlite_engine, Work(fault, most - 1)) == "done"
    with pytest.raises(type(fault)):
        in_transaction(sqlite_engine, Work(fault, most))


def test_a_fault_that_stays_is_not_tried_again(sqlite_engine: sa.Engine) -> None:
    work = Work(ValueError(), 2)
    with pytest.raises(ValueError):
        in_transaction(sqlite_engine, work)
    assert work.left == 1
