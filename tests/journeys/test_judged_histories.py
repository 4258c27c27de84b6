"""What is judged from an earlier judgement is what judging the whole history gives, to the byte."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from history.choices import Site
from history.entries import StandingEntries
from history.judged import JudgedHistory, judge_history
from history.messages import gather
from history.person import PersonHistory
from rules.knowledge import Knowledge
from store import facts
from store.facts import FactRow, FactTuple
from tests.journeys.drawing import stories, stories_of_results
from tests.journeys.stories import Diagnosed, Given, Happening, Measured, Ordered, Problem, messages
from tests.journeys.test_rehearsal import a_message
from tests.thoroughness import STORIES
from worker.record import fact_row

SITE = Site()
checks = settings(
    max_examples=STORIES * 2, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def rows_of(story: Sequence[Happening], knowledge: Knowledge) -> list[list[FactRow]]:
    """What each message of a story adds to the facts; every identity is one of the same person."""
    ids: dict[tuple[str, str], int] = {}
    return [
        [
            fact_row(entry, ids.setdefault(entry.identity, len(ids) + 1))
            for entry in gather([a_message(number, raw)], knowledge).entries
        ]
        for number, raw in enumerate(messages(story), 1)
    ]


def told(judged: JudgedHistory) -> list[Any]:
    """Everything of an answer that is stored, shown or acted on, and what it was worked out from."""
    return [
        (
            one.order,
            one.stream,
            one.conclusion.signature,
            msgspec.json.encode(one.conclusion.content),
            one.badges,
            (one.case.at, one.case.history_as_of, one.starts_at, one.ends_at),
            tuple(one.case.facts),
            one.case.doses,
            one.case.order,
        )
        for one in judged.answers
    ]


class Store:
    """The facts of a person as the database holds them, under each identity."""

    def __init__(self) -> None:
        self.held: dict[int, list[FactTuple]] = {}

    def upsert(self, rows: Sequence[FactRow]) -> list[FactTuple]:
        for id_ in {row.patient_id for row in rows}:
            own = [row for row in rows if row.patient_id == id_]
            self.held[id_] = list(facts.folded(self.held.get(id_, []), own))
        return [row.as_read for row in facts.latest(rows)]

    def standing(self) -> StandingEntries:
        return StandingEntries.of(row for rows in self.held.values() for row in rows)


def compare(
    added: list[list[FactRow]], die: random.Random, knowledge: Knowledge, sizes: Sequence[int]
) -> JudgedHistory:
    """Judge what the messages add, some at a time, from the judgement before and as a whole; return the last."""
    store = Store()
    outline = PersonHistory([("ZKHA", "1")], (), {"birth_date": "1950-01-01", "sex": "F"}, history_received=True)
    judged = judge_history(outline, store.standing(), knowledge, SITE)
    while added:
        size = die.choice(sizes)
        batch, added = [row for rows in added[:size] for row in rows], added[size:]
        behind = die.choice([None, None, datetime(2026, 11, 3, 8, die.randrange(60), tzinfo=UTC)])
        now = replace(outline, history_as_of=behind)
        came = store.upsert(batch)
        whole = judge_history(now, store.standing(), knowledge, SITE)
        judged = judged.after(now, came, knowledge, SITE) or whole
        assert list(judged.person.entries) == list(whole.person.entries)
        assert told(judged) == told(whole)
    return judged


def drawn(story: Sequence[Happening], seed: int, knowledge: Knowledge) -> None:
    """Compare, in order or in any other, in batches of any size."""
    die, added = random.Random(seed), rows_of(story, knowledge)
    if die.random() < 0.3:
        die.shuffle(added)
    compare(added, die, knowledge, [1, 1, 1, 2, 5])


@checks
@given(story=stories_of_results(), seed=st.integers(0, 999))
def test_a_result_after_another_is_judged_as_the_whole_history_is(
    story: list[Happening], seed: int, knowledge: Knowledge
) -> None:
    drawn(story, seed, knowledge)


@checks
@given(story=stories(), seed=st.integers(0, 999))
def test_anything_after_anything_is_judged_as_the_whole_history_is(
    story: list[Happening], seed: int, knowledge: Knowledge
) -> None:
    drawn(story, seed, knowledge)


DAY = 24
LATER = [Measured(at=day * DAY, taken=day * DAY, request=f"L{day}") for day in (3, 8, 12)]


@pytest.mark.parametrize(
    ("came", "streams"),
    [
        (Diagnosed(at=14 * DAY, on=5 * DAY), ["order", "pharmacovigilance"]),  # an event after a dose long over
        (Diagnosed(at=14 * DAY, on=-5 * DAY), ["order"]),  # dated before it
        (Measured(at=14 * DAY, taken=-DAY, request="L0", value="3.5"), ["order"]),
        (Measured(at=14 * DAY, taken=0, test="29463-7^Body weight^LN", unit="kg", value="60"), ["order"]),
        (Given(at=14 * DAY, started=1), ["order"]),
    ],
)
def test_what_touches_an_order_that_has_ended_has_it_judged_again(
    came: Happening, streams: list[str], knowledge: Knowledge
) -> None:
    before = rows_of([Ordered(starts=0), *LATER], knowledge)
    with_it = rows_of([Ordered(starts=0), *LATER, came], knowledge)

    earlier = compare(before, random.Random(1), knowledge, [1])
    later = compare(with_it, random.Random(1), knowledge, [1])

    assert [one.stream for one in earlier.answers] == ["order"]
    assert [one.stream for one in later.answers] == streams
    assert told(later) != told(earlier)


def test_an_order_that_has_ended_is_left_alone_by_a_later_result(knowledge: Knowledge) -> None:
    rows = rows_of([Problem(onset=-400 * DAY), Ordered(starts=0), *LATER], knowledge)
    judged = compare(rows[:-1], random.Random(1), knowledge, [5])

    after = judged.after(replace(judged.person, entries=()), [row.as_read for row in rows[-1]], knowledge, SITE)

    assert after is not None
    assert after.answers[0] is judged.answers[0]
