"""Identities, numbers, flags and the lock on a patient."""

import threading

import pytest
import sqlalchemy as sa

from store import patients, tables
from store.patients import Number
from tests.store.builders import a_patient
from tests.store.recorded import add_flag, mark_has_ivig, update_demographics


def test_an_identity_is_made_once_and_found_again(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        made = patients.identities(connection, [("UZ", "2"), ("UZ", "1"), ("UZ", "2")])

        found = patients.identities(connection, [("UZ", "1"), ("AZ", "1")])

    assert set(made) == {("UZ", "1"), ("UZ", "2")}
    assert found["UZ", "1"] == made["UZ", "1"]
    assert found["AZ", "1"] not in made.values()


def test_no_names_give_no_identities(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        assert patients.identities(connection, []) == {}


def test_two_workers_that_meet_the_same_new_patients_agree(engine: sa.Engine) -> None:
    names = [("UZ", str(number)) for number in range(40)]
    found: list[dict[tuple[str, str], int]] = []
    together = threading.Barrier(4)

    def work(shift: int) -> None:
        together.wait()
        with engine.begin() as connection:
            found.append(patients.identities(connection, names[shift:] + names[:shift]))

    threads = [threading.Thread(target=work, args=(shift,)) for shift in (0, 10, 20, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [found[0]] * 4


def test_numbers_are_linked_once_and_the_greater_type_stays(engine: sa.Engine) -> None:
    links = [("UZ", "7", "MR"), ("UZ", "7", "PI"), ("BSN", "9", "")]
    with engine.begin() as connection:
        patient = a_patient(connection)

        for authority, value, kind in [*links, *reversed(links)]:
            patients.link_identifiers(connection, [(authority, value, kind, patient)])

        numbers = patients.numbers_of(connection, [patient])
    assert numbers == [Number(patient, "BSN", "9"), Number(patient, "UZ", "7", "PI")]


def test_ivig_is_news_once(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        one, other = a_patient(connection, "1"), a_patient(connection, "2")

        first = mark_has_ivig(connection, {one})
        second = mark_has_ivig(connection, {one, other})
        third = a_patient(connection, "3")

        assert patients.with_ivig(connection, [one, other, third]) == {one, other}
    assert (first, second) == ({one}, {other})


def test_a_flag_is_news_once_and_stays(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        one, other = a_patient(connection, "1"), a_patient(connection, "2")

        news = [add_flag(connection, ids, flag) for ids, flag in [({one}, "b"), ({one, other}, "b"), ({one}, "a")]]

        assert patients.of_ids(connection, [one])[one].flags == ["a", "b"]
        assert add_flag(connection, [], "c") == set()
    assert news == [{one}, {other}, {one}]


def test_each_field_keeps_what_the_latest_message_said_of_it(engine: sa.Engine) -> None:
    told = [
        ("2", {"family": "Peeters", "ward": "B2"}),
        ("1", {"family": "Janssens", "sex": "F"}),
        ("3", {"ward": "C3"}),
    ]
    with engine.begin() as connection:
        forward, backward, at_once = (a_patient(connection, value) for value in ("1", "2", "3"))

        for version, fields in told:
            update_demographics(connection, [(forward, version, fields)])
        for version, fields in reversed(told):
            update_demographics(connection, [(backward, version, fields)])
        update_demographics(connection, [(at_once, version, fields) for version, fields in told])

        rows = patients.of_ids(connection, [forward, backward, at_once]).values()
    assert [row.demographics for row in rows] == [{"family": "Peeters", "ward": "C3", "sex": "F"}] * 3


def test_demographics_are_news_only_when_a_value_changes(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        patient = a_patient(connection)

        news = [
            update_demographics(connection, [(patient, version, {"sex": sex})])
            for version, sex in [("1", "F"), ("2", "F"), ("1", "M"), ("3", "M")]
        ]

    assert news == [{patient}, set(), set(), {patient}]


def test_what_one_of_two_merged_says_again_is_news(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        one, other = a_patient(connection, "1"), a_patient(connection, "2")
        connection.execute(sa.update(tables.patient).where(tables.patient.c.id == one).values(merged_into=other))

        news = [
            update_demographics(connection, [(who, version, {"sex": "F"})])
            for who, version in [(one, "1"), (other, "2"), (one, "3"), (other, "4")]
        ]

    assert news == [{one}, {other}, {one}, {other}]


def test_a_locked_patient_is_waited_for(postgres_engine: sa.Engine) -> None:
    with postgres_engine.begin() as connection:
        patient = a_patient(connection)

    with postgres_engine.begin() as mine:
        patients.lock(mine, [patient])
        with pytest.raises(sa.exc.OperationalError, match="lock timeout"), postgres_engine.begin() as theirs:
            theirs.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")
            patients.lock(theirs, [patient])


def test_rows_that_refer_to_a_locked_patient_can_still_be_written(postgres_engine: sa.Engine) -> None:
    with postgres_engine.begin() as connection:
        patient = a_patient(connection)

    with postgres_engine.begin() as mine, postgres_engine.begin() as theirs:
        patients.lock(mine, [patient])
        theirs.exec_driver_sql("SET LOCAL lock_timeout = '1s'")
        patients.link_identifiers(theirs, [("BSN", "9", "", patient)])

        assert len(patients.numbers_of(theirs, [patient])) == 1


def test_a_patient_is_found_by_any_of_her_numbers(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        one, other = a_patient(connection, "7"), a_patient(connection, "7", authority="AZ")
        patients.link_identifiers(connection, [("BSN", "9", "NNNLD", one), ("AZ", "9", "MR", other)])

        found = [patients.named(connection, *number) for number in [("7",), ("7", "AZ"), ("9", "BSN"), ("9",), ("8",)]]

    assert found == [{one, other}, {other}, {one}, {one, other}, set()]
