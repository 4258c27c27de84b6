"""By when somebody must be on an alert, and be done with it."""

from datetime import UTC, datetime, timedelta

import pytest

from history.due_times import DueLimits, owner_due, snooze_limit, take_on_due

NOW = datetime(2026, 11, 28, 20, 0, tzinfo=UTC)
LIMITS = DueLimits()


def minutes(due: datetime | None) -> float | None:
    return None if due is None else (due - NOW).total_seconds() / 60


def starting(after: float | None) -> datetime | None:
    return None if after is None else NOW + timedelta(minutes=after)


@pytest.mark.parametrize(
    ("tier", "starts", "on_it", "done"),
    [
        ("contraindication", None, 30, 30),
        ("contraindication", 600, 30, 30),
        ("contraindication", 60, 30, 30),
        ("contraindication", 45, 15, 15),  # half an hour before the start
        ("contraindication", 31, 1, 1),
        ("contraindication", 30, 15, 15),  # no half hour is left: half of what is
        ("contraindication", 4, 2, 2),
        ("contraindication", 0, 30, 30),  # it runs
        ("contraindication", -90, 30, 30),
        ("high", 600, 480, 480),
        ("high", 120, 90, 480),
        ("high", None, 480, 480),
        ("moderate", None, 4320, 4320),
        ("moderate", 120, 90, 4320),
        ("information", None, 4320, 4320),
    ],
)
def test_the_tier_says_how_long_it_may_wait_and_the_start_how_long_at_most(
    tier: str, starts: float | None, on_it: float, done: float
) -> None:
    assert minutes(take_on_due(tier, starting(starts), NOW, LIMITS)) == on_it
    assert minutes(owner_due(tier, starting(starts), NOW, LIMITS)) == done


@pytest.mark.parametrize(
    ("tier", "starts", "until"),
    [
        ("contraindication", 600, 570),
        ("contraindication", 20, -10),  # too late to sleep at all
        ("contraindication", -5, 30),
        ("contraindication", None, 30),
        ("high", 20, None),
        ("moderate", None, None),
    ],
)
def test_a_contraindication_never_sleeps_into_the_half_hour_before_its_start(
    tier: str, starts: float | None, until: float | None
) -> None:
    assert minutes(snooze_limit(tier, starting(starts), NOW, LIMITS)) == until


def test_a_hospital_sets_its_own_limits() -> None:
    limits = DueLimits(contraindication=timedelta(minutes=20), before_start=timedelta(hours=1))

    assert minutes(take_on_due("contraindication", starting(70), NOW, limits)) == 10
    assert minutes(owner_due("contraindication", starting(None), NOW, limits)) == 20
