"""What a hospital may choose otherwise: from how many risk factors a patient is at risk, and what is asked of SCIg."""

from typing import Any

import pytest

from rules.assessment import Assessment
from rules.errors import KnowledgeFaults
from rules.evaluate import evaluate
from rules.examples import Example, build_case
from rules.knowledge import Knowledge
from rules.load import load_knowledge


@pytest.fixture(scope="module")
def careful() -> Knowledge:
    """One factor is not enough here."""
    return load_knowledge(chosen={"at_risk_from": 2})


@pytest.fixture(scope="module")
def asking() -> Knowledge:
    """Told of a VTE with immunoglobulin under the skin."""
    return load_knowledge(chosen={"scig_prior_vte": "information"})


def answer(knowledge: Knowledge, **cells: str) -> Assessment:
    return evaluate(build_case(Example("a case", cells, "none")), knowledge)


def one_gram_per_kg(knowledge: Knowledge, *codes: str) -> str:
    """The tier of 1 g/kg for somebody with these diagnoses."""
    return answer(knowledge, diagnosed="; ".join(codes), **{"g/kg/day": "1.0"}).tier.word


def test_one_factor_is_enough_unless_the_hospital_says_otherwise(knowledge: Knowledge, careful: Knowledge) -> None:
    assert (one_gram_per_kg(knowledge, "I10"), one_gram_per_kg(careful, "I10")) == ("high", "information")


def test_at_the_number_that_was_chosen_the_patient_is_at_risk(careful: Knowledge) -> None:
    assert one_gram_per_kg(careful, "I10", "F17.2") == "high"


@pytest.mark.parametrize("code", ["I80.2", "D68.5", "D47.2", "I21.9"])
def test_a_thrombosis_thrombophilia_thick_blood_and_arterial_disease_count_alone(careful: Knowledge, code: str) -> None:
    found = answer(careful, diagnosed=code, **{"g/kg/day": "1.0"})

    assert "high" in [finding.tier.word for finding in found.findings if finding.rule == "IG-VTE-008"]


def test_how_many_factors_is_said_in_the_version(knowledge: Knowledge, careful: Knowledge) -> None:
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
    "chosen", [{"at_risk_from": 0}, {"at_risk_from": 7}, {"scig_prior_vte": "high"}, {"dose_limit": 1}]
)
def test_a_choice_that_there_is_not_is_named(chosen: dict[str, Any]) -> None:
    with pytest.raises(KnowledgeFaults, match=next(iter(chosen))):
        load_knowledge(chosen=chosen)
