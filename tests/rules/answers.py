"""What a rule answers to its examples, in the words of the table."""

from collections.abc import Iterable
from functools import cache

from rules.assessment import Tier
from rules.evaluate import evaluate, judge
from rules.examples import Example, build_case, read_examples
from rules.facts import Case
from rules.knowledge import Knowledge, Rule
from rules.picture import Picture


@cache
def _read(table: str) -> list[tuple[Example, Case]]:
    return [(example, build_case(example)) for example in read_examples(table)]


def examples_of(rule: Rule) -> list[Example]:
    return [example for example, _ in _read(rule.form.examples)]


def _tier(rule: Rule, case: Case, knowledge: Knowledge) -> str:
    finding = judge(rule, Picture(case, knowledge.terms), [])
    return (finding.tier if finding else Tier.NONE).name.lower()


def _as_said(rule: Rule, example: Example, case: Case, knowledge: Knowledge) -> bool:
    if _tier(rule, case, knowledge) != example.tier:
        return False
    return not example.priority or evaluate(case, knowledge).priority.name.lower() == example.priority


def differing(rule: Rule, knowledge: Knowledge) -> list[str]:
    """The examples whose tier is not the one the table says."""
    return [each.name for each, case in _read(rule.form.examples) if _tier(rule, case, knowledge) != each.tier]


def any_differs(rules: Iterable[Rule], knowledge: Knowledge) -> bool:
    """Whether any example of any rule gets another tier or priority than its table says."""
    return any(not _as_said(rule, each, case, knowledge) for rule in rules for each, case in _read(rule.form.examples))


def tier_of(rule: Rule, example: Example, knowledge: Knowledge) -> str:
    return _tier(rule, build_case(example), knowledge)


def priority_of(example: Example, knowledge: Knowledge) -> str:
    return evaluate(build_case(example), knowledge).priority.name.lower()
