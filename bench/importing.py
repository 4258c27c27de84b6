"""A first load: FHIR R4 lines of some thousand patients, from the file to committed facts and answered orders."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import sqlalchemy as sa

from bench.report import Table, rate
from bench.services import DATABASES, surroundings
from store.engine import connect, reading
from tests.ivigilant.processes import command
from tests.ivigilant.processes import surroundings as environment

PATIENTS = 10_000
BEGAN = datetime(2020, 1, 6, 9, 0, tzinfo=UTC)
_TESTS = (("6301-6", "INR", "{INR}"), ("777-3", "Platelets", "10*9/L"), ("2160-0", "Creatinine", "umol/L"))
_ROUNDS = 3  # of blood taken
_WITH_IVIG = 50  # one patient in so many


def measure(patients: int = PATIENTS) -> Table:
    """Import the same file into each kind of database."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="ivigilant-import-") as folder:
        file = Path(folder) / "history.ndjson"
        lines = list(resources(patients))
        file.write_bytes(b"\n".join(map(msgspec.json.encode, lines)))
        for database in DATABASES:
            rows.append(_imported(database, file, len(lines)))
    notes = ["validated and read in two processes, kept in one; the target counts facts, 5,000 a second"]
    return Table(
        "A first load", ("database", "resources", "facts", "answers", "seconds", "facts a second"), rows, notes
    )


def _imported(database: str, file: Path, lines: int) -> list[str]:
    with surroundings(database) as place:
        began = perf_counter()
        subprocess.run(
            command(["history", "import", str(file), "--processes", "2", "--rejects", str(place.folder / "rejects")]),
            env=environment(
                {
                    "IVIGILANT_DATABASE_URL": place.database_url,
                    "IVIGILANT_REDIS_URL": place.redis_url,
                    "IVIGILANT_DATA_DIR": str(place.folder),
                }
            ),
            check=True,
            stdout=sys.stderr,
        )
        took = perf_counter() - began
        engine = connect(place.database_url)
        with reading(engine) as connection:
            facts, answers = (
                connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one()  # our own names
                for table in ("fact", "assessment")
            )
        engine.dispose()
    return [database, f"{lines:,}", f"{facts:,}", f"{answers:,}", f"{took:.1f}", rate(facts / took)]


def resources(patients: int) -> Iterator[dict[str, Any]]:
    """One patient after another: who it is, a diagnosis, blood taken now and then, and of some an order for IVIg."""
    for number in range(patients):
        who, about = f"p{number}", {"reference": f"Patient/p{number}"}
        yield {
            "resourceType": "Patient",
            "id": who,
            "identifier": [{"system": "urn:oid:2.999.1", "value": f"{5_000_000 + number}"}],
            "birthDate": f"{1940 + number % 60}-0{1 + number % 9}-11",
            "gender": "female" if number % 2 else "male",
        }
        yield {
            "resourceType": "Condition",
            "id": f"c{number}",
            "code": {"coding": [_DIAGNOSES[number % len(_DIAGNOSES)]]},
            "subject": about,
            "onsetDateTime": f"20{10 + number % 10}-06",
        }
        for turn in range(_ROUNDS):
            at = (BEGAN + timedelta(days=turn * 90 + number % 80)).isoformat()
            for code, name, unit in _TESTS:
                yield {
                    "resourceType": "Observation",
                    "id": f"o{number}-{turn}-{code}",
                    "status": "final",
                    "code": {"coding": [{"system": "http://loinc.org", "code": code, "display": name}]},
                    "subject": about,
                    "effectiveDateTime": at,
                    "valueQuantity": {"value": 1 + number % 7, "code": unit, "system": "http://unitsofmeasure.org"},
                }
        if number % _WITH_IVIG == 0:
            yield _order(number, about)


_DIAGNOSES = (
    {"system": "http://hl7.org/fhir/sid/icd-10", "code": "I10", "display": "Hypertension"},
    {"system": "http://snomed.info/sct", "code": "128053003", "display": "Deep venous thrombosis"},
    {"system": "http://hl7.org/fhir/sid/icd-10", "code": "C90.0", "display": "Multiple myeloma"},
    {"system": "http://hl7.org/fhir/sid/icd-10", "code": "E66.9", "display": "Obesity"},
)


def _order(number: int, about: dict[str, str]) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": f"m{number}",
        "status": "completed",
        "intent": "order",
        "medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": "J06BA02"}]},
        "subject": about,
        "authoredOn": (BEGAN + timedelta(days=300)).isoformat(),
        "dosageInstruction": [
            {
                "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d", "count": 5}},
                "route": {"coding": [{"system": "http://snomed.info/sct", "code": "47625008"}]},
                "doseAndRate": [{"doseQuantity": {"value": 30, "unit": "g", "code": "g"}}],
            }
        ],
    }


if __name__ == "__main__":
    from rich.console import Console

    from bench.report import show

    show(measure(int(sys.argv[1]) if len(sys.argv) > 1 else PATIENTS), Console(width=140))
