"""Doses in time: the starts that a schedule means, and their sums over days, weeks and courses.

Pure functions for whoever knows the weight and the whole history. A dose is an interval; sums keep both ends.
"""

from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from itertools import count, islice
from typing import Protocol, TypeVar

from clinical.quantities import Quantity, interval
from clinical.timings import Timing
from parsers.medication.frequencies import Pattern
from parsers.medication.schedules import ASSUMED_DAYS, OPEN_ENDED_HOURS, pattern_of, read_clock

CAP = 400  # starts of one schedule
_DAY = Decimal(24)
_EARLIEST_YEAR = 1900  # before it, a start is a placeholder


def expand(
    timings: Sequence[Timing],
    zone: tzinfo,
    horizon: datetime,
    start: datetime | None = None,
    since: datetime | None = None,
) -> list[datetime]:
    """Return every start up to the horizon, in UTC and in order, each once; the riskier count where two were sent.

    `start` is for a timing that names none; nothing before `since` is kept (an order counts from its change).
    """
    starts: set[datetime] = set()
    follows: datetime | None = None
    for timing in timings:
        first = timing.starts.at if timing.starts is not None else follows or start
        if first is None:
            continue
        found = list(islice(_starts(timing, zone, horizon, first), CAP))
        starts.update(found)
        follows = _end(timing, found) if timing.conjunction.upper() == "S" else None
    return sorted(each for each in starts if since is None or each >= since)[:CAP]


def _end(timing: Timing, found: list[datetime]) -> datetime | None:
    """Return where the next timing begins: one spacing after the last start, or when a single infusion is over."""
    if not found:
        return None
    pattern = pattern_of(timing)
    hours = timing.occurrence_hours or Decimal(0) if pattern.hours is None else pattern.hours / pattern.per_period
    return found[-1] + timedelta(hours=float(hours))


def _starts(timing: Timing, zone: tzinfo, horizon: datetime, first: datetime) -> Iterator[datetime]:
    if first > horizon or first.year < _EARLIEST_YEAR:
        return
    pattern = _daily_when_unknown(timing)
    limit = times_assumed(timing)
    ends = _last_moment(timing)
    for number, at in enumerate(_endless(pattern, timing.clock_times, zone, first)):
        if (limit is not None and number >= limit) or at > horizon or (ends is not None and number and at > ends):
            return
        yield at


def _last_moment(timing: Timing) -> datetime | None:
    """Return the last start: a count takes precedence over an end; an end that is only a date lasts the whole day."""
    if timing.ends is None or timing.occurrences is not None:
        return None
    only_date = timing.ends.precision in ("year", "month", "day")
    return timing.ends.at + timedelta(days=1, hours=-1) if only_date else timing.ends.at


def _daily_when_unknown(timing: Timing) -> Pattern:
    pattern = pattern_of(timing)
    if pattern.hours is None and timing.occurrences != (1, 1):
        return Pattern(_DAY)
    return pattern


def times_assumed(timing: Timing) -> int | None:
    """Return how many times, the higher count; five days of it when a short period has no end; None: without end."""
    if timing.occurrences is not None:
        return timing.occurrences[1]
    if timing.ends is not None:
        return None
    hours = timing.period_hours
    if hours is None or hours <= OPEN_ENDED_HOURS:
        doses_a_day = max(Decimal(1), timing.per_period * _DAY / hours) if hours else Decimal(1)
        return max(ASSUMED_DAYS, int(ASSUMED_DAYS * doses_a_day))
    return None


def _endless(pattern: Pattern, clock_times: tuple[str, ...], zone: tzinfo, first: datetime) -> Iterator[datetime]:
    """Without end: on the clock for whole days, by the instant for hours."""
    local = first.astimezone(zone).replace(tzinfo=None)
    if pattern.hours is None:
        yield first.astimezone(UTC)
        return
    if pattern.weekdays:
        clocks: Iterator[datetime] = _on_weekdays(local, pattern)
    elif clock_times and pattern.hours % _DAY == 0:
        clocks = _at_clock_times(local, clock_times, pattern)
    elif pattern.months:
        clocks = (_months_later(local, pattern.months * step) for step in count())
    elif pattern.hours % _DAY == 0:
        spacing = timedelta(hours=float(pattern.hours / pattern.per_period))
        clocks = (local + spacing * step for step in count())
    else:
        spacing = timedelta(hours=float(pattern.hours / pattern.per_period))
        yield from (first.astimezone(UTC) + spacing * step for step in count())
        return
    for clock in clocks:
        yield clock.replace(tzinfo=zone).astimezone(UTC)


