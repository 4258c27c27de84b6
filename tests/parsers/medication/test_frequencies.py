"""How often."""

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from parsers.medication.frequencies import duration_in, pattern_in, read_duration, read_pattern
from parsers.medication.languages import in_english


@pytest.mark.parametrize(
    ("text", "hours", "per_period"),
    [
        ("QD", 24, 1),
        ("Q24H", 24, 1),
        ("Q1D", 24, 1),
        ("1dd1", 24, 1),
        ("1 dd 1", 24, 1),
        ("BID", 24, 2),
        ("Q12H", 12, 1),
        ("2dd", 24, 2),
        ("TID", 24, 3),
        ("QID", 24, 4),
        ("5ID", 24, 5),
        ("Q6H", 6, 1),
        ("QAM", 24, 1),
        ("QHS", 24, 1),
        ("QPM", 24, 1),
        ("QOD", 48, 1),
        ("Q2D", 48, 1),
        ("Q28D", 672, 1),
        ("Q4W", 672, 1),
        ("QW", 168, 1),
        ("Q1L", 720, 1),
        ("QJ1", 168, 1),
        ("Q2J135", 336, 3),
        ("C", 24, 1),
        ("PRN", 24, 1),
        ("PRNQ6H", 6, 1),
        ("PRN BID", 24, 2),
        ("1x per 4 weken", 672, 1),
        ("eenmaal per vier weken", 672, 1),
        ("1 x/4wk", 672, 1),
        ("om de dag", 48, 1),
        ("om de drie weken", 504, 1),
        ("iedere 3 weken", 504, 1),
        ("2x daags", 24, 2),
        ("dagelijks", 24, 1),
        ("maandelijks", 720, 1),
        ("1D1T", 24, 1),
        ("twice daily", 24, 2),
        ("every 4 weeks", 672, 1),
        ("po bid x 5d", 24, 2),
        ("0,4 g/kg/dag", 24, 1),
    ],
)
def test_a_pattern_says_how_many_hours_apart(text: str, hours: int, per_period: int) -> None:
    pattern = read_pattern(text)

    assert (pattern.hours, pattern.per_period) == (Decimal(hours), per_period)


@pytest.mark.parametrize("text", ["Once", "STAT", "eenmalig", "1x", "single dose", "X001"])
def test_once_is_once(text: str) -> None:
    assert read_pattern(text).once


@pytest.mark.parametrize("text", ["U foo", "V", "ACM", "KUUR7", "", "Q0D", "Start 0,5 mL/kg/uur"])
def test_an_unknown_pattern_says_so(text: str) -> None:
    pattern = read_pattern(text)

    assert not pattern.is_known
    assert pattern.flags == ("unknown_pattern",)


def test_q1m_is_a_minute_and_says_so() -> None:
    assert read_pattern("Q1M").flags == ("minutes_period",)
    assert read_pattern("PRN").flags == ("prn",)
    assert read_pattern("C").flags == ("continuous",)


@pytest.mark.parametrize(
    ("text", "hours", "occurrences"),
    [
        ("D5", 120, None),
        ("W24", 4032, None),
        ("L2", 1440, None),
        ("H8", 8, None),
        ("M30", Decimal("0.5"), None),
        ("X6", None, 6),
        ("X001", None, 1),
        ("INDEF", None, None),
        ("5 dagen", 120, None),
        ("5D", 120, None),
        ("vijf dagen", 120, None),
        ("10x", None, 10),
    ],
)
def test_a_duration_is_hours_or_a_number_of_times(text: str, hours: Decimal | None, occurrences: int | None) -> None:
    duration = read_duration(text)

    assert (duration.hours, duration.occurrences) == (hours, occurrences)


def test_an_amount_to_stop_at_and_an_unread_duration_are_told_apart() -> None:
    assert read_duration("T100").until == 100
    assert read_duration("kort").flags == ("duration_unread",)
    assert read_duration("5").flags == ("duration_unread",)


@pytest.mark.parametrize(
    ("text", "hours"),
    [("gedurende 5 dagen", 120), ("po bid x 5d", 120), ("per 4 weken", None), ("verdeeld over 5 dagen", None)],
)
def test_a_duration_in_words_is_not_an_interval_or_a_division(text: str, hours: int | None) -> None:
    assert duration_in(text).hours == hours


