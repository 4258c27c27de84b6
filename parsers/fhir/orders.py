"""MedicationRequest: an order as it stands now, with what is to be given."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from clinical.codes import Coding
from clinical.events import MedicationOrdered, OrderKeys
from clinical.quantities import Quantity, unique
from clinical.times import Moment
from clinical.timings import Timing
from parsers.defaults import Defaults
from parsers.fhir.elements import (
    Json,
    Resource,
    authority_of,
    codes,
    codings,
    moment,
    number_of,
    part,
    parts,
    placed,
    read_any,
    target,
    text,
    unit_text,
    words,
)
from parsers.fhir.medicines import FhirMedicine, read_medicine
from parsers.hl7.identifiers import joined
from parsers.medication.amounts import amount_of, concentration
from parsers.medication.doses import DoseSources, OrderedDose, dose_of
from parsers.medication.frequencies import NONE, Duration, read_duration, read_pattern
from parsers.medication.immunoglobulins import looks_like_immunoglobulin
from parsers.medication.rates import GivePer, Rate, combine, highest, rate_of
from parsers.medication.schedules import Sent, per_day, read_repeats, timing, timing_in_text
from parsers.medication.units import SentAmount

_MONTHS_A_YEAR = 12
_PRN = "PRN"
_CLOCK = re.compile(r"[0-2][0-9]:[0-5][0-9]", re.ASCII)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MOST_WEEKS = 99
_MOST_TIMES = {"d": 99, "wk": 9}  # that a pattern can name


def sent_timing(dosage: Json, defaults: Defaults, path: str) -> Sent:
    """Return the timing of one dosage."""
    timed = part(dosage, "timing")
    repeat = part(timed, "repeat")
    events = timed.get("event")
    moments = [moment({"at": each}, "at", defaults)[0] for each in events] if isinstance(events, list) else []
    known = sorted((each for each in moments if each is not None), key=lambda each: each.at)
    starts, _ = moment(part(repeat, "boundsPeriod"), "start", defaults)
    ends, _ = moment(part(repeat, "boundsPeriod"), "end", defaults)
    code = part(timed, "code")
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
    """Return the timings of those that say anything."""
    return tuple(timing(each) for each in sent if not each.is_empty)


def says_how_often(sent: Sent) -> bool:
    """Return whether more is known than when it begins."""
    return bool(sent.pattern or sent.repeats_as or sent.total or sent.clock_times or sent.duration != NONE)


def _weighed_with(coded: str, pattern: str, repeats: tuple[Duration, str]) -> tuple[str, tuple[Duration, str]]:
    """Return the code beside the numbers: `TID` and three times a day are one thing, said twice."""
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
    """Return a pattern, or once in so long; of a range the most frequent counts."""
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
    """Return how many in one period: as many as there are times of the day, when those are more."""
    times = number_of(repeat, "frequencyMax") or number_of(repeat, "frequency") or Decimal(1)
    is_daily = text(repeat, "periodUnit") in ("d", "") and number_of(repeat, "period") in (None, 1)
    named = [repeat.get(name) for name in ("timeOfDay", "when")] if is_daily else []
    return max(times, *(Decimal(len(each)) for each in named if isinstance(each, list)), Decimal(1))


def _weekdays(repeat: Json) -> str:
    """Return the days of the week as HL7 counts them: 1 is Monday."""
    days = repeat.get("dayOfWeek")
    named = {each for each in days if isinstance(each, str)} if isinstance(days, list) else set()
    return "".join(str(number) for number, day in enumerate(_DAYS, 1) if day in named)


def _apart(moments: Sequence[Moment]) -> tuple[Duration, str]:
    """Return how far moments lie apart, in the mean."""
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
    """Return the dosages in the order in which they are to be followed, each with where it stands."""
    found = placed(body, name)
    return sorted(found, key=lambda each: number_of(each[1], "sequence") or Decimal(0))


# A plan, a proposal or an option is not an order; nor is a draft, or a request not to give something.
INTENTS = frozenset({"order", "original-order", "reflex-order", "filler-order", "instance-order"})
_STATUSES = {
    "active": "A",
    "on-hold": "HD",
    "cancelled": "CA",
    "completed": "CM",
    "entered-in-error": "ER",
    "stopped": "DC",
}


def is_order(body: Json) -> bool:
    """Return whether it is an actual order."""
    return text(body, "intent") in INTENTS and text(body, "status") != "draft" and body.get("doNotPerform") is not True


def read_order(resource: Resource) -> Iterator[MedicationOrdered]:
    """Yield the order; one entered in error is yielded as an order that never counted."""
    body, defaults = resource.body, resource.defaults
    medicine = read_medicine(resource)
    dosed = [Dosage(each, resource.at(place), resource) for place, each in dosages(body)]
    written = words_of(body, dosed)
    authored, _ = moment(body, "authoredOn", defaults)
    timings = timings_of(dosed, f"{written}; {medicine.text}", authored, resource)
    content = content_of(medicine, dosed, written, timings)
    status = _STATUSES.get(text(body, "status"), "A")
    starts = next((each.starts for each in timings if each.starts is not None), None) or authored
    in_error = status == "ER"
    yield MedicationOrdered(
        patient=resource.patient,
        path=medicine.path,
        at=None,
        flags=unique([*content.flags, "" if timings else "schedule_missing"]),
        keys=_keys(resource),
        control="SC",
        status=status,
        source="control" if in_error else "request",
        codings=() if in_error else medicine.codings,
        text="" if in_error else medicine.text,
        routes=routes_of(dosed, defaults),
        amount=content.amount,
        dose=content.dose.each,
        concentration=content.strength,
        rate=content.rate.peak,
        rate_mean=content.rate.mean,
        timings=timings,
        components=() if in_error else medicine.components,
        indications=tuple(dict.fromkeys(c for each in parts(body, "reasonCode") for c in _reason(each, defaults))),
        instructions=written,
        starts=starts,
        lots=medicine.lots,
        course_grams=content.dose.course,
    )


def _reason(concept: Json, defaults: Defaults) -> Iterator[Coding]:
    """Yield the codes of a reason, and its text as a code of no system where it says more than their displays."""
    found = codings(concept, defaults)
    yield from found
    written = text(concept, "text")
    if written and written not in {coding.display for coding in found}:
        yield Coding(system="", code=written, display=written)


def words_of(body: Json, dosed: Sequence["Dosage"]) -> str:
    """Return the instructions and the notes."""
    return joined(*(said for each in dosed for said in each.words()), *(text(n, "text") for n in parts(body, "note")))


@dataclass(frozen=True, slots=True)
class RequestContent:
    """What is to be given each time, and how fast."""

    amount: Quantity | None
    dose: OrderedDose
    strength: Quantity | None
    rate: Rate
    flags: tuple[str, ...]


class Dosage:
    """One dosage instruction: an amount, a rate and a schedule."""

    def __init__(self, body: Json, path: str, resource: Resource) -> None:
        self.body = body
        self.sent: Sent = sent_timing(body, resource.defaults, f"{path}.timing" if part(body, "timing") else path)
        self.amount, self.amount_path, self.doubts = _first(body, path, "dose")
        self.rate, self.rate_path, self.rate_doubts = _first(body, path, "rate")

    def words(self) -> Iterator[str]:
        """Yield what was written for a person."""
        yield text(self.body, "text")
        yield text(self.body, "patientInstruction")
        yield from (words(each) for each in parts(self.body, "additionalInstruction"))


def _first(dosage: Json, path: str, name: str) -> tuple[SentAmount | None, str, tuple[str, ...]]:
    """Return the first dose or rate that is told, and where: what was ordered may stand before what was calculated.

    STU3 writes it in the dosage itself.
    """
    doubts: tuple[str, ...] = ()
    for place, sent in [*placed(dosage, "doseAndRate"), ("", dosage)]:
        quantity, element, more = read_any(sent, name)
        doubts += more
        if quantity is not None:
            return quantity, ".".join(each for each in (path, place, element) if each), doubts
    return None, path, doubts


def _keys(resource: Resource) -> OrderKeys:
    """Return the prescriber's number, as a message has it, and the id by which other resources refer to it."""
    placer = ""
    for each in parts(resource.body, "identifier"):
        if value := text(each, "value"):
            placer = f"{authority_of(text(each, 'system'), resource.defaults)}|{value}"
            break
    kind, number = target(text(part(resource.body, "priorPrescription"), "reference"))
    replaces = f"{resource.system}|{kind}/{number}" if kind == resource.kind and number else ""
    return OrderKeys(placer=placer, filler=resource.name, replaces=replaces)


