"""What an evaluation leaves behind: facts that lead back to their message, a trace, and the same answer every time."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs

from clinical.codes import Coding
from clinical.words import Priority, Text, Tier
from rules.evaluate import evaluate
from rules.examples import AT, Example, build_case
from rules.facts import Case, Fact, Provenance
from rules.knowledge import Knowledge
from rules.picture import Picture
from rules.summary import LONGEST, summarize


def a_case(**cells: str) -> Case:
    return build_case(Example("a case", cells, "none"))


def dvt(where: Provenance) -> Fact:
    return Fact("condition", (Coding("ICD10", "I80.2", "diepe veneuze trombose"),), provenance=where)


def test_a_fact_leads_back_to_its_message_and_field(knowledge: Knowledge) -> None:
    where = Provenance(7, "EPD0001", "DG1[2]-3")
    case = replace(a_case(), facts=(dvt(where),))

    found = evaluate(case, knowledge)

    first = found.findings[0]
    assert first.rule == "IG-VTE-001"
    assert where in [fact.provenance for fact in first.facts]
    assert case.order.provenance in [fact.provenance for fact in first.facts]


def test_the_text_names_what_was_found_in_both_languages(knowledge: Knowledge) -> None:
    case = replace(
        a_case(), facts=(structs.replace(dvt(Provenance(7, "X", "Y")), starts=AT.replace(2019), precision="month"),)
    )

    text = evaluate(case, knowledge).text

    assert "diepe veneuze trombose (mrt 2019)" in text["nl"]
    assert "diepe veneuze trombose (Mar 2019)" in text["en"]


def test_a_text_names_a_thrombosis_once_and_counts_what_does_not_fit(knowledge: Knowledge) -> None:
    cells = {"IVIg before": "30 g, 157 days ago", "days": "5", "in a row": "5", "eGFR": "25", "age": "70"}
    found = evaluate(
        a_case(diagnosed="I82.9, 150 days ago; C90.0; Z45.2; N17.9", taking="H02AB07, 60 mg", **cells), knowledge
    )

    assert [each.tier.word for each in found.findings].count("contraindication") == 2
    assert found.text["en"].count("I82.9") == found.text["nl"].count("I82.9") == 1
    assert "; 2 andere bevindingen. Advies:" in found.text["nl"]
    assert "; 2 other findings. Advice:" in found.text["en"]


def test_the_gravest_reason_is_cut_to_the_room_there_is_and_never_left_out(knowledge: Knowledge) -> None:
    case = a_case(diagnosed="I80.2, 4 days ago", history="no")
    gravest, *others = evaluate(case, knowledge).findings
    long = Text({"nl": "Reden " + "woorden " * 72 + "einde.", "en": "Reason " + "words " * 40 + "end."})  # 588 and 251

    text = summarize([structs.replace(gravest, because=long), *others], (), (), (), Picture(case, knowledge.terms))

    assert others and max(map(len, text.values())) <= LONGEST
    assert re.fullmatch(r"Reden (woorden )+woorden… Daarnaast: \d andere bevindingen\.", text["nl"])
    assert text["en"].startswith(f"{long['en']} Also: ")


def test_numbers_are_computed_for_this_patient(knowledge: Knowledge) -> None:
    advice = [text["nl"] for text in evaluate(a_case(diagnosed="I80.2"), knowledge).advice]

    assert any("voorzichtig is 3,5 g/uur" in line for line in advice)


def test_the_trace_tells_why_a_rule_did_not_fire(knowledge: Knowledge) -> None:
    steps = [step for step in evaluate(a_case(), knowledge).trace if step.rule == "IG-VTE-008"]

    assert [(step.held, step.saw) for step in steps] == [(True, ""), (False, "0.4")]


def test_the_trace_holds_every_condition_of_every_rule(knowledge: Knowledge) -> None:
    steps = evaluate(a_case(), knowledge).trace

    asked = {(step.rule, step.condition) for step in steps}
    assert asked >= {
        (rule.id, each.condition.text)
        for rule in knowledge.rules
        if rule.is_asked and rule.stream == "order"
        for each in rule.when
    }


def test_the_same_case_gets_the_same_answer(knowledge: Knowledge) -> None:
    case = a_case(diagnosed="I80.2; C50.9", taking="B01AF02")

    assert evaluate(case, knowledge) == evaluate(case, knowledge)


def test_the_order_of_facts_does_not_change_the_answer(knowledge: Knowledge) -> None:
    case = a_case(diagnosed="I80.2; C50.9; E66.9", taking="B01AA03", INR="1.5; 2.5, 3 days ago")

    one, other = evaluate(case, knowledge), evaluate(replace(case, facts=case.facts[::-1]), knowledge)

    assert (one.tier, one.priority) == (other.tier, other.priority)
    assert [each.rule for each in one.findings] == [each.rule for each in other.findings]


def test_nothing_found_is_an_answer(knowledge: Knowledge) -> None:
    found = evaluate(a_case(), knowledge)

    assert (found.tier, found.priority, found.findings) == (Tier.NONE, Priority.NONE, ())
    assert found.knowledge == knowledge.version


def test_an_order_that_is_not_ivig_fires_nothing(knowledge: Knowledge) -> None:
    case = a_case(ordered='"paracetamol 1 g"', diagnosed="I80.2", history="no")

    assert evaluate(case, knowledge).tier is Tier.NONE


def test_a_mixture_recognised_by_its_ingredient_is_judged(knowledge: Knowledge) -> None:
    case = a_case(ordered='"infuuszak 500 ml"', diagnosed="I80.2")

    found = evaluate(replace(case, order=replace(case.order, product_class="ivig")), knowledge)

    assert found.tier is Tier.CONTRAINDICATION


@pytest.mark.parametrize(
    ("cells", "priority"),
    [
        ({"diagnosed": "I80.2", "taking": "B01AF02, 10 mg"}, Priority.ROUTINE),
        ({"diagnosed": "I80.2; I25.2", "taking": "B01AF02, 10 mg"}, Priority.PROMPT),
        ({"diagnosed": "I80.2", "taking": "B01AF02"}, Priority.PROMPT),
        ({"diagnosed": "I80.2", "taking": "B01AF02, 5 mg"}, Priority.URGENT),
        ({"diagnosed": "I80.2"}, Priority.URGENT),
        ({"diagnosed": "I26.9, 3 days ago", "taking": "B01AF02, 20 mg"}, Priority.URGENT),
    ],
)
def test_only_proven_treatment_makes_it_routine(
    knowledge: Knowledge, cells: dict[str, str], priority: Priority
) -> None:
    assert evaluate(a_case(**cells), knowledge).priority is priority


@pytest.mark.parametrize("earlier", ["", "; I26.9, in 2012"])
def test_a_thrombosis_after_ivig_leads_the_history_that_holds_it(knowledge: Knowledge, earlier: str) -> None:
    cells = {"IVIg before": "30 g, 157 days ago", "diagnosed": f"I80.2, 150 days ago{earlier}"}

    found = evaluate(a_case(**cells), knowledge)

    assert [each.rule for each in found.findings][:2] == ["IG-VTE-003", "IG-VTE-001"]
    assert found.advice[0].does == ("consult", "hold")
    assert found.text["en"].count("I80.2") == found.text["nl"].count("I80.2") == 1
    assert found.text["nl"].count("I26.9") == bool(earlier)


def test_a_possible_thrombosis_leads_the_risk_factors_that_count_it(knowledge: Knowledge) -> None:
    found = evaluate(a_case(diagnosed="ICD10CM T82.868, 90 days ago"), knowledge)

    rules = [each.rule for each in found.findings if each.tier.word == "moderate"]
    assert rules.index("IG-VTE-026") < rules.index("IG-VTE-007")


def test_what_mitigates_and_what_is_missing_is_told(knowledge: Knowledge) -> None:
    found = evaluate(a_case(diagnosed="I80.2", taking="B01AF02, 10 mg", history="no", weight="?"), knowledge)

    assert [text["en"] for text in found.mitigating] == ["treatment-dose anticoagulation"]
    assert "history (nothing received)" in [text["en"] for text in found.missing]


def test_the_checklist_comes_with_moderate_and_above(knowledge: Knowledge) -> None:
    hydrate = "Hydrate before the infusion."

    assert hydrate in [text["en"] for text in evaluate(a_case(history="no"), knowledge).advice]
    assert hydrate not in [text["en"] for text in evaluate(a_case(diagnosed="F17.2"), knowledge).advice]


def test_doses_of_the_order_itself_are_not_an_earlier_course(knowledge: Knowledge) -> None:
    case = a_case(**{"g/kg/day": "1"})
    own = tuple(replace(case.doses[0], at=AT + timedelta(days=day), order=case.order.key) for day in range(3))
    later = replace(case, at=AT + timedelta(days=4), doses=(*case.doses, *own))

    rules = [finding.rule for finding in evaluate(later, knowledge).findings]

    assert "IG-VTE-021" not in rules


@pytest.mark.parametrize("unit", ["{INR}", "", "INR", "1"])
def test_an_inr_is_read_in_every_usual_unit(knowledge: Knowledge, unit: str) -> None:
    case = a_case(diagnosed="I80.2", taking="B01AA03", INR="1.5")
    facts = tuple(structs.replace(fact, unit=unit) if fact.kind == "observation" else fact for fact in case.facts)

    rules = [finding.rule for finding in evaluate(replace(case, facts=facts), knowledge).findings]

    assert "IG-VTE-015" in rules


def test_a_height_in_metres_is_understood(knowledge: Knowledge) -> None:
    case = a_case(weight="140", height="1.75, unit m", sex="M", **{"g/kg course": "2.0"})

    assert "IG-VTE-014" in [finding.rule for finding in evaluate(case, knowledge).findings]
