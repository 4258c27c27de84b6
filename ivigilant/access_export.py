"""The access log for other systems: as CSV, or as FHIR R4 AuditEvent resources, one JSON object a line (NDJSON)."""

import csv
import json
from collections.abc import Iterable, Iterator
from io import StringIO
from itertools import islice

import sqlalchemy as sa

from inbox.fhir.access_lines import audit_event
from store.access_log import WrittenLine
from store.patients import KnownPatient, of_ids

NamedLine = tuple[WrittenLine, KnownPatient | None]  # a line, and the patient it is about

COLUMNS = ("id", "at", "actor", "role", "on_behalf", "action", "patient", "object", "outcome", "purpose", "source")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # https://owasp.org/www-community/attacks/CSV_Injection
_AT_ONCE = 1000


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