@pytest.mark.parametrize(
    ("text", "hours", "per_period"),
    [
        ("alle vier Wochen", 672, 1),
        ("каждые 4 недели", 672, 1),
        ("1 раз в 4 недели", 672, 1),
        ("кожні 4 тижні", 672, 1),
        ("minden 4. héten", 672, 1),
        ("4 hetente", 672, 1),
        ("la fiecare 4 săptămâni", 672, 1),
        ("κάθε 4 εβδομάδες", 672, 1),
        ("kas 4 savaitės", 672, 1),
        ("co 3 tyg.", 504, 1),
        ("1 fois par 4 semaines", 672, 1),
        ("4週毎", 672, 1),
        ("4週間ごとに1回", 672, 1),
        ("4주마다", 672, 1),
        ("每4周一次", 672, 1),
        ("隔週", 336, 1),
        ("격일", 48, 1),
        ("1 раз в месяц", 720, 1),
        ("1x maand", 720, 1),
        ("毎週", 168, 1),
        ("ежедневно", 24, 1),
        ("naponta", 24, 1),
        ("zilnic", 24, 1),
        ("毎日", 24, 1),
        ("매일", 24, 1),
        ("每日一次", 24, 1),
        ("1日2回", 24, 2),
        ("2 volte al giorno", 24, 2),
        ("al giorno per 5 giorni", 24, 1),
        ("1x/j pdt 5 j", 24, 1),
        ("every 4 weeks, day 1-5", 24, 1),  # the days of the course count
        ("1 keer dag 1, elke 4 weken", 672, 1),
        ("1x day 1 every 21 days", 504, 1),
        ("1x dag 1 per 28 dagen", 672, 1),
        ("1 x week 1, daarna elke 4 weken", 672, 1),
        ("1x dag, elke 4 weken", 672, 1),
        ("1x dag 5 dagen, elke 4 weken", 24, 1),
        ("1x dag 20 g", 24, 1),
        ("1x dag 1 infuus", 24, 1),
        ("1x dag 08:00", 24, 1),
        ("2x dag 0,4 g/kg/dag", 24, 2),
        ("2 dagen achtereen elke 4 weken", 24, 1),
    ],
)
def test_how_often_is_read_in_more_languages(text: str, hours: int, per_period: int) -> None:
    pattern = pattern_in(text)

    assert pattern.hours == hours
    assert pattern.per_period == per_period


@pytest.mark.parametrize("text", ["1x dag 1, 8, 15", "1x dag 1,8,15", "1x dag 1"])
def test_a_day_of_the_course_is_not_each_day(text: str) -> None:
    assert not pattern_in(text).is_known


@pytest.mark.parametrize("text", ["elke 4 weken gedurende 2 jr", "elke 4 weken, pt 65 jr", "pt 65 j, elke 4 weken"])
def test_dutch_years_are_no_french_days(text: str) -> None:
    assert duration_in(text).hours is None
    assert "days" not in in_english(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("dag 1 t/m 5", 5),
        ("Tag 1-5", 5),
        ("J1 à J5", 5),
        ("D1-D5", 5),
        ("5 consecutive days", 5),
        ("5 Tage hintereinander", 5),
        ("5 jours de suite", 5),
        ("ежедневно 5 дней", 5),
        ("napi 1x 5 napig", 5),
        ("5日間", 5),
        ("5일간", 5),
        ("连续5天", 5),
        ("1x/j pdt 5 j", 5),
        ("toutes les 4 semaines pendant 2 jrs", 2),
        ("2 dagen achtereen elke 4 weken", 2),
    ],
)
def test_days_on_end_are_a_duration(text: str, days: int) -> None:
    assert duration_in(text).hours == days * 24


@pytest.mark.parametrize("text", ["0,4 g/kg/dag 2-5 dagen", "vitamine D 1-2%", "2 g/kg over 5 achtereenvolgende dagen"])
def test_other_numbers_after_a_day_are_no_days_on_end(text: str) -> None:
    assert "on-end" not in in_english(text)


def test_frequencies_as_hospitals_write_them_are_read() -> None:
    rows = list(csv.DictReader((Path(__file__).parent / "frequencies_in_words.csv").open(encoding="utf-8")))
    found = {each["words"]: read_pattern(each["words"]) for each in rows}

    assert {words: (pattern.hours, pattern.per_period) for words, pattern in found.items()} == {
        each["words"]: (Decimal(each["hours"]), int(each["per_period"])) for each in rows
    }
