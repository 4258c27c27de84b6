"""Reading one line of a FHIR export: a resource, or a bundle of resources."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from clinical.events import AnyEvent, Header, Reading
from clinical.identities import Identifier
from clinical.times import Moment
from parsers.defaults import Defaults
from parsers.errors import UnreadableMessage
from parsers.fhir.administrations import is_planned, read_administration, read_dispense, read_statement
from parsers.fhir.chart import (
    PLANNED,
    read_allergy,
    read_condition,
    read_document,
    read_flag,
    read_observation,
    read_patient,
    read_procedure,
    read_reasons,
)
from parsers.fhir.elements import Json, Resource, moment, part, parts, subject, target, text
from parsers.fhir.medicines import read_medicine
from parsers.fhir.orders import is_order, read_order
from parsers.fhir.statements import (
    read_adverse_event,
    read_answered,
    read_impression,
    read_noted,
    read_questionnaire,
    read_report,
    read_stated_reasons,
)

TYPE = "FHIR"  # stored in place of MSH-9.1; the kind of resource in place of 9.2
VERSION = "R4"
READERS: dict[str, Callable[[Resource], Iterator[AnyEvent]]] = {
    "Patient": read_patient,
    "Condition": read_condition,
    "Observation": read_observation,
    "Procedure": read_procedure,
    "AllergyIntolerance": read_allergy,
    "Flag": read_flag,
    "QuestionnaireResponse": read_questionnaire,
    "DiagnosticReport": read_report,
    "ClinicalImpression": read_impression,
    "AdverseEvent": read_adverse_event,
    "Encounter": read_stated_reasons,
    "ServiceRequest": read_stated_reasons,
    "ImagingStudy": read_stated_reasons,
    "Composition": read_document,
    "DocumentReference": read_document,
    "MedicationRequest": read_order,
    "MedicationStatement": read_statement,
    "MedicationAdministration": read_administration,
    "MedicationDispense": read_dispense,
}
MEDICATION = "Medication"
BUNDLE = "Bundle"
ORDERS = frozenset({"MedicationRequest", "MedicationAdministration", "MedicationDispense"})
OF_MEDICINES = ORDERS | {"MedicationStatement"}  # kinds that may point to a Medication
READ = frozenset({*READERS, BUNDLE})
_STATING: dict[str, Callable[[Resource], Iterator[AnyEvent]]] = {  # what a resource says beside what it is
    **dict.fromkeys(OF_MEDICINES, read_reasons),
    "Procedure": read_stated_reasons,
    "Condition": read_noted,
    "Observation": read_answered,
}

# Numbers as they were written: 0.10 must not become 0.1000000000000000055.
_decoder = msgspec.json.Decoder(float_hook=Decimal)


# RecursionError: nested too deeply for any JSON reader.
NO_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Peek(msgspec.Struct, frozen=True, gc=False):
    """The elements of a resource that are needed to store it."""

    resourceType: str = ""  # noqa: N815  # the standard's own name
    id: str = ""
    meta: "PeekedMeta | None" = None


class PeekedMeta(msgspec.Struct, frozen=True, gc=False):
    """When the server last changed it."""

    lastUpdated: str = ""  # noqa: N815  # the standard's own name


_peeker = msgspec.json.Decoder(Peek)


def is_resource(raw: bytes) -> bool:
    """Return whether these bytes are JSON rather than a message."""
    return raw[:1] == b"{"


def read_resource_header(raw: bytes, defaults: Defaults) -> Header:
    """Return what is needed to store a line, or raise UnreadableMessage."""
    try:
        seen = _peeker.decode(raw)
    except NO_JSON as error:
        raise UnreadableMessage("no_json", "", Reading(Header(type=TYPE), ())) from error
    changed = _changed(seen.meta.lastUpdated if seen.meta is not None else "", defaults)
    control_id = f"{seen.resourceType}/{seen.id}" if seen.id else ""
    return Header(type=TYPE, event=seen.resourceType, control_id=control_id, sent_at=changed, version=VERSION)


def read_resource(raw: bytes, defaults: Defaults) -> Reading:
    """Read one line, or raise UnreadableMessage."""
    header = read_resource_header(raw, defaults)
    try:
        body = _decoder.decode(raw)
    except NO_JSON as error:
        raise UnreadableMessage("no_json", "", Reading(header, ())) from error
    resources = list(_resources(body, defaults))
    if not resources:
        return Reading(header=header, events=(), ignored="unknown_type")
    events: list[AnyEvent] = []
    nameless = ""  # where it should stand whom the first that names nobody is about
    for resource in resources:
        if _is_elsewhere(resource):
            raise UnreadableMessage("medication_elsewhere", resource.at("medicationReference"), Reading(header, ()))
        found = list(READERS[resource.kind](resource))
        if resource.kind in _STATING:
            found += _STATING[resource.kind](resource)
        events += found
        if not nameless and not all(event.patient for event in found):
            nameless = _whose_place(resource)
    ignored = "" if events else next((why for each in resources if (why := _why_nothing(each))), "says_nothing")
    reading = Reading(header=header, events=tuple(events) if not ignored else (), ignored=ignored)
    if nameless:
        raise UnreadableMessage("no_patient", nameless, reading)
    return reading


def _changed(written: str, defaults: Defaults) -> Moment | None:
    return moment({"at": written}, "at", defaults)[0] if written else None


def _resources(body: Json, defaults: Defaults) -> Iterator[Resource]:
    """Yield the resource, or those of a bundle, each with where it stands; of kinds that are read."""
    inside: list[tuple[Json, str, str]] = [(body, text(body, "resourceType"), "")]
    if text(body, "resourceType") == BUNDLE:
        inside = [
            (part(entry, "resource"), f"{BUNDLE}.entry[{index}].resource", text(entry, "fullUrl"))
            for index, entry in enumerate(parts(body, "entry"))
        ]
    aliases = _aliases(inside)
    medications = {
        name: (each, path)
        for each, path, url in inside
        if text(each, "resourceType") == MEDICATION
        for name in _names(each, url)
    }
    for each, path, url in inside:
        kind = text(each, "resourceType")
        if kind not in READERS or _is_no_history(kind, each):
            continue
        number = text(each, "id") or target(url)[1]
        yield Resource(kind, number, each, _whose(kind, each, defaults, aliases), defaults, path, medications)


def _aliases(inside: Sequence[tuple[Json, str, str]]) -> dict[str, str]:
    """Return the ids of resources by `fullUrl`: a reference to `urn:uuid:…` means the resource with that one."""
    named = ((target(url), text(each, "id")) for each, _, url in inside if url)
    return {number: own for (kind, number), own in named if own and not kind and number != own}


def _names(resource: Mapping[str, Any], url: str) -> Iterator[str]:
    """By which a reference may name it."""
    if number := text(resource, "id"):
        yield f"{text(resource, 'resourceType')}/{number}"
        yield number
    if url:
        yield "/".join(target(url)).lstrip("/")
        yield target(url)[1]


def _whose(kind: str, body: Json, defaults: Defaults, aliases: Mapping[str, str]) -> tuple[Identifier, ...]:
    return () if kind == "Patient" else subject(body, defaults, aliases)


def _is_no_history(kind: str, body: Json) -> bool:
    """Return what is only planned says nothing of what was or will be."""
    if kind == "MedicationRequest":
        return not is_order(body)
    if kind == "MedicationStatement":
        return is_planned(body)
    return kind == "Procedure" and text(body, "status") in PLANNED


def _is_elsewhere(resource: Resource) -> bool:
    return (
        resource.kind in OF_MEDICINES
        and "medicationReference" in resource.body
        and bool(read_medicine(resource).elsewhere)
    )


def _whose_place(resource: Resource) -> str:
    names = {"Patient": "identifier", "AllergyIntolerance": "patient"}
    return resource.at(names.get(resource.kind, "subject"))


def _why_nothing(resource: Resource) -> str:
    return "" if resource.patient or resource.kind == "Patient" else "no_patient"
