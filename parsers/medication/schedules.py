"""A schedule: how often, how many times, from when; the ways of saying how many are held against each other."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from clinical.events import Moment, Timing
from parsers.medication.decimals import unique
from parsers.medication.durations import NONE, Duration, duration_in, read_duration
from parsers.medication.medication_text import days_divided_over
from parsers.medication.patterns import DAY, MONTH, ONCE, UNKNOWN, WEEK, Pattern, pattern_in, read_pattern
from parsers.medication.units import Quantity

OPEN_ENDED_HOURS = Decimal(48)  # a period up to here without a stop is a course of five daily doses
ASSUMED_DAYS = 5
_ONE_INFUSION = Decimal(24)  # hours: a longer service than this is not one infusion
_LONGEST_INFUSION = Decimal(240)  # hours
_PRECISE = ("hour", "minute", "second")


@dataclass(frozen=True, slots=True)
class Sent:
    """One TQ or TQ1 as sent, before its parts are weighed against each other."""

    pattern: str = ""
    repeats: Duration = NONE  # RPT-5 and 6: one time in so long
    repeats_as: str = ""  # the pattern those make
    clock_times: tuple[str, ...] = ()
    duration: Duration = NONE
    occurrence: Duration = NONE
    total: int | None = None
    starts: Moment | None = None
    ends: Moment | None = None
    priority: str = ""
    conjunction: str = ""
    text: str = ""
    path: str = ""
    quantity: Quantity | None = None  # TQ-1, TQ1-2
    bare_quantity: Decimal | None = None  # the same without a unit
    rates: tuple[Quantity, ...] = field(default=())  # steps named in its text

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing about when."""
        said = (self.pattern, self.clock_times, self.total, self.starts, self.ends, self.repeats_as, self.text)
        return not any(said) and self.duration == NONE and self._pattern_in_priority() is None

    @property
    def is_rate_step(self) -> bool:
        """Whether it is one step of an infusion rather than one of several infusions."""
        return bool(self.rates) and (not self.pattern or read_pattern(self.pattern).once) and not self.repeats_as

    def _pattern_in_priority(self) -> Pattern | None:
        """`1^^^20260419^^BID`: some senders put how often where the priority belongs."""
        if len(self.priority) < 2 or self.repeats_as or self.priority.upper().startswith(("PRN", "ST")):
            return None
        if self.pattern and read_pattern(self.pattern).is_known:
            return None
        found = read_pattern(self.priority)
        return found if found.hours is not None else None

    def how_often(self) -> tuple[Pattern, str, tuple[str, ...]]:
        """The pattern that counts, its name, and what was doubtful about choosing it."""
        coded = read_pattern(self.pattern) if self.pattern else None
        override = read_pattern(self.repeats_as) if self.repeats_as else None
        if override is not None and override.hours is not None:
            unequal = coded is not None and not coded.once and coded.is_known and coded.hours != override.hours
            name = self.pattern if coded is not None and not unequal and coded.is_known else self.repeats_as
            per_period = 1 if coded is None or unequal else coded.per_period
            weekdays = () if coded is None or unequal else coded.weekdays
            chosen = Pattern(override.hours, per_period, months=override.months, weekdays=weekdays)
            return chosen, name, ("period_conflict",) if unequal else ()
        if coded is not None and coded.is_known:
            return self._by_clock(coded), self.pattern, coded.flags
        if (misplaced := self._pattern_in_priority()) is not None:
            return misplaced, self.priority, ("pattern_in_priority", *misplaced.flags)
        in_text = pattern_in(self.text) if self.text else UNKNOWN
        if in_text.is_known:
            return in_text, self.pattern or self.text[:60], ("pattern_from_text", *in_text.flags)
        if coded is not None:
            return coded, self.pattern, coded.flags
        return self._unsaid()

    def _by_clock(self, coded: Pattern) -> Pattern:
        """`QD&0600,1800` is twice a day."""
        if len(self.clock_times) > 1 and coded.hours == DAY:
            return Pattern(DAY, len(self.clock_times), flags=coded.flags)
        return coded

    def _unsaid(self) -> tuple[Pattern, str, tuple[str, ...]]:
        """An empty interval is once by the standard; with days of service it may as well be daily."""
        if self.priority.upper().startswith("PRN"):
            return Pattern(DAY), "PRN", ("prn",)
        if self.clock_times and (len(self.clock_times) > 1 or self._lasts_days):
            return Pattern(DAY, len(self.clock_times)), "", ("pattern_assumed",)
        if self._lasts_days or (self.total or 0) > 1 or (self.duration.occurrences or 0) > 1:
            return Pattern(DAY), "", ("pattern_assumed",)
        return ONCE, "", ()

    @property
    def _lasts_days(self) -> bool:
        return self.duration.hours is not None and self.duration.hours > _ONE_INFUSION


def timing(sent: Sent) -> Timing:
    """Weigh the parts of one timing against each other."""
    pattern, name, flags = sent.how_often()
    duration = sent.duration
    if duration == NONE:
        duration = duration_in(f"{sent.pattern}; {sent.text}")
    if sent.priority.upper().startswith("PRN"):
        flags = (*flags, "prn")
    occurrences, doubts = count(pattern, sent.total, duration, sent.starts, sent.ends)
    if "pattern_assumed" in flags and occurrences is not None:
        occurrences = (1, occurrences[1])
    return Timing(
        pattern=name,
        period_hours=pattern.hours,
        per_period=pattern.per_period,
        occurrences=occurrences,
        starts=sent.starts,
        ends=sent.ends,
        occurrence_hours=_occurrence_hours(sent, pattern),
        clock_times=sent.clock_times,
        conjunction=sent.conjunction,
        flags=unique((*flags, *doubts, *duration.flags, *sent.occurrence.flags)),
        path=sent.path,
    )


