"""What a hospital exports of its history, and the first load of it without the command around it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from history.messages import IMPORT
from ivigilant.importing.arrivals import Arrivals, feed_named
from ivigilant.importing.files import files_in
from ivigilant.importing.loading import FirstLoad, ImportCounts, medications_in
from ivigilant.importing.readers import Readers
from ivigilant.importing.rejects import rejects_in
from ivigilant.receiving import feed_id
from tests.journeys.hospital import Hospital

Json = dict[str, Any]

SNOMED, ATC, LOINC = "http://snomed.info/sct", "http://www.whocc.no/atc", "http://loinc.org"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"


def loads(hospital: Hospital, *paths: Path) -> ImportCounts:
    """Import these files and folders."""
    files = files_in(paths)
    feed = feed_named(IMPORT, feed_id(hospital.engine, IMPORT), hospital.site.defaults_of(IMPORT))
    arrivals = Arrivals(feed, hospital.clock(), medications_in(files))
    readers = Readers(0)
    with rejects_in(paths[0].parent / "rejects.ndjson") as rejects:
        return FirstLoad(hospital.worker, feed, readers, rejects, lambda _size, _tally: None).run(files, arrivals)


def written(file: Path, resources: Sequence[Json]) -> Path:
    """One resource a line."""
    file.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in resources))
    return file


def changed(resource: Json, at: str, **elements: Any) -> Json:
    """A later state of a resource."""
    return resource | {"meta": {"lastUpdated": at}} | elements


def a_patient(name: str = "anna", number: str = "7000001", **elements: Any) -> Json:
    """Who the others are about."""
    told: Json = {"resourceType": "Patient", "id": name, "meta": {"lastUpdated": "2024-01-01T10:00:00+01:00"}}
    told |= {"identifier": [{"system": "urn:oid:2.999.1", "value": number}], "birthDate": "1955-04-03"}
    return told | {"gender": "female", "name": [{"family": "Proefpersoon", "given": ["Anna"]}]} | elements


def a_thrombosis(patient: str = "anna", **elements: Any) -> Json:
    """A thrombosis of the leg in June 2019."""
    told: Json = {"resourceType": "Condition", "id": f"dvt-{patient}", "subject": {"reference": f"Patient/{patient}"}}
    told |= {"meta": {"lastUpdated": "2024-02-01T10:00:00+01:00"}, "onsetDateTime": "2019-06"}
    told |= {"code": {"coding": [{"system": SNOMED, "code": "128053003", "display": "Deep venous thrombosis"}]}}
    return told | {"verificationStatus": {"coding": [{"system": VERIFICATION, "code": "confirmed"}]}} | elements


def a_weight(patient: str = "anna", **elements: Any) -> Json:
    """75 kg."""
    told: Json = {"resourceType": "Observation", "id": f"kg-{patient}", "subject": {"reference": f"Patient/{patient}"}}
    told |= {"status": "final", "code": {"coding": [{"system": LOINC, "code": "29463-7"}]}}
    told |= {"valueQuantity": {"value": 75, "unit": "kg", "code": "kg"}, "effectiveDateTime": "2026-11-19"}
    return told | elements


def an_ivig_order(patient: str = "anna", **elements: Any) -> Json:
    """30 g a day for five days, from the day before."""
    told: Json = {"resourceType": "MedicationRequest", "id": f"ig-{patient}", "status": "active", "intent": "order"}
    told |= {"meta": {"lastUpdated": "2026-11-20T10:00:00+01:00"}, "authoredOn": "2026-11-20T09:00:00+01:00"}
    told |= {"subject": {"reference": f"Patient/{patient}"}}
    told |= {"identifier": [{"system": "urn:oid:2.999.2", "value": f"for {patient}"}]}
    told |= {"medicationCodeableConcept": {"coding": [{"system": ATC, "code": "J06BA02"}], "text": "Privigen"}}
    repeat = {"frequency": 1, "period": 1, "periodUnit": "d", "count": 5}
    route = {"coding": [{"system": SNOMED, "code": "47625008"}]}
    dose = [{"doseQuantity": {"value": 30, "unit": "g", "code": "g"}}]
    told |= {"dosageInstruction": [{"timing": {"repeat": repeat}, "route": route, "doseAndRate": dose}]}
    return told | elements
