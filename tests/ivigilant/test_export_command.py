"""Stored messages exported for a test system at the command line: chosen, refused, recorded and reported."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from rules.knowledge import Knowledge
from store.engine import connect
from tests.ivigilant.processes import ivigilant
from tests.journeys.hospital import Hospital
from tests.journeys.stories import Problem, Seen, messages


@pytest.fixture
def hospital(database_url: str, knowledge: Knowledge) -> Iterator[Hospital]:
    """Two patients, of one two messages, and one message of a type that is not read."""
    engine = connect(database_url, durable=False)
    lived = Hospital(engine, knowledge)
    lived.sends(*messages([Seen(who="1+"), Problem(at=1), Seen(who="2", family="Zonnebloem")]))
    lived.sends(b"MSH|^~\\&|EPD|ZKHA|IVIGILANT|ZKHA|20261110||SIU^S12|S1|P|2.5\rSCH|1\rPID|1||1^^^ZKHA^PI\r")
    yield lived
    engine.dispose()


def run(hospital: Hospital, *words: str, code: int = 0) -> str:
    url = hospital.engine.url.render_as_string(hide_password=False)
    done = ivigilant("export", *words, environment={"IVIGILANT_DATABASE_URL": url})
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def log(hospital: Hospital) -> list[tuple[str, str, str, str]]:
    """The access log: outcome, object, purpose, and whose messages left."""
    query = (
        "SELECT l.outcome, l.object, l.purpose, coalesce(p.value, '') FROM access_log l "
        "LEFT JOIN patient p ON p.id = l.patient_id WHERE l.action = 'export_pseudonymised' ORDER BY l.id"
    )
    return [(row[0], row[1], row[2], row[3]) for row in hospital.rows(query)]


def test_an_export_says_what_became_of_each_field_and_whose_messages_left(hospital: Hospital, tmp_path: Path) -> None:
    out = tmp_path / "out"

    said = run(hospital, "pseudonymised", str(out), "--purpose", "acceptance test")

    assert "3 messages in " in said and "1 of that time are left out" in said
    assert sorted(file.name for file in out.iterdir()) == ["1.hl7", "2.hl7", "3.hl7", "report.csv"]
    assert out.stat().st_mode & 0o077 == 0
    with (out / "report.csv").open(newline="") as file:
        rows = {(row["field"], row["what"]): row["times"] for row in csv.DictReader(file)}
    assert rows["PID-3", "pseudonym"] == "3" and rows["PV1-2", "kept"] == "3" and rows["PRB-2", "moved"] == "1"
    assert log(hospital) == [("done", "3 messages", "acceptance test", who) for who in ("1", "2")]
    assert "Zonnebloem" not in "".join(file.read_text() for file in out.iterdir())


def test_a_patient_is_chosen_by_number_and_a_key_gives_the_same_pseudonyms(hospital: Hospital, tmp_path: Path) -> None:
    key = str(tmp_path / "key")
    run(hospital, "key", key)
    for name in ("one", "other"):
        words = ("--purpose", "test", "--patient", "ZKHA|1", "--key", key)
        run(hospital, "pseudonymised", str(tmp_path / name), *words)

    texts = [[file.read_bytes() for file in sorted((tmp_path / name).glob("*.hl7"))] for name in ("one", "other")]
    assert len(texts[0]) == 2 and texts[0] == texts[1]
    assert {line[3] for line in log(hospital)} == {"1"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same on both
def test_what_is_refused_is_recorded_and_writes_nothing(hospital: Hospital, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    (tmp_path / "there").mkdir()

    unknown = run(hospital, "pseudonymised", out, "--purpose", "test", "--patient", "77", code=1)
    exists = run(hospital, "pseudonymised", str(tmp_path / "there"), "--purpose", "test", code=1)
    keyless = run(hospital, "pseudonymised", out, "--purpose", "test", "--key", str(tmp_path / "none"), code=2)
    purposeless = run(hospital, "pseudonymised", out, "--purpose", " ", code=2)

    assert "no patient has this number" in unknown
    assert "an export goes to a new folder" in exists
    assert "--key: " in keyless and "--purpose: say why" in purposeless
    assert not Path(out).exists()
    refused = [line[1] for line in log(hospital) if line[0] == "refused"]
    assert [line.partition(":")[2].split()[0] for line in refused] == ["--patient:", str(tmp_path / "there"), "--key:"]
