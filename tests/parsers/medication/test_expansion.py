"""When the infusions of a schedule start, on the hospital's clock."""

from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from clinical.events import Moment, Timing
from parsers.hl7.times import moment
from parsers.medication.durations import NONE, read_duration
from parsers.medication.expansion import CAP, expand
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
