"""What a hospital may choose otherwise: the limits of points, the channels, and what is asked of SCIg."""

from typing import Any

import pytest

from clinical.words import Channel
from rules.assessment import Assessment
from rules.errors import KnowledgeFaults
from rules.evaluate import evaluate
from rules.examples import Example, build_case
from rules.knowledge import Knowledge
from rules.load import load_knowledge


@pytest.fixture(scope="module")
def careful() -> Knowledge:
    """One point is not enough here."""
    return load_knowledge(chosen={"at_risk_from": 2})


@pytest.fixture(scope="module")
def asking() -> Knowledge:
    """Told of a VTE with immunoglobulin under the skin."""
    return load_knowledge(chosen={"scig_prior_vte": "information"})


def answer(knowledge: Knowledge, **cells: str) -> Assessment:
    return evaluate(build_case(Example("a case", cells, "none")), knowledge)


def tier_of(knowledge: Knowledge, rule: str, *codes: str) -> str:
    """The tier of a rule at 1 g/kg for somebody with these diagnoses."""
    found = answer(knowledge, diagnosed="; ".join(codes), **{"g/kg/day": "1.0"})
    return next((each.tier.word for each in found.findings if each.rule == rule), "none")


def test_one_point_is_enough_unless_the_hospital_says_otherwise(knowledge: Knowledge, careful: Knowledge) -> None:
    told = [(tier_of(each, "IG-VTE-008", "E66.9"), tier_of(each, "IG-VTE-008", "I10")) for each in (knowledge, careful)]

    assert told == [("moderate", "information"), ("information", "information")]


def test_at_the_number_that_was_chosen_the_patient_is_at_risk(careful: Knowledge) -> None:
    assert tier_of(careful, "IG-VTE-008", "E66.9", "F17.2") == "moderate"


@pytest.mark.parametrize(
    ("chosen", "tier"),
    [
        ({}, "high"),
        ({"high_from_points": 6}, "high"),
        ({"high_from_points": 7}, "moderate"),
        ({"high_from_points": 7, "moderate_from_points": 6}, "moderate"),
        ({"high_from_points": 8, "moderate_from_points": 7}, "information"),
    ],
)
def test_a_hospital_moves_the_limits_of_points(chosen: dict[str, Any], tier: str) -> None:
    knowledge = load_knowledge(chosen=chosen)  # immobility is 3 points, 1 g/kg another 3

    assert tier_of(knowledge, "IG-VTE-007", "Z99.3") == tier


def test_an_answer_has_the_channel_of_its_tier(knowledge: Knowledge) -> None:
    told = [answer(knowledge, diagnosed=code) for code in ("I80.2", "D68.5", "S82.2, 9 days ago", "F17.2")]

    assert [(each.tier.name, each.channel.word) for each in told] == [
        ("CONTRAINDICATION", "interrupt"),
        ("HIGH", "interrupt"),
        ("MODERATE", "worklist"),
        ("INFORMATION", "with-order"),
    ]
    assert answer(knowledge).channel is Channel.NONE


def test_the_loudest_finding_gives_the_channel(knowledge: Knowledge) -> None:
    moved = load_knowledge(chosen={"rule_channels": {"IG-VTE-007": "interrupt"}})

    found = answer(moved, diagnosed="F17.2")

    assert (found.tier.name, found.channel.word) == ("INFORMATION", "interrupt")
    assert moved.version != knowledge.version


def test_a_hospital_moves_the_channel_of_one_tier_and_keeps_the_others() -> None:
    quiet = load_knowledge(chosen={"channels": {"moderate": "with-order"}})

    told = [answer(quiet, diagnosed=code).channel.word for code in ("S82.2, 9 days ago", "D68.5")]

    assert told == ["with-order", "interrupt"]


@pytest.mark.parametrize("code", ["I80.2", "D68.5", "D47.2", "I21.9"])
def test_a_thrombosis_thrombophilia_thick_blood_and_arterial_disease_count_alone(code: str) -> None:
    careful = load_knowledge(chosen={"at_risk_from": 6})

    assert tier_of(careful, "IG-VTE-008", code) == "moderate"


FOUR_COURSES = "; ".join(f"28 g, {weeks * 7} days ago" for weeks in (18, 12, 8, 4))


def channel(knowledge: Knowledge, before: str = FOUR_COURSES, grams: str = "28", **cells: str) -> tuple[str, str]:
    """Tier and channel of an order of so many grams a day after these doses."""
    found = answer(knowledge, **{"IVIg before": before, "g/day": grams}, **cells)
    return found.tier.word, found.channel.word


def test_what_stood_at_the_last_courses_too_is_one_channel_quieter(knowledge: Knowledge) -> None:
    assert channel(knowledge, diagnosed="I21.9, 900 days ago") == ("high", "worklist")
    assert channel(knowledge, diagnosed="C50.9, 300 days ago") == ("moderate", "with-order")
    assert channel(knowledge, diagnosed="F17.2") == ("information", "with-order")


