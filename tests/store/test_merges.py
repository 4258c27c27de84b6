"""Merged identities, and the lock that holds all of one person."""

import itertools
import threading
import time

import pytest
import sqlalchemy as sa

from clinical.identities import Person, is_contradicted
from store import merges, message_queries, patients, tables
from store.errors import PeopleMoved
from store.locks import lock_named, lock_people
from store.merges import Statement
from store.patients import PatientChanges
from store.recording import Recording, write
from tests.store.builders import a_message, a_patient


def merge(connection: sa.Connection, retired: int, survivor: int, version: str = "1", undone: bool = False) -> set[int]:
    message = connection.execute(sa.select(tables.message.c.id)).scalar() or a_message(connection)
    return merges.record(connection, [Statement(retired, survivor, version, message, "MRG[1]-1", undone)])


def contradicted(connection: sa.Connection, person: Person[int]) -> bool:
    return is_contradicted(person, merges.statements_about(connection, person.members))


@pytest.fixture
def five(engine: sa.Engine) -> list[int]:
    """Five identities, named so that the last made has the smallest name."""
    with engine.begin() as connection:
        return [a_patient(connection, value) for value in "54321"]


def test_a_patient_nobody_merged_is_alone(engine: sa.Engine, five: list[int]) -> None:
    with engine.begin() as connection:
        assert merges.merge_set(connection, [five[0]]) == {five[0]}
        assert merges.persons(connection, five[:2]) == [Person(id_, frozenset({id_})) for id_ in (five[1], five[0])]


def test_only_those_who_were_joined_are_read_as_persons(engine: sa.Engine, five: list[int]) -> None:
    a, b, c, d, e = five
    with engine.begin() as connection:
        merge(connection, a, b)
        merge(connection, c, b)

        assert merges.joined_persons(connection, [d, e]) == []
        for some in ([a, d], [b, d], [c, e], five):
            alone = [person for person in merges.persons(connection, some) if len(person.members) > 1]
            assert merges.joined_persons(connection, some) == alone


def test_a_chain_of_merges_is_one_person_from_wherever_it_is_read(engine: sa.Engine, five: list[int]) -> None:
    a, b, c, d, e = five
    with engine.begin() as connection:
        for retired, survivor in [(a, b), (b, c), (d, c)]:
            merge(connection, retired, survivor)

        for start in (a, b, c, d):
            assert merges.merge_set(connection, [start]) == {a, b, c, d}
            assert merges.persons(connection, [start]) == [Person(c, frozenset({a, b, c, d}))]
        assert merges.merge_set(connection, [a, e]) == set(five)
        assert merges.persons(connection, [a, e]) == [Person(e, frozenset({e})), Person(c, frozenset({a, b, c, d}))]


def test_a_circle_is_one_person_whose_root_the_latest_merge_names(engine: sa.Engine, five: list[int]) -> None:
    a, b, c, d, _ = five
    with engine.begin() as connection:
        for retired, survivor, version in [(a, b, "1"), (b, c, "3"), (c, a, "2"), (d, a, "1")]:
            merge(connection, retired, survivor, version)

        for start in (a, b, c, d):
            assert merges.persons(connection, [start]) == [Person(c, frozenset({a, b, c, d}), in_circle=True)]


def test_a_merge_can_be_undone_and_the_latest_word_holds(engine: sa.Engine, five: list[int]) -> None:
    a, b, c, *_ = five
    with engine.begin() as connection:
        touched = [
            merge(connection, a, survivor, version, undone)
            for survivor, version, undone in [(b, "2", False), (c, "1", False), (b, "3", True), (b, "2", False)]
        ]

        assert touched == [{a, b}, {a, c}, {a, b, c}, set()]
        assert merges.merge_set(connection, [a]) == {a, c}


def test_what_was_undone_and_holds_by_another_way_is_a_contradiction(engine: sa.Engine, five: list[int]) -> None:
    a, b, c, *_ = five
    with engine.begin() as connection:
        merge(connection, a, b)
        merge(connection, b, c)
        (before,) = merges.persons(connection, [a])
        merge(connection, a, c, "2", undone=True)
        (after,) = merges.persons(connection, [a])

        assert before == after
        assert [contradicted(connection, person) for person in merges.persons(connection, [a])] == [True]


def test_a_merge_that_was_undone_and_made_again_is_no_contradiction(engine: sa.Engine, five: list[int]) -> None:
    a, b, *_ = five
    with engine.begin() as connection:
        for version, undone in [("1", False), ("2", True), ("3", False)]:
            merge(connection, a, b, version, undone)

        (person,) = merges.persons(connection, [a])
        assert not contradicted(connection, person)


