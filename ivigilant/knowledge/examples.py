"""The worked examples of one rule, each with the rule's answer."""

from ivigilant.errors import IvigilantError
from rules.examples import Answered, run_examples
from rules.knowledge import Knowledge


class UnknownRule(IvigilantError):
    """There is no rule with this id; `ivigilant knowledge list` lists them."""

    exit_code = 2


def answered(knowledge: Knowledge, rule_id: str) -> list[Answered]:
    """Run the examples of a rule; a priority is that of the whole assessment."""
    rule = next((rule for rule in knowledge.rules if rule.id == rule_id), None)
    if rule is None:
        raise UnknownRule(f"no rule is called {rule_id}; they are: ivigilant knowledge list")
    return run_examples(rule, knowledge)
