"""FHIR resources to read: say what the case is about, the rest is filled in. Nobody here exists."""

import re
from typing import Any, TypeVar

import msgspec

from clinical.events import AnyEvent, Reading
from parsers.defaults import Defaults
from parsers.fhir.reading import read_resource

Json = dict[str, Any]
E = TypeVar("E", bound=AnyEvent)
DEFAULTS = Defaults(source="import")
PATIENT = {"reference": "Patient/p1"}
UCUM, SNOMED, LOINC = "http://unitsofmeasure.org", "http://snomed.info/sct", "http://loinc.org"
ATC = "http://www.whocc.no/atc"
IVIG = {"coding": [{"system": ATC, "code": "J06BA02", "display": "IVIG"}], "text": "Immunoglobuline 100 mg/ml"}
ESTRADIOL = {"coding": [{"system": ATC, "code": "G03CA03", "display": "estradiol"}]}
_STEP = re.compile(r"([A-Za-z]+)(?:\[(\d+)\])?")


def concept(*codes: tuple[str, str], text: str = "", shown: str = "") -> Json:
    """A CodeableConcept of these (system, code)."""
    coding = [{"system": system, "code": code} | ({"display": shown} if shown else {}) for system, code in codes]
    return ({"coding": coding} if coding else {}) | ({"text": text} if text else {})


def quantity(value: Any, unit: str) -> Json:
    """A Quantity in UCUM."""
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def a_condition(**elements: Any) -> Json:
    """A deep vein thrombosis of patient p1."""
    return {
        "resourceType": "Condition",
        "id": "c1",
        "subject": PATIENT,
        "code": concept((SNOMED, "128053003")),
    } | elements


def an_observation(**elements: Any) -> Json:
    """A result of patient p1; the value is the case's."""
    code = concept((LOINC, "29463-7"), text="Gewicht")
    head = {"resourceType": "Observation", "id": "o1", "status": "final", "code": code, "subject": PATIENT}
    return head | {"effectiveDateTime": "2026-11-19"} | elements


def an_order(*dosages: Json, **elements: Any) -> Json:
    """An active order of immunoglobulin for patient p1."""
    head = {"resourceType": "MedicationRequest", "id": "m1", "status": "active", "intent": "order", "subject": PATIENT}
    return head | {"medicationCodeableConcept": IVIG, "dosageInstruction": list(dosages)} | elements


def a_dosage(dose: Json | None = None, repeat: Json | None = None, code: str = "", **elements: Any) -> Json:
    """One dosage: a dose, and how often."""
    timing = ({"repeat": repeat} if repeat else {}) | ({"code": concept(("x", code))} if code else {})
    told = ({"doseAndRate": [{"doseQuantity": dose}]} if dose else {}) | ({"timing": timing} if timing else {})
    return told | elements


def a_statement(*dosages: Json, **elements: Any) -> Json:
    """Estradiol that patient p1 uses."""
    head = {"resourceType": "MedicationStatement", "id": "s1", "status": "active", "subject": PATIENT}
    return head | {"medicationCodeableConcept": ESTRADIOL, "dosage": list(dosages)} | elements


def an_administration(**elements: Any) -> Json:
    """Immunoglobulin that was given to patient p1."""
    head = {"resourceType": "MedicationAdministration", "id": "a1", "status": "completed", "subject": PATIENT}
    return head | {"medicationCodeableConcept": IVIG, "effectiveDateTime": "2026-11-19T10:00:00+01:00"} | elements


def a_patient(**elements: Any) -> Json:
    """Patient p1 of the server, 7000001 of the hospital."""
    number = {"system": "urn:oid:9.9", "value": "7000001", "type": concept(("x", "MR"))}
    return {"resourceType": "Patient", "id": "p1", "identifier": [number]} | elements


def a_bundle(*resources: Json, urls: tuple[str, ...] = ()) -> Json:
    """A bundle of these, each with its fullUrl when there are any."""
    entries: list[Json] = [{"resource": each} for each in resources]
    for entry, url in zip(entries, urls, strict=False):
        entry["fullUrl"] = url
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def reading_of(resource: Json, defaults: Defaults = DEFAULTS) -> Reading:
    """Read a resource as it would stand on a line."""
    return read_resource(msgspec.json.encode(resource), defaults)


def events_of(resource: Json, defaults: Defaults = DEFAULTS) -> tuple[AnyEvent, ...]:
    """What it says."""
    return reading_of(resource, defaults).events


def one_of(kind: type[E], resource: Json, defaults: Defaults = DEFAULTS) -> E:
    """The one thing of this kind that it says."""
    (event,) = (each for each in events_of(resource, defaults) if isinstance(each, kind))
    return event


def element_at(resource: Json, path: str) -> Any:
    """What stands at a path; KeyError or IndexError when nothing does."""
    found: Any = resource
    first, *steps = path.split(".")
    for step in ([first] if "[" in first else []) + steps:
        named = _STEP.fullmatch(step)
        assert named is not None, path
        found = found[named[1]]
        if named[2]:
            found = found[int(named[2])]
    return found
