"""An erasure and a legal hold at the command line: what is shown, refused, recorded, and done again after a restore."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rules.knowledge import Knowledge
from store.engine import connect
from tests.ivigilant.processes import ivigilant
from tests.journeys.hospital import Hospital
from tests.journeys.stories import Ordered, Problem, Seen, messages

ASKED = ("--asked-by", "patient", "--decided-by", "E. de Wit", "--reason", "letter of 3 March")


@dataclass
class Desk:
    """Where the privacy officer types."""

    hospital: Hospital
    folder: Path

    def types(self, *words: str, code: int = 0, **settings: str) -> str:
        """Run a command; give what it says on both outputs."""
        url = self.hospital.engine.url.render_as_string(hide_password=False)
        environment = {"IVIGILANT_DATABASE_URL": url, "IVIGILANT_DATA_DIR": str(self.folder)} | settings
        done = ivigilant(*words, environment=environment)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def plan(self, patient: str = "1") -> str:
        """The code of a plan."""
        found = re.search(r"^plan (\w+):", self.types("erase", "plan", "--patient", patient), re.MULTILINE)
        assert found is not None
        return found.group(1)

    def log(self) -> list[tuple[str, str, str]]:
        """The access log: action, outcome and object."""
        return [tuple(row) for row in self.hospital.rows("SELECT action, outcome, object FROM access_log ORDER BY id")]


@pytest.fixture
def desk(database_url: str, knowledge: Knowledge, tmp_path: Path) -> Iterator[Desk]:
    engine = connect(database_url, durable=False)
    hospital = Hospital(engine, knowledge)
    hospital.sends(*messages([Seen(), Seen(who="2"), Problem(who="2", at=1), Ordered(who="2", at=2)]))
    yield Desk(hospital, tmp_path)
    engine.dispose()


def test_it_is_planned_carried_out_registered_and_found_in_the_access_log(desk: Desk, tmp_path: Path) -> None:
    desk.types("erase", "key", str(tmp_path / "erasure-key"))
    shown = desk.types("erase", "plan", "--patient", "1")

    done = desk.types("erase", "carry-out", "--patient", "1", "--plan", desk.plan(), *ASKED)
    listed = desk.types("erase", "list")
    report = desk.types("audit", "report", "--patient", "1", "--purpose", "letter")
    verified = desk.types("ledger", "verify")
    checked = desk.types("doctor", code=1)

    assert "1  messages: the text" in shown and "lines of the access log" in shown and "backups made before" in shown
    assert "1 messages, 0 facts, 0 alerts" in done
    assert "asked by patient, decided by E. de Wit" in listed and "letter of 3 March" in listed
    assert 'erase,ZKHA|1,"erasure ' in report
    assert "erased      1 messages in all, on request" in verified
    assert "1 were carried out" in checked
    assert "Aalders" not in (tmp_path / "erasures.jsonl").read_text()
    assert next(line for line in desk.log() if line[0] == "erase")[1] == "done"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--asked-by", "", "--decided-by", "de Wit", "--reason", "letter"), "--asked-by: it must be said"),
        (("--asked-by", "de Wit", "--decided-by", "de wit", "--reason", "letter"), "it takes two people"),
        (("--asked-by", "mw. Aalders", "--decided-by", "de Wit", "--reason", "letter"), "it names the patient"),
        (ASKED, "it is not what would be erased now"),
    ],
)
def test_what_is_refused_stands_in_the_access_log(
    words: tuple[str, ...], said: str, desk: Desk, tmp_path: Path
) -> None:
    desk.types("erase", "key", str(tmp_path / "erasure-key"))

    refused = desk.types("erase", "carry-out", "--patient", "1", "--plan", "nothing", *words, code=1)

    assert said in refused
    assert [line[:2] for line in desk.log()] == [("erase", "refused")]
    assert desk.hospital.rows("SELECT count(*) FROM erasure")[0][0] == 0


def test_without_a_key_nothing_is_erased(desk: Desk) -> None:
    refused = desk.types("erase", "carry-out", "--patient", "1", "--plan", desk.plan(), *ASKED, code=2)

    assert "ivigilant erase key FILE" in refused
    assert desk.log()[-1][:2] == ("erase", "refused")


def test_an_alert_that_waits_and_a_hold_are_said_in_words(desk: Desk) -> None:
    held = desk.types("hold", "set", "--patient", "2", "--reason", "complaint 31", "--until", "2026-01-01")
    listed = desk.types("hold", "list")
    refused = desk.types("erase", "plan", "--patient", "2", code=1)
    checked = desk.types("doctor", code=1)
    lifted = desk.types("hold", "lift", "1", "--reason", "closed")
    again = desk.types("hold", "lift", "1", "--reason", "closed", code=1)
    nobody = desk.types("hold", "set", "--patient", "77", "--reason", "complaint", code=1)

    assert "hold 1 stands; look at it on 2026-01-01" in held
    assert "ZKHA|2" in listed and "complaint 31  OVERDUE" in listed
    assert "a legal hold stands on the patient: hold 1" in refused and "wait for a pharmacist" in refused
    assert "WRONG  legal holds" in checked
    assert "hold 1 is lifted" in lifted
    assert "no hold 1 stands" in again
    assert "no patient has this number" in nobody
    assert [line[:2] for line in desk.log()] == [
        ("hold_set", "done"),
        ("hold_list", "done"),
        ("erase_plan", "done"),
        ("hold_lift", "done"),
        ("hold_lift", "refused"),
        ("hold_set", "refused"),
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # tests/journeys/test_erasure.py has both
def test_a_restore_erases_again_or_says_loudly_that_it_cannot(desk: Desk, tmp_path: Path) -> None:
    key, register = str(tmp_path / "erasure-key"), str(tmp_path / "erasures.jsonl")
    desk.types("erase", "key", key)
    desk.types("backup-key", str(tmp_path / "backup.key"))
    desk.types("backup", str(tmp_path / "b.age"), "--key", str(tmp_path / "backup.key"))
    desk.types("erase", "carry-out", "--patient", "1", "--plan", desk.plan(), *ASKED)

    def restored(name: str, *words: str, code: int = 0, **settings: str) -> str:
        place = {
            "IVIGILANT_DATA_DIR": str(tmp_path / name),
            "IVIGILANT_DATABASE_URL": f"sqlite:///{tmp_path / name}.db",
        }
        return desk.types(
            "restore",
            str(tmp_path / "b.age"),
            "--key",
            str(tmp_path / "backup.key"),
            *words,
            code=code,
            **place,
            **settings,
        )

    unknown = restored("a")
    keyless = restored("b", "--erasures", register, code=1)
    erased = restored("c", "--erasures", register, IVIGILANT_ERASURE_KEY=key)

    assert "NOT CHECKED" in unknown
    assert "WRONG  1 erasures were carried out after this database was backed up" in keyless
    assert "1 identities erased again" in erased
    engine = connect(f"sqlite:///{tmp_path / 'c'}.db")
    with engine.connect() as connection:
        known = connection.exec_driver_sql("SELECT value FROM patient WHERE demographics <> '{}'").scalars().all()
    engine.dispose()
    assert known == ["2"]
