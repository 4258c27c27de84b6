"""MedicationRequest: an order as it stands now, with what is to be given."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from clinical.events import Amount, Coding, MedicationOrdered, Moment, OrderKeys, Timing
from parsers.chart.natural_keys import joined
from parsers.defaults import Defaults
from parsers.fhir.elements import Json, Resource, codings, moment, part, parts, placed, text, words
from parsers.fhir.medicines import Medicine, read_medicine
from parsers.fhir.quantities import read_any
from parsers.fhir.references import authority_of, target
from parsers.fhir.timings import dosages, says_how_often, sent_timing, weighed
from parsers.medication.amounts import amount_of
from parsers.medication.decimals import unique
from parsers.medication.doses import Dose, Said, dose_of
from parsers.medication.immunoglobulins import looks_like_immunoglobulin
from parsers.medication.rates import GivePer, Rate, combine, highest, rate_of
from parsers.medication.schedules import Sent, per_day, timing_in_text
from parsers.medication.strengths import concentration
from parsers.medication.units import Quantity

# A plan, a proposal and an option are no orders; nor is a draft, or what must not be given.
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
    """Whether something is really ordered."""
    return text(body, "intent") in INTENTS and text(body, "status") != "draft" and body.get("doNotPerform") is not True


def read_order(resource: Resource) -> Iterator[MedicationOrdered]:
    """The order. What was entered in error is told as an order that never counted."""
    body, defaults = resource.body, resource.defaults
    medicine = read_medicine(resource)
    dosed = [Dosage(each, resource.at(place), resource) for place, each in dosages(body)]
    written = joined(
        *(said for each in dosed for said in each.words()), *(text(n, "text") for n in parts(body, "note"))
    )
    authored, _ = moment(body, "authoredOn", defaults)
    sent = [each.sent for each in dosed]
    timings = _timings(sent, f"{written}; {medicine.text}", authored, resource)
    content = _content(medicine, dosed, written, timings)
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
        routes=_routes(dosed, defaults),
        amount=content.amount,
        dose=content.dose.each,
        concentration=content.strength,
        rate=content.rate.peak,
        rate_mean=content.rate.mean,
        timings=timings,
        components=() if in_error else medicine.components,
        indications=tuple(dict.fromkeys(c for each in parts(body, "reasonCode") for c in codings(each, defaults))),
        instructions=written,
        starts=starts,
        lots=medicine.lots,
        course_grams=content.dose.course,
    )


@dataclass(frozen=True, slots=True)
class _Content:
    """What is to be given each time, and how fast."""

    amount: Amount | None
    dose: Dose
    strength: Amount | None
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
        """What was written for a person."""
        yield text(self.body, "text")
        yield text(self.body, "patientInstruction")
        yield from (words(each) for each in parts(self.body, "additionalInstruction"))


def _first(dosage: Json, path: str, name: str) -> tuple[Quantity | None, str, tuple[str, ...]]:
    """The first dose or rate that is told, and where: what was ordered may stand before what was calculated."""
    doubts: tuple[str, ...] = ()
    for place, told in placed(dosage, "doseAndRate"):
        quantity, element, more = read_any(told, name)
        doubts += more
        if quantity is not None:
            return quantity, f"{path}.{place}.{element}", doubts
    return None, path, doubts


def _keys(resource: Resource) -> OrderKeys:
    """The number the prescriber's system gives it, as a message names it; and its id, by which others point to it."""
    placer = ""
    for each in parts(resource.body, "identifier"):
        if value := text(each, "value"):
            placer = f"{authority_of(text(each, 'system'), resource.defaults)}|{value}"
            break
    kind, number = target(text(part(resource.body, "priorPrescription"), "reference"))
    replaces = f"{resource.system}|{kind}/{number}" if kind == resource.kind and number else ""
    return OrderKeys(placer=placer, filler=resource.name, replaces=replaces)


def _timings(sent: Sequence[Sent], written: str, authored: Moment | None, resource: Resource) -> tuple[Timing, ...]:
    found = weighed(sent)
    if any(says_how_often(each) for each in sent):
        return found
    starts = next((each.starts for each in found if each.starts is not None), None) or authored
    in_words = timing_in_text(written, starts, resource.at("dosageInstruction"))
    return (in_words,) if in_words is not None else found


def _content(medicine: Medicine, dosed: Sequence[Dosage], written: str, timings: Sequence[Timing]) -> _Content:
    strength, strength_doubts = concentration(medicine.product)
    first = next((each for each in dosed if each.amount is not None), dosed[0] if dosed else None)
    amount = first.amount if first is not None else None
    hours = next((each.occurrence_hours for each in timings if each.occurrence_hours is not None), None)
    said = Said(
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
    return _Content(shown_amount(dosed), dose, strength, rate, flags)


def shown_amount(dosed: Sequence[Dosage]) -> Amount | None:
    """The first amount that is told, as it was written."""
    first = next((each for each in dosed if each.amount is not None), None)
    return amount_of(first.amount, first.amount_path) if first is not None and first.amount is not None else None


def _rates(dosed: Sequence[Dosage], strength: Amount | None) -> tuple[list[Amount], list[str]]:
    rates: list[Amount] = []
    doubts: list[str] = []
    for each in dosed:
        doubts += each.rate_doubts
        rate = rate_in(each.rate, strength, each.rate_path)
        doubts += rate.flags
        if rate.peak is not None:
            rates.append(rate.peak)
    return rates, doubts


def rate_in(quantity: Quantity | None, strength: Amount | None, path: str) -> Rate:
    """A rate that was sent, in grams where the concentration allows it."""
    if quantity is None:
        return Rate()
    return rate_of(quantity.value, quantity.unit, quantity.unit.name, strength, path)


def _routes(dosed: Sequence[Dosage], defaults: Defaults) -> tuple[Coding, ...]:
    return tuple(dict.fromkeys(route for each in dosed for route in routes_in(part(each.body, "route"), defaults)))


def routes_in(concept: Json, defaults: Defaults) -> tuple[Coding, ...]:
    """The codes of a route, or its words as a code of no system."""
    said = words(concept)
    return codings(concept, defaults) or ((Coding(system="", code=said, display=said),) if said else ())
