"""Times and numbers as a reader writes them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from inbox.http.notation import Notation
from inbox.http.words import load_words

AT = datetime(2026, 6, 30, 22, 30, 9, tzinfo=UTC)


@pytest.fixture
def dutch() -> Notation:
    return Notation(load_words(("nl",))["nl"], ZoneInfo("Europe/Amsterdam"))


@pytest.fixture
def english() -> Notation:
    return Notation(load_words(("en",))["en"], ZoneInfo("Europe/Amsterdam"))


def test_a_time_is_written_in_the_zone_of_the_hospital(dutch: Notation) -> None:
    assert dutch.moment(AT) == "1 jul 2026 00:30"
    assert dutch.seconds(AT.isoformat()) == "1 jul 2026 00:30:09"


@pytest.mark.parametrize(
    ("precision", "written"),
    [("year", "2026"), ("month", "Jul 2026"), ("day", "1 Jul 2026"), ("second", "1 Jul 2026 00:30")],
)
def test_a_time_is_written_no_more_precisely_than_it_is_known(english: Notation, precision: str, written: str) -> None:
    assert english.known(AT, precision) == written


def test_a_quantity_is_one_number_when_it_is_exact_and_two_when_not(dutch: Notation, english: Notation) -> None:
    assert dutch.range([0.4, 0.4], "g/kg") == "0,4 g/kg"
    assert english.range([30.0, 35.5], "g") == "30–35.5 g"
    assert english.range([11.4333, 11.4333], "g/h") == "11.43 g/h"
    assert english.range(None, "g") == ""


def test_an_age_turns_over_on_the_birthday_in_the_zone_of_the_hospital(dutch: Notation) -> None:
    assert dutch.age("1948-07-01", AT) == 78
    assert dutch.age("1948-07-02", AT) == 77
    assert dutch.age("onbekend", AT) is None


def test_a_birth_date_that_is_no_date_is_shown_as_it_came(dutch: Notation) -> None:
    assert dutch.day("1948") == "1948"


@pytest.mark.parametrize(
    ("precision", "hours", "written"),
    [
        ("minute", 4, "4 uur na de laatste dosis"),
        ("minute", 47, "47 uur na de laatste dosis"),
        ("minute", 173, "7 dagen na de laatste dosis"),
        ("day", 0, "op de dag van de laatste dosis"),
        ("day", 14, "1 dag na de laatste dosis"),
        ("", 240, "10 dagen na de laatste dosis"),
    ],
)
def test_how_long_after_a_dose_is_written_as_a_person_would(
    dutch: Notation, precision: str, hours: int, written: str
) -> None:
    assert dutch.after_dose("2026-07-01T00:00:00+02:00", precision, hours) == written


def test_a_number_below_nought_has_a_minus_and_not_a_hyphen(dutch: Notation) -> None:
    assert dutch.number(-1) == "−1"
    assert dutch.number("PRK-12.5") == "PRK-12,5"


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ("PRIVIGEN INFVLST 100MG/ML", "Privigen"),
        ("HUMAN IMMUNOGLOBULIN 10%", "Human immunoglobulin"),
        ("Nanogam infvlst 100 mg/ml", "Nanogam infvlst 100 mg/ml"),
        ("", ""),
    ],
)
def test_a_product_is_written_as_people_call_it(english: Notation, sent: str, written: str) -> None:
    assert english.product(sent) == written
