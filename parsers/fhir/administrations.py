"""MedicationAdministration, MedicationDispense and MedicationStatement: what was given, issued and used."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

import msgspec

from clinical.events import MedicationGiven, MedicationOrdered, OrderKeys
from clinical.quantities import Quantity, unique
from clinical.times import Moment
from clinical.timings import Timing
from parsers.fhir.elements import (
    Json,
    Resource,
    first_moment,
    moment,
    part,
    parts,
    read_any,
    read_quantity,
    target,
    text,
)
from parsers.fhir.medicines import FhirMedicine, read_medicine
from parsers.fhir.orders import (
    Dosage,
    content_of,
    dosages,
    rate_in,
    routes_in,
    routes_of,
    shown_amount,
    timings_of,
    weighed,
    words_of,
)
from parsers.hl7.times import stamp
from parsers.medication.amounts import amount_of, concentration, per_administration
from parsers.medication.doses import dose_of_issue
from parsers.medication.immunoglobulins import looks_like_immunoglobulin
from parsers.medication.rates import RateStep
from parsers.medication.units import MASS, SentAmount

_COMPLETIONS = {"completed": "CP", "not-done": "NA", "stopped": "PA", "in-progress": "PA", "on-hold": "PA"}
_NOTHING = "NA"


def read_administration(resource: Resource) -> Iterator[MedicationGiven]:
    """Yield the administration; `not-done` means that nothing was given."""
    body = resource.body
    medicine = read_medicine(resource)
    started, doubts = first_moment(body, "effective", resource.defaults)
    ended, more = moment(part(body, "effectivePeriod"), "end", resource.defaults)
    dosage = part(body, "dosage")
    quantity, element, unread = read_any(dosage, "dose")
    path = resource.at("dosage", element) if quantity is not None else resource.at("status")
    was_given = body.get("notGiven") is not True  # STU3
    completion = _COMPLETIONS.get(text(body, "status"), "") if was_given else _NOTHING
    grams, why = _grams(quantity, medicine, path, completion)
    strength, _ = concentration(medicine.product)
    sent, where, _ = read_any(dosage, "rate")
    rate = rate_in(sent, strength, resource.at(f"dosage.{where}")).peak
    request = part(body, "request") or part(body, "prescription")  # the second: STU3
    kind, number = target(text(request, "reference"))
    yield MedicationGiven(
        patient=resource.patient,
        path=medicine.path,
        flags=unique([*doubts, *more, *unread, *why]),
        keys=OrderKeys(filler=f"{resource.system}|{kind}/{number}" if kind == "MedicationRequest" and number else ""),
        key=resource.name or f"fhir|{medicine.text}|{stamp(started)}",
        action="delete" if text(body, "status") == "entered-in-error" else "assert",
        codings=medicine.codings,
        text=medicine.text,
        routes=routes_in(part(dosage, "route"), resource.defaults),
        amount=amount_of(quantity, path) if quantity is not None else None,
        grams=grams,
        rate=rate
        or (RateStep(grams, started.at, ended.at).rate if grams and grams.high and started and ended else None),
        started=started,
        ended=ended,
        completion=completion,
        lots=medicine.lots,
    )


def _grams(
    quantity: SentAmount | None, medicine: FhirMedicine, path: str, completion: str
) -> tuple[Quantity | None, tuple[str, ...]]:
    if completion == _NOTHING or (quantity is not None and quantity.value.high == 0):
        return Quantity(low=Decimal(0), high=Decimal(0), unit=MASS, basis=path), ()
    if quantity is None:
        return None, ("amount_missing",)
    grams, why = per_administration(quantity, medicine.product, path)
    return (None, ("per_kg_given",)) if grams is not None and grams.unit != MASS else (grams, why)


_NOT_ISSUED = frozenset({"cancelled", "entered-in-error", "stopped", "declined"})


def read_dispense(resource: Resource) -> Iterator[MedicationOrdered]:
    """Yield what was issued and for which order; without one it is the order, unless nothing left the pharmacy."""
    body, defaults = resource.body, resource.defaults
    if text(body, "status") in _NOT_ISSUED or body.get("notDone") is True:
        return
    medicine = read_medicine(resource)
    dosed = [Dosage(each, resource.at(place), resource) for place, each in dosages(body)]
    written = words_of(body, dosed)
    issued = next((at for name in ("whenHandedOver", "whenPrepared") if (at := moment(body, name, defaults)[0])), None)
    timings = timings_of(dosed, written, issued, resource)
    content = content_of(medicine, dosed, written, timings)
    about = [flag for flag in content.flags if flag not in content.dose.flags]
    quantity, doubts = read_quantity(part(body, "quantity"))
    dose, unread = content.dose.each, content.dose.flags
    if dose is None and quantity is not None and looks_like_immunoglobulin(medicine.codings, medicine.text):
        dose, unread = dose_of_issue(quantity, medicine.product, resource.at("quantity"))
    yield MedicationOrdered(
        patient=resource.patient,
        path=medicine.path,
        flags=unique([*about, *doubts, *unread, "" if timings else "schedule_missing"]),
        keys=OrderKeys(filler=_authorized_by(resource) or resource.name),
        control="RE",
        source="dispense",
        codings=medicine.codings,
        text=medicine.text,
        routes=routes_of(dosed, defaults),
        amount=amount_of(quantity, resource.at("quantity")) if quantity is not None else content.amount,
        dose=dose,
        concentration=content.strength,
        rate=content.rate.peak,
        rate_mean=content.rate.mean,
        timings=timings,
        components=medicine.components,
        instructions=written,
        lots=medicine.lots,
        starts=issued,
    )


def _authorized_by(resource: Resource) -> str:
    """Return the key of the request that it was issued for."""
    for each in parts(resource.body, "authorizingPrescription"):
        kind, number = target(text(each, "reference"))
        if kind == "MedicationRequest" and number:
            return f"{resource.system}|{kind}/{number}"
    return ""


INTENDED = "intended"  # a plan is neither given nor used
_STATUSES = {
    "active": "A",
    "on-hold": "HD",
    "completed": "CM",
    "stopped": "DC",
    "not-taken": "CA",
    "entered-in-error": "ER",
}
_DENIED = ("CA", "ER")  # statuses that end an earlier statement


def read_statement(resource: Resource) -> Iterator[MedicationOrdered]:
    """Yield the medicine, from when until when. Of immunoglobulin nothing: what is judged is ordered or given."""
    body, defaults = resource.body, resource.defaults
    medicine = read_medicine(resource)
    if looks_like_immunoglobulin(medicine.codings, medicine.text):
        return
    status = "CA" if text(body, "taken") == "n" else _STATUSES.get(text(body, "status"), "A")  # `taken`: STU3
    denied = status in _DENIED
    dosed = [Dosage(each, resource.at(place), resource) for place, each in dosages(body, "dosage")]
    starts, doubts = first_moment(body, "effective", defaults)
    ends, more = moment(part(body, "effectivePeriod"), "end", defaults)
    yield MedicationOrdered(
        patient=resource.patient,
        path=medicine.path,
        flags=unique([*doubts, *more]),
        keys=OrderKeys(filler=resource.name),
        control="SC",
        status=status,
        source="control" if denied else "request",
        codings=() if denied else medicine.codings,
        text="" if denied else medicine.text,
        amount=shown_amount(dosed),
        timings=_until(weighed([each.sent for each in dosed]), ends, resource),
        instructions="; ".join(said for each in dosed for said in each.words() if said),
        starts=starts,
    )


def is_planned(body: Json) -> bool:
    """Return whether it is only meant to be taken."""
    return text(body, "status") == INTENDED


def _until(timings: Sequence[Timing], ends: Moment | None, resource: Resource) -> tuple[Timing, ...]:
    """Return the timings, none later than the period in which the medicine is used."""
    if ends is None:
        return tuple(timings)
    until = Timing(ends=ends, path=resource.at("effectivePeriod.end"))
    return tuple(msgspec.structs.replace(each, ends=ends) for each in timings) or (until,)
