"""Merged identities."""

import itertools
import threading
import time

import pytest
import sqlalchemy as sa

from store import merges
from store.merges import Person
from tests.store.builders import a_patient


@pytest.fixture
def five(engine: sa.Engine) -> list[int]:
    """Five identities, named so that the last made has the smallest name."""
    with engine.begin() as connection:
        return [a_patient(connection, value) for value in "54321"]


def test_a_patient_nobody_merged_is_alone(engine: sa.Engine, five: list[int]) -> None:
    with engine.begin() as connection:
        assert merges.merge_set(connection, [five[0]]) == {five[0]}
        assert merges.persons(connection, five[:2]) == [Person(id_, frozenset({id_})) for id_ in five[:2]]


def test_a_chain_of_merges_is_one_person_from_wherever_it_is_read(engine: sa.Engine, five: list[int]) -> None:
    a, b, c, d, e = five
    with engine.begin() as connection:
        for retired, survivor in [(a, b), (b, c), (d, c)]:
            merges.set_pointer(connection, retired, survivor, "1")

        for start in (a, b, c, d):
            assert merges.merge_set(connection, [start]) == {a, b, c, d}
            assert merges.persons(connection, [start]) == [Person(c, frozenset({a, b, c, d}))]
        assert merges.merge_set(connection, [a, e]) == set(five)
        assert merges.persons(connection, [a, e]) == [Person(c, frozenset({a, b, c, d})), Person(e, frozenset({e}))]


def test_a_circle_is_one_person_whose_root_has_the_smallest_name(engine: sa.Engine, five: list[int]) -> None:
    a, b, c, d, _ = five
    with engine.begin() as connection:
        for retired, survivor in [(a, b), (b, c), (c, a), (d, a)]:
            merges.set_pointer(connection, retired, survivor, "1")

        for start in (a, b, c, d):
            assert merges.persons(connection, [start]) == [Person(c, frozenset({a, b, c, d}))]


def test_a_merge_can_be_undone_and_the_latest_word_holds(engine: sa.Engine, five: list[int]) -> None:
    a, b, c, *_ = five
    with engine.begin() as connection:
        changed = [
            merges.set_pointer(connection, a, survivor, version)
            for survivor, version in [(b, "2"), (c, "1"), (None, "3"), (b, "2")]
        ]

        assert changed == [True, False, True, False]
        assert merges.merge_set(connection, [a]) == {a}


def test_merges_commute(engine: sa.Engine, five: list[int]) -> None:
    a, b, c, d, e = five
    said = [(a, b, "1"), (a, c, "3"), (b, c, "2"), (d, None, "4"), (d, e, "2")]
    seen = []
    for order in itertools.permutations(said):
        with engine.connect() as connection:
            for retired, survivor, version in order:
                merges.set_pointer(connection, retired, survivor, version)
            seen.append(merges.persons(connection, five))
            connection.rollback()

    assert seen == [seen[0]] * len(seen)


def test_an_identity_merged_with_itself_says_nothing(engine: sa.Engine, five: list[int]) -> None:
    with engine.begin() as connection:
        changed = merges.set_pointer(connection, five[0], five[0], "9")
        later = merges.set_pointer(connection, five[0], five[1], "1")

    assert (changed, later) == (False, True)


def test_locking_a_patient_holds_everybody_it_was_merged_with(postgres_engine: sa.Engine) -> None:
    with postgres_engine.begin() as connection:
        a, b, c = (a_patient(connection, value) for value in "123")
        merges.set_pointer(connection, a, b, "1")
        merges.set_pointer(connection, b, c, "1")

    with postgres_engine.begin() as mine:
        held = merges.lock_merge_set(mine, [a])
        with pytest.raises(sa.exc.OperationalError, match="lock timeout"), postgres_engine.begin() as theirs:
            theirs.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")
            merges.lock_merge_set(theirs, [c])

    assert held == {a, b, c}


def test_workers_that_begin_at_two_ends_of_a_merge_wait_for_each_other(postgres_engine: sa.Engine) -> None:
    with postgres_engine.begin() as connection:
        a, b = a_patient(connection, "1"), a_patient(connection, "2")
        merges.set_pointer(connection, b, a, "1")
    faults: list[BaseException] = []

    def work(start: int) -> None:
        try:
            for _ in range(20):
                with postgres_engine.begin() as connection:
                    merges.lock_merge_set(connection, [start])
        except sa.exc.OperationalError as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(start,)) for start in (a, b)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []


def test_a_merge_made_while_the_lock_was_waited_for_is_held_too(postgres_engine: sa.Engine) -> None:
    with postgres_engine.begin() as connection:
        a, b = a_patient(connection, "1"), a_patient(connection, "2")
    held: list[set[int]] = []

    def wait_for_both() -> None:
        with postgres_engine.begin() as connection:
            held.append(merges.lock_merge_set(connection, [a]))

    with postgres_engine.begin() as connection:
        merges.lock_merge_set(connection, [a, b])
        waiting = threading.Thread(target=wait_for_both)
        waiting.start()
        wait_until_somebody_waits_for_a_lock(postgres_engine)
        merges.set_pointer(connection, b, a, "1")
    waiting.join()

    assert held == [{a, b}]


def wait_until_somebody_waits_for_a_lock(engine: sa.Engine) -> None:
    deadline = time.monotonic() + 10
    query = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    while time.monotonic() < deadline:
        with engine.connect() as connection:
            if connection.execute(query).scalar_one():
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits for a lock")