def test_merges_commute(engine: sa.Engine, five: list[int]) -> None:
    a, b, c, d, e = five
    said = [(a, b, "1", False), (a, c, "3", False), (b, c, "2", False), (d, e, "4", True), (d, e, "2", False)]
    seen = []
    for order in itertools.permutations(said):
        with engine.connect() as connection:
            for retired, survivor, version, undone in order:
                merge(connection, retired, survivor, version, undone)
            seen.append(merges.persons(connection, five))
            connection.rollback()

    assert seen == [seen[0]] * len(seen)


def test_an_identity_merged_with_itself_says_nothing(engine: sa.Engine, five: list[int]) -> None:
    with engine.begin() as connection:
        itself = merge(connection, five[0], five[0], "9")
        another = merge(connection, five[0], five[1], "1")

    assert (itself, another) == (set(), set(five[:2]))


def test_identities_that_were_split_are_still_locked_together(postgres_engine: sa.Engine) -> None:
    with postgres_engine.begin() as connection:
        a, b = a_patient(connection, "1"), a_patient(connection, "2")
        merge(connection, a, b)
        merge(connection, a, b, "2", undone=True)

    with postgres_engine.begin() as connection:
        assert lock_people(connection, [a]) == {a, b}
        assert merges.merge_set(connection, [a]) == {a}


def test_locking_a_patient_holds_everybody_it_was_merged_with(postgres_engine: sa.Engine) -> None:
    with postgres_engine.begin() as connection:
        a, b, c = (a_patient(connection, value) for value in "123")
        merge(connection, a, b)
        merge(connection, b, c)

    with postgres_engine.begin() as mine:
        held = lock_people(mine, [a])
        with pytest.raises(sa.exc.OperationalError, match="lock timeout"), postgres_engine.begin() as theirs:
            theirs.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")
            lock_people(theirs, [c])

    assert held == {a, b, c}


def test_workers_that_begin_at_two_ends_of_a_merge_wait_for_each_other(postgres_engine: sa.Engine) -> None:
    with postgres_engine.begin() as connection:
        a, b = a_patient(connection, "1"), a_patient(connection, "2")
        merge(connection, b, a)
    faults: list[BaseException] = []

    def work(start: int) -> None:
        try:
            for _ in range(20):
                with postgres_engine.begin() as connection:
                    lock_people(connection, [start])
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
            held.append(lock_people(connection, [a]))

    with postgres_engine.begin() as connection:
        lock_people(connection, [a, b])
        waiting = threading.Thread(target=wait_for_both)
        waiting.start()
        wait_until_somebody_waits_for_a_lock(postgres_engine)
        merge(connection, b, a)
    waiting.join()

    assert held == [{a, b}]


def wait_until_somebody_waits_for_a_lock(engine: sa.Engine) -> None:
    deadline = time.monotonic() + 60
    query = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    while time.monotonic() < deadline:
        with engine.connect() as connection:
            if connection.execute(query).scalar_one():
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits for a lock")


def test_who_was_merged_while_the_lock_was_waited_for_is_noticed_before_anything_is_recorded(
    postgres_engine: sa.Engine,
) -> None:
    with postgres_engine.begin() as connection:
        a, b = a_patient(connection, "1"), a_patient(connection, "2")
        name = patients.of_ids(connection, [a])[a].name
        message = a_message(connection)
    outcomes: list[object] = []

    def record_about_one() -> None:
        try:
            with postgres_engine.begin() as connection:
                locked = lock_named(connection, [name], [])
                write(connection, Recording([(message, a)], [], PatientChanges(locked.rows), []))
        except PeopleMoved as error:
            outcomes.append(type(error))
        with postgres_engine.begin() as connection:
            outcomes.append(set(lock_named(connection, [name], []).rows))

    with postgres_engine.begin() as connection:
        lock_people(connection, [a, b])
        waiting = threading.Thread(target=record_about_one)
        waiting.start()
        wait_until_somebody_waits_for_a_lock(postgres_engine)
        merge(connection, b, a)
    waiting.join()

    with postgres_engine.begin() as connection:
        assert message_queries.messages_about(connection, [a]) == []
    assert outcomes == [PeopleMoved, {a, b}]


def test_a_patient_whom_another_creates_meanwhile_is_not_recorded_without_a_lock(postgres_engine: sa.Engine) -> None:
    faults: list[object] = []

    def create_too() -> None:
        try:
            with postgres_engine.begin() as connection:
                lock_named(connection, [("UZ", "new")], [])
        except PeopleMoved as error:
            faults.append(type(error))

    with postgres_engine.begin() as connection:
        first = lock_named(connection, [("UZ", "new")], []).ids
        waiting = threading.Thread(target=create_too)
        waiting.start()
        wait_until_somebody_waits_for_a_lock(postgres_engine)
    waiting.join()

    with postgres_engine.begin() as connection:
        assert lock_named(connection, [("UZ", "new")], []).ids == first
    assert faults == [PeopleMoved]
