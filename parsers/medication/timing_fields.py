"""TQ fields and TQ1 segments as sent, and which of them counts when an order carries several."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from decimal import Decimal

import msgspec

from clinical.events import Moment, Timing
from parsers.hl7.plausible_times import plausible_moment
from parsers.hl7.segments import Segment
from parsers.medication.decimals import read_number, unique
from parsers.medication.durations import NONE, Duration, read_duration
from parsers.medication.expansion import read_clock
from parsers.medication.medication_text import find_rates
from parsers.medication.patterns import DAY, read_pattern
from parsers.medication.schedules import Sent, read_repeats, timing
from parsers.medication.units import Quantity, read_unit

_CLOCK_MARKS = re.compile(r"[,;&\s]+")
_DATE = re.compile(r"(?:19|20)[0-9]{6}(?:[0-9]{2,10})?(?![0-9])")


def read_tq(segment: Segment, field: int, zone: tzinfo) -> list[Sent]:
    """The timings of ORC-7, RXE-1 or RXG-3: one for each repetition."""
    return [_read_tq(segment, field, number, zone) for number in range(1, segment.repetitions(field) + 1)]


def _read_tq(segment: Segment, field: int, repetition: int, zone: tzinfo) -> Sent:
    def part(component: int, subcomponent: int = 1) -> str:
        return segment.text(field, component, subcomponent, repetition).strip()

    quantity, bare = _quantity(part(1), part(1, 2))
    text = segment.component(field, 8, repetition).strip()
    pattern, _, clocks = part(2).partition("@")  # `Q8@0600,1400` for `Q8&0600,1400`
    is_early = _is_date(part(3))  # `1^QD^20260501^20260505`: start and end a component too early
    starts, ends = (part(3), part(5) or part(4)) if is_early else (part(4), part(5))
    return Sent(
        pattern=pattern,
        clock_times=_clocks(_CLOCK_MARKS.split(clocks or part(2, 2))),
        duration=NONE if is_early else read_duration(part(3)),
        occurrence=read_duration(part(11), part(11, 2) or "min") if part(11) else NONE,
        total=_count(part(12)),
        starts=plausible_moment(starts, zone),
        ends=plausible_moment(ends, zone),
        priority=part(6),
        conjunction=part(9).upper(),
        text=text,
        path=segment.path(field),
        quantity=quantity,
        bare_quantity=bare,
        rates=find_rates(text),
    )


def read_tq1(segment: Segment, zone: tzinfo) -> list[Sent]:
    """The timing of a TQ1; several only when its repeat patterns cannot be said as one."""
    patterns = _patterns(segment)
    duration, repeats_as = read_repeats(segment.text(3, 5).strip(), segment.text(3, 6).strip())
    quantity, bare = _quantity(segment.text(2).strip(), segment.text(2, 2).strip())
    text = segment.whole(11).strip()
    starts, ends, are_early = _ends_of(segment)
    clocks = (clock for number in range(1, segment.repetitions(4) + 1) for clock in segment.components(4, number))
    sent = Sent(
        pattern=patterns[0],
        repeats=duration,
        repeats_as=repeats_as,
        clock_times=_clocks([each for clock in clocks for each in _CLOCK_MARKS.split(clock)]),
        duration=NONE if _is_date(segment.text(6)) else _cq(segment, 6),
        occurrence=_cq(segment, 8) if are_early and not _is_date(segment.text(8)) else _cq(segment, 13),
        total=_count(segment.text(14)),
        starts=plausible_moment(starts, zone),
        ends=plausible_moment(ends, zone),
        priority=segment.text(9).strip(),
        conjunction=segment.text(12).strip().upper(),
        text=text,
        path=segment.path(),
        quantity=quantity,
        bare_quantity=bare,
        rates=find_rates(text),
    )
    return [sent, *(replace(sent, pattern=other, repeats=NONE, repeats_as="") for other in patterns[1:])]


def _ends_of(segment: Segment) -> tuple[str, str, bool]:
    """TQ1-7 and 8; where the first of the dates stands in TQ1-5 or 6 instead, it and the next; and whether it does."""
    texts = [segment.text(field).strip() for field in (5, 6, 7, 8)]
    dates = [text for text in texts if _is_date(text)]
    if not any(_is_date(text) for text in texts[:2]) or all(_is_date(text) for text in texts[2:]):
        return texts[2], texts[3], False
    return dates[0], dates[1] if len(dates) > 1 else "", True


def _is_date(text: str) -> bool:
    return _DATE.match(text.strip()) is not None


def _patterns(segment: Segment) -> list[str]:
    """`QAM~QPM` is twice a day; other repetitions each stand for themselves."""
    names = [name.strip() for name in segment.texts(3)]
    if len(names) > 1:
        daily = [read_pattern(name) for name in names]
        if all(pattern.hours == DAY for pattern in daily):
            return [f"{sum(pattern.per_period for pattern in daily)}ID"]
    return names or [""]


def _clocks(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(found.strftime("%H%M") for text in texts if (found := read_clock(text)) is not None)


def _cq(segment: Segment, field: int) -> Duration:
    """A quantity with its unit as a component, or with the number in HL7's own form."""
    number = segment.text(field).strip()
    unit = segment.text(field, 2).strip() or segment.text(field, 2, 2).strip()
    return read_duration(number, unit) if number else NONE


def _count(text: str) -> int | None:
    number = read_number(text.strip()) if text.strip() else None
    if number is None:
        return read_duration(text).occurrences if text.strip() else None
    return int(number.low) if 1 <= number.low <= 9999 else None


def _quantity(text: str, unit_text: str) -> tuple[Quantity | None, Decimal | None]:
    number, unit = (read_number(text), read_unit(unit_text)) if text else (None, None)
    if number is None:
        return None, None
    return (Quantity(number, unit), None) if unit is not None else (None, number.high)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The timings that count, the steps of the infusion, and what was doubtful about choosing."""

    timings: tuple[Timing, ...] = ()
    sent: tuple[Sent, ...] = ()
    steps: tuple[Sent, ...] = ()
    starts: Moment | None = None
    tells: bool = False  # whether any of them says how often; without that, once is only the standard's default
    flags: tuple[str, ...] = ()


def choose(sources: Sequence[Sequence[Sent]]) -> Chosen:
    """The first source that says how often; a start that a better source names is taken from there.

    Steps of one infusion (`Once`, with a rate in words) are no schedule: the schedule is then the request's.
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