def _on_weekdays(local: datetime, pattern: Pattern) -> Iterator[datetime]:
    monday = local - timedelta(days=local.weekday())
    weeks = int((pattern.hours or Decimal(168)) / 168)
    for step in count():
        for weekday in pattern.weekdays:
            at = monday + timedelta(weeks=weeks * step, days=weekday - 1)
            if at >= local:
                yield at


def _at_clock_times(local: datetime, clock_times: tuple[str, ...], pattern: Pattern) -> Iterator[datetime]:
    """At each time of the first day that is not before the start, and so on each day it repeats."""
    clocks = sorted(found for text in clock_times if (found := read_clock(text)) is not None)
    days = int((pattern.hours or _DAY) / _DAY)
    if not clocks:
        clocks = [local.time()]
    if pattern.months == 0 and days > 1 and local.time() > clocks[-1]:
        clocks = [local.time()]  # the hour has passed on the first day; a later day would break the interval
    for step in count():
        day = (
            _months_later(local, pattern.months * step) if pattern.months else local + timedelta(days=days * step)
        ).date()
        for clock in clocks:
            at = datetime.combine(day, clock)
            if at >= local:
                yield at


def _months_later(local: datetime, months: int) -> datetime:
    """Return the same day of a later month, or its last day."""
    month = local.month - 1 + months
    year, month = local.year + month // 12, month % 12 + 1
    return local.replace(year=year, month=month, day=min(local.day, monthrange(year, month)[1]))


TRAILING_DAYS = 28
# A daily dose given a little earlier than yesterday is still one a day (docs/decisions/0005).
_ONE_DAY = timedelta(hours=20)
_SLOT = timedelta(hours=12)
T = TypeVar("T")


class Timed(Protocol):
    """Anything with a time."""

    @property
    def at(self) -> datetime:
        """When."""


W = TypeVar("W", bound=Timed)


@dataclass(frozen=True, slots=True)
class Portion:
    """How much of a medicine at a moment, and of which order; all that are added up share one unit."""

    at: datetime
    amount: Quantity
    order: str = ""


def merge(planned: Sequence[W], given: Sequence[W], slot: timedelta = _SLOT) -> list[W]:
    """Return what was given takes the place of the planned dose nearest to it, when that is within the slot."""
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


def per_day(doses: Sequence[Portion], zone: tzinfo) -> Quantity | None:
    """Return the most in any one day, by the clock of that zone and on any calendar day; None without doses."""
    if not doses:
        return None
    # The clock, not the instant: the day on which summer time begins has only 23 hours.
    timed = sorted(((dose.at.astimezone(zone).replace(tzinfo=None), dose) for dose in doses), key=lambda pair: pair[0])
    days: dict[date, list[Portion]] = {}
    for clock, dose in timed:
        days.setdefault(clock.date(), []).append(dose)
    sums = [total(of_day) for of_day in days.values()]
    for first, (begin, _) in enumerate(timed):
        window = [dose for clock, dose in timed[first:] if clock < begin + _ONE_DAY]
        sums.append(total(window))
    return interval(max(each.low for each in sums), max(each.high for each in sums), unit=sums[0].unit)


def total(doses: Iterable[Portion]) -> Quantity:
    """Return all of them together."""
    low, high, unit = Decimal(0), Decimal(0), ""
    for dose in doses:
        low, high, unit = low + dose.amount.low, high + dose.amount.high, dose.amount.unit
    return interval(low, high, unit=unit)


def consecutive_days(dates: Iterable[date]) -> int:
    """Return the longest run of dates on end."""
    return max((len(run) for run in runs(sorted(set(dates)), lambda day: day, 2)), default=0)


def runs(items: Sequence[T], day_of: Callable[[T], date], gap_days: int) -> list[list[T]]:
    """Items in order of time, cut where two of them lie that many days apart or more."""
    found: list[list[T]] = []
    for item in items:
        if found and (day_of(item) - day_of(found[-1][-1])).days < gap_days:
            found[-1].append(item)
        else:
            found.append([item])
    return found


def trailing(doses: Iterable[Portion], until: datetime, days: int = TRAILING_DAYS) -> Quantity:
    """Return everything in the days up to a moment, that moment included."""
    since = until.astimezone(UTC) - timedelta(days=days)
    return total(dose for dose in doses if since < dose.at <= until)
