"""Schedules: how often, how many times, from when; different statements of the count are compared."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import time, timedelta, tzinfo
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import msgspec

from clinical.quantities import unique
from clinical.times import Moment
from clinical.timings import Timing
from parsers.hl7.segments import Segment
from parsers.hl7.times import read_plausible
from parsers.medication.frequencies import (
    DAY,
    MONTH,
    NONE,
    ONCE,
    UNKNOWN,
    WEEK,
    Duration,
    Pattern,
    duration_in,
    pattern_in,
    read_duration,
    read_pattern,
)
from parsers.medication.medication_text import days_divided_over, find_rates
from parsers.medication.units import SentAmount, read_number, read_unit

OPEN_ENDED_HOURS = Decimal(48)  # a period up to here without a stop is a course of five daily doses
ASSUMED_DAYS = 5
_ONE_INFUSION = Decimal(24)  # hours: a longer service duration is not one infusion
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
    of_times: tuple[str, ...] = ()  # what was doubtful about the two
    priority: str = ""
    conjunction: str = ""
    text: str = ""
    path: str = ""
    quantity: SentAmount | None = None  # TQ-1, TQ1-2
    bare_quantity: Decimal | None = None  # the same without a unit
    rates: tuple[SentAmount, ...] = field(default=())  # steps named in its text

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
        """Return the pattern that counts, its name, and what was doubtful about choosing it."""
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
        """Read an empty interval as once, by the standard; with days of service it may as well be daily."""
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
        flags=unique((*flags, *sent.of_times, *doubts, *duration.flags, *sent.occurrence.flags)),
        path=sent.path,
    )


def _occurrence_hours(sent: Sent, pattern: Pattern) -> Decimal | None:
    """Return how long one infusion lasts; the service of a single infusion is its length when it fits in a day."""
    if sent.occurrence.hours is not None and sent.occurrence.hours <= _LONGEST_INFUSION:
        return sent.occurrence.hours
    if pattern.once and sent.duration.hours is not None and sent.duration.hours <= _ONE_INFUSION:
        return sent.duration.hours
    return None


def count(
    pattern: Pattern, total: int | None, duration: Duration, starts: Moment | None, ends: Moment | None
) -> tuple[tuple[int, int] | None, tuple[str, ...]]:
    """Return how many times, and whether the sources agree to within one; the most explicit counts."""
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
    # The days on which summer time begins or ends are an hour off: allow an hour on either side.
    is_precise = ends.precision in _PRECISE
    room = timedelta(hours=1 if spacing >= DAY else 0) if is_precise else timedelta(hours=22)
    hours = Decimal((ends.at + room - starts.at).total_seconds()) / 3600
    return int((hours / spacing).to_integral_value(ROUND_FLOOR)) + 1


def timing_in_text(text: str, starts: Moment | None, path: str) -> Timing | None:
    """Return a schedule that was only written down: `0,4 g/kg/dag, 5 dagen`; None when the text holds none."""
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
    """Return what a timing repeats in: its calendar months and weekdays too, which its hours alone do not tell."""
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


_CLOCK_MARKS = re.compile(r"[,;&\s]+")
_DATE = re.compile(
    r"(?:19|20)(?:[0-9]{6}(?:[0-9]{2,10})?|[0-9]{2}([-/.])[0-9]{2}\1[0-9]{2})(?![0-9])"
    r"|[0-9]{1,2}([-/.])[0-9]{1,2}\2(?:19|20)[0-9]{2}(?![0-9])"
)


def read_tq(segment: Segment, field: int, zone: tzinfo) -> list[Sent]:
    """Return the timings of ORC-7, RXE-1 or RXG-3: one for each repetition."""
    return [_read_tq(segment, field, number, zone) for number in range(1, segment.repetitions(field) + 1)]


def _read_tq(segment: Segment, field: int, repetition: int, zone: tzinfo) -> Sent:
    def part(component: int, subcomponent: int = 1) -> str:
        return segment.text(field, component, subcomponent, repetition).strip()

    quantity, bare = _quantity(part(1), part(1, 2))
    text = segment.component(field, 8, repetition).strip()
    pattern, _, clocks = part(2).partition("@")  # `Q8@0600,1400` for `Q8&0600,1400`
    is_early = _is_date(part(3))  # `1^QD^20260501^20260505`: start and end a component too early
    starts, ends, of_times = _read_both(*((part(3), part(5) or part(4)) if is_early else (part(4), part(5))), zone)
    return Sent(
        pattern=pattern,
        clock_times=_clocks(_CLOCK_MARKS.split(clocks or part(2, 2))),
        duration=NONE if is_early else read_duration(part(3)),
        occurrence=read_duration(part(11), part(11, 2) or "min") if part(11) else NONE,
        total=_count(part(12)),
        starts=starts,
        ends=ends,
        of_times=of_times,
        priority=part(6),
        conjunction=part(9).upper(),
        text=text,
        path=segment.path(field),
        quantity=quantity,
        bare_quantity=bare,
        rates=find_rates(text),
    )


def read_tq1(segment: Segment, zone: tzinfo) -> list[Sent]:
    """Return the timing of a TQ1; several only when its repeat patterns cannot be said as one."""
    patterns = _patterns(segment)
    duration, repeats_as = read_repeats(segment.text(3, 5).strip(), segment.text(3, 6).strip())
    quantity, bare = _quantity(segment.text(2).strip(), segment.text(2, 2).strip())
    text = segment.whole(11).strip()
    first, last, are_early = _ends_of(segment)
    starts, ends, of_times = _read_both(first, last, zone)
    clocks = (clock for number in range(1, segment.repetitions(4) + 1) for clock in segment.components(4, number))
    sent = Sent(
        pattern=patterns[0],
        repeats=duration,
        repeats_as=repeats_as,
        clock_times=_clocks([each for clock in clocks for each in _CLOCK_MARKS.split(clock)]),
        duration=NONE if _is_date(segment.text(6)) else _cq(segment, 6),
        occurrence=_cq(segment, 8) if are_early and not _is_date(segment.text(8)) else _cq(segment, 13),
        total=_count(segment.text(14)),
        starts=starts,
        ends=ends,
        of_times=of_times,
        priority=segment.text(9).strip(),
        conjunction=segment.text(12).strip().upper(),
        text=text,
        path=segment.path(),
        quantity=quantity,
        bare_quantity=bare,
        rates=find_rates(text),
    )
    return [sent, *(replace(sent, pattern=other, repeats=NONE, repeats_as="") for other in patterns[1:])]


def _read_both(starts: str, ends: str, zone: tzinfo) -> tuple[Moment | None, Moment | None, tuple[str, ...]]:
    """The start and the end, and what was doubtful about them."""
    (first, of_first), (last, of_last) = read_plausible(starts, zone), read_plausible(ends, zone)
    return first, last, unique((*of_first, *of_last))


def _ends_of(segment: Segment) -> tuple[str, str, bool]:
    """TQ1-7 and 8; where the first of the dates stands in TQ1-3 to 6 instead, it and the next; and whether it does."""
    if not any(_is_date(segment.raw(field)) for field in (3, 4, 5, 6)):
        return segment.text(7).strip(), segment.text(8).strip(), False
    texts = [segment.text(field).strip() for field in (3, 4, 5, 6, 7, 8)]
    dates = list(dict.fromkeys(text for text in texts if _is_date(text)))  # a start that is sent twice counts once
    if not any(_is_date(text) for text in texts[:4]) or all(_is_date(text) for text in texts[4:]):
        return texts[4], texts[5], False
    return dates[0], dates[1] if len(dates) > 1 else "", True


def _is_date(text: str) -> bool:
    return _DATE.match(text.strip()) is not None


def _patterns(segment: Segment) -> list[str]:
    """`QAM~QPM` is twice a day; other repetitions each stand for themselves."""
    names = _pattern_names(segment) or _misplaced_pattern(segment)
    if len(names) > 1:
        daily = [read_pattern(name) for name in names]
        if all(pattern.hours == DAY for pattern in daily):
            return [f"{sum(pattern.per_period for pattern in daily)}ID"]
    return names or [""]


def _pattern_names(segment: Segment) -> list[str]:
    """Return the patterns of TQ1-3, each by its code, or by the words beside it where the code says nothing to us."""
    names = []
    for number in range(1, segment.repetitions(3) + 1):
        code = segment.text(3, 1, 1, number).strip()
        if _is_date(code):
            continue
        beside = [] if read_pattern(code).is_known else [segment.text(3, part, 1, number).strip() for part in (2, 9)]
        words = next((each for each in beside if each and read_pattern(each).hours is not None), "")
        if code or words:
            names.append(words or code)
    return names


def _misplaced_pattern(segment: Segment) -> list[str]:
    """`TQ1|1|QD|20261129|20261203`: how often, where the quantity or another part of the timing belongs."""
    texts = (segment.text(field, part).strip() for field, part in ((2, 1), (2, 2), (4, 1), (5, 1), (6, 1)))
    named = (text for text in texts if text and not _is_date(text) and not text[:1].isdecimal())
    return [text for text in named if read_pattern(text).hours is not None][:1]


def _clocks(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(found.strftime("%H%M") for text in texts if (found := read_clock(text)) is not None)


def _cq(segment: Segment, field: int) -> Duration:
    """Return a quantity with its unit as a component, or with the number in HL7's own form."""
    number = segment.text(field).strip()
    unit = segment.text(field, 2).strip() or segment.text(field, 2, 2).strip()
    return read_duration(number, unit) if number else NONE


