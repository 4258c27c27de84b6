"""`ivigilant explain` as an integration engineer meets it."""

import json
from pathlib import Path

from tests.ivigilant.processes import ivigilant

SAMPLES = Path(__file__).parents[1] / "samples"
ORDER = str(next(SAMPLES.glob("01_*")))
HISTORY = [str(next(SAMPLES.glob(f"{number}_*"))) for number in ("17", "14")]


def test_a_terminal_shows_what_was_read_and_why_the_answer_is_what_it_is() -> None:
    run = ivigilant("explain", ORDER, "--history", *HISTORY)

    assert (run.returncode, run.stderr) == (0, "")
    for words in ("RXO[1]-2", "32 g", "rate may be increased", "IG-VTE-001", "hl7apy", "contraindication, urgent"):
        assert words in run.stdout


def test_json_holds_the_same_for_a_script() -> None:
    run = ivigilant("explain", "-", "--json", "--no-conformance", "--history", *HISTORY, stdin=Path(ORDER).read_text())

    told = json.loads(run.stdout)
    assert told["messages"][0]["name"] == "standard input"
    assert told["messages"][0]["conformance"] is None
    assert told["orders"][0]["tier"] == "contraindication"
    assert told["orders"][0]["conclusion"]["order"]["dose_g"] == [32.0, 32.0]


def test_what_would_be_parked_leaves_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "broken.hl7").write_text("PID|1||7\n")

    run = ivigilant("explain", str(tmp_path), "--no-conformance")

    assert run.returncode == 1
    assert "parked, because no_msh" in run.stdout


def test_two_things_to_explain_are_one_too_many() -> None:
    run = ivigilant("explain", ORDER, "--order", "900001")

    assert run.returncode == 2
    assert run.stderr.startswith("ivigilant: name one thing to explain")
