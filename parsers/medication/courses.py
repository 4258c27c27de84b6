"""Doses in time: the starts a schedule means, and the days, weeks and courses they add up to.

Pure functions for whoever knows the weight and the whole history. A dose is an interval; sums keep both ends.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Protocol, TypeVar

from parsers.medication.decimals import Span, span

COURSE_GAP_DAYS = 7  # doses further apart than this, or just so far, belong to different courses
TRAILING_DAYS = 28
# A daily dose given a little earlier than yesterday is still one a day (docs/decisions/0005).
_ONE_DAY = timedelta(hours=20)
_SLOT = timedelta(hours=12)
T = TypeVar("T")


class Timed(Protocol):
    """Anything that happens at a moment."""

    @property
    def at(self) -> datetime:
        """When."""


W = TypeVar("W", bound=Timed)


@dataclass(frozen=True, slots=True)
class Dose:
    """One administration: when it starts and how much it is, in whatever unit all of them are."""

    at: datetime
    low: Decimal
    high: Decimal
    order: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """A run of doses: from the first date to the last, how much in all, and the longest run of days on end."""

    first: date
    last: date
    total: Span
    days: int
    doses: tuple[Dose, ...]


def doses_at(starts: Iterable[datetime], low: Decimal, high: Decimal, order: str = "") -> list[Dose]:
    """The same dose at each of these times."""
    return [Dose(at, low, high, order) for at in starts]


def merge(planned: Sequence[W], given: Sequence[W], slot: timedelta = _SLOT) -> list[W]:
    """What was given takes the place of the planned dose nearest to it, when that is within the slot."""
    remaining = sorted(planned, key=_time)
    replaced: set[int] = set()
    for dose in given:
        nearest = min(range(len(remaining)), key=lambda index: abs(remaining[index].at - dose.at), default=None)
        if nearest is not None and abs(remaining[nearest].at - dose.at) <= slot:
            replaced.add(nearest)
    kept = [dose for index, dose in enumerate(remaining) if index not in replaced]
    return sorted([*kept, *given], key=_time)


def _time(dose: Timed) -> datetime:
    return dose.at


def per_day(doses: Sequence[Dose], zone: tzinfo) -> Span | None:
    """The most in any one day, by the clock of that zone and on any calendar day; None without doses."""
    if not doses:
        return None
    # The clock, not the instant: the day on which summer time begins has only 23 hours.
    timed = sorted(((dose.at.astimezone(zone).replace(tzinfo=None), dose) for dose in doses), key=lambda pair: pair[0])
    days: dict[date, list[Dose]] = {}
    for clock, dose in timed:
        days.setdefault(clock.date(), []).append(dose)
    sums = [total(of_day) for of_day in days.values()]
    for first, (begin, _) in enumerate(timed):
        window = [dose for clock, dose in timed[first:] if clock < begin + _ONE_DAY]
        sums.append(total(window))
    return span(max(each.low for each in sums), max(each.high for each in sums))


def total(doses: Iterable[Dose]) -> Span:
    """All of them together."""
    low = high = Decimal(0)
    for dose in doses:
        low, high = low + dose.low, high + dose.high
    return span(low, high)


def dates_of(doses: Iterable[Dose], zone: tzinfo) -> list[date]:
    """The calendar dates on which something was given, each once, in order; a dose of nothing does not count."""
    return sorted({dose.at.astimezone(zone).date() for dose in doses if dose.high > 0})


def consecutive_days(dates: Iterable[date]) -> int:
    """The longest run of dates on end."""
    return max((len(run) for run in runs(sorted(set(dates)), lambda day: day, 2)), default=0)


def courses(doses: Sequence[Dose], zone: tzinfo, gap_days: int = COURSE_GAP_DAYS) -> list[Course]:
    """Runs of doses less than the gap apart, the earliest first."""

    def day_of(dose: Dose) -> date:
        return dose.at.astimezone(zone).date()

    found = []
    for run in runs(sorted(doses, key=_time), day_of, gap_days):
        days = consecutive_days(dates_of(run, zone))
        found.append(Course(day_of(run[0]), day_of(run[-1]), total(run), days, tuple(run)))
    return found


def runs(items: Sequence[T], day_of: Callable[[T], date], gap_days: int) -> list[list[T]]:
    """Items in order of time, cut where two of them lie that many days apart or more."""
    found: list[list[T]] = []
    for item in items:
        if found and (day_of(item) - day_of(found[-1][-1])).days < gap_days:
            found[-1].append(item)
        else:
            found.append([item])
    return found


def trailing(doses: Iterable[Dose], until: datetime, days: int = TRAILING_DAYS) -> Span:
    """Everything in the days up to a moment, that moment included."""
    since = until.astimezone(UTC) - timedelta(days=days)
    return total(dose for dose in doses if since < dose.at <= until)