def _count(text: str) -> int | None:
    number = read_number(text.strip()) if text.strip() else None
    if number is None:
        return read_duration(text).occurrences if text.strip() else None
    return int(number.low) if 1 <= number.low <= 9999 else None


def _quantity(text: str, unit_text: str) -> tuple[SentAmount | None, Decimal | None]:
    number, unit = (read_number(text), read_unit(unit_text)) if text else (None, None)
    if number is None:
        return None, None
    return (SentAmount(number, unit), None) if unit is not None else (None, number.high)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The timings that count, the steps of the infusion, and what was doubtful about choosing."""

    timings: tuple[Timing, ...] = ()
    sent: tuple[Sent, ...] = ()
    steps: tuple[Sent, ...] = ()
    starts: Moment | None = None
    tells: bool = False  # whether any of them has a frequency; otherwise "once" is only the standard's default
    flags: tuple[str, ...] = ()


def choose(sources: Sequence[Sequence[Sent]]) -> Chosen:
    """Return the first source that says how often; a start that a better source names is taken from there.

    Steps of one infusion (`Once`, with a rate in words) are not a schedule: the schedule is then the request's.
    """
    said = [[sent for sent in source if not sent.is_empty] for source in sources]
    said = [source for source in said if source]
    if not said:
        return Chosen()
    steps = next((tuple(sent for sent in source if sent.is_rate_step) for source in said if _has_steps(source)), ())
    telling = [source for source in said if any(_says_how_often(sent) for sent in source)]
    chosen = [sent for sent in (telling or said)[0] if not sent.is_rate_step] or said[0][:1]
    starts = next((sent.starts for source in said for sent in source if sent.starts is not None), None)
    if chosen[0].starts is None:
        chosen[0] = replace(chosen[0], starts=starts)
    timings = [timing(sent) for sent in chosen]
    from_request = bool(telling) and telling[0] is not said[0]
    differs = len(telling) > 1 and _differ(timings[0], timing(telling[1][0]))
    flags = ("timing_from_request" if from_request else "", "timing_differs" if differs else "")
    return Chosen(_doubled(timings), tuple(chosen), steps, starts, bool(telling), unique(flags))


def _has_steps(source: Sequence[Sent]) -> bool:
    return any(sent.is_rate_step for sent in source)


def _says_how_often(sent: Sent) -> bool:
    said = (read_pattern(sent.pattern).is_known, sent.repeats_as, sent.total, sent.duration != NONE)
    return (any(said) and not sent.is_rate_step) or "pattern_in_priority" in sent.how_often()[2]


def _differ(one: Timing, other: Timing) -> bool:
    if one.period_hours != other.period_hours or one.per_period != other.per_period:
        return True
    return one.occurrences is not None and other.occurrences is not None and one.occurrences != other.occurrences


def _doubled(timings: Sequence[Timing]) -> tuple[Timing, ...]:
    """Two daily timings from one start: the same said twice, or a double dose."""
    seen: set[tuple[Moment | None, Decimal | None]] = set()
    found = []
    for each in timings:
        key = (each.starts, each.period_hours)
        again = key in seen and each.period_hours == DAY and not any(before.conjunction for before in timings[:-1])
        seen.add(key)
        flags = unique((*each.flags, "parallel_timing")) if again else each.flags
        found.append(_with_flags(each, flags))
    return tuple(found)


def _with_flags(each: Timing, flags: tuple[str, ...]) -> Timing:
    return msgspec.structs.replace(each, flags=flags)


_CLOCK = re.compile(r"([0-9]{2}):?([0-9]{2})(?::?[0-9]{2}(?:\.[0-9]+)?)?(?:[+-][0-9]{4})?", re.ASCII)


def read_clock(text: str) -> time | None:
    """`0900` or `09:00`, with or without seconds and a zone; a date is not a time of day."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return None
    hour, minute = int(found[1]), int(found[2])
    return time(hour, minute) if hour < 24 and minute < 60 else None