def _occurrence_hours(sent: Sent, pattern: Pattern) -> Decimal | None:
    """How long one infusion lasts; the service of a single infusion is its length when it fits in a day."""
    if sent.occurrence.hours is not None and sent.occurrence.hours <= _LONGEST_INFUSION:
        return sent.occurrence.hours
    if pattern.once and sent.duration.hours is not None and sent.duration.hours <= _ONE_INFUSION:
        return sent.duration.hours
    return None


def count(
    pattern: Pattern, total: int | None, duration: Duration, starts: Moment | None, ends: Moment | None
) -> tuple[tuple[int, int] | None, tuple[str, ...]]:
    """How many times, and whether the ways to know it agree: within one they do, and the most explicit counts."""
    candidates = [value for value in (total, duration.occurrences) if value is not None and value > 0]
    if pattern.hours is not None:
        spacing = pattern.hours / pattern.per_period
        if duration.hours is not None:
            candidates.append(int((duration.hours / spacing).to_integral_value(ROUND_CEILING)))
        if starts is not None and ends is not None and ends.at >= starts.at:
            candidates.append(_between(starts, ends, spacing))
    elif pattern.once:
        candidates.append(1)
    elif duration.hours is not None:
        candidates.append(max(1, int(duration.hours / DAY)))
    if not candidates:
        is_open = pattern.hours is None or pattern.hours <= OPEN_ENDED_HOURS
        return None, ("open_ended",) if is_open and ends is None else ()
    low, high = min(candidates), max(candidates)
    if high - low <= 1:
        return (candidates[0], candidates[0]), ()
    return (low, high), ("schedule_conflict",)


def _between(starts: Moment, ends: Moment, spacing: Decimal) -> int:
    """Starts that fit from the first to the end; an end that is only a date lasts the whole of that day."""
    # Summer time begins or ends with a day that is an hour off: an hour's room on either side.
    is_precise = ends.precision in _PRECISE
    room = timedelta(hours=1 if spacing >= DAY else 0) if is_precise else timedelta(hours=22)
    hours = Decimal((ends.at + room - starts.at).total_seconds()) / 3600
    return int((hours / spacing).to_integral_value(ROUND_FLOOR)) + 1


def timing_in_text(text: str, starts: Moment | None, path: str) -> Timing | None:
    """A schedule that was only written down: `0,4 g/kg/dag, 5 dagen`; None when the text holds none."""
    pattern, duration = pattern_in(text), duration_in(text)
    divided = days_divided_over(text)
    if not pattern.is_known and duration == NONE and divided is None:
        return None
    if not pattern.is_known and divided is not None:
        flags = ("pattern_from_text", "pattern_assumed")
        return Timing(period_hours=DAY, occurrences=(1, divided[1]), starts=starts, flags=flags, path=path)
    sent = Sent(text=text, duration=duration, starts=starts, path=path)
    return timing(sent)


def read_repeats(number: str, unit: str) -> tuple[Duration, str]:
    """RPT-5 and RPT-6, `4^wk`, as a duration and as the pattern they make: `Q4W`."""
    duration = read_duration(number, unit) if number and unit else NONE
    hours = duration.hours
    if hours is None or hours <= 0:
        return NONE, ""
    letter, size = _largest_unit(hours, unit)
    return duration, f"Q{round(hours / size)}{letter}"


def _largest_unit(hours: Decimal, unit: str) -> tuple[str, Decimal]:
    is_month = unit.lower().startswith("mo") or unit.lower() in ("mnd", "maand", "maanden")
    if is_month and hours % MONTH == 0:
        return "L", MONTH
    for letter, size in (("W", WEEK), ("D", DAY), ("H", Decimal(1))):
        if hours % size == 0:
            return letter, size
    return "M", Decimal(1) / 60


def pattern_of(timing: Timing) -> Pattern:
    """What a timing repeats in: its calendar months and weekdays too, which its hours alone do not tell."""
    named = read_pattern(timing.pattern) if timing.pattern else UNKNOWN
    if timing.period_hours is None or named.hours != timing.period_hours:
        return Pattern(timing.period_hours, timing.per_period)
    return Pattern(named.hours, timing.per_period, months=named.months, weekdays=named.weekdays)


def days_of(timing: Timing) -> int:
    """On how many days of one course something is given; a longer period is one day each time."""
    if timing.period_hours is None or timing.period_hours > OPEN_ENDED_HOURS:
        return 1
    if timing.occurrences is None:
        return ASSUMED_DAYS
    doses_a_day = max(Decimal(1), timing.per_period * DAY / timing.period_hours)
    return int((timing.occurrences[1] / doses_a_day).to_integral_value(ROUND_CEILING))


def per_day(timings: Iterable[Timing]) -> Decimal:
    """Administrations in one day of treatment: at least one."""
    return max((Pattern(each.period_hours, each.per_period).per_day for each in timings), default=Decimal(1))
