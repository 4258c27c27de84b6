"""References to what has no resource here: the patient, a message and its field, a person."""

import re
from collections.abc import Collection
from typing import Any, Final

from clinical.identities import mask
from store.patients import KnownPatient

Resource = dict[str, Any]
_ID: Final = re.compile(r"[A-Za-z0-9.-]{1,64}")

DEVICE: Final = "ivigilant"  # the id of IVIgilant itself, as a device
SYSTEM_ACTOR: Final = "system"  # of lines that nobody wrote
ACCOUNT: Final = "urn:ivigilant:account"
CONTROL_ID: Final = "urn:ivigilant:control-id"
FIELD: Final = "urn:ivigilant:field"
MESSAGE: Final = "urn:ivigilant:message"
_RENDERED: Final = "http://hl7.org/fhir/StructureDefinition/rendered-value"  # of a number that is shown in part


def patient_reference(
    patient_id: int, patient: KnownPatient | None, masked: Collection[str] = (), *, literal: bool = False
) -> Resource:
    """Return a reference by number; a literal one as well where a search by it is answered."""
    reference = {"reference": f"Patient/{patient_id}"} if literal else {}
    if patient is None:
        return {**reference, "type": "Patient", "display": f"patient {patient_id}, no longer stored"}
    assigner = {"assigner": {"display": patient.authority}} if patient.authority else {}
    shown: Resource = {"value": patient.value}
    if patient.authority in masked:
        shown = {"_value": {"extension": [{"url": _RENDERED, "valueString": mask(patient.value)}]}}
    return {**reference, "type": "Patient", "identifier": {**shown, **assigner}}


def message_reference(control_id: str, message_id: str, path: str) -> Resource:
    """Return a reference to the field of a message from which something was read."""
    extensions = [{"url": FIELD, "valueString": path}] if path else []
    extensions += [{"url": MESSAGE, "valueString": message_id}] if message_id else []
    identifier = {"identifier": {"system": CONTROL_ID, "value": control_id}} if control_id else {}
    return {
        **({"extension": extensions} if extensions else {}),
        **identifier,
        "display": " ".join(part for part in (control_id, path) if part) or "unknown",
    }


def person_reference(name: str) -> Resource:
    """Return a reference to whoever has this account, or to the program that has a token of this name."""
    reference = {"reference": f"Practitioner/{name}"} if _ID.fullmatch(name) else {}
    return {**reference, "type": "Practitioner", "identifier": {"system": ACCOUNT, "value": name}, "display": name}


def device_reference() -> Resource:
    """Return a reference to IVIgilant itself."""
    return {"reference": f"Device/{DEVICE}", "type": "Device", "display": "IVIgilant"}
