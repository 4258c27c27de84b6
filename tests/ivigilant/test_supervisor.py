"""The processes of a stack start again when they die, and none outlives its supervisor."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from ivigilant.attending import worker_name
from ivigilant.errors import EmbeddedPartFailed
from ivigilant.logs import LARGEST_LOG, OLD_LOGS
from ivigilant.stack import Proofs
from ivigilant.supervisor import Program, Supervisor, shorten
from store import heartbeats
from tests.ivigilant.waiting import soon

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

# Appends its process id and that of a child to a file, and stays until it is told to stop, or longer.
STAYS = """
import os, signal, subprocess, sys, time
if sys.argv[2:] == ["stubborn"]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
from ivigilant.supervisor import stop_with_stdin
stop_with_stdin(grace_s=0.3)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open(sys.argv[1], "a") as file:
    file.write(f"{os.getpid()} {child.pid}\\n")
time.sleep(600)
"""
STARTS_STACK = """
import pathlib, sys
from ivigilant.stack import Proofs
from ivigilant.supervisor import Program, Supervisor
supervisor = Supervisor({}, pathlib.Path(sys.argv[1]))
supervisor.start(Program("ours", [sys.executable, "-c", sys.argv[3], sys.argv[2], "stubborn"]))
supervisor.start(Program("theirs", ["sleep", "600"], ours=False))
print(*(running.process.pid for running in supervisor._running), flush=True)
supervisor.run()
"""


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    environment = dict(os.environ) | {"PYTHONPATH": str(Path.cwd())}
    somebody = Supervisor(environment, tmp_path, tell=lambda line: None)
    yield somebody
    somebody.stop()


def test_a_program_that_dies_is_started_again(supervisor: Supervisor, tmp_path: Path) -> None:
    noted = tmp_path / "pids"
    supervisor.start(Program("stays", [sys.executable, "-c", STAYS, str(noted)]))
    watching = threading.Thread(target=supervisor.run)
    watching.start()
    first, its_child = soon(lambda: lines(noted)[0])

    os.kill(first, signal.SIGKILL)

    second, _ = soon(lambda: lines(noted)[1])
    supervisor.stopping.set()
    watching.join()
    assert second != first
    assert soon(lambda: not lives(its_child))


def test_a_program_that_was_asked_wrongly_is_not_started_again(supervisor: Supervisor) -> None:
    code = "print('ivigilant: IVIGILANT_MLLP_PORT: should be a number'); raise SystemExit(2)"
    supervisor.start(Program("listener", [sys.executable, "-c", code]))

    with pytest.raises(EmbeddedPartFailed, match=r"^listener: IVIGILANT_MLLP_PORT: should be a number$"):
        supervisor.run()


def test_stopping_ends_every_program_and_its_children(supervisor: Supervisor, tmp_path: Path) -> None:
    noted = tmp_path / "pids"
    supervisor.start(Program("stays", [sys.executable, "-c", STAYS, str(noted)]))
    main, child = soon(lambda: lines(noted)[0])

    supervisor.stop()

    assert not lives(main)
    assert soon(lambda: not lives(child))


def test_nothing_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    noted = tmp_path / "pids"
    with subprocess.Popen(
        [sys.executable, "-c", STARTS_STACK, str(tmp_path), str(noted), f"import sys; sys.path.append('.')\n{STAYS}"],
        env=dict(os.environ) | {"PYTHONPATH": str(Path.cwd())},
        stdout=subprocess.PIPE,
        text=True,
    ) as supervisor:
        assert supervisor.stdout is not None
        pids = [int(pid) for pid in supervisor.stdout.readline().split()]
        pids += soon(lambda: lines(noted)[0])

        supervisor.kill()

        assert len(pids) == 4
        assert soon(lambda: not any(lives(pid) for pid in pids))


def test_a_part_that_does_not_answer_stops_the_start_and_names_its_log(supervisor: Supervisor, tmp_path: Path) -> None:
    dies = Program("dies", [sys.executable, "-c", "print('no room'); raise SystemExit(3)"])

    with pytest.raises(EmbeddedPartFailed, match=r"dies\.log"):
        supervisor.start_and_wait(dies, lambda: False)

    assert "no room" in (tmp_path / "dies.log").read_text()


def test_a_log_that_grew_large_is_moved_aside(supervisor: Supervisor, tmp_path: Path) -> None:
    (tmp_path / "stays.log").write_bytes(b"x" * (20 * 1024 * 1024 + 1))
    supervisor.start(Program("stays", [sys.executable, "-c", STAYS, str(tmp_path / "pids")]))

    watching = threading.Thread(target=supervisor.run)
    watching.start()

    assert soon(lambda: (tmp_path / "stays.log.1").stat().st_size > 20 * 1024 * 1024)
    assert soon(lambda: (tmp_path / "stays.log").stat().st_size < 1024)
    supervisor.stopping.set()
    watching.join()


def test_older_logs_are_kept_and_the_oldest_goes(tmp_path: Path) -> None:
    for name in ("stays.log", *(f"stays.log.{number}" for number in range(1, OLD_LOGS + 1))):
        (tmp_path / name).write_text(name)
    with (tmp_path / "stays.log").open("ab") as file:
        file.truncate(LARGEST_LOG + 1)

    shorten(tmp_path / "stays.log")

    assert (tmp_path / "stays.log").stat().st_size == 0
    assert (tmp_path / "stays.log.1").stat().st_size == LARGEST_LOG + 1
    assert [(tmp_path / f"stays.log.{number}").read_text() for number in range(2, OLD_LOGS + 1)] == [
        f"stays.log.{number}" for number in range(1, OLD_LOGS)
    ]


def test_a_log_that_can_neither_be_written_nor_moved_aside_ends_nothing(supervisor: Supervisor, tmp_path: Path) -> None:
    (tmp_path / "stays.log").mkdir()  # no file, so it cannot be opened, copied or emptied
    noted = tmp_path / "pids"
    supervisor.start(Program("stays", [sys.executable, "-c", STAYS, str(noted)]))
    watching = threading.Thread(target=supervisor.run)
    watching.start()
    first, _ = soon(lambda: lines(noted)[0])

    os.kill(first, signal.SIGKILL)

    assert soon(lambda: lines(noted)[1])
    supervisor.stopping.set()
    watching.join()


@pytest.mark.parametrize(("proved", "ended"), [(False, True), (True, False)])
def test_a_worker_that_does_not_prove_that_it_takes_tasks_is_started_again(
    supervisor: Supervisor, tmp_path: Path, sqlite_engine: sa.Engine, proved: bool, ended: bool
) -> None:
    noted = tmp_path / "pids"
    proofs = Proofs(sqlite_engine, supervisor, lambda: NOW, patience_s=0.1)
    with sqlite_engine.begin() as connection:
        heartbeats.beat(connection, "beat", NOW)
        heartbeats.beat(connection, worker_name("worker"), NOW if proved else NOW - timedelta(minutes=5))
    supervisor.start(Program("worker", [sys.executable, "-c", STAYS, str(noted)]))
    first, _ = soon(lambda: lines(noted)[0])
    soon(lambda: supervisor.running_for("worker") > proofs.patience_s)

    proofs.look()

    assert (not lives(first)) == ended


def test_no_worker_is_ended_for_what_holds_up_the_beat_as_well(
    supervisor: Supervisor, tmp_path: Path, sqlite_engine: sa.Engine
) -> None:
    noted = tmp_path / "pids"
    supervisor.start(Program("worker", [sys.executable, "-c", STAYS, str(noted)]))
    first, _ = soon(lambda: lines(noted)[0])

    Proofs(sqlite_engine, supervisor, lambda: NOW, patience_s=0.0).look()

    assert lives(first)


def lines(path: Path) -> list[list[int]]:
    return [[int(word) for word in line.split()] for line in path.read_text().splitlines()]


def lives(pid: int) -> bool:
    """Return whether a process runs; one that only waits to be counted does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
