"""When a delivery is tried again."""

from datetime import UTC, datetime, timedelta

import pytest

from forwarding.backoff import GIVE_UP_AFTER, next_attempt

BEGAN = datetime(2025, 3, 10, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 10), (1, 10), (2, 30), (3, 120), (4, 300), (5, 900), (6, 900), (60, 900)]
)
def test_waits_grow_to_a_quarter_of_an_hour_and_stay_there(attempts: int, seconds: int) -> None:
    again = next_attempt("a-key", attempts=attempts, created_at=BEGAN, now=BEGAN)

    assert again is not None
    assert timedelta(seconds=seconds) <= again - BEGAN <= timedelta(seconds=seconds * 1.2)


def test_the_same_delivery_always_waits_equally_long_and_two_deliveries_differ() -> None:
    first, again, other = (next_attempt(key, attempts=3, created_at=BEGAN, now=BEGAN) for key in ("one", "one", "two"))

    assert first == again != other


def test_the_last_try_is_a_day_after_the_first_and_then_it_ends() -> None:
    almost = BEGAN + GIVE_UP_AFTER - timedelta(minutes=1)

    assert next_attempt("a-key", attempts=90, created_at=BEGAN, now=almost) == BEGAN + GIVE_UP_AFTER
    assert next_attempt("a-key", attempts=91, created_at=BEGAN, now=BEGAN + GIVE_UP_AFTER) is None


def test_a_day_of_failures_is_about_a_hundred_tries() -> None:
    now, attempts = BEGAN, 0
    while (again := next_attempt("a-key", attempts=attempts, created_at=BEGAN, now=now)) is not None:
        now, attempts = again, attempts + 1

    assert 80 <= attempts <= 110
