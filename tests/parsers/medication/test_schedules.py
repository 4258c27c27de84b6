"""How many times: the ways to say it, held against each other."""

import csv
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from clinical.times import Moment
from clinical.timings import Timing
from parsers.hl7.times import moment
from parsers.medication.frequencies import read_duration
from parsers.medication.schedules import Sent, per_day, read_repeats, read_tq1, timing, timing_in_text
from tests.parsers.builders import a_segment

ZONE = ZoneInfo("Europe/Amsterdam")


def at(text: str) -> Moment:
    found = moment(text, ZONE)
    assert found is not None
    return found


FIVE_DAYS = read_duration("D5")


@pytest.mark.parametrize(
    ("sent", "occurrences", "flags"),
    [
        (Sent(pattern="QD", duration=FIVE_DAYS), (5, 5), ()),
        (Sent(pattern="QD", total=5, duration=FIVE_DAYS), (5, 5), ()),
        (Sent(pattern="QD", total=6, duration=FIVE_DAYS), (6, 6), ()),  # within one they agree
        (Sent(pattern="QD", total=7, duration=FIVE_DAYS), (5, 7), ("schedule_conflict",)),
        (Sent(pattern="BID", duration=FIVE_DAYS), (10, 10), ()),
        (Sent(pattern="Q4W", duration=read_duration("W24"), total=6), (6, 6), ()),
        (Sent(pattern="QD", starts=at("20250310120000"), ends=at("20250314120000")), (5, 5), ()),
        (Sent(pattern="QD", starts=at("20250310"), ends=at("20250314")), (5, 5), ()),
        (Sent(pattern="QD", starts=at("202503281200"), ends=at("202504011200")), (5, 5), ()),  # over summer time
        (Sent(pattern="QD"), None, ("open_ended",)),
        (Sent(pattern="QOD"), None, ("open_ended",)),
        (Sent(pattern="Q4W"), None, ()),
        (Sent(pattern="QD", duration=read_duration("X3")), (3, 3), ()),
        (Sent(pattern="Once"), (1, 1), ()),
        (Sent(pattern="Once", total=6), (1, 6), ("schedule_conflict",)),
        (Sent(), (1, 1), ()),
        (Sent(duration=FIVE_DAYS), (1, 5), ("pattern_assumed",)),
        (Sent(total=4), (1, 4), ("pattern_assumed",)),
        (Sent(pattern="KUUR7"), None, ("unknown_pattern", "open_ended")),
        (Sent(pattern="QD", text="gedurende 5 dagen"), (5, 5), ()),
        (Sent(pattern="po bid x 5d"), (10, 10), ()),
    ],
)
def test_the_ways_to_count_are_held_against_each_other(
    sent: Sent, occurrences: tuple[int, int] | None, flags: tuple[str, ...]
) -> None:
    read = timing(sent)

    assert (read.occurrences, read.flags) == (occurrences, flags)


def test_a_repeat_period_overrides_an_unequal_code() -> None:
    duration, repeats_as = read_repeats("4", "wk")

    read = timing(Sent(pattern="QW", repeats=duration, repeats_as=repeats_as))

    assert (read.period_hours, read.flags) == (Decimal(672), ("period_conflict",))


def test_a_frequency_in_the_priority_slot_is_found() -> None:
    read = timing(Sent(priority="BID", duration=FIVE_DAYS))

    assert (read.per_period, read.occurrences, read.flags) == (2, (10, 10), ("pattern_in_priority",))


@pytest.mark.parametrize("priority", ["S", "R", "STAT", "ROU", "A"])
def test_a_priority_is_no_frequency(priority: str) -> None:
    assert timing(Sent(priority=priority)).occurrences == (1, 1)


def test_two_clock_times_are_twice_a_day() -> None:
    read = timing(Sent(pattern="QD", clock_times=("0600", "1800"), duration=FIVE_DAYS))

    assert (read.per_period, read.occurrences) == (2, (10, 10))
    assert per_day([read]) == 2


def test_a_schedule_only_in_words_is_read() -> None:
    daily = timing_in_text("0,4 g/kg/dag, gedurende 5 dagen", None, "")
    divided = timing_in_text("2 g/kg verdeeld over 5 dagen", None, "")

    assert daily is not None
    assert divided is not None
    assert (daily.occurrences, divided.occurrences) == ((5, 5), (1, 5))
    assert timing_in_text("voorafgaand 500 mL NaCl", None, "") is None


def test_schedules_as_hospitals_write_them_are_read() -> None:
    rows = list(csv.DictReader((Path(__file__).parent / "schedules_in_words.csv").open(encoding="utf-8")))
    found = {each["words"]: timing_in_text(each["words"], None, "RXE-7") for each in rows}

    assert [_written(each["words"], found[each["words"]]) for each in rows] == rows


def _written(words: str, timing: Timing | None) -> dict[str, str]:
    known: list[Decimal | int | None] = [None, None, None]
    if timing is not None:
        known = [timing.period_hours, timing.per_period, timing.occurrences[1] if timing.occurrences else None]
    hours, per_period, times = ("" if each is None else f"{each:g}" for each in known)
    return {"words": words, "hours": hours, "per_period": per_period, "times": times}


def test_a_start_that_cannot_be_read_is_said() -> None:
    (sent,) = read_tq1(a_segment("TQ1|1||QD||||maandag|||||||5"), ZONE)

    read = timing(sent)
    assert (read.starts, read.flags) == (None, ("unreadable_time",))
