"""MedicationAdministration: what was really given."""

from collections.abc import Iterator
from decimal import Decimal

from clinical.events import Amount, MedicationGiven, OrderKeys
from parsers.fhir.elements import Resource, first_moment, moment, part, text
from parsers.fhir.medicines import Medicine, read_medicine
from parsers.fhir.orders import rate_in, routes_in
from parsers.fhir.quantities import read_any
from parsers.fhir.references import target
from parsers.hl7.times import stamp
from parsers.medication.amounts import amount_of
from parsers.medication.decimals import unique
from parsers.medication.quantities import per_administration
from parsers.medication.rates import Step
from parsers.medication.strengths import concentration
from parsers.medication.units import MASS, Quantity

_COMPLETIONS = {"completed": "CP", "not-done": "NA", "stopped": "PA", "in-progress": "PA", "on-hold": "PA"}
_NOTHING = "NA"


def read_administration(resource: Resource) -> Iterator[MedicationGiven]:
    """The administration; `not-done` is one of nothing."""
    body = resource.body
    medicine = read_medicine(resource)
    started, doubts = first_moment(body, "effective", resource.defaults)
    ended, more = moment(part(body, "effectivePeriod"), "end", resource.defaults)
    dosage = part(body, "dosage")
    quantity, element, unread = read_any(dosage, "dose")
    path = resource.at("dosage", element) if quantity is not None else resource.at("status")
    completion = _COMPLETIONS.get(text(body, "status"), "")
    grams, why = _grams(quantity, medicine, path, completion)
    strength, _ = concentration(medicine.product)
    sent, where, _ = read_any(dosage, "rate")
    told = rate_in(sent, strength, resource.at(f"dosage.{where}")).peak
    kind, number = target(text(part(body, "request"), "reference"))
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
        rate=told or (Step(grams, started.at, ended.at).rate if grams and grams.high and started and ended else None),
        started=started,
        ended=ended,
        completion=completion,
        lots=medicine.lots,
    )


def _grams(
    quantity: Quantity | None, medicine: Medicine, path: str, completion: str
) -> tuple[Amount | None, tuple[str, ...]]:
    if completion == _NOTHING or (quantity is not None and quantity.value.high == 0):
        return Amount(low=Decimal(0), high=Decimal(0), unit=MASS, basis=path), ()
    if quantity is None:
        return None, ("amount_missing",)
    grams, why = per_administration(quantity, medicine.product, path)
    return (None, ("per_kg_given",)) if grams is not None and grams.unit != MASS else (grams, why)
