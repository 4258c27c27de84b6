"""The access log for other systems: as CSV, or as FHIR R4 AuditEvent resources, one JSON object a line (NDJSON)."""

import csv
import json
from collections.abc import Iterable, Iterator
from io import StringIO
from itertools import islice
from typing import Any

import sqlalchemy as sa

from store.access_log import REFUSED, WrittenLine
from store.patients import KnownPatient, of_ids

NamedLine = tuple[WrittenLine, KnownPatient | None]  # a line, and the patient it is about

COLUMNS = ("id", "at", "actor", "role", "on_behalf", "action", "patient", "object", "outcome", "purpose", "source")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # https://owasp.org/www-community/attacks/CSV_Injection
_AT_ONCE = 1000

# http://hl7.org/fhir/R4/valueset-audit-event-type.html, of the codes that DICOM PS3.16 D defines.
_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_AUTHENTICATION = {"system": _DICOM, "code": "110114", "display": "User Authentication"}
_LOG_USED = {"system": _DICOM, "code": "110101", "display": "Audit Log Used"}
_QUERY = {"system": _DICOM, "code": "110112", "display": "Query"}
_RECORD = {"system": _DICOM, "code": "110110", "display": "Patient Record"}
_ACTIVITY = {"system": _DICOM, "code": "110100", "display": "Application Activity"}
_TYPES = {"sign_": _AUTHENTICATION, "access_": _LOG_USED, "list_": _QUERY, "search": _QUERY}

# http://hl7.org/fhir/R4/valueset-audit-event-action.html: anything but a look ("R", read) is an act ("E", execute).
_LOOKS = ("view_", "list_", "search", "access_report", "access_export")
_PATIENT = {"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": "1", "display": "Patient"}


def with_patients(connection: sa.Connection, lines: Iterable[WrittenLine]) -> Iterator[NamedLine]:
    """Yield each line with its patient, None where it has none or where the patient is no longer stored."""
    left = iter(lines)
    while some := list(islice(left, _AT_ONCE)):
        patients = of_ids(connection, {line.patient_id for line in some if line.patient_id is not None})
        yield from ((line, patients.get(line.patient_id) if line.patient_id is not None else None) for line in some)


def as_csv(lines: Iterable[NamedLine]) -> Iterator[str]:
    """Yield a header and a row for each line; the patient is AUTHORITY|VALUE."""
    yield _row(COLUMNS)
    for line, patient in lines:
        number = _number(line, patient)
        who = (line.id, line.at.isoformat(), line.actor, line.role, line.on_behalf)
        what = (line.action, number, line.object, line.outcome, line.purpose, line.source)
        yield _row(map(_as_text, (*who, *what)))


def as_fhir(lines: Iterable[NamedLine], site: str) -> Iterator[str]:
    """Yield an AuditEvent for each line, as one line of JSON."""
    for line, patient in lines:
        yield json.dumps(audit_event(line, patient, site), ensure_ascii=False) + "\n"


def audit_event(line: WrittenLine, patient: KnownPatient | None, site: str) -> dict[str, Any]:
    """Return a line as an AuditEvent; http://hl7.org/fhir/R4/auditevent.html."""
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": str(line.id),
        "type": _type(line),
        "subtype": [{"system": "urn:ivigilant:action", "code": line.action}],
        "action": "R" if line.action.startswith(_LOOKS) else "E",
        "recorded": line.at.isoformat(),
        "outcome": "4" if line.outcome == REFUSED else "0",  # 4: a minor failure, the action was not done
        "agent": _agents(line),
        "source": {"site": site, "observer": {"display": "IVIgilant"}},
    }
    if line.purpose:
        event["purposeOfEvent"] = [{"text": line.purpose}]
    entities = _entities(line, patient)
    return event | ({"entity": entities} if entities else {})


def _type(line: WrittenLine) -> dict[str, str]:
    of_action = next((code for start, code in _TYPES.items() if line.action.startswith(start)), None)
    return of_action or (_RECORD if line.patient_id is not None else _ACTIVITY)


def _agents(line: WrittenLine) -> list[dict[str, Any]]:
    agent: dict[str, Any] = {"altId": line.actor or "unknown", "requestor": not line.on_behalf}
    if line.role:
        agent["role"] = [{"text": line.role}]
    if line.source:
        agent["network"] = {"address": line.source}
    return [agent, *([{"altId": line.on_behalf, "requestor": True}] if line.on_behalf else [])]


def _entities(line: WrittenLine, patient: KnownPatient | None) -> list[dict[str, Any]]:
    entities: list[dict[str, Any]] = []
    if line.patient_id is not None:
        entities.append({"what": _reference(line, patient), "role": _PATIENT})
    if line.object:
        entities.append({"name": line.object})
    return entities


def _reference(line: WrittenLine, patient: KnownPatient | None) -> dict[str, Any]:
    if patient is None:
        return {"type": "Patient", "display": _number(line, patient)}
    assigner = {"assigner": {"display": patient.authority}} if patient.authority else {}
    return {"type": "Patient", "identifier": {"value": patient.value, **assigner}}


def _number(line: WrittenLine, patient: KnownPatient | None) -> str:
    if patient is not None:
        return f"{patient.authority}|{patient.value}"
    return "" if line.patient_id is None else f"patient {line.patient_id}, no longer stored"


def _as_text(value: object) -> object:
    """Return what a spreadsheet shows as it is: a text that it would calculate gets an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _row(values: Iterable[object]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()
