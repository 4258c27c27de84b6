"""How long a feed may be silent at an hour of the week, by the weeks before. No clock: the moment is given."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from history.choices import SilenceBounds

WEEKS: Final = 6  # that are looked back
LEAVE_OUT_FROM: Final = 3  # of so many weeks or more the longest silence is left out: the feed may have been down
TIMES: Final = 2  # what it was silent before, it may be silent twice
HOUR: Final = timedelta(hours=1)


def learned_limit(
    silent_s: Mapping[datetime, int], now: datetime, zone: ZoneInfo, bounds: SilenceBounds
) -> timedelta | None:
    """Return how long a feed may be silent now; None before a week of it is known.

    `silent_s` says for each hour (UTC) how many seconds it had been silent at most. The same hour of the earlier weeks
    counts, on the clock of the hospital, and one hour to either side: of each week the longest.
    """
    weeks = [longest for week in range(1, WEEKS + 1) if (longest := _longest(silent_s, now, week, zone)) is not None]
    if not weeks:
        return None
    counted = sorted(weeks)[: -1 if len(weeks) >= LEAVE_OUT_FROM else None]
    return min(max(TIMES * timedelta(seconds=counted[-1]), bounds.floor), bounds.ceiling)


def _longest(silent_s: Mapping[datetime, int], now: datetime, weeks_ago: int, zone: ZoneInfo) -> int | None:
    """Return how long it was silent around this hour of that week; None where that is not known of all three hours."""
    then = (now.astimezone(zone) - timedelta(weeks=weeks_ago)).astimezone(UTC)  # on the clock, whatever it was set to
    hour = then.replace(minute=0, second=0, microsecond=0)
    around = [silent_s.get(each) for each in (hour - HOUR, hour, hour + HOUR)]
    return max((each for each in around if each is not None), default=None) if None not in around else None
