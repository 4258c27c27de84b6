"""The waiting time before a failed delivery is tried again."""

import hashlib
from datetime import datetime, timedelta

WAITS = (
    timedelta(seconds=10),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=5),
    timedelta(minutes=15),  # and every 15 minutes from then on
)
GIVE_UP_AFTER = timedelta(hours=24)
SPREAD = 0.2  # a wait is up to a fifth longer, so that a receiver that comes back does not get everything at once


def next_attempt(key: str, *, attempts: int, created_at: datetime, now: datetime) -> datetime | None:
    """Return when to try again after this many failed attempts; None when a day has passed since the first.

    The result depends only on the arguments: the spread is derived from the idempotency key.
    """
    last_chance = created_at + GIVE_UP_AFTER
    if now >= last_chance:
        return None
    wait = WAITS[min(max(attempts, 1), len(WAITS)) - 1]
    return min(now + wait * (1 + SPREAD * _fraction(key, attempts)), last_chance)


def _fraction(key: str, attempts: int) -> float:
    digest = hashlib.sha256(f"{key}#{attempts}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32
