"""Timing: how often, how many times, from when; weighed as the timings of HL7 are."""

from collections.abc import Sequence
from decimal import Decimal

from parsers.defaults import Defaults
from parsers.durations import NONE, Duration, read_duration
from parsers.events import Timing
from parsers.fhir.elements import Json, codes, moment, part, parts, text, words
from parsers.fhir.quantities import number_of, unit_text
from parsers.schedules import Sent, read_repeats, timing

_MONTHS_A_YEAR = 12
_PRN = "PRN"


def sent_timing(dosage: Json, defaults: Defaults, path: str) -> Sent:
    """What one dosage says of when."""
    told = part(dosage, "timing")
    repeat = part(told, "repeat")
    events = told.get("event")
    moments = [moment({"at": each}, "at", defaults)[0] for each in events] if isinstance(events, list) else []
    known = sorted((each for each in moments if each is not None), key=lambda each: each.at)
    starts, _ = moment(part(repeat, "boundsPeriod"), "start", defaults)
    ends, _ = moment(part(repeat, "boundsPeriod"), "end", defaults)
    repeats, repeats_as = _period(repeat)
    code = part(told, "code")
    as_needed = dosage.get("asNeededBoolean") is True or bool(part(dosage, "asNeededCodeableConcept"))
    return Sent(
        pattern=next(codes(code), ""),
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


def _period(repeat: Json) -> tuple[Duration, str]:
    """`3 times in 1 day` is once in eight hours; of a range the most frequent counts."""
    period, unit = number_of(repeat, "period"), text(repeat, "periodUnit")
    if period is None or not unit or period <= 0:
        return NONE, ""
    if unit == "a":
        period, unit = period * _MONTHS_A_YEAR, "mo"
    times = number_of(repeat, "frequencyMax") or number_of(repeat, "frequency") or Decimal(1)
    if times <= 1:
        return read_repeats(f"{period:f}", unit)
    hours = read_duration(f"{period:f}", unit).hours
    return read_repeats(str(max(1, round(hours / times))), "h") if hours is not None else (NONE, "")


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
    return tuple(each.replace(":", "")[:4] for each in times if isinstance(each, str))


def dosages(body: Json) -> list[Json]:
    """The dosages in the order in which they are to be followed."""
    found = parts(body, "dosageInstruction")
    return sorted(found, key=lambda each: number_of(each, "sequence") or Decimal(0))
