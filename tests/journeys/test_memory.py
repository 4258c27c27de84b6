"""What a worker remembers of a history saves reading it, and never decides an answer."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from rules.knowledge import Knowledge
from tests.journeys.hospital import Hospital
from tests.journeys.stories import Diagnosed, Happening, Measured, Merged, Ordered, Problem, Seen, messages
from worker.memory import HistoryMemory

DAY = 24
STORY = [Problem(onset=-400 * DAY), Ordered(at=1, starts=2), Measured(at=DAY, taken=DAY, request="L1")]


def results(first: int, last: int) -> list[Happening]:
    """An INR a day, from one day to another."""
    return [Measured(at=day * DAY, taken=day * DAY, request=f"L{day}") for day in range(first, last)]


def histories_read(engine: sa.Engine) -> list[int]:
    """Note of each time that charts of patients are read of how many the facts are read too."""
    noted: list[int] = []

    def note(
        _connection: sa.Connection, _statement: object, many: list[Any], one: dict[str, Any], _options: Any
    ) -> None:
        noted.extend(len(given["of_facts"]) for given in (*many, one) if "of_facts" in given)

    sa.event.listen(engine, "before_execute", note)
    return noted


@pytest.fixture
def mindful(hospital: Hospital) -> Hospital:
    """A hospital whose worker remembers even the shortest history."""
    hospital.worker = replace(hospital.worker, memory=HistoryMemory(least=0))
    return hospital


@pytest.fixture
def plain(fresh_engine: Callable[[], sa.Engine], knowledge: Knowledge) -> Hospital:
    return Hospital(fresh_engine(), knowledge)


def test_the_next_result_is_judged_without_reading_the_history(mindful: Hospital, plain: Hospital) -> None:
    told = messages([*STORY, *results(2, 6)])
    mindful.sends_one_by_one(told[:3])
    noted = histories_read(mindful.engine)

    mindful.sends_one_by_one(told[3:])
    plain.sends(*told)

    assert noted == [0, 0, 0, 0]
    assert mindful.dump() == plain.dump()


def test_a_short_history_is_not_remembered(hospital: Hospital) -> None:
    hospital.sends_one_by_one(messages(STORY))
    noted = histories_read(hospital.engine)

    hospital.sends(*messages([*STORY, *results(2, 3)])[3:])

    assert noted == [1]


@pytest.mark.parametrize(
    "between",
    [
        Measured(at=2 * DAY, taken=2 * DAY, request="L9", value="2.5"),
        Diagnosed(at=2 * DAY, on=DAY),
        Ordered(at=2 * DAY, number="101", starts=3 * DAY),
        Seen(at=2 * DAY, died="Y"),
        Merged(at=2 * DAY, retired=("2",)),
    ],
    ids=lambda other: type(other).__name__,
)
def test_what_another_worker_wrote_is_seen(mindful: Hospital, plain: Hospital, between: Happening) -> None:
    told = messages([Problem(who="2", number="P2"), *STORY, between, *results(4, 6), between])
    ids = mindful.receives(*told)
    other = HistoryMemory(least=0)

    for place, message in enumerate(ids):
        mindful.processes([message], memory=other if place == 4 else None)
    plain.sends(*told)

    assert mindful.dump() == plain.dump()


def test_what_was_rolled_back_is_not_remembered(mindful: Hospital, plain: Hospital) -> None:
    told = messages([*STORY, Diagnosed(at=2 * DAY, on=DAY), *results(3, 5)])
    mindful.sends_one_by_one(told[:3])
    (lost,) = mindful.receives(told[3])

    def fail(_connection: sa.Connection) -> None:
        raise RuntimeError

    sa.event.listen(mindful.engine, "commit", fail)
    with pytest.raises(RuntimeError):
        mindful.processes([lost])
    sa.event.remove(mindful.engine, "commit", fail)
    mindful.sends_one_by_one(told[4:])  # the facts have changed as often as they would have by what was lost
    mindful.processes([lost])
    plain.sends(*told)

    assert mindful.dump() == plain.dump()


def test_of_many_histories_those_used_last_are_kept(mindful: Hospital) -> None:
    memory = HistoryMemory(most=7, least=0)
    mindful.worker = replace(mindful.worker, memory=memory)
    stories = [[replace(each, who=who) for each in STORY] for who in ("1", "2", "3")]
    mindful.sends_one_by_one(messages([each for story in stories for each in story]))
    ids = {row[0]: row[1] for row in mindful.rows("SELECT value, id FROM patient")}

    kept = memory.of(ids.values())

    assert len(kept) == 2
    assert sum(len(each.judged.standing.entries) for each in kept.values()) <= 7
    assert not memory.of([min(ids.values())])


def test_versions_in_memory_are_those_of_the_store(mindful: Hospital) -> None:
    corrected = Measured(at=9 * DAY, taken=3 * DAY, request="L3", status="C", value="3.1")
    story = [*STORY, *results(2, 5), corrected, *results(2, 3)]
    mindful.sends_one_by_one(messages(story))
    rows = mindful.rows("SELECT id, facts_version FROM patient")

    kept = mindful.worker.memory.of(row[0] for row in rows)

    assert [dict(each.versions) for each in kept.values()] == [{row[0]: row[1] for row in rows}]
