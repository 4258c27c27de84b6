"""A line of the access log as a FHIR R4 AuditEvent, for the export and for the API."""

from collections.abc import Collection
from typing import Any

from inbox.fhir.references import patient_reference
from store.access_log import REFUSED, WrittenLine
from store.patients import KnownPatient

ACTION_SYSTEM = "urn:ivigilant:action"
DONE_OUTCOME, REFUSED_OUTCOME = "0", "4"  # 4: a minor failure, the action was not done
LOOK, ACT = "R", "E"  # http://hl7.org/fhir/R4/valueset-audit-event-action.html: read, and execute

# http://hl7.org/fhir/R4/valueset-audit-event-type.html, of the codes that DICOM PS3.16 D defines.
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_AUTHENTICATION = {"system": DICOM, "code": "110114", "display": "User Authentication"}
_LOG_USED = {"system": DICOM, "code": "110101", "display": "Audit Log Used"}
_QUERY = {"system": DICOM, "code": "110112", "display": "Query"}
_RECORD = {"system": DICOM, "code": "110110", "display": "Patient Record"}
_ACTIVITY = {"system": DICOM, "code": "110100", "display": "Application Activity"}
_TYPES = {"sign_": _AUTHENTICATION, "access_": _LOG_USED, "list_": _QUERY, "search": _QUERY}

_LOOKS = ("view_", "list_", "search", "access_report", "access_export", "access_view")
_PATIENT = {"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": "1", "display": "Patient"}


def audit_event(
    line: WrittenLine, patient: KnownPatient | None, site: str, masked: Collection[str] = ()
) -> dict[str, Any]:
    """Return a line as an AuditEvent; http://hl7.org/fhir/R4/auditevent.html."""
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": str(line.id),
        "type": type_of(line.action, about_patient=line.patient_id is not None),
        "subtype": [{"system": ACTION_SYSTEM, "code": line.action}],
        "action": action_of(line.action),
        "recorded": line.at.isoformat(),
        "outcome": REFUSED_OUTCOME if line.outcome == REFUSED else DONE_OUTCOME,
        "agent": _agents(line),
        "source": {"site": site, "observer": {"display": "IVIgilant"}},
    }
    if line.purpose:
        event["purposeOfEvent"] = [{"text": line.purpose}]
    entities = _entities(line, patient, masked)
    return event | ({"entity": entities} if entities else {})


def type_of(action: str, *, about_patient: bool) -> dict[str, str]:
    """Return the type of event that an action of the log is."""
    of_action = next((code for start, code in _TYPES.items() if action.startswith(start)), None)
    return of_action or (_RECORD if about_patient else _ACTIVITY)


def action_of(action: str) -> str:
    """Return whether an action of the log only looked; anything else is an act."""
    return LOOK if action.startswith(_LOOKS) else ACT


def _agents(line: WrittenLine) -> list[dict[str, Any]]:
    agent: dict[str, Any] = {"altId": line.actor or "unknown", "requestor": not line.on_behalf}
    if line.role:
        agent["role"] = [{"text": line.role}]
    if line.source:
        agent["network"] = {"address": line.source}
    return [agent, *([{"altId": line.on_behalf, "requestor": True}] if line.on_behalf else [])]


def _entities(line: WrittenLine, patient: KnownPatient | None, masked: Collection[str]) -> list[dict[str, Any]]:
    entities: list[dict[str, Any]] = []
    if line.patient_id is not None:
        entities.append({"what": patient_reference(line.patient_id, patient, masked), "role": _PATIENT})
    if line.object:
        entities.append({"name": line.object})
    return entities
