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
