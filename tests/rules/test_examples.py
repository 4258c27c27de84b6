"""Every worked example of every rule gives the alert its table says."""

from dataclasses import replace

import pytest

from rules.evaluate import evaluate
from rules.examples import Example
from rules.facts import Case
from rules.knowledge import Knowledge, Rule
from rules.load import load_knowledge
from tests.rules.answers import cases_of

CASES = [
    pytest.param(rule, example, case, id=f"{rule.id}: {example.name}")
    for rule in load_knowledge().rules
    for example, case in cases_of(rule)
]


@pytest.mark.parametrize(("rule", "example", "case"), CASES)
def test_the_example_gives_the_alert_in_its_table(
    rule: Rule, example: Example, case: Case, knowledge: Knowledge
) -> None:
    chosen = replace(knowledge, rules=tuple(replace(each, chosen=True) for each in knowledge.rules))

    found = evaluate(case, knowledge if rule.chosen else chosen, rule.stream)

    own = [each for each in found.findings if each.rule == rule.id]
    assert [each.tier.word for each in own] == ([example.tier] if example.tier != "none" else [])
    assert example.priority in ("", found.priority.word)
    assert not own or example.is_said(" ".join([own[0].because["en"], *(text["en"] for text in own[0].advice)]))


@pytest.mark.parametrize(("rule", "example", "case"), CASES)
def test_every_finding_fits_its_place_and_shows_its_facts(
    rule: Rule, example: Example, case: Case, knowledge: Knowledge
) -> None:
    found = evaluate(case, knowledge, rule.stream)

    assert max(len(found.text["nl"]), len(found.text["en"])) <= 600
    for each in found.findings:
        assert each.facts
        assert each.evidence
        assert each.advice
        assert not {"{", "}", "[[", "]]"} & {*each.because["nl"], *each.because["en"]}
        assert max(len(each.because["nl"]), len(each.because["en"])) <= 300
