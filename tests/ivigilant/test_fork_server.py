"""What is forked is as what is started from nothing, and nothing outlives whoever asked for it."""

import os
import signal
from pathlib import Path

import pytest

from bench.structure import House
from tests.ivigilant.fork_server import Forked, fork
from tests.ivigilant.processes import ivigilant, surroundings
from tests.ivigilant.waiting import soon


@pytest.mark.parametrize("words", [("doctor", "--only", "nobody"), ("knowledge", "show", "IG-VTE-999"), ("--version",)])
def test_a_forked_command_ends_and_says_the_same(words: tuple[str, ...]) -> None:
    environment = {"IVIGILANT_MLLP_PORT": "2600"}

    forked = ivigilant(*words, environment=environment)
    anew = ivigilant(*words, environment=environment, from_nothing=True)

    assert (forked.returncode, forked.stdout, forked.stderr) == (anew.returncode, anew.stdout, anew.stderr)


def test_whatever_is_imported_first_can_be() -> None:
    assert House().circles() == []  # so that it does not matter that everything was imported before a command began


def test_a_killed_one_has_the_number_of_the_signal_and_its_own_number_until_that_is_read() -> None:
    process = one_that_waits()
    process.kill()

    assert soon(lambda: state_of(process) == "Z")
    assert process.wait(60) == -signal.SIGKILL
    assert soon(lambda: state_of(process) == "")


def test_one_that_nobody_can_reach_any_more_ends() -> None:
    process = one_that_waits()
    os.kill(process.pid, signal.SIGSTOP)
    pid = process.pid

    del process

    assert soon(lambda: not Path(f"/proc/{pid}").exists())


def one_that_waits() -> Forked:
    """A process that waits for words that never come."""
    with Path(os.devnull).open("ab") as nothing:
        return fork(["explain", "-"], surroundings(None), stdout=nothing, stderr=nothing, own_session=True)


def state_of(process: Forked) -> str:
    try:
        return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""