def timings_of(
    dosed: Sequence[Dosage], written: str, authored: Moment | None, resource: Resource
) -> tuple[Timing, ...]:
    """Return the timings of the dosages, else the one that words tell."""
    sent = [each.sent for each in dosed]
    found = weighed(sent)
    if any(says_how_often(each) for each in sent):
        return found
    starts = next((each.starts for each in found if each.starts is not None), None) or authored
    in_words = timing_in_text(written, starts, resource.at("dosageInstruction"))
    return (in_words,) if in_words is not None else found


def content_of(
    medicine: FhirMedicine, dosed: Sequence[Dosage], written: str, timings: Sequence[Timing]
) -> RequestContent:
    """Return what is to be given each time."""
    strength, strength_doubts = concentration(medicine.product)
    first = next((each for each in dosed if each.amount is not None), dosed[0] if dosed else None)
    amount = first.amount if first is not None else None
    hours = next((each.occurrence_hours for each in timings if each.occurrence_hours is not None), None)
    said = DoseSources(
        amount=amount,
        product=medicine.product,
        basis=first.amount_path if first is not None else "",
        instructions=written,
        name=medicine.text,
        is_immunoglobulin=looks_like_immunoglobulin(medicine.codings, medicine.text),
        per_day=per_day(timings),
        times=next((each.occurrences[1] for each in timings if each.occurrences is not None), None),
        hours=hours,
    )
    dose = dose_of(said)
    rates, doubts = _rates(dosed, strength)
    peak = highest(rates)
    rate = combine(peak, GivePer(), dose.each, hours, [])
    if len(rates) > 1:
        rate = replace(rate, mean=None)
    flags = unique([*(flag for each in dosed for flag in each.doubts), *strength_doubts, *dose.flags, *doubts])
    return RequestContent(shown_amount(dosed), dose, strength, rate, flags)


