"""The terms by which patients are found."""

import random
from datetime import date

import pytest
import sqlalchemy as sa

from store import migrate, patient_terms, rebuilding
from tests.store.builders import a_patient
from tests.store.recorded import update_demographics


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("Müller-van den Berg", ["muller", "van", "den", "berg"]),
        ("'t Hoën", ["t", "hoen"]),
        ("ÇELİK", ["celik"]),
        ("Sørensen-Weiß", ["sorensen", "weiss"]),
        ("Łukasz O’Neill", ["lukasz", "o", "neill"]),
        ("Đặng", ["dang"]),
        ("Иванов", ["иванов"]),
        (" .,- ", []),
    ],
)
def test_a_name_is_compared_without_case_and_accents(written: str, words: list[str]) -> None:
    assert patient_terms.words_of(written) == words


def named(connection: sa.Connection, family: str, given: str = "Anna", born: str = "1950-03-12") -> int:
    patient = a_patient(connection, value=f"{family}{given}{born}")
    update_demographics(connection, [(patient, "1", {"family": family, "given": given, "birth_date": born})])
    return patient


def found(connection: sa.Connection, name: str = "", born: date | None = None, limit: int = 10) -> list[int]:
    return patient_terms.find(connection, name, born, limit)


def test_a_patient_is_found_by_the_beginning_of_any_word_and_by_all_that_are_asked(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        berg = named(connection, "van den Bérg")
        bergsma = named(connection, "Bergsma", "Jan", "1960-01-01")
        vries = named(connection, "de Vries-Bergen", "Piet", "1960-01-01")

        assert found(connection, "berg") == [berg, bergsma, vries]
        assert found(connection, "van den berg") == [berg, bergsma, vries]  # particles decide nothing
        assert found(connection, "de vries") == [vries]
        assert found(connection, "BERG a") == [berg]
        assert found(connection, "berg", date(1960, 1, 1)) == [bergsma, vries]
        assert found(connection, "", date(1950, 3, 12)) == [berg]
        assert found(connection, "van") == [berg]  # nothing else was asked
        assert found(connection, "erg") == found(connection, "berg x") == found(connection) == []
        assert found(connection, "berg", limit=2) == [berg, bergsma]


def test_a_name_that_changes_is_found_by_the_new_one_alone(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        patient = named(connection, "Jansen")

        update_demographics(connection, [(patient, "2", {"family": "Öz"})])

        assert found(connection, "oz", date(1950, 3, 12)) == [patient]
        assert found(connection, "jansen") == []


def test_a_word_longer_than_an_index_holds_is_stored_and_found(engine: sa.Engine) -> None:
    word = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyzабвгд", k=6000))  # no database can compress it

    with engine.begin() as connection:
        patient = a_patient(connection, value="1")
        update_demographics(connection, [(patient, "1", {"family": "Jansen", "given": word})])

        assert found(connection, word) == found(connection, word[:50]) == [patient]


def test_what_is_forgotten_is_not_found(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        patient = named(connection, "Jansen")

        rebuilding.forget(connection, [patient])

        assert found(connection, "jansen") == []


def test_the_migration_fills_the_terms_of_the_patients_that_there_are(empty_engine: sa.Engine) -> None:
    migrate.upgrade(empty_engine, "0013")
    patient = "INSERT INTO patient (authority, value, demographics, demographics_versions, has_ivig, flags) VALUES "
    with empty_engine.begin() as connection:
        connection.execute(sa.text(patient + """('Z', '1', '{"family": "Jansén"}', '{}', false, '[]')"""))

    migrate.upgrade(empty_engine)

    with empty_engine.connect() as connection:
        assert len(found(connection, "jansen")) == 1
