"""What a rule answers to its examples, in the words of the table."""

from collections.abc import Iterable
from functools import cache

from clinical.words import Tier
from rules.evaluate import evaluate, judge
from rules.examples import Example, build_case, read_examples
from rules.facts import Case
from rules.knowledge import Knowledge, Rule
from rules.picture import Picture


@cache
def _read(table: str) -> list[tuple[Example, Case]]:
    return [(example, build_case(example)) for example in read_examples(table)]


def _as_in_table(rule: Rule, example: Example, case: Case, knowledge: Knowledge) -> bool:
    """Whether the rule by itself answers as its table."""
    finding = judge(rule, Picture(case, knowledge.terms), [])
    if (finding.tier if finding else Tier.NONE).word != example.tier:
        return False
    return finding is None or example.is_said(
        " ".join([finding.because["en"], *(text["en"] for text in finding.advice)])
    )


def differing(rule: Rule, knowledge: Knowledge) -> list[str]:
    """The names of the examples that the rule answers otherwise than its table."""
    return [each.name for each, case in _read(rule.form.examples) if not _as_in_table(rule, each, case, knowledge)]


def has_priority(rule: Rule, example: Example, case: Case, knowledge: Knowledge) -> bool:
    """Whether the whole assessment has the priority of the table, and the finding its channel."""
    if not example.priority and not example.channel:
        return True
    found = evaluate(case, knowledge, rule.stream)
    channel = next((each.channel.word for each in found.findings if each.rule == rule.id), "none")
    return example.priority in ("", found.priority.word) and example.channel in ("", channel)


def any_differs(rules: Iterable[Rule], knowledge: Knowledge) -> bool:
    """Whether any rule answers an example otherwise than its table."""
    return any(
        not _as_in_table(rule, each, case, knowledge) or not has_priority(rule, each, case, knowledge)
        for rule in rules
        for each, case in _read(rule.form.examples)
    )


def cases_of(rule: Rule) -> list[tuple[Example, Case]]:
    return _read(rule.form.examples)


def answers(rule: Rule, example: Example, case: Case, knowledge: Knowledge) -> bool:
    return _as_in_table(rule, example, case, knowledge) and has_priority(rule, example, case, knowledge)
