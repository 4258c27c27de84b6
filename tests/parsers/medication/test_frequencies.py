"""How often."""

from decimal import Decimal

import pytest

from parsers.medication.frequencies import duration_in, read_duration, read_pattern


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