@pytest.mark.parametrize(
    ("before", "grams", "diagnosed"),
    [
        (FOUR_COURSES, "31", "I21.9, 900 days ago"),  # a higher dose
        (FOUR_COURSES, "28", "I21.9, 90 days ago"),  # a new event
        (FOUR_COURSES, "28", "I21.9, 900 days ago; S82.2, 9 days ago"),
        ("28 g, 56 days ago; 28 g, 28 days ago", "28", "I21.9, 900 days ago"),  # two courses
        ("28 g, 240 days ago; 28 g, 56 days ago; 28 g, 28 days ago", "28", "I21.9, 900 days ago"),  # too long ago
        ("28 g, 30 days ago; 28 g, 29 days ago; 28 g, 28 days ago", "28", "I21.9, 900 days ago"),  # one course
        (FOUR_COURSES.replace("ago", "ago, planned"), "28", "I21.9, 900 days ago"),  # nobody said that it was given
        ("28 g, 119 days ago; 28 g, 56 days ago; 28 g, 28 days ago", "28", "I21.9, 900 days ago"),  # not for so long
        ("28 g, 12 days ago; 28 g, 8 days ago; 28 g, 4 days ago", "28", "I21.9, 900 days ago"),
        (FOUR_COURSES, "28", "I21.9, 100 days ago"),  # an event after the first of these courses
        (FOUR_COURSES, "28", "I21.9"),
        (FOUR_COURSES, "28", 'I21.9, 900 days ago; "bedlegerig"'),
    ],
)
def test_what_is_new_or_not_known_to_be_given_is_as_loud_as_ever(
    knowledge: Knowledge, before: str, grams: str, diagnosed: str
) -> None:
    assert channel(knowledge, before, grams, diagnosed=diagnosed) == ("high", "interrupt")


OLD_EVENT = "I21.9, 900 days ago"


def test_a_result_or_a_medicine_of_the_last_months_is_as_loud_as_ever(knowledge: Knowledge) -> None:
    old = {"diagnosed": OLD_EVENT}

    assert channel(knowledge, viscosity="4.5, 3 days ago", **old) == ("high", "interrupt")
    for medicine in ("L02BA01", "G03CA03", "L04AX02"):
        assert channel(knowledge, taking=f"{medicine}, 3 days ago", **old) == ("high", "interrupt")
        assert channel(knowledge, taking=f"{medicine}, 400 days ago", **old) == ("high", "worklist")


def test_a_suspected_thrombosis_is_as_loud_as_ever(knowledge: Knowledge) -> None:
    assert channel(knowledge, diagnosed=f"{OLD_EVENT}; I80.2, 3 days ago, suspected") == ("high", "interrupt")


def test_more_days_in_a_row_or_a_larger_course_is_another_dose(knowledge: Knowledge) -> None:
    days, course = {"in a row": "5"}, {"g/kg course": "2"}
    told = {"diagnosed": OLD_EVENT, "weight": "70"}

    assert channel(knowledge, **told) == ("high", "worklist")
    assert channel(knowledge, **told, **days) == ("high", "interrupt")
    assert channel(knowledge, **told, **course) == ("high", "interrupt")


def test_a_thrombosis_and_what_can_be_changed_today_are_never_quieter(knowledge: Knowledge) -> None:
    assert channel(knowledge, diagnosed="I80.2, 900 days ago") == ("contraindication", "interrupt")
    assert channel(knowledge, taking="B01AA03", INR="1.7") == ("high", "interrupt")
    assert channel(knowledge, diagnosed="C50.9, 300 days ago", **{"mg/kg/min": "3.5"}) == ("high", "interrupt")


def test_a_hospital_may_be_told_as_loudly_at_the_tenth_course_as_at_the_first() -> None:
    loud = load_knowledge(chosen={"established_therapy": "as-others"})

    assert channel(loud, diagnosed="I21.9, 900 days ago") == ("high", "interrupt")


def test_how_many_points_is_said_in_the_version(knowledge: Knowledge, careful: Knowledge) -> None:
    assert knowledge.version != careful.version


@pytest.mark.parametrize(
    ("ordered", "route", "rules"),
    [("J06BA01", "SC", ["IG-VTE-027"]), ('"GammaQuin"', "IM", ["IG-VTE-027"]), ('"anti-D immunoglobuline"', "IM", [])],
)
def test_a_vte_with_immunoglobulin_under_the_skin_is_information_where_it_was_chosen(
    knowledge: Knowledge, asking: Knowledge, ordered: str, route: str, rules: list[str]
) -> None:
    told = {"ordered": ordered, "route": route, "diagnosed": "I80.2"}

    before, after = answer(knowledge, **told), answer(asking, **told)

    assert [finding.rule for finding in before.findings] == []
    assert [finding.rule for finding in after.findings] == rules
    assert after.tier.name in ("INFORMATION", "NONE")


@pytest.mark.parametrize(
    "chosen",
    [
        {"at_risk_from": 0},
        {"at_risk_from": 7},
        {"high_from_points": 0},
        {"scig_prior_vte": "high"},
        {"dose_limit": 1},
        {"channels": {"moderate": "loud"}},
        {"rule_channels": {"IG-VTE-999": "worklist"}},
    ],
)
def test_a_choice_that_there_is_not_is_named(chosen: dict[str, Any]) -> None:
    with pytest.raises(
        KnowledgeFaults, match=rf"policy\.yaml:\d+: .*({'|'.join([*chosen, 'moderate', 'IG-VTE-999'])})"
    ):
        load_knowledge(chosen=chosen)
