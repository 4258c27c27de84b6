"""MedicationStatement: a medicine the patient says to use, or somebody else says so. It is history, and no order."""

from collections.abc import Iterator, Sequence

import msgspec

from clinical.events import MedicationOrdered, Moment, OrderKeys, Timing
from parsers.fhir.elements import Json, Resource, first_moment, moment, part, text
from parsers.fhir.medicines import read_medicine
from parsers.fhir.orders import Dosage, shown_amount
from parsers.fhir.timings import dosages, weighed
from parsers.medication.decimals import unique
from parsers.medication.immunoglobulins import looks_like_immunoglobulin

INTENDED = "intended"  # a plan says nothing of what was or will be
_STATUSES = {
    "active": "A",
    "on-hold": "HD",
    "completed": "CM",
    "stopped": "DC",
    "not-taken": "CA",
    "entered-in-error": "ER",
}
_DENIED = ("CA", "ER")  # they say that it is not so; what was said before ends with them


def read_statement(resource: Resource) -> Iterator[MedicationOrdered]:
    """The medicine, from when until when. Of immunoglobulin nothing: what is judged is ordered or given."""
    body, defaults = resource.body, resource.defaults
    medicine = read_medicine(resource)
    if looks_like_immunoglobulin(medicine.codings, medicine.text):
        return
    status = _STATUSES.get(text(body, "status"), "A")
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
    """Whether it is only meant to be taken."""
    return text(body, "status") == INTENDED


def _until(timings: Sequence[Timing], ends: Moment | None, resource: Resource) -> tuple[Timing, ...]:
    """The timings, none later than the period in which the medicine is used."""
    if ends is None:
        return tuple(timings)
    until = Timing(ends=ends, path=resource.at("effectivePeriod.end"))
    return tuple(msgspec.structs.replace(each, ends=ends) for each in timings) or (until,)
