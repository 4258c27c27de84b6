"""The times at which a schedule starts an infusion, on the clock of the hospital."""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from decimal import Decimal
from itertools import count, islice

from clinical.events import Timing
from parsers.medication.patterns import Pattern
from parsers.medication.schedules import ASSUMED_DAYS, OPEN_ENDED_HOURS, pattern_of

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
    """Every start up to the horizon, in UTC and in order, each once; the riskier count where two were sent.

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
    """Where the next timing begins: one spacing after the last start, or when a single infusion is over."""
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
    """A count says more than an end; an end that is only a date lasts the whole day."""
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
    """How many times, the higher count; five days of it when a short period has no end; None: without end."""
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


def read_clock(text: str) -> time | None:
    """`0900` or `09:00`."""
    digits = text.replace(":", "").strip()[:4]
    if len(digits) < 4 or not (digits.isascii() and digits.isdecimal()):
        return None
    hour, minute = int(digits[:2]), int(digits[2:])
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _months_later(local: datetime, months: int) -> datetime:
    """The same day of a later month, or its last day."""
    month = local.month - 1 + months
    year, month = local.year + month // 12, month % 12 + 1
    return local.replace(year=year, month=month, day=min(local.day, monthrange(year, month)[1]))
