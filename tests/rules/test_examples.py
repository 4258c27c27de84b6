"""Every worked example of every rule gives the alert its table says."""

import pytest

from rules.examples import Example
from rules.knowledge import Knowledge, Rule
from rules.load import load_knowledge
from tests.rules.answers import examples_of, priority_of, tier_of

CASES = [
    pytest.param(rule, example, id=f"{rule.id}: {example.name}")
    for rule in load_knowledge().rules
    for example in examples_of(rule)
]


@pytest.mark.parametrize(("rule", "example"), CASES)
def test_the_example_gives_the_alert_in_its_table(rule: Rule, example: Example, knowledge: Knowledge) -> None:
    tier = tier_of(rule, example, knowledge)

    assert tier == example.tier
    if example.priority:
        assert priority_of(example, knowledge) == example.priority
