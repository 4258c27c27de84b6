"""The access log on the command line: verified, reported for one patient, exported, and its roots kept elsewhere."""

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fhir.resources.R4B.auditevent import AuditEvent
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from inbox.fhir.access_lines import audit_event
from ivigilant.access_roots import DailyRoot, UnwritableRoots, add_root, read_roots
from ivigilant.cli import app
from ivigilant.commands.audit import NoSuchPatient
from ivigilant.errors import UnreadablePath, UnusableSettings
from store import access_log, tables
from store.access_log import REFUSED, LineFilter, WrittenLine
from store.access_proof import Root
from store.engine import reading
from tests.ivigilant.processes import ivigilant
from tests.journeys.hospital import Clock
from tests.store.builders import NOW, a_patient
from tests.store.tampering import (
    TAMPERINGS,
    a_line,
    drop_trigger,
    take_root,
    three_days,
    triggers,
    without_triggers,
    write,
)

TRIGGERS = [
    ("access_log_no_update", "access_log: UPDATE"),
    ("access_log_no_delete", "access_log: DELETE"),
    ("access_seal_no_update", "access_seal: UPDATE"),
    ("access_seal_no_delete", "access_seal: DELETE"),
    ("access_root_no_update", "access_root: UPDATE"),
    ("access_root_no_delete", "access_root: DELETE"),
]


Audit = Callable[..., Result]


def audit_of(engine: sa.Engine, **settings: str) -> Audit:
    """Return `ivigilant audit` on this database."""
    environment = {"IVIGILANT_DATABASE_URL": engine.url.render_as_string(hide_password=False), **settings}
    return lambda *words: CliRunner().invoke(app, ["audit", *words], env=environment)


@pytest.fixture
def engine(sqlite_engine: sa.Engine) -> sa.Engine:
    return sqlite_engine


@pytest.fixture
def audit(engine: sa.Engine) -> Audit:
    return audit_of(engine)


@pytest.fixture
def roots(engine: sa.Engine, tmp_path: Path) -> str:
    """The root of three days of lines, as it was kept outside the database."""
    file = tmp_path / "roots.jsonl"
    add_root(file, three_days(engine))
    return str(file)


@pytest.fixture
def patients(engine: sa.Engine) -> tuple[int, int, int]:
    """A patient, an identity that was merged into that patient, and another patient; each was looked at once."""
    with engine.begin() as connection:
        one, same, other = (a_patient(connection, value) for value in ("1000001", "1000002", "1000003"))
        merged = sa.update(tables.patient).where(tables.patient.c.id == same)
        connection.execute(merged.values(merged_into=one, merge_version="1"))
    write(engine, a_line("els", patient_id=one), a_line("rik", patient_id=same, at=NOW + timedelta(days=1)))
    write(engine, a_line("nel", patient_id=other, at=NOW + timedelta(days=2)))
    return one, same, other


def written(engine: sa.Engine) -> list[WrittenLine]:
    with reading(engine) as connection:
        return list(access_log.oldest_lines(connection, LineFilter()))


def rows(result: Result) -> list[dict[str, str]]:
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(StringIO(result.stdout)))


def events(result: Result) -> list[dict[str, Any]]:
    """Return the AuditEvents, each of them a valid one."""
    assert result.exit_code == 0, result.output
    found = [json.loads(line) for line in result.stdout.splitlines()]
    for event in found:
        AuditEvent.model_validate(event)
    return found


def test_a_log_that_nobody_touched_is_ok(audit: Audit, roots: str) -> None:
    result = audit("verify", "--roots", roots)

    assert (result.exit_code, result.stdout) == (0, f"5 lines up to seal 5, verified against 1 roots in {roots}: ok\n")


def test_without_roots_from_elsewhere_it_says_what_would_not_show(audit: Audit, roots: str) -> None:
    result = audit("verify")

    assert result.exit_code == 0
    assert result.stdout == "5 lines up to seal 5, verified without roots, so a cut end would not show: ok\n"


@pytest.mark.parametrize("name", TAMPERINGS)
def test_verify_finds_each_kind_of_tampering(engine: sa.Engine, audit: Audit, roots: str, name: str) -> None:
    tamper, kind = TAMPERINGS[name]
    with without_triggers(engine) as connection:
        tamper(connection)

    result = audit("verify", "--roots", roots)

    assert result.exit_code == 1
    assert f"WRONG  {kind}: " in result.stdout


