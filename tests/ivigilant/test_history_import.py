"""`ivigilant history import` as somebody types it."""

import subprocess
import time
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from bench.importing import resources
from store.engine import reading
from tests.ivigilant.processes import command, ivigilant, surroundings
from tests.journeys.first_load import a_patient, a_thrombosis, a_weight, an_ivig_order, written

WHOLE = [a_patient(), a_thrombosis(), a_weight(), an_ivig_order()]


@pytest.fixture
def environment(sqlite_engine: sa.Engine, tmp_path: Path) -> dict[str, str]:
    return {"IVIGILANT_DATABASE_URL": str(sqlite_engine.url), "IVIGILANT_DATA_DIR": str(tmp_path)}


def messages(engine: sa.Engine) -> int:
    with reading(engine) as connection:
        count: int = connection.execute(sa.text("SELECT count(*) FROM message")).scalar_one()
        return count


def test_it_says_in_one_line_what_became_of_everything(
    environment: dict[str, str], sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    file = written(tmp_path / "history.ndjson", WHOLE)

    first = ivigilant("history", "import", str(file), environment=environment)
    again = ivigilant("history", "import", str(file), environment=environment)

    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == (
        "4 read (1 Patient, 1 Condition, 1 Observation, 1 MedicationRequest); 4 new, 0 stored before; "
        "1 answers, 1 alerts changed\n"
    )
    assert "0 new, 4 stored before; 0 answers, 0 alerts changed" in again.stdout
    assert messages(sqlite_engine) == 4


def test_a_dry_run_keeps_nothing(environment: dict[str, str], sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    file = written(tmp_path / "history.ndjson", WHOLE)

    told = ivigilant("history", "import", str(file), "--dry-run", environment=environment)

    assert (told.returncode, told.stdout.count("\n")) == (0, 1)
    assert messages(sqlite_engine) == 0


def test_what_is_rejected_stands_in_a_file_that_only_its_owner_reads(
    environment: dict[str, str], tmp_path: Path
) -> None:
    nameless = {name: value for name, value in a_thrombosis().items() if name != "subject"}
    file = written(tmp_path / "history.ndjson", [*WHOLE, nameless])
    rejects = tmp_path / "left-out.ndjson"

    told = ivigilant("history", "import", str(file), "--rejects", str(rejects), environment=environment)

    (line,) = [msgspec.json.decode(each) for each in rejects.read_bytes().splitlines()]
    assert told.returncode == 1
    assert f"1 rejected (in {rejects})" in told.stdout
    assert (line["line"], line["reason"], msgspec.json.decode(line["raw"])) == (5, "subject: Field required", nameless)
    assert rejects.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "nowhere does not exist"),
        (["."], "it holds no HL7 messages and no .ndjson"),
        (["x.ndjson", "--source", " odd "], "--source ' odd ': a short name, as `epd`"),
    ],
)
def test_what_cannot_be_imported_is_one_line(
    environment: dict[str, str], tmp_path: Path, words: list[str], said: str
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = subprocess.run(
        command(["history", "import", *words]),
        env=surroundings(environment),
        cwd=empty,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_killed_in_the_middle_and_started_again_it_ends_as_if_nothing_had_happened(
    environment: dict[str, str], sqlite_engine: sa.Engine, migrated_sqlite: Path, tmp_path: Path
) -> None:
    file = written(tmp_path / "history.ndjson", list(resources(400)))
    words = ["history", "import", str(file), "--processes", "1"]
    undisturbed = tmp_path / "undisturbed.db"
    undisturbed.write_bytes(migrated_sqlite.read_bytes())
    elsewhere = environment | {"IVIGILANT_DATABASE_URL": f"sqlite:///{undisturbed}"}
    assert ivigilant(*words, environment=elsewhere, within_s=120).returncode == 0

    with subprocess.Popen(command(words), env=surroundings(environment), stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not messages(sqlite_engine) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        process.kill()
    kept = messages(sqlite_engine)
    ended = ivigilant(*words, environment=environment, within_s=120)

    assert 0 < kept < 4408
    assert (ended.returncode, f"{kept:,} stored before" in ended.stdout) == (0, True)
    dumps = [ivigilant("doctor", "--dump", environment=each).stdout for each in (environment, elsewhere)]
    assert dumps[0] == dumps[1]
    assert len(dumps[0]) > 100_000
