"""How often, how many times, and when."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.durations import NONE, duration_in, read_duration
from parsers.events import Moment, Timing
from parsers.expansion import CAP, expand
from parsers.patterns import read_pattern
from parsers.schedules import Sent, per_day, read_repeats, timing, timing_in_text
from parsers.times import moment

ZONE = ZoneInfo("Europe/Amsterdam")


def at(text: str) -> Moment:
    found = moment(text, ZONE)
    assert found is not None
    return found


def clocks(
    timings: list[Timing], until: str = "20260101", start: str | None = None, since: str | None = None
) -> list[str]:
    """The starts as the hospital's clock shows them."""
    begin = at(start).at if start else None
    found = expand(timings, ZONE, at(until).at, begin, at(since).at if since else None)
    return [each.astimezone(ZONE).strftime("%m-%d %H:%M") for each in found]


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


def test_daily_doses_keep_their_hour_over_summer_time() -> None:
    daily = timing(Sent(pattern="QD", duration=read_duration("D3"), starts=at("202503291200")))

    assert clocks([daily]) == ["03-29 12:00", "03-30 12:00", "03-31 12:00"]


def test_every_so_many_hours_follows_the_instant() -> None:
    shifts = timing(Sent(pattern="Q12H", duration=read_duration("X3"), starts=at("202503291200")))

    assert clocks([shifts]) == ["03-29 12:00", "03-30 00:00", "03-30 13:00"]


def test_calendar_months_keep_the_day_of_the_month() -> None:
    monthly = timing(Sent(pattern="Q1L", total=3, starts=at("202501310900")))

    assert clocks([monthly]) == ["01-31 09:00", "02-28 09:00", "03-31 09:00"]


def test_weekdays_are_days_of_the_week() -> None:
    mondays_and_thursdays = timing(Sent(pattern="QJ14", total=4, starts=at("202503050900")))  # a Wednesday

    assert clocks([mondays_and_thursdays]) == ["03-06 09:00", "03-10 09:00", "03-13 09:00", "03-17 09:00"]


def test_clock_times_begin_on_the_first_day_that_still_has_them() -> None:
    read = timing(Sent(pattern="QD", clock_times=("0600", "1800"), total=3, starts=at("202503101200")))

    assert clocks([read]) == ["03-10 18:00", "03-11 06:00", "03-11 18:00"]


def test_without_an_end_a_daily_dose_is_five_days_and_a_monthly_one_goes_on() -> None:
    daily = timing(Sent(pattern="QD", starts=at("202503101200")))
    four_weekly = timing(Sent(pattern="Q4W", starts=at("202503101200")))

    assert len(clocks([daily])) == 5
    assert len(clocks([four_weekly])) == 11
    assert len(clocks([timing(Sent(pattern="KUUR7", starts=at("202503101200")))])) == 5


def test_an_end_stops_what_has_no_count() -> None:
    until_friday = timing(Sent(pattern="QD", ends=at("20250314")))

    assert len(clocks([until_friday], start="202503101200")) == 5


def test_a_timing_that_follows_begins_after_the_one_before() -> None:
    loading = timing(Sent(pattern="QD", total=2, starts=at("202503101200"), conjunction="S"))
    maintenance = timing(Sent(pattern="Q4W", total=2))

    assert clocks([loading, maintenance]) == ["03-10 12:00", "03-11 12:00", "03-12 12:00", "04-09 12:00"]


def test_only_what_comes_after_the_change_counts() -> None:
    daily = timing(Sent(pattern="QD", total=5, starts=at("202503101200")))

    assert clocks([daily], since="202503131200") == ["03-13 12:00", "03-14 12:00"]


def test_a_timing_without_any_start_has_no_times() -> None:
    assert clocks([timing(Sent(pattern="QD", total=5))]) == []


def test_a_placeholder_start_gives_no_times_and_a_short_period_stops_at_the_cap() -> None:
    ancient = timing(Sent(pattern="QD", total=5, starts=at("100001010000")))
    minutes = timing(Sent(pattern="Q1M", total=9999, starts=at("202503101200")))

    assert clocks([ancient]) == []
    assert len(clocks([minutes])) == CAP


@given(
    st.sampled_from(["QD", "BID", "Q12H", "Q4W", "Q1L", "QJ135", "QOD", "xyz", "Once", "C", ""]),
    st.integers(min_value=0, max_value=30),
    st.integers(min_value=0, max_value=60),
)
def test_starts_are_in_order_and_never_more_than_counted(pattern: str, total: int, days: int) -> None:
    sent = Sent(
        pattern=pattern,
        total=total or None,
        duration=read_duration(f"D{days}") if days else NONE,
        starts=at("202503101200"),
    )

    read = timing(sent)
    starts = expand([read], ZONE, at("20300101").at)

    assert starts == sorted(set(starts))
    assert read.occurrences is None or len(starts) <= read.occurrences[1]
    assert all(isinstance(each, datetime) and each.tzinfo is not None for each in starts)
