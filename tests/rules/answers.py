"""What a rule answers to its examples, in the words of the table."""

from collections.abc import Iterable

from rules.assessment import Tier
from rules.evaluate import evaluate, judge
from rules.examples import Example, build_case, read_examples
from rules.knowledge import Knowledge, Rule
from rules.picture import Picture


def examples_of(rule: Rule) -> list[Example]:
    return read_examples(rule.form.examples)


def tier_of(rule: Rule, example: Example, knowledge: Knowledge) -> str:
    finding = judge(rule, Picture(build_case(example), knowledge.terms), [])
    return (finding.tier if finding else Tier.NONE).name.lower()


def differing(rule: Rule, knowledge: Knowledge) -> list[str]:
    """The examples whose tier is not the one the table says."""
    return [each.name for each in examples_of(rule) if tier_of(rule, each, knowledge) != each.tier]


def any_differs(rules: Iterable[Rule], knowledge: Knowledge) -> bool:
    return any(tier_of(rule, each, knowledge) != each.tier for rule in rules for each in examples_of(rule))


def priority_of(example: Example, knowledge: Knowledge) -> str:
    return evaluate(build_case(example), knowledge).priority.name.lower()
