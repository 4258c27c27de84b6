"""Logs tell what happened and where, and nothing of a patient, whoever writes them."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from ivigilant.logs import start_logging
from ivigilant.settings import Settings
from tests.ivigilant.processes import surroundings

# A task of Celery's that fails over a patient.
FAILING_TASK = """
from ivigilant.broker import make_celery
from ivigilant.logs import start_logging
from ivigilant.settings import Settings
start_logging(Settings(), "worker")
app = make_celery("redis://127.0.0.1:1/0")
@app.task(name="fails")
def fails(ids):
    raise ValueError("Jansen, born 1950-01-01")
fails.apply(args=[[17]])
"""


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "process.log"
    before = logging.root.handlers[:], logging.root.level
    hooks = sys.excepthook, threading.excepthook
    start_logging(Settings(), "listener", path)
    yield path
    logging.root.handlers[:], level = before
    logging.root.setLevel(level)
    sys.excepthook, threading.excepthook = hooks
    structlog.reset_defaults()


def test_an_event_of_ours_is_a_line_with_its_ids(logs: Path) -> None:
    structlog.get_logger().info("alert.raised", alert=17, tier="high")

    (line,) = lines(logs)

    assert (line["process"], line["event"], line["alert"], line["level"]) == ("listener", "alert.raised", 17, "info")
    assert line["timestamp"].endswith("Z")


def test_what_a_library_fills_in_is_left_out(logs: Path) -> None:
    logging.getLogger("some.library").warning("could not read %s", "Jansen")

    assert "Jansen" not in logs.read_text()
    assert lines(logs)[0]["event"] == "could not read %s"


def test_of_an_exception_only_its_kind_and_place_are_told(logs: Path) -> None:
    try:
        raise ValueError("Jansen")
    except ValueError:
        logging.getLogger("some.library").exception("failed")
        structlog.get_logger().exception("failed")

    assert "Jansen" not in logs.read_text()
    assert [(line["exception"], line["at"][0].split(":")[0]) for line in lines(logs)] == [("ValueError", __name__)] * 2


def test_a_task_that_fails_over_a_patient_says_nothing_of_the_patient() -> None:
    run = subprocess.run([sys.executable, "-c", FAILING_TASK], env=surroundings(None), capture_output=True, text=True)

    assert "ValueError" in run.stderr
    assert "Jansen" not in run.stdout + run.stderr


def test_a_process_that_fails_over_a_patient_says_nothing_of_the_patient() -> None:
    code = FAILING_TASK.partition("app =")[0] + "raise ValueError('Jansen')"

    run = subprocess.run([sys.executable, "-c", code], env=surroundings(None), capture_output=True, text=True)

    assert run.returncode == 1
    assert "Jansen" not in run.stderr
    assert json.loads(run.stderr)["exception"] == "ValueError"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
