"""Every worked example of every rule gives the alert its table says."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from clinical.words import Language
from rules.assessment import Assessment
from rules.evaluate import evaluate
from rules.examples import Example, run_examples
from rules.facts import Case
from rules.knowledge import Knowledge, Rule
from rules.load import load_knowledge
from rules.summary import first_sentence
from tests.knowledge_folders import a_copy, edit, our_knowledge
from tests.rules.answers import cases_of

CASES = [
    pytest.param(rule, example, case, id=f"{rule.id}: {example.name}")
    for rule in our_knowledge().rules
    for example, case in cases_of(rule)
]


@pytest.mark.parametrize("rule", our_knowledge().rules, ids=lambda rule: rule.id)
def test_the_examples_give_the_alerts_in_their_table(rule: Rule, knowledge: Knowledge) -> None:
    chosen = replace(knowledge, rules=tuple(replace(each, chosen=True) for each in knowledge.rules))

    found = run_examples(rule, chosen if not rule.chosen else knowledge)

    assert [(each.name, each.answer, each.agreed) for each in found if not each.agrees] == []


@pytest.mark.parametrize("status", ["trial", "retired"])
def test_any_rule_may_be_on_trial_or_retired_and_others_only_warn(status: str, tmp_path: Path) -> None:
    own = a_copy(tmp_path / "own")
    for name in ("ig-vte-001", "ig-vte-016"):
        edit(own, f"library/{name}.yaml", "status: live", f"status: {status}")

    knowledge = load_knowledge(own)
    asked = [each for rule in knowledge.rules if rule.chosen for each in run_examples(rule, knowledge)]

    assert [each.name for each in asked if not each.agrees and not each.by_others] == []
    assert [each for each in asked if each.by_others]


@pytest.mark.parametrize(("rule", "example", "case"), CASES)
def test_every_finding_fits_its_place_and_shows_its_facts(
    rule: Rule, example: Example, case: Case, knowledge: Knowledge
) -> None:
    found = evaluate(case, knowledge, rule.stream)

    assert max(len(found.text["nl"]), len(found.text["en"])) <= 600
    assert _named(found, "nl") == _named(found, "en")
    for each in found.findings:
        assert each.facts
        assert each.evidence
        assert each.advice
        assert not {"{", "}", "[[", "]]"} & {*each.because["nl"], *each.because["en"]}
        assert max(len(each.because["nl"]), len(each.because["en"])) <= 300


def _named(found: Assessment, language: Language) -> tuple[list[str], int]:
    """The rules that a text names, and how many findings it counts beside them."""
    text = found.text[language]
    named = [
        each.rule for each in found.findings if each.title[language] in text or first_sentence(each)[language] in text
    ]
    more = re.search(r"(\d+) (andere bevinding|other finding)", text)
    return named, int(more[1]) if more else 0
