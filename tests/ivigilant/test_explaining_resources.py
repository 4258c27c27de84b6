"""What `explain` tells of FHIR lines."""

import io
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from ivigilant.explain.dry_run import DryRun, explain_files, prepare
from ivigilant.explain.explained import Explained
from ivigilant.explain.messages import ReceivedText, explain_any
from ivigilant.explain.terminal import show
from ivigilant.settings import Settings
from parsers.defaults import Defaults
from tests.parsers.fhir.builders import Json, a_bundle, a_condition, a_dosage, a_patient, an_order, quantity

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def dry_run() -> DryRun:
    return prepare(Settings())


def explained(dry_run: DryRun, folder: Path, *lines: Json | bytes, name: str = "a.ndjson") -> Explained:
    written = [each if isinstance(each, bytes) else msgspec.json.encode(each) for each in lines]
    (folder / name).write_bytes(b"\n".join(written) + b"\n")
    return explain_files(dry_run, [folder / name], [], NOW, None)


def as_text(told: Explained) -> str:
    shown = io.StringIO()
    show(told, Console(file=shown, width=160))
    return shown.getvalue()


def test_every_line_is_told_with_the_elements_it_was_read_from(dry_run: DryRun, tmp_path: Path) -> None:
    order = an_order(a_dosage(quantity(40, "g"), {"period": 4, "periodUnit": "wk"}), authoredOn="2026-11-20")

    told = explained(dry_run, tmp_path, a_patient(), a_condition(), order)

    assert [each.state for each in told.messages] == ["processed"] * 3
    assert [each.name.rpartition("a.ndjson")[2] for each in told.messages] == [" line 1", " line 2", " line 3"]
    statements = {each.what: each for segment in told.messages[2].segments for each in segment.read}
    assert statements["dose"].says == "40 g"
    assert statements["dose"].path == "MedicationRequest.dosageInstruction[0].doseAndRate[0].doseQuantity"
    assert len(told.orders) == 1
    assert "Condition.code.coding[0]" in as_text(told)


def test_a_bundle_is_told_resource_by_resource(dry_run: DryRun, tmp_path: Path) -> None:
    other = {"resourceType": "Practitioner", "id": "x"}

    told = explained(dry_run, tmp_path, a_bundle(a_patient(), a_condition(), other), name="a.json")

    (message,) = told.messages
    assert [each.path for each in message.segments][1:] == [f"Bundle.entry[{number}].resource" for number in range(3)]
    assert message.not_understood == (("Bundle.entry[2].resource", "nothing is read from this resource"),)


@pytest.mark.parametrize(
    ("line", "state"),
    [
        (b"not json", "parked"),
        (b"{", "parked"),
        (b"{}", "ignored"),
        (b'{"resourceType":"Practitioner","id":"x"}', "ignored"),
        (b'{"resourceType":"Condition","id":"x","code":{"text":"DVT"}}', "parked"),
        (b'{"a":' * 50_000, "parked"),
    ],
)
def test_a_line_that_cannot_be_read_is_told_and_never_a_crash(
    dry_run: DryRun, tmp_path: Path, line: bytes, state: str
) -> None:
    told = explained(dry_run, tmp_path, line)

    assert [each.state for each in told.messages] == [state]
    assert as_text(told)


def test_a_stored_line_keeps_how_it_ended(dry_run: DryRun) -> None:
    raw = msgspec.json.encode(a_condition())
    known = ReceivedText(name="message 1", raw=raw, feed="import", defaults=Defaults(), state="processed")

    seen = explain_any(known, dry_run.knowledge, None)

    assert (seen.explained.state, seen.explained.type, seen.explained.control_id) == (
        "processed",
        "FHIR^Condition",
        "Condition/c1",
    )
    assert len(seen.explained.events) == 1
