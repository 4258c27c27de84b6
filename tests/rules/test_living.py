"""A pharmacist edits the rules while they are in use."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rules.errors import Fault
from rules.knowledge import Knowledge
from rules.living import LivingKnowledge
from rules.load import load_knowledge
from tests.knowledge_folders import a_copy, edit

RULE = "library/ig-vte-015.yaml"


class Watch:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return a_copy(tmp_path / "own")


def living(folder: Path, watch: Callable[[], float], told: list[tuple[Fault, ...]]) -> LivingKnowledge:
    def changed(_knowledge: Knowledge, faults: tuple[Fault, ...]) -> None:
        told.append(faults)

    return LivingKnowledge(folder, lambda: load_knowledge(folder), watch, changed)


def test_a_changed_file_is_taken_over_within_seconds(folder: Path) -> None:
    watch, told = Watch(), list[tuple[Fault, ...]]()
    knowledge = living(folder, watch, told)
    before = knowledge.current().version

    edit(folder, RULE, "Correct the INR before", "Please correct the INR before")
    at_once = knowledge.current().version
    watch.now += 2

    assert at_once == before
    assert knowledge.current().version != before
    assert told == [()]


def test_a_faulty_file_is_not_taken_over_and_every_fault_is_told(folder: Path) -> None:
    watch, told = Watch(), list[tuple[Fault, ...]]()
    knowledge = living(folder, watch, told)
    before = knowledge.current()

    edit(folder, RULE, "below: 2.0", "below: low")
    watch.now += 2

    assert knowledge.current() is before
    assert [fault.file for fault in knowledge.faults] == [RULE]
    assert len(told) == 1


def test_a_file_put_right_is_taken_over_and_the_fault_is_gone(folder: Path) -> None:
    watch, told = Watch(), list[tuple[Fault, ...]]()
    knowledge = living(folder, watch, told)
    edit(folder, RULE, "below: 2.0", "below: low")
    watch.now += 2
    knowledge.current()

    edit(folder, RULE, "below: low", "below: 2.0")
    watch.now += 2
    knowledge.current()

    assert knowledge.faults == ()
    assert told[-1] == ()
