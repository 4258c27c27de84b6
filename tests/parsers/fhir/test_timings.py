"""Timing: how often, how many times, from when."""

from decimal import Decimal
from typing import Any

import pytest

from clinical.events import MedicationOrdered, Timing
from tests.parsers.fhir.builders import a_dosage, an_order, one_of, quantity


def timing_of(repeat: dict[str, Any] | None = None, code: str = "", **elements: Any) -> Timing:
    (found,) = one_of(MedicationOrdered, an_order(a_dosage(quantity(40, "g"), repeat, code, **elements))).timings
    return found


def every_hours(timing: Timing) -> Decimal | None:
    return None if timing.period_hours is None else timing.period_hours / timing.per_period


@pytest.mark.parametrize(
    ("repeat", "hours"),
    [
        ({"frequency": 1, "period": 1, "periodUnit": "d"}, 24),
        ({"frequency": 3, "period": 1, "periodUnit": "d"}, 8),
        ({"frequency": 5, "period": 1, "periodUnit": "d"}, "4.8"),
        ({"frequency": 1, "frequencyMax": 2, "period": 1, "periodUnit": "d"}, 12),
        ({"frequency": 1, "period": 4, "periodUnit": "wk"}, 672),
        ({"frequency": 2, "period": 1, "periodUnit": "wk"}, 84),
        ({"frequency": 2, "period": 4, "periodUnit": "wk"}, 336),
        ({"period": 1, "periodUnit": "mo"}, 720),
        ({"period": 1, "periodUnit": "a"}, 8640),
        ({"period": 6, "periodUnit": "h"}, 6),
        ({"frequency": 1, "period": 1, "periodUnit": "d", "timeOfDay": ["08:00:00", "20:00:00"]}, 12),
        ({"timeOfDay": ["08:00:00", "20:00:00"]}, 12),
        ({"frequency": 1, "period": 1, "periodUnit": "d", "when": ["MORN", "EVE"]}, 12),
        ({"dayOfWeek": ["mon"]}, 168),
        ({"dayOfWeek": ["fri", "mon", "wed"], "frequency": 1, "period": 1, "periodUnit": "d"}, 56),
        ({"dayOfWeek": ["mon"], "frequency": 1, "period": 4, "periodUnit": "wk"}, 672),
    ],
)
def test_how_often_is_what_frequency_and_period_make(repeat: dict[str, Any], hours: Any) -> None:
    found = timing_of(repeat)

    assert every_hours(found) == Decimal(hours)
    assert "period_conflict" not in found.flags


@pytest.mark.parametrize(("code", "hours"), [("QD", 24), ("BID", 12), ("TID", 8), ("QID", 6), ("Q4H", 4), ("QOD", 48)])
def test_a_code_alone_says_how_often(code: str, hours: int) -> None:
    assert every_hours(timing_of(code=code)) == hours


def test_a_code_and_numbers_that_say_the_same_are_no_conflict() -> None:
    found = timing_of({"frequency": 3, "period": 1, "periodUnit": "d"}, "TID")

    assert (found.pattern, every_hours(found), found.flags) == ("TID", Decimal(8), ("open_ended",))


def test_a_code_and_numbers_that_differ_are_told_and_the_numbers_count() -> None:
    found = timing_of({"frequency": 1, "period": 4, "periodUnit": "wk"}, "QD")

    assert every_hours(found) == 672
    assert "period_conflict" in found.flags


def test_weekdays_are_those_of_the_week() -> None:
    assert timing_of({"dayOfWeek": ["sun", "mon"], "period": 1, "periodUnit": "wk"}).pattern == "Q1J17"


@pytest.mark.parametrize(
    "bounds",
    [
        {"boundsPeriod": {"start": "2026-01-01", "end": "2026-01-05"}},
        {"boundsDuration": quantity(5, "d")},
        {"boundsRange": {"low": quantity(3, "d"), "high": quantity(5, "d")}},
        {"count": 5},
        {"count": 3, "countMax": 5},
    ],
)
def test_how_many_times_follows_from_its_bounds_or_its_count(bounds: dict[str, Any]) -> None:
    assert timing_of({"frequency": 1, "period": 1, "periodUnit": "d"} | bounds).occurrences == (5, 5)


def test_how_long_one_infusion_lasts_is_its_duration() -> None:
    repeat = {"period": 4, "periodUnit": "wk", "duration": 240, "durationUnit": "min"}

    assert timing_of(repeat).occurrence_hours == 4


def test_moments_are_counted_and_their_distance_is_the_period() -> None:
    told = {"event": ["2026-01-29", "2026-01-01", "2026-02-26"]}

    found = timing_of(timing=told)

    assert (found.occurrences, found.period_hours) == ((3, 3), Decimal(672))
    assert found.starts is not None
    assert found.starts.at.isoformat()[:10] == "2025-12-31"


@pytest.mark.parametrize("needed", [{"asNeededBoolean": True}, {"asNeededCodeableConcept": {"text": "bij pijn"}}])
def test_as_needed_is_told(needed: dict[str, Any]) -> None:
    assert "prn" in timing_of({"frequency": 2, "period": 1, "periodUnit": "d"}, **needed).flags


@pytest.mark.parametrize(
    ("text", "hours", "times"),
    [("40 gram 1x per 4 weken", 672, None), ("0,4 g/kg/dag gedurende 5 dagen", 24, (5, 5)), ("om de dag", 48, None)],
)
def test_a_schedule_in_dutch_words_is_read(text: str, hours: int, times: tuple[int, int] | None) -> None:
    (found,) = one_of(MedicationOrdered, an_order({"text": text})).timings

    assert (every_hours(found), found.occurrences) == (Decimal(hours), times)
    assert "pattern_from_text" in found.flags


def test_dosages_are_followed_in_their_sequence_and_keep_their_places() -> None:
    later = a_dosage(quantity(20, "g"), {"period": 1, "periodUnit": "d"}, sequence=2)
    first = a_dosage(quantity(40, "g"), {"period": 2, "periodUnit": "d"}, sequence=1)

    found = one_of(MedicationOrdered, an_order(later, first))

    assert [each.path for each in found.timings] == [f"MedicationRequest.dosageInstruction[{n}].timing" for n in (1, 0)]
    assert found.amount is not None
    assert (found.amount.low, found.amount.basis[:38]) == (Decimal(40), "MedicationRequest.dosageInstruction[1]")
