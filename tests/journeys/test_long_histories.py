"""A history too long to be judged under a lock is judged before it, and the answer counts only if it still holds."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from rules.knowledge import Knowledge
from tests.journeys.hospital import Hospital
from tests.journeys.stories import Diagnosed, Given, Happening, Measured, Merged, Ordered, Problem, Seen, messages

STORY = [Problem(), Ordered(at=1, starts=30), Measured(at=2, value="2.5", taken=2), Given(at=31, started=30)]


@pytest.fixture
def hurried(hospital: Hospital) -> Hospital:
    """A hospital whose workers judge nothing under a lock."""
    hospital.worker = replace(hospital.worker, most_facts=0)
    return hospital


@pytest.fixture
def plain(fresh_engine: Callable[[], sa.Engine], knowledge: Knowledge) -> Hospital:
    """A hospital whose workers judge everything under a lock."""
    return Hospital(fresh_engine(), knowledge)


def reads(connection: sa.Connection) -> bool:
    """Whether it only reads, so that nobody waits for it."""
    return bool(connection.get_execution_options().get("ivigilant_reads"))


def at_the_end_of_readings(engine: sa.Engine, act: Callable[[int], object]) -> None:
    """Do something whenever a worker has read something and holds no lock; it is given how often that was."""
    count = 0
    acting = False

    def once(connection: sa.Connection) -> None:
        nonlocal count, acting
        if reads(connection) and not acting:
            count, acting = count + 1, True
            act(count)
            acting = False

    sa.event.listen(engine, "rollback", once)  # reading ends with one


def histories_read(engine: sa.Engine) -> list[bool]:
    """Note of each time that somebody reads facts of patients whether that was without a lock.

    One fact more than may be judged under it is read there, to see whether there are more.
    """
    noted: list[bool] = []

    def note(
        connection: sa.Connection, _cursor: object, statement: str, _given: object, context: Any, _many: bool
    ) -> None:
        (given, *_rest) = getattr(context, "compiled_parameters", None) or [{}]
        of_charts = given.get("of_facts") and given["most"] > 1
        if of_charts or statement.startswith("SELECT fact."):
            noted.append(reads(connection))

    sa.event.listen(engine, "before_cursor_execute", note)
    return noted


def test_a_long_history_is_read_and_judged_without_a_lock(hurried: Hospital, plain: Hospital) -> None:
    told = messages([*STORY, Seen(at=32, ward="IC"), Diagnosed(at=33)])
    noted = histories_read(hurried.engine)

    hurried.sends_one_by_one(told)
    plain.sends(*told)

    assert noted
    assert all(noted)
    assert hurried.dump() == plain.dump()


def test_a_short_history_is_judged_in_one_go(hospital: Hospital) -> None:
    noted = histories_read(hospital.engine)

    hospital.sends_one_by_one(messages(STORY))

    assert noted
    assert not any(noted)


@pytest.mark.parametrize("moment", range(1, 8))
@pytest.mark.parametrize(
    "other",
    [
        Diagnosed(at=3, code="I26.9"),
        Seen(at=3, ward="IC", died="Y"),
        Ordered(at=3, number="101", starts=40),
        Measured(at=2, value="1.1", taken=2, late=1),
    ],
    ids=lambda other: type(other).__name__,
)
def test_what_another_worker_records_at_any_moment_counts(
    hurried: Hospital, plain: Hospital, moment: int, other: Happening
) -> None:
    *before, mine, theirs = messages([*STORY[:3], Measured(at=4, value="3.1", taken=4), other])
    plain.sends(*before, mine, theirs)
    hurried.sends(*before)
    ids = hurried.receives(mine, theirs)

    at_the_end_of_readings(hurried.engine, lambda number: hurried.processes(ids[1:]) if number == moment else None)
    hurried.processes(ids[:1])
    hurried.processes(hurried.waiting())

    assert hurried.dump() == plain.dump()


def test_a_merge_while_a_long_history_is_judged_counts(hurried: Hospital, plain: Hospital) -> None:
    *before, mine, theirs = messages([*STORY[:2], Diagnosed(who="2"), Measured(at=4, taken=4), Merged(at=5)])
    plain.sends(*before, mine, theirs)
    hurried.sends(*before)
    ids = hurried.receives(mine, theirs)

    at_the_end_of_readings(hurried.engine, lambda number: hurried.processes(ids[1:]) if number == 4 else None)
    hurried.processes(ids[:1])

    assert hurried.dump() == plain.dump()


def test_a_history_that_never_stands_still_is_judged_all_the_same(hurried: Hospital, plain: Hospital) -> None:
    told = messages([*STORY, *(Measured(at=4 + n, value=f"2.{n}", taken=4 + n) for n in range(30))])
    plain.sends(*told)
    ids = hurried.receives(*told)
    others = iter(ids[1:])

    at_the_end_of_readings(hurried.engine, lambda _: hurried.processes([next(others)]) if others else None)
    hurried.processes(ids[:1])
    hurried.processes(hurried.waiting())

    assert hurried.dump() == plain.dump()
