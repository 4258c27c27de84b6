"""Logs tell what happened and where, and nothing of a patient, whoever writes them."""

import json
import logging
import subprocess
import sys
import threading
import warnings
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
    logging.captureWarnings(False)
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
    assert lines(logs)[0]["event"] == "could not read …"


def test_a_librarys_message_is_told_with_what_cannot_be_a_patients(logs: Path) -> None:
    told = {"name": "ivigilant.process", "id": "x-1", "description": "raised unexpected", "exc": "KeyError('Jansen')"}
    logging.getLogger("celery.app.trace").error("Task %(name)s[%(id)s] %(description)s: %(exc)s", told)
    logging.getLogger("kombu").error(
        "Cannot connect to %s: %s.\n%s\n", "redis://:pw@h", OSError("Jansen"), "Again in 2 s"
    )
    logging.getLogger("some.library").warning("%d%% of %r in %.1f s by %r", 17, "Jansen", 2.0, "ivigilant.deliver")

    assert [line["event"] for line in lines(logs)] == [
        "Task ivigilant.process[x-1] raised unexpected: …",
        "Cannot connect to …: OSError. …",
        "17% of … in 2.000 s by ivigilant.deliver",
    ]


def test_a_warning_of_python_is_one_line_with_its_place(logs: Path) -> None:
    warnings.warn("Jansen is deprecated", DeprecationWarning, stacklevel=1)

    (line,) = lines(logs)
    assert (line["event"], line["kind"], line["at"].split(":")[0]) == (
        "python.warning",
        "DeprecationWarning",
        "test_logs.py",
    )


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
