"""A disk that is full for a while: nothing new is kept or acknowledged meanwhile, and nothing is lost."""

import contextlib
import os
import resource
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.chaos.installation import UNSEEN, Installation, children_of, family_of
from tests.chaos.reconciling import expect_no_answers, expect_nothing_kept, reconcile, settle
from tests.chaos.sender import Sending
from tests.ivigilant.processes import ivigilant, running
from tests.ivigilant.waiting import soon
from tests.ports import free_port

PAGE_BYTES = 4096  # of SQLite
Install = Callable[..., Installation]


class FullDisk:
    """Lets no process of an installation write more than it has."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def begin(self) -> None:
        """Nothing may be written past the first page of a file: neither a commit nor a line of a log fits."""
        self._limit(PAGE_BYTES)

    def end(self) -> None:
        """There is room again."""
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        for role in UNSEEN:
            limit(self._installation.process(role), size)


def limit(process: int, size: int) -> None:
    """Let a process and its children write no further than this in any file; the first before it starts another."""
    for pid in family_of(process):
        with contextlib.suppress(ProcessLookupError):  # it ended
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nothing_new_is_acknowledged_while_the_disk_is_full_and_nothing_is_lost(
    install: Install, watching: sa.Engine, messages: list[bytes], undisturbed: list[bytes]
) -> None:
    installation = install()
    installation.start()
    disk = FullDisk(installation)
    sending = Sending(installation.mllp_port, messages, moments={60: disk.begin})

    sending.begin()
    soon(lambda: len(sending.codes) >= 60)
    expect_nothing_kept(watching, sending)
    disk.end()
    settle(watching, sending, installation.tend)

    reconcile(watching, sending, undisturbed)


@dataclass(frozen=True)
class Stack:
    """`ivigilant up`, and what it started."""

    pid: int
    mllp_port: int
    settings: Mapping[str, str]
    folder: Path

    def limit(self, size: int) -> None:
        """Let none of its processes write past this in any file."""
        for pid in family_of(self.pid):
            limit(pid, size)

    def programs(self) -> list[int]:
        return children_of(self.pid)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """The whole product on one machine, as `ivigilant up` runs it."""
    ports = {"IVIGILANT_MLLP_PORT": str(free_port()), "IVIGILANT_HTTP_PORT": str(free_port())}
    settings = ports | {"IVIGILANT_DATA_DIR": str(tmp_path / "data"), "IVIGILANT_WORKER_PROCESSES": "1"}
    with running("up", environment=settings, output=tmp_path / "shown") as process:
        yield Stack(process.pid, int(ports["IVIGILANT_MLLP_PORT"]), settings, tmp_path / "data")


def test_up_outlives_a_full_disk_starts_again_what_died_meanwhile_and_recovers(
    stack: Stack, messages: list[bytes]
) -> None:
    before = Sending(stack.mllp_port, messages[:20])
    after = Sending(stack.mllp_port, messages[20:40])
    before.begin()
    soon(lambda: not before.busy and len(before.acknowledged) == 20)
    programs = stack.programs()

    stack.limit(PAGE_BYTES)
    after.begin()
    expect_no_answers(after)
    os.kill(programs[-1], signal.SIGKILL)
    soon(lambda: set(stack.programs()) - set(programs))  # its log cannot take a line
    looked = ivigilant("doctor", environment=stack.settings, largest_file=PAGE_BYTES)
    stack.limit(resource.RLIM_INFINITY)
    soon(lambda: not after.busy)

    assert (looked.returncode, "WRONG  disk" in looked.stdout) == (1, True)
    assert len(after.acknowledged) == 20


def test_a_start_on_a_full_disk_is_one_line(tmp_path: Path) -> None:
    settings = {"IVIGILANT_MLLP_PORT": str(free_port()), "IVIGILANT_HTTP_PORT": str(free_port())}

    run = ivigilant("up", "--data-dir", str(tmp_path), environment=settings, largest_file=0)

    assert run.returncode == 4
    assert run.stderr.startswith("ivigilant: ")
    assert run.stderr.count("\n") == 1
