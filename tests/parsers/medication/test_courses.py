"""Starts of a schedule, and the days and courses they add up to."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from clinical.quantities import exactly, interval
from clinical.times import Moment
from clinical.timings import Timing
from parsers.hl7.times import moment
from parsers.medication.courses import (
    CAP,
    Portion,
    consecutive_days,
    expand,
    merge,
    per_day,
    runs,
    total,
    trailing,
)
from parsers.medication.frequencies import NONE, read_duration
from parsers.medication.schedules import Sent, timing

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


NOON = datetime(2025, 3, 10, 12, tzinfo=ZONE)


def a_dose(days: float = 0, grams: str = "32", order: str = "") -> Portion:
    return Portion(NOON + timedelta(days=days), exactly(Decimal(grams), "g"), order)


def test_a_dose_a_day_is_that_dose_a_day() -> None:
    most = per_day([a_dose(day) for day in range(5)], ZONE)

    assert most is not None
    assert [most.low, most.high] == [32, 32]


def test_two_doses_within_20_hours_are_one_day_also_over_midnight() -> None:
    most = per_day([a_dose(0), a_dose(0.83)], ZONE)

    assert most is not None
    assert most.high == 64


def test_a_daily_dose_given_a_little_early_is_still_one_a_day() -> None:
    most = per_day([a_dose(0), a_dose(0.98), a_dose(1.9)], ZONE)

    assert most is not None
    assert most.high == 32


def test_the_day_on_which_summer_time_begins_is_a_whole_day() -> None:
    noon = datetime(2025, 3, 29, 12, tzinfo=ZONE)
    daily = [Portion(at, exactly(32, "g")) for at in (noon, datetime(2025, 3, 30, 12, tzinfo=ZONE))]

    most = per_day(daily, ZONE)

    assert most is not None
    assert most.high == 32
    assert per_day([], ZONE) is None


def test_days_on_end_are_counted_once_each() -> None:
    days = [date(2025, 3, day) for day in (10, 11, 11, 12, 14, 15)]

    assert consecutive_days(days) == 3
    assert consecutive_days([]) == 0


def runs_of(doses: Sequence[Portion]) -> list[list[Portion]]:
    return runs(sorted(doses, key=lambda dose: dose.at), lambda dose: dose.at.astimezone(ZONE).date(), 7)


def test_doses_a_week_apart_are_two_courses_and_six_days_one() -> None:
    within, apart = runs_of([a_dose(0), a_dose(6)]), runs_of([a_dose(0), a_dose(7)])

    assert [total(run) for run in within] == [exactly(64, "g")]
    assert [total(run) for run in apart] == [exactly(32, "g"), exactly(32, "g")]


def test_what_was_given_takes_the_place_of_what_was_planned() -> None:
    planned = [a_dose(0), a_dose(1)]
    given_late = [a_dose(0.05, "2"), a_dose(0.1, "20")]  # two steps of the first infusion

    assert merge(planned, given_late) == [*given_late, a_dose(1)]


def test_what_was_given_far_from_any_plan_is_added() -> None:
    assert merge([a_dose(0)], [a_dose(3)]) == [a_dose(0), a_dose(3)]


def test_the_last_28_days_count_to_the_moment_itself() -> None:
    doses = [a_dose(-28), a_dose(-27.9), a_dose(0), a_dose(0.1)]

    assert trailing(doses, NOON).high == 64


@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 100), st.integers(0, 50)), max_size=12))
def test_sums_never_lose_their_order_and_courses_hold_every_dose(rows: list[tuple[int, int, int]]) -> None:
    start = datetime(2025, 1, 1, tzinfo=UTC)
    doses = [Portion(start + timedelta(hours=hour), interval(low, low + more, unit="g")) for hour, low, more in rows]

    most, courses = per_day(doses, ZONE), runs_of(doses)

    assert most is None or most.low <= most.high
    assert sum(map(len, courses)) == len(doses)
    assert sum(total(run).high for run in courses) == sum(dose.amount.high for dose in doses)
