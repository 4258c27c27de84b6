"""Timing: how often, how many times, from when; weighed as the timings of HL7 are."""

import re
from collections.abc import Sequence
from decimal import Decimal

from clinical.events import Moment, Timing
from parsers.defaults import Defaults
from parsers.fhir.elements import Json, codes, moment, part, placed, text, words
from parsers.fhir.quantities import number_of, unit_text
from parsers.medication.durations import NONE, Duration, read_duration
from parsers.medication.patterns import read_pattern
from parsers.medication.schedules import Sent, read_repeats, timing

_MONTHS_A_YEAR = 12
_PRN = "PRN"
_CLOCK = re.compile(r"[0-2][0-9]:[0-5][0-9]", re.ASCII)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MOST_WEEKS = 99
_MOST_TIMES = {"d": 99, "wk": 9}  # that a pattern can name


def sent_timing(dosage: Json, defaults: Defaults, path: str) -> Sent:
    """What one dosage says of when."""
    told = part(dosage, "timing")
    repeat = part(told, "repeat")
    events = told.get("event")
    moments = [moment({"at": each}, "at", defaults)[0] for each in events] if isinstance(events, list) else []
    known = sorted((each for each in moments if each is not None), key=lambda each: each.at)
    starts, _ = moment(part(repeat, "boundsPeriod"), "start", defaults)
    ends, _ = moment(part(repeat, "boundsPeriod"), "end", defaults)
    code = part(told, "code")
    coded = next(codes(code), "")
    pattern, (repeats, repeats_as) = _weighed_with(coded, *_period(repeat))
    if not pattern and not repeats_as and len(known) > 1:
        repeats, repeats_as = _apart(known)
    as_needed = dosage.get("asNeededBoolean") is True or bool(part(dosage, "asNeededCodeableConcept"))
    return Sent(
        pattern=pattern,
        repeats=repeats,
        repeats_as=repeats_as,
        clock_times=_clocks(repeat),
        duration=_bounds(repeat),
        occurrence=_lasts(repeat),
        total=_count(repeat) or (len(known) or None),
        starts=starts or (known[0] if known else None),
        ends=ends or (known[-1] if len(known) > 1 else None),
        priority=_PRN if as_needed else "",
        text="; ".join(said for said in (words(code), text(dosage, "text")) if said),
        path=path,
    )


def weighed(sent: Sequence[Sent]) -> tuple[Timing, ...]:
    """The timings of those that say anything."""
    return tuple(timing(each) for each in sent if not each.is_empty)


def says_how_often(sent: Sent) -> bool:
    """Whether more is known than when it begins."""
    return bool(sent.pattern or sent.repeats_as or sent.total or sent.clock_times or sent.duration != NONE)


def _weighed_with(coded: str, pattern: str, repeats: tuple[Duration, str]) -> tuple[str, tuple[Duration, str]]:
    """The code beside the numbers: `TID` and three times a day are one thing, said twice."""
    if not coded or (not pattern and not repeats[1]):
        return coded or pattern, repeats
    by_code, by_numbers = read_pattern(coded), read_pattern(pattern or repeats[1])
    if not by_code.is_known and pattern:
        return pattern, repeats
    if by_code.hours is None or by_numbers.hours is None:
        return coded, repeats
    if by_code.hours * by_numbers.per_period == by_numbers.hours * by_code.per_period:
        return (pattern if by_numbers.weekdays else coded), (NONE, "")
    apart = by_numbers.hours / by_numbers.per_period
    return coded, read_repeats(str(max(1, round(apart))), "h")


def _period(repeat: Json) -> tuple[str, tuple[Duration, str]]:
    """A pattern, or once in so long; of a range the most frequent counts."""
    period, unit = number_of(repeat, "period"), text(repeat, "periodUnit")
    times = _times(repeat)
    if days := _weekdays(repeat):
        weeks = int(period) if period is not None and unit == "wk" and 1 <= period <= _MOST_WEEKS else ""
        return f"Q{weeks}J{days}", (NONE, "")
    if not unit or period is None:
        is_daily = not unit and (_clocks(repeat) or repeat.get("when"))
        period, unit = Decimal(1), "d" if is_daily else ""
    if period <= 0 or not unit:
        return "", (NONE, "")
    if unit == "a":
        period, unit = period * _MONTHS_A_YEAR, "mo"
    if times <= 1:
        return "", read_repeats(f"{period:f}", unit)
    if period == 1 and times == int(times) and times <= _MOST_TIMES.get(unit, 0):
        return f"{int(times)}X{unit[0].upper()}", (NONE, "")
    hours = read_duration(f"{period:f}", unit).hours
    return "", read_repeats(str(max(1, round(hours / times))), "h") if hours is not None else (NONE, "")


def _times(repeat: Json) -> Decimal:
    """How many in one period: as many as there are times of the day, when those are more."""
    told = number_of(repeat, "frequencyMax") or number_of(repeat, "frequency") or Decimal(1)
    is_daily = text(repeat, "periodUnit") in ("d", "") and number_of(repeat, "period") in (None, 1)
    named = [repeat.get(name) for name in ("timeOfDay", "when")] if is_daily else []
    return max(told, *(Decimal(len(each)) for each in named if isinstance(each, list)), Decimal(1))


def _weekdays(repeat: Json) -> str:
    """The days of the week as HL7 counts them: 1 is Monday."""
    days = repeat.get("dayOfWeek")
    told = {each for each in days if isinstance(each, str)} if isinstance(days, list) else set()
    return "".join(str(number) for number, day in enumerate(_DAYS, 1) if day in told)


def _apart(moments: Sequence[Moment]) -> tuple[Duration, str]:
    """How far moments lie apart, in the mean."""
    seconds = Decimal((moments[-1].at - moments[0].at).total_seconds()) / (len(moments) - 1)
    return read_repeats(str(max(1, round(seconds / 3600))), "h")


def _bounds(repeat: Json) -> Duration:
    """For how long; of a range the longest."""
    within = part(repeat, "boundsRange")
    return _duration(part(repeat, "boundsDuration") or part(within, "high") or part(within, "low"))


def _duration(quantity: Json) -> Duration:
    number = number_of(quantity, "value")
    return NONE if number is None else read_duration(f"{number:f}", unit_text(quantity))


def _lasts(repeat: Json) -> Duration:
    number = number_of(repeat, "duration")
    return NONE if number is None else read_duration(f"{number:f}", text(repeat, "durationUnit"))


def _count(repeat: Json) -> int | None:
    number = number_of(repeat, "countMax") or number_of(repeat, "count")
    return int(number) if number is not None and 1 <= number <= 9999 else None


def _clocks(repeat: Json) -> tuple[str, ...]:
    times = repeat.get("timeOfDay")
    if not isinstance(times, list):
        return ()
    return tuple(each.replace(":", "")[:4] for each in times if isinstance(each, str) and _CLOCK.match(each))


def dosages(body: Json, name: str = "dosageInstruction") -> list[tuple[str, Json]]:
    """The dosages in the order in which they are to be followed, each with where it stands."""
    found = placed(body, name)
    return sorted(found, key=lambda each: number_of(each[1], "sequence") or Decimal(0))