def shown_amount(dosed: Sequence[Dosage]) -> Quantity | None:
    """Return the first amount that is told, as it was written."""
    first = next((each for each in dosed if each.amount is not None), None)
    return amount_of(first.amount, first.amount_path) if first is not None and first.amount is not None else None


def _rates(dosed: Sequence[Dosage], strength: Quantity | None) -> tuple[list[Quantity], list[str]]:
    rates: list[Quantity] = []
    doubts: list[str] = []
    for each in dosed:
        doubts += each.rate_doubts
        rate = rate_in(each.rate, strength, each.rate_path)
        doubts += rate.flags
        if rate.peak is not None:
            rates.append(rate.peak)
    return rates, doubts


def rate_in(quantity: SentAmount | None, strength: Quantity | None, path: str) -> Rate:
    """Return a rate that was sent, in grams where the concentration allows it."""
    if quantity is None:
        return Rate()
    return rate_of(quantity.value, quantity.unit, quantity.unit.name, strength, path)


def routes_of(dosed: Sequence[Dosage], defaults: Defaults) -> tuple[Coding, ...]:
    """Return every route of the dosages, each once."""
    return tuple(dict.fromkeys(route for each in dosed for route in routes_in(part(each.body, "route"), defaults)))


def routes_in(concept: Json, defaults: Defaults) -> tuple[Coding, ...]:
    """Return the codes of a route, or its words as a code of no system."""
    said = words(concept)
    return codings(concept, defaults) or ((Coding(system="", code=said, display=said),) if said else ())
