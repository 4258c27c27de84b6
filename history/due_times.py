"""By when somebody must be on an alert, and by when whoever is on it must be done. No clock: the moment is given."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from clinical.words import Tier


@dataclass(frozen=True, slots=True)
class DueLimits:
    """How long an alert of each tier may wait, and how long before the start it must be settled at the latest."""

    contraindication: timedelta = timedelta(minutes=30)
    high: timedelta = timedelta(hours=8)
    moderate: timedelta = timedelta(hours=72)
    before_start: timedelta = timedelta(minutes=30)

    def of(self, tier: str) -> timedelta:
        """Return how long an alert of this tier may wait; a lower tier as long as a moderate one."""
        return {"contraindication": self.contraindication, "high": self.high}.get(tier, self.moderate)


def take_on_due(tier: str, starts_at: datetime | None, now: datetime, limits: DueLimits) -> datetime:
    """Return by when somebody must be on an alert that nobody has."""
    return _before_start(now + limits.of(tier), starts_at, now, limits)


def owner_due(tier: str, starts_at: datetime | None, now: datetime, limits: DueLimits) -> datetime:
    """Return by when whoever is on an alert now must be done; only a contra-indication looks at the start."""
    latest = now + limits.of(tier)
    return _before_start(latest, starts_at, now, limits) if tier == Tier.CONTRAINDICATION.word else latest


def snooze_limit(tier: str, starts_at: datetime | None, now: datetime, limits: DueLimits) -> datetime | None:
    """Return until when an alert may sleep; None: as long as is asked.

    A contra-indication wakes before its order starts. One that runs, or whose start is not known, sleeps no longer
    than it may wait at all.
    """
    if tier != Tier.CONTRAINDICATION.word:
        return None
    if starts_at is None or starts_at <= now:
        return now + limits.of(tier)
    return starts_at - limits.before_start


def _before_start(latest: datetime, starts_at: datetime | None, now: datetime, limits: DueLimits) -> datetime:
    """Return the moment, or an earlier one that leaves time before the start; of too little time the half."""
    if starts_at is None or starts_at <= now:
        return latest
    safe = starts_at - limits.before_start
    return min(latest, safe if safe > now else now + (starts_at - now) / 2)
