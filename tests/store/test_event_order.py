"""Numbers that are given before they are committed: nobody says that she heard of what may still come."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from store import event_order, tables
from store.event_order import EventPlace, settled
from tests.store.builders import NOW, an_alert, insert

LATE = timedelta(minutes=11)


def events(*numbers: int, at: timedelta = timedelta()) -> list[EventPlace]:
    return [EventPlace(number, 1, NOW + at) for number in numbers]


@pytest.mark.parametrize(
    ("found", "position"),
    [
        ([], 4),
        (events(5, 6, 7), 7),
        (events(5, 7, 8), 5),
        (events(6, 7), 4),
        (events(5, 7, 8) + events(9, at=LATE), 9),
        (events(5, 7, 8) + events(10, at=LATE), 8),
        (events(5, *range(7, 7 + event_order.MOST_OPEN + 1)), 6 + event_order.MOST_OPEN + 1),
    ],
    ids=[
        "nothing happened",
        "no gap",
        "a gap",
        "a gap at once",
        "a gap that was taken back",
        "an old gap and a new one",
        "a gap behind very much",
    ],
)
def test_the_position_is_before_the_first_number_that_may_still_come(found: list[EventPlace], position: int) -> None:
    assert settled(4, found) == position


def test_it_begins_at_the_end_when_there_is_no_gap(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        nothing = event_order.position(connection)
        alert = an_alert(connection)
        numbers = [an_event(connection, alert) for _ in range(3)]

        assert nothing == 0
        assert event_order.position(connection) == numbers[-1]
        assert event_order.after(connection, numbers[0]) == [EventPlace(n, alert, NOW) for n in numbers[1:]]


def test_a_number_that_was_taken_back_long_ago_keeps_nobody_waiting(postgres_engine: sa.Engine) -> None:
    with postgres_engine.begin() as connection:
        alert = an_alert(connection)
        before = an_event(connection, alert)
        taken_back = connection.begin_nested()
        an_event(connection, alert)
        taken_back.rollback()
        an_event(connection, alert)
        soon = event_order.position(connection)
        last = an_event(connection, alert, at=NOW + LATE)

        assert soon == before
        assert event_order.position(connection) == last == before + 3


def test_of_two_transactions_that_commit_in_reverse_order_the_first_is_waited_for(postgres_engine: sa.Engine) -> None:
    with postgres_engine.begin() as connection:
        alert = an_alert(connection)
        before = an_event(connection, alert)
    with postgres_engine.connect() as slow, slow.begin():
        first = an_event(slow, alert)
        with postgres_engine.begin() as quick:
            second = an_event(quick, alert)
        with postgres_engine.connect() as looking:
            while_open = event_order.position(looking)
            seen = {event.id for event in event_order.after(looking, before)}

    with postgres_engine.connect() as looking:
        assert first < second
        assert (while_open, seen) == (before, {second})
        assert {event.id for event in event_order.after(looking, while_open)} == {first, second}
        assert event_order.position(looking) == second


def an_event(connection: sa.Connection, alert: int, at: datetime = NOW) -> int:
    return insert(connection, tables.alert_event, alert_id=alert, at=at, kind="changed", actor="system", data={})
