"""Patients that a message names by their citizen number alone."""

import threading

import pytest
import sqlalchemy as sa

from store import citizen_numbers, merges, patients, tables
from store.locks import lock_numbers, lock_people
from store.merges import Statement
from tests.store.builders import a_message, a_patient
from tests.store.test_merges import wait_until_somebody_waits_for_a_lock

BSN = ("NLMINBIZA", "999990019")


def carries(connection: sa.Connection, patient: int) -> None:
    patients.link_identifiers(connection, [(*BSN, "NNNLD", patient)])


@pytest.fixture
def number(engine: sa.Engine) -> int:
    """A citizen number that came alone."""
    with engine.begin() as connection:
        made = a_patient(connection, BSN[1], BSN[0])
        carries(connection, made)
        return made


def test_a_number_leads_to_the_one_who_carries_it(engine: sa.Engine, number: int) -> None:
    with engine.begin() as connection:
        jansen = a_patient(connection)
        carries(connection, jansen)

        touched = citizen_numbers.join(connection, [jansen])

        assert touched == {number, jansen}
        assert merges.merge_set(connection, [jansen]) == {number, jansen}
        assert not citizen_numbers.is_shared(connection, {number, jansen})


def test_a_number_of_two_people_leads_to_neither_and_is_shown(engine: sa.Engine, number: int) -> None:
    with engine.begin() as connection:
        jansen, pietersen = a_patient(connection, "1"), a_patient(connection, "2")
        carries(connection, jansen)
        citizen_numbers.join(connection, [jansen])
        carries(connection, pietersen)

        touched = citizen_numbers.join(connection, [pietersen])

        assert touched == {number, jansen, pietersen}
        assert merges.merge_set(connection, [number]) == {number}
        assert all(citizen_numbers.is_shared(connection, [each]) for each in (jansen, pietersen, number))


def test_two_who_carry_it_and_were_merged_are_one_again(engine: sa.Engine, number: int) -> None:
    with engine.begin() as connection:
        jansen, double = a_patient(connection, "1"), a_patient(connection, "2")
        for each in (jansen, double):
            carries(connection, each)
            citizen_numbers.join(connection, [each])

        people = merges.record(connection, [Statement(double, jansen, "1", a_message(connection), "MRG[1]-1")])
        citizen_numbers.join(connection, people)

        assert merges.merge_set(connection, [jansen]) == {jansen, double, number}


def test_a_patient_merged_into_the_number_does_not_carry_it(engine: sa.Engine, number: int) -> None:
    with engine.begin() as connection:
        jansen = a_patient(connection)
        carries(connection, jansen)
        merges.record(connection, [Statement(jansen, number, "1", a_message(connection), "MRG[1]-1")])

        citizen_numbers.join(connection, [jansen])

        (person,) = merges.persons(connection, [number])
        assert (person.root, person.in_circle) == (number, False)


def test_who_makes_an_identity_of_a_number_waits_for_who_links_it(postgres_engine: sa.Engine) -> None:
    found: list[set[int]] = []

    def number_alone() -> None:
        with postgres_engine.begin() as connection:
            made = patients.identities(connection, [BSN])[BSN]
            lock_numbers(connection, [BSN], [])
            found.append(lock_people(connection, [made]) - {made})

    with postgres_engine.begin() as connection:
        jansen = a_patient(connection)
        lock_numbers(connection, [("UZ", "1")], [BSN])
        alone = threading.Thread(target=number_alone)
        alone.start()
        wait_until_somebody_waits_for_a_lock(postgres_engine)
        carries(connection, jansen)
    alone.join()

    assert found == [{jansen}]


def test_who_links_a_number_that_is_an_identity_waits_for_another_who_does(postgres_engine: sa.Engine) -> None:
    with postgres_engine.begin() as connection:
        number = a_patient(connection, BSN[1], BSN[0])

    def link(connection: sa.Connection, value: str) -> None:
        patient = a_patient(connection, value)
        lock_people(connection, {patient} | lock_numbers(connection, [("UZ", value)], [BSN]))
        carries(connection, patient)
        citizen_numbers.join(connection, [patient])

    def link_another() -> None:
        with postgres_engine.begin() as connection:
            link(connection, "2")

    with postgres_engine.begin() as connection:
        link(connection, "1")
        another = threading.Thread(target=link_another)
        another.start()
        wait_until_somebody_waits_for_a_lock(postgres_engine)
    another.join()

    with postgres_engine.begin() as connection:
        assert merges.merge_set(connection, [number]) == {number}


def test_those_who_only_carry_a_number_do_not_wait_for_each_other(postgres_engine: sa.Engine) -> None:
    with postgres_engine.begin() as one, postgres_engine.begin() as other:
        other.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")
        lock_numbers(one, [], [BSN])

        lock_numbers(other, [], [BSN])
        with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
            lock_numbers(other, [BSN], [])


def test_a_number_of_another_kind_is_not_looked_at(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        jansen, other = a_patient(connection, "1"), a_patient(connection, "7", "ELDERS")
        patients.link_identifiers(connection, [("ELDERS", "7", "PI", jansen)])

        touched = citizen_numbers.join(connection, [jansen, other])
        pointers = connection.execute(sa.select(tables.patient.c.merged_into)).scalars().all()

    assert (touched, pointers) == (set(), [None, None])