def test_every_trigger_of_a_table_with_rows_is_looked_at(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        names = {name for name, table, _ in triggers(connection) if table != "access_removal"}

    assert names == {name for name, _ in TRIGGERS}


@pytest.mark.parametrize(("trigger", "accepted"), TRIGGERS)
def test_verify_finds_a_dropped_trigger(
    engine: sa.Engine, audit: Audit, roots: str, trigger: str, accepted: str
) -> None:
    with engine.begin() as connection:
        drop_trigger(connection, trigger, "")

    result = audit("verify", "--roots", roots)

    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == f"WRONG  not protected: {accepted} is accepted"
    assert result.stdout.endswith("1 WRONG\n")
    assert len(written(engine)) == 5  # what was tried was taken back


def test_verify_on_postgresql(postgres_engine: sa.Engine, tmp_path: Path) -> None:
    file = tmp_path / "roots.jsonl"
    add_root(file, three_days(postgres_engine))
    audit = audit_of(postgres_engine, IVIGILANT_ACCESS_ROOTS=str(file))
    before = audit("verify")
    with without_triggers(postgres_engine) as connection:
        TAMPERINGS["a line removed"][0](connection)
    with postgres_engine.begin() as connection:
        drop_trigger(connection, "access_seal_append_only", "access_seal")

    after = audit("verify")

    assert (before.exit_code, after.exit_code) == (0, 1)
    assert [line.split(" of ")[0] for line in after.stdout.splitlines()[:3]] == [
        "WRONG  line missing: line 2",
        "WRONG  not protected: access_seal: UPDATE is accepted",
        "WRONG  not protected: access_seal: TRUNCATE is accepted",
    ]


def test_a_line_that_is_no_root_is_named(audit: Audit, tmp_path: Path, roots: str) -> None:
    with Path(roots).open("a") as file:
        file.write('{"at": "yesterday"}\n')

    result = audit("verify", "--roots", roots)

    assert isinstance(result.exception, UnreadablePath)
    assert str(result.exception) == f"{roots}, line 2: not a root of the access log"


def test_roots_that_are_not_there_are_told_in_one_line(tmp_path: Path) -> None:
    run = ivigilant("audit", "verify", "--roots", str(tmp_path / "none"))

    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == f"ivigilant: {tmp_path / 'none'} cannot be read (FileNotFoundError)\n"


def test_a_report_holds_what_was_done_with_one_patient_under_any_number(
    engine: sa.Engine, audit: Audit, patients: tuple[int, int, int]
) -> None:
    report = rows(audit("report", "--patient", "1000001", "--purpose", "letter of 3 March"))

    looks = [(row["actor"], row["patient"], row["object"]) for row in report if row["action"] == "view_alert"]
    assert looks == [("els", "UZ|1000001", "alert 1"), ("rik", "UZ|1000002", "alert 1")]
    assert {row["patient"] for row in report} == {"UZ|1000001", "UZ|1000002"}


def test_a_report_is_itself_in_the_log_with_its_purpose(
    engine: sa.Engine, audit: Audit, patients: tuple[int, int, int]
) -> None:
    audit("report", "--patient", "UZ|1000003", "--purpose", " letter of 3 March ")

    last = written(engine)[-1]
    assert (last.action, last.patient_id, last.purpose) == ("access_report", patients[2], "letter of 3 March")
    assert last.actor.endswith(" at the command line")
    assert audit("verify").exit_code == 0


def test_a_report_about_nobody_is_refused_and_recorded(engine: sa.Engine, audit: Audit) -> None:
    result = audit("report", "--patient", "42", "--purpose", "letter of 3 March")

    assert isinstance(result.exception, NoSuchPatient)
    assert result.stdout == ""
    assert [(line.action, line.patient_id, line.object) for line in written(engine)] == [
        ("access_report", None, "0 found")
    ]


@pytest.mark.parametrize("words", [("export",), ("report", "--patient", "1000001")])
def test_nothing_is_shown_without_a_purpose(
    engine: sa.Engine, audit: Audit, patients: tuple[int, int, int], words: tuple[str, ...]
) -> None:
    blank, left_out = audit(*words, "--purpose", " "), audit(*words)

    assert isinstance(blank.exception, UnusableSettings)
    assert (left_out.exit_code, blank.stdout, left_out.stdout) == (2, "", "")
    assert len(written(engine)) == 3


def test_csv_holds_every_field_of_the_lines_of_a_time(
    engine: sa.Engine, audit: Audit, patients: tuple[int, int, int]
) -> None:
    write(engine, a_line("board", on_behalf="els", outcome=REFUSED, purpose="care, urgent", source="10.0.0.7"))

    exported = rows(audit("export", "--since", "2026-03-01", "--until", "2026-03-02", "--purpose", "monthly check"))

    assert [row["actor"] for row in exported] == ["els", "board"]
    assert exported[1] == {
        "id": "4",
        "at": "2026-03-01T12:00:00+00:00",
        "actor": "board",
        "role": "pharmacist",
        "on_behalf": "els",
        "action": "view_alert",
        "patient": "patient 7, no longer stored",
        "object": "alert 1",
        "outcome": "refused",
        "purpose": "care, urgent",
        "source": "10.0.0.7",
    }


def test_a_spreadsheet_calculates_nothing_of_csv(engine: sa.Engine, audit: Audit) -> None:
    write(engine, a_line("=HYPERLINK(1)", purpose="@SUM(1)", patient_id=None))

    exported = rows(audit("export", "--purpose", "+1"))

    assert (exported[0]["actor"], exported[0]["purpose"]) == ("'=HYPERLINK(1)", "'@SUM(1)")
    assert exported[1]["purpose"] == "'+1"


def test_fhir_export_holds_an_audit_event_for_each_line(
    engine: sa.Engine, audit: Audit, patients: tuple[int, int, int]
) -> None:
    write(engine, a_line("rik", action="acknowledge", patient_id=patients[2], outcome=REFUSED, purpose="ward round"))
    write(engine, a_line("els", action="sign_in", patient_id=None, object=""))

    look, *_, act, sign_in, export = events(audit("export", "--format", "fhir", "--purpose", "monthly check"))

    assert [event["type"]["display"] for event in (look, act, sign_in, export)] == [
        "Patient Record",
        "Patient Record",
        "User Authentication",
        "Audit Log Used",
    ]
    assert [event["action"] for event in (look, act, sign_in, export)] == ["R", "E", "E", "R"]
    assert [event["outcome"] for event in (look, act, sign_in)] == ["0", "4", "0"]
    assert look["recorded"] == "2026-03-01T12:00:00+00:00"
    assert look["agent"] == [{"altId": "els", "requestor": True, "role": [{"text": "pharmacist"}]}]
    identifier = {"value": "1000001", "assigner": {"display": "UZ"}}
    assert look["entity"][0]["what"] == {"type": "Patient", "identifier": identifier}
    assert look["entity"][1] == {"name": "alert 1"}
    assert act["purposeOfEvent"] == [{"text": "ward round"}]
    assert "entity" not in sign_in


def test_an_audit_event_says_for_whom_a_program_asked_and_whom_it_no_longer_knows() -> None:
    whose = {"actor": "board", "role": "viewer", "on_behalf": "els", "source": "10.0.0.7"}
    line = WrittenLine(id=4, at=NOW, action="list_alerts", patient_id=7, **whose)

    event = audit_event(line, None, "UZ")

    AuditEvent.model_validate(event)
    assert event["agent"] == [
        {"altId": "board", "requestor": False, "role": [{"text": "viewer"}], "network": {"address": "10.0.0.7"}},
        {"altId": "els", "requestor": True},
    ]
    assert event["type"]["display"] == "Query"
    assert event["entity"][0]["what"] == {"type": "Patient", "display": "patient 7, no longer stored"}
    assert event["source"]["site"] == "UZ"


def test_a_root_is_printed_and_added_to_the_file(engine: sa.Engine, tmp_path: Path) -> None:
    file = tmp_path / "roots.jsonl"
    audit = audit_of(engine, IVIGILANT_ACCESS_ROOTS=str(file))
    write(engine, a_line())

    first = audit("root")
    write(engine, a_line())
    audit("root")

    kept = read_roots(file)
    assert [root.number for root in kept] == [1, 2]
    assert first.stdout.split()[-3:] == ["seal", "1", kept[0].hash]
    assert audit("verify").stdout.endswith(f"verified against 2 roots in {file}: ok\n")


def test_a_root_that_cannot_be_added_to_the_file_is_told(engine: sa.Engine, tmp_path: Path) -> None:
    result = audit_of(engine, IVIGILANT_ACCESS_ROOTS=str(tmp_path))("root")

    assert isinstance(result.exception, UnwritableRoots)
    assert str(result.exception) == f"IVIGILANT_ACCESS_ROOTS: {tmp_path} cannot be written (IsADirectoryError)"


def test_the_beat_takes_one_root_a_day_also_when_it_was_started_again(engine: sa.Engine, tmp_path: Path) -> None:
    file, clock = tmp_path / "roots.jsonl", Clock()
    write(engine, a_line())
    daily, counts = DailyRoot(engine, file, clock), []
    for hours in (0, 1, 22, 2):
        clock.passes(hours=hours)
        daily.look()
        DailyRoot(engine, file, clock).look()
        counts.append(len(read_roots(file)))

    assert counts == [1, 1, 1, 2]


def test_the_root_is_in_the_log_also_when_its_file_cannot_be_written(engine: sa.Engine, tmp_path: Path) -> None:
    write(engine, a_line())
    with capture_logs() as logs:
        DailyRoot(engine, tmp_path, Clock()).look()

    root = take_root(engine)
    assert [entry["event"] for entry in logs] == ["access.root", "access.root_not_written"]
    assert (logs[0]["number"], logs[0]["hash"]) == (1, root.hash)


def test_lines_are_removed_after_the_years_that_are_asked_for(engine: sa.Engine, audit: Audit) -> None:
    now = datetime.now(UTC)
    write(engine, *(a_line(who, at=now - timedelta(days=365.25 * years + 3)) for who, years in (("a", 8), ("b", 6))))
    write(engine, a_line("c", at=now))

    too_few = audit("prune", "--years", "4")
    seven = audit("prune", "--years", "7")
    five = audit("prune")

    assert (too_few.exit_code, seven.stdout, five.stdout) == (2, "1 lines removed\n", "1 lines removed\n")
    assert [(line.action, line.purpose) for line in written(engine)] == [
        ("view_alert", ""),
        ("access_prune", "older than 7 years"),
        ("access_prune", "older than 5 years"),
    ]
    assert audit("verify").exit_code == 0


def test_a_root_reads_as_it_was_written(tmp_path: Path) -> None:
    root, file = Root(NOW, 7, "ab" * 32), tmp_path / "roots.jsonl"

    add_root(file, root)

    assert read_roots(file) == [root]
