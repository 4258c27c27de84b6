"""The Naranjo questions: what the record answers, what it leaves open, and what it comes to."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from clinical.codes import Coding
from clinical.quantities import exactly
from rules.evaluate import evaluate
from rules.examples import AT, an_order
from rules.facts import Case, Dose, Fact, Patient
from rules.knowledge import Knowledge
from rules.naranjo import Score, score_of
from tests.rules.vignettes import condition, medicine


def given(hours_ago: float, *, reported: bool = True, order: str = "EXAMPLE") -> Dose:
    """A dose that was given so long ago."""
    return Dose(AT - timedelta(hours=hours_ago), exactly(30, "g"), given=reported, order=order)


def diagnosed(code: str, hours_ago: float) -> Fact:
    """A diagnosis whose hour is known."""
    at = AT - timedelta(hours=hours_ago)
    return Fact("condition", (Coding("ICD10", code),), starts=at, precision="second")


def imaged(text: str, hours_ago: float, code: str = "18748-4", certainty: Any = "confirmed") -> Fact:
    """A report of imaging, in words."""
    at = AT - timedelta(hours=hours_ago)
    return Fact(
        "observation",
        (Coding("LOINC", code),),
        text,
        starts=at,
        precision="second",
        status="final",
        certainty=certainty,
    )


def a_case(*facts: Fact, doses: tuple[Dose, ...]) -> Case:
    """A patient with these facts and doses, at the moment of the event."""
    return Case(an_order(), Patient(sex="F"), AT, facts, tuple(sorted(doses, key=lambda dose: dose.at)))


def replies(case: Case, knowledge: Knowledge) -> dict[int, str]:
    """The answers as filled in beforehand."""
    return {each.number: each.reply for each in evaluate(case, knowledge, "pharmacovigilance").naranjo}


def scored(case: Case, knowledge: Knowledge) -> Score:
    return score_of(knowledge.naranjo, replies(case, knowledge))


def test_paran_2_scores_three_before_anybody_answered(knowledge: Knowledge) -> None:
    seen = imaged("Duplex: trombose v. poplitea rechts.", 3)
    case = a_case(condition("I80.2"), condition("D68.5"), diagnosed("I80.2", 4), seen, doses=(given(8),))

    known = replies(case, knowledge)

    assert {number for number, reply in known.items() if reply == "yes"} == {1, 2, 5, 10}
    assert (scored(case, knowledge).score, scored(case, knowledge).band) == (3, "possible")


def test_emerson_2b_scores_six_probable(knowledge: Knowledge) -> None:
    months = 150 * 24
    earlier = (given(months + 14 * 24, order="FIRST"), diagnosed("I80.2", months + 7 * 24))
    steroid = structs.replace(medicine("H02AB04", 1000, "IV"), starts=AT - timedelta(days=5))
    case = a_case(
        earlier[1],
        condition("E66.9"),
        steroid,
        diagnosed("I26.9", 1),
        imaged("CT-angiografie: longembolie beiderzijds.", 0),
        doses=(earlier[0], given(31), given(7)),
    )

    found = scored(case, knowledge)

    assert (found.score, found.band, found.open) == (6, "probable", (3, 6, 7, 8))
    assert (found.lowest, found.highest) == (5, 10)


def test_nothing_on_record_leaves_other_causes_open(knowledge: Knowledge) -> None:
    case = a_case(diagnosed("I26.9", 1), doses=(given(8),))

    assert replies(case, knowledge)[5] == "unknown"


def test_a_clot_at_the_same_time_is_no_other_cause_and_no_recurrence(knowledge: Knowledge) -> None:
    case = a_case(diagnosed("I26.9", 1), diagnosed("I80.2", 1), doses=(given(80), given(56)))

    assert {number for number, reply in replies(case, knowledge).items() if reply == "yes"} == {1, 2}


def test_a_dose_nobody_reported_as_given_leaves_the_order_of_events_open(knowledge: Knowledge) -> None:
    case = a_case(diagnosed("I26.9", 1), doses=(given(8, reported=False),))

    assert replies(case, knowledge)[2] == "unknown"


def test_a_symptom_is_not_objective_evidence(knowledge: Knowledge) -> None:
    case = a_case(diagnosed("R06.0", 1), doses=(given(8),))

    assert replies(case, knowledge)[10] == "unknown"


def test_a_diagnosis_code_alone_is_not_objective_evidence(knowledge: Knowledge) -> None:
    assert replies(a_case(diagnosed("I26.9", 1), doses=(given(8),)), knowledge)[10] == "unknown"


@pytest.mark.parametrize(
    ("seen", "reply"),
    [
        (imaged("Longembolie rechts.", 0), "yes"),  # the code says that it is a report
        (imaged("CT-thorax: longembolie rechts.", 0, "30000-1"), "yes"),  # the words do
        (imaged("Longembolie rechts.", 0, "30000-1"), "unknown"),
        (imaged("CT-thorax: geen longembolie.", 0), "unknown"),
        (imaged("CT-thorax: longembolie niet uitgesloten.", 0), "unknown"),
        (imaged("CT-thorax: longembolie rechts.", 1 + 3 * 24), "yes"),
        (imaged("CT-thorax: longembolie rechts.", 2 + 3 * 24), "unknown"),  # of another time
        (imaged("CT-thorax: longembolie rechts.", 1 - 14 * 24), "yes"),
        (imaged("CT-thorax: longembolie rechts.", -14 * 24), "unknown"),
    ],
)
def test_imaging_that_shows_the_thrombosis_is_objective_evidence(seen: Fact, reply: str, knowledge: Knowledge) -> None:
    assert replies(a_case(diagnosed("I26.9", 1), seen, doses=(given(8),)), knowledge)[10] == reply


def test_a_diagnosis_that_says_how_it_was_seen_is_objective_evidence(knowledge: Knowledge) -> None:
    seen = structs.replace(diagnosed("I26.9", 1), text="CT-angio: longembolie")

    assert replies(a_case(seen, doses=(given(8),)), knowledge)[10] == "yes"


@pytest.mark.parametrize(
    ("score", "band"),
    [(9, "definite"), (8, "probable"), (5, "probable"), (4, "possible"), (1, "possible"), (0, "doubtful")],
)
def test_a_score_has_its_band(score: int, band: str, knowledge: Knowledge) -> None:
    assert knowledge.naranjo.band(score).name == band


def test_all_answers_that_point_to_the_drug_come_to_thirteen(knowledge: Knowledge) -> None:
    best = {1: "yes", 2: "yes", 3: "yes", 4: "yes", 5: "no", 6: "no", 7: "yes", 8: "yes", 9: "yes", 10: "yes"}

    assert score_of(knowledge.naranjo, best).score == 13
