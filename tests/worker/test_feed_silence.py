"""How long a feed may be silent at an hour of the week, by the weeks before."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from history.choices import SilenceBounds
from worker.feed_silence import learned_limit

ZONE = ZoneInfo("Europe/Amsterdam")
HOUR = timedelta(hours=1)
BEGAN = datetime(2026, 9, 7, tzinfo=UTC)  # a Monday
BOUNDS = SilenceBounds(timedelta(minutes=15), timedelta(hours=24))

SilentAt = Callable[[datetime], int]


def of_weeks(weeks: float, silent_s: SilentAt) -> dict[datetime, int]:
    """The hours of so many weeks, with how long the feed was silent in each, on the clock of the hospital."""
    hours = (BEGAN + hour * HOUR for hour in range(round(weeks * 7 * 24)))
    return {hour: silent_s(hour.astimezone(ZONE)) for hour in hours}


def by_night(at: datetime) -> int:
    """Minutes by day; from 22:00 to 7:00 nothing is sent."""
    return (at.hour - 22) % 24 * 3600 + 3600 if at.hour >= 22 or at.hour < 7 else 1200


def on(day: int, hour: int, month: int = 10) -> datetime:
    return datetime(2026, month, day, hour, 30, tzinfo=ZONE).astimezone(UTC)


def test_nothing_is_learned_before_a_week_is_known() -> None:
    hours = of_weeks(0.99, by_night)

    assert learned_limit(hours, BEGAN + timedelta(days=6, hours=23), ZONE, BOUNDS) is None


@pytest.mark.parametrize(
    ("hour", "limit"),
    [
        (12, timedelta(minutes=40)),  # twice the twenty minutes of every noon
        (1, timedelta(hours=10)),  # at two in the night it had been silent for five hours
        (7, timedelta(hours=18)),  # until 7:00 it was silent for nine hours: an hour to either side counts
        (8, timedelta(minutes=40)),
    ],
)
def test_each_hour_of_the_week_has_its_own_limit(hour: int, limit: timedelta) -> None:
    hours = of_weeks(4, by_night)

    assert learned_limit(hours, on(5, hour), ZONE, BOUNDS) == limit


def test_a_limit_is_never_below_the_floor_nor_above_the_ceiling() -> None:
    busy, rare = of_weeks(4, lambda _: 5), of_weeks(4, lambda _: 20 * 3600)

    assert learned_limit(busy, on(5, 12), ZONE, BOUNDS) == BOUNDS.floor
    assert learned_limit(rare, on(5, 12), ZONE, BOUNDS) == BOUNDS.ceiling


@pytest.mark.parametrize(("weeks", "limit"), [(2, timedelta(hours=6)), (4, timedelta(minutes=40))])
def test_a_fault_of_one_week_counts_for_nothing_once_three_are_known(weeks: int, limit: timedelta) -> None:
    hours = of_weeks(weeks, lambda _: 1200)
    now = BEGAN + timedelta(weeks=weeks, hours=12)
    hours[now - timedelta(weeks=1)] = 3 * 3600

    assert learned_limit(hours, now, ZONE, BOUNDS) == limit


def test_what_comes_back_week_after_week_is_no_fault() -> None:
    hours = of_weeks(4, lambda at: 4 * 3600 if at.weekday() == 5 and at.hour == 12 else 1200)

    assert learned_limit(hours, on(10, 12), ZONE, BOUNDS) == timedelta(hours=8)  # a Saturday
    assert learned_limit(hours, on(9, 12), ZONE, BOUNDS) == timedelta(minutes=40)


def test_the_hours_are_those_of_the_hospitals_clock_also_after_it_was_set() -> None:
    hours = of_weeks(8, by_night)  # summer time ends on 25 October

    before, after = learned_limit(hours, on(24, 8), ZONE, BOUNDS), learned_limit(hours, on(26, 8), ZONE, BOUNDS)

    assert before == after == timedelta(minutes=40)
    assert learned_limit(hours, on(26, 7), ZONE, BOUNDS) == timedelta(hours=18)
