"""Days, courses and weeks that doses add up to."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from parsers.medication.courses import Dose, consecutive_days, courses, dates_of, doses_at, merge, per_day, trailing

ZONE = ZoneInfo("Europe/Amsterdam")
NOON = datetime(2025, 3, 10, 12, tzinfo=ZONE)


def a_dose(days: float = 0, grams: str = "32", order: str = "") -> Dose:
    return Dose(NOON + timedelta(days=days), Decimal(grams), Decimal(grams), order)


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
    daily = doses_at([noon, datetime(2025, 3, 30, 12, tzinfo=ZONE)], Decimal(32), Decimal(32))

    most = per_day(daily, ZONE)

    assert most is not None
    assert most.high == 32
    assert per_day([], ZONE) is None


def test_days_on_end_are_counted_once_each() -> None:
    days = [date(2025, 3, day) for day in (10, 11, 11, 12, 14, 15)]

    assert consecutive_days(days) == 3
    assert consecutive_days([]) == 0


def test_a_dose_of_nothing_is_no_day() -> None:
    assert dates_of([a_dose(0), a_dose(1, "0")], ZONE) == [date(2025, 3, 10)]


def test_doses_a_week_apart_are_two_courses_and_six_days_one() -> None:
    within, apart = courses([a_dose(0), a_dose(6)], ZONE), courses([a_dose(0), a_dose(7)], ZONE)

    assert [course.total.high for course in within] == [64]
    assert [course.total.high for course in apart] == [32, 32]


def test_a_course_knows_its_dates_its_total_and_its_days_on_end() -> None:
    (course,) = courses([a_dose(0), a_dose(1), a_dose(3)], ZONE)

    assert (course.first, course.last) == (date(2025, 3, 10), date(2025, 3, 13))
    assert (int(course.total.high), course.days) == (96, 2)


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
    doses = [Dose(start + timedelta(hours=hour), Decimal(low), Decimal(low + more)) for hour, low, more in rows]

    most, runs = per_day(doses, ZONE), courses(doses, ZONE)

    assert most is None or most.low <= most.high
    assert sum(len(run.doses) for run in runs) == len(doses)
    assert sum((run.total.high for run in runs), Decimal(0)) == sum((dose.high for dose in doses), Decimal(0))
