"""Facts sorted once say at any moment what the facts of that moment say, also after some came and others went."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from clinical.codes import Coding
from clinical.quantities import exactly
from rules.facts import Case, Fact, Order, Patient
from rules.knowledge import Knowledge
from rules.picture import Picture
from rules.sorted_facts import Placed, SortedFacts

BEGAN = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)
DAYS = 30
CODES = (
    Coding("ICD10", "I26.9", "Longembolie"),
    Coding("ICD10", "I50.0", "Hartfalen"),
    Coding("LOINC", "6301-6", "INR"),
    Coding("LOINC", "777-3", "Platelets"),
    Coding("ATC", "B01AA03", "warfarin"),
    Coding("LOCAL", "X1", "something else"),
)
WORDS = ("", "DVT 2019", "geen longembolie", "VG: 2012 DVT, 2018 CVA", "verdenking longembolie")


def a_fact(die: random.Random) -> Fact:
    coding = die.choice(CODES)
    is_result = coding.system == "LOINC"
    starts = die.choice([None, *(BEGAN + timedelta(days=day) for day in range(DAYS))])
    return Fact(
        kind="observation" if is_result else "medication" if coding.system == "ATC" else "condition",
        codings=(coding,),
        text="" if is_result else die.choice(WORDS),
        value=exactly(die.randrange(1, 9)) if is_result else None,
        unit="10*9/L" if coding.code == "777-3" else "",
        starts=starts,
        precision=die.choice(["second", "day", "month", "year"]) if starts else "",
        certainty="confirmed" if is_result else die.choice(["confirmed", "confirmed", "suspected", "refuted"]),
    )


def counting(placed: Sequence[Placed], at: datetime) -> list[Fact]:
    return [fact for _, fact in placed if fact.starts is None or fact.starts <= at]


def seen(facts: tuple[Fact, ...], at: datetime, knowledge: Knowledge) -> list[object]:
    """All that a picture says of these facts at a moment."""
    picture = Picture(Case(Order("O1"), Patient(), at, facts), knowledge.terms)
    names = [name for name in knowledge.terms.codes.names if knowledge.terms.codes.bits[name] & picture.present]
    return [
        picture.present,
        [(name, picture.with_certainty((name,))) for name in names],
        [(name, picture.with_certainty((name,), frozenset({"suspected", "refuted"}))) for name in names],
        [(name, list(picture.readings(name))) for name in knowledge.terms.measurements],
    ]


@pytest.mark.parametrize("seed", range(20))
def test_what_is_seen_at_a_moment_is_what_the_facts_of_that_moment_say(seed: int, knowledge: Knowledge) -> None:
    die = random.Random(seed)
    placed: list[Placed] = [((place,), a_fact(die)) for place in range(0, 60, 2)]
    every = SortedFacts(placed, knowledge.terms)
    for _ in range(6):
        moments = die.sample(range(-1, DAYS + 2), 4)
        for at in (BEGAN + timedelta(days=day) for day in moments):
            facts = counting(placed, at)
            assert list(every.until(at)) == facts
            assert seen(every.until(at), at, knowledge) == seen(tuple(facts), at, knowledge)
        gone = die.sample(placed, die.randrange(3))
        new = [((place,), a_fact(die)) for place in die.sample([*range(1, 60, 2), *range(60, 99)], 3)]
        new = [each for each in new if each[0] not in {place for place, _ in placed}]
        before, told = every, list(every.until(None))
        every = every.changed(gone, new)
        placed = sorted([*(each for each in placed if each not in gone), *new], key=lambda each: each[0])
        assert list(every.until(None)) == [fact for _, fact in placed]
        assert list(before.until(None)) == told
        assert every.every("inr") == [fact for _, fact in placed if fact.codings[0].code == "6301-6"]
