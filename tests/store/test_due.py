"""What must happen with an alert at a given time: planned once, claimed by one, carried out once."""

import threading
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from store import alerts, due, tables
from store.due import Due, DueKind, NewDue
from tests.store.builders import NOW, an_alert

LEASE = timedelta(minutes=1)
SOON, LATER = NOW + timedelta(minutes=30), NOW + timedelta(hours=8)


@pytest.fixture
def alert(engine: sa.Engine) -> int:
    with engine.begin() as connection:
        return an_alert(connection)


def plan(engine: sa.Engine, alert: int, kind: DueKind = "owner", at: datetime = SOON) -> int:
    with engine.begin() as connection:
        return due.plan(connection, [NewDue(alert, kind, at, NOW, "anna", {"for": "inr"})])[0]


def claim(engine: sa.Engine, now: datetime, kinds: tuple[DueKind, ...] = due.KINDS, limit: int = 10) -> list[Due]:
    with engine.begin() as connection:
        return due.claim_due(connection, now, LEASE, limit, kinds)


def columns(engine: sa.Engine, alert: int) -> tuple[datetime | None, datetime | None]:
    with engine.connect() as connection:
        found = alerts.get(connection, alert)
    assert found is not None
    return found.due_at, found.snoozed_until


def test_one_of_a_kind_stands_and_a_new_one_takes_its_place(engine: sa.Engine, alert: int) -> None:
    first = plan(engine, alert, at=SOON)
    second = plan(engine, alert, at=LATER)

    with engine.connect() as connection:
        every, stands = due.of_alert(connection, alert), due.standing(connection, [alert])

    assert [(row.id, row.outcome) for row in every] == [(first, "replaced"), (second, None)]
    assert [(row.id, row.due_at, row.data, row.stands) for row in stands] == [(second, LATER, {"for": "inr"}, True)]


def test_several_follow_ups_of_an_alert_stand_together(engine: sa.Engine, alert: int) -> None:
    ids = [plan(engine, alert, "follow_up", at) for at in (LATER, SOON)]

    with engine.connect() as connection:
        assert [row.id for row in due.standing(connection, [alert])] == ids[::-1]


def test_the_database_refuses_a_second_of_a_kind(engine: sa.Engine, alert: int) -> None:
    plan(engine, alert)
    row = {"alert_id": alert, "kind": "owner", "due_at": SOON, "created_at": NOW, "created_by": "ben", "data": {}}

    with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
        connection.execute(sa.insert(tables.due), row)


def test_the_alert_shows_the_nearest_time_and_until_when_it_sleeps(engine: sa.Engine, alert: int) -> None:
    assert columns(engine, alert) == (None, None)

    plan(engine, alert, "take_on", LATER)
    plan(engine, alert, "owner", SOON)
    plan(engine, alert, "follow_up", NOW)
    plan(engine, alert, "snooze", LATER)
    with_all = columns(engine, alert)
    with engine.begin() as connection:
        due.settle(connection, [alert], ["owner", "snooze"], "done", NOW)

    assert with_all == (SOON, LATER)
    assert columns(engine, alert) == (LATER, None)


def test_what_is_due_is_claimed_by_one_until_the_lease_ends(engine: sa.Engine, alert: int) -> None:
    plan(engine, alert)

    too_early, first, second, after = (claim(engine, at) for at in (NOW, SOON, SOON, SOON + LEASE))

    assert (too_early, second) == ([], [])
    assert [row.id for row in first] == [row.id for row in after]


def test_only_the_kinds_asked_for_are_claimed_the_longest_due_first(engine: sa.Engine, alert: int) -> None:
    plan(engine, alert, "step", NOW)
    late, later = plan(engine, alert, "owner", SOON), plan(engine, alert, "snooze", NOW)

    one = claim(engine, LATER, ("owner", "snooze"), limit=1)
    rest = claim(engine, LATER, ("owner", "snooze"))

    assert ([row.id for row in one], [row.id for row in rest]) == ([later], [late])


def test_it_is_carried_out_once_and_never_after_it_was_settled(engine: sa.Engine, alert: int) -> None:
    plan(engine, alert)
    plan(engine, alert, "snooze")
    owner, snooze = claim(engine, SOON)

    with engine.begin() as connection:
        once, twice = (due.finish(connection, owner, "overdue", SOON) for _ in range(2))
        due.settle(connection, [alert], ["snooze"], "acknowledged", SOON)
        settled = due.finish(connection, snooze, "reopened", SOON)

    assert (once, twice, settled) == (True, False, False)
    assert columns(engine, alert) == (SOON, None)  # still late: the page says by how much


def test_whoever_takes_an_act_back_finds_everything_as_it_was(engine: sa.Engine, alert: int) -> None:
    before = plan(engine, alert, "take_on", SOON)
    with engine.begin() as connection:
        ended = due.settle(connection, [alert], ["take_on"], "taken_on", NOW)
        new = due.plan(connection, [NewDue(alert, "owner", LATER, NOW, "anna")])

        due.withdraw(connection, new, "undone", NOW)
        due.reinstate(connection, ended)

    with engine.connect() as connection:
        assert [row.id for row in due.standing(connection, [alert])] == ended == [before]
    assert columns(engine, alert) == (SOON, None)


def test_what_comes_back_in_a_time_is_found_for_all_alerts(engine: sa.Engine, alert: int) -> None:
    soon = plan(engine, alert, "follow_up", SOON)
    plan(engine, alert, "follow_up", LATER)
    plan(engine, alert, "owner", SOON)

    with engine.connect() as connection:
        found = due.standing_between(connection, ["follow_up", "snooze"], NOW, SOON)

    assert [row.id for row in found] == [soon]


def test_many_workers_share_the_work_without_overlap(engine: sa.Engine, alert: int) -> None:
    ids = [plan(engine, alert, "follow_up") for _ in range(30)]
    taken: list[int] = []

    def work() -> None:
        while mine := claim(engine, SOON, limit=3):
            taken.extend(row.id for row in mine)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(taken) == ids
