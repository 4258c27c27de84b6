"""The worked examples of one rule, each with what the rule answers."""

from dataclasses import dataclass

from clinical.words import Tier
from ivigilant.errors import IvigilantError
from rules.evaluate import evaluate, judge
from rules.examples import build_case, read_examples
from rules.knowledge import Knowledge
from rules.picture import Picture


class UnknownRule(IvigilantError):
    """No rule has this id; `ivigilant knowledge list` gives them."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Answered:
    """One example: what its table says, and what the rule says."""

    name: str
    cells: dict[str, str]
    agreed: str
    answer: str
    agrees: bool


def answered(knowledge: Knowledge, rule_id: str) -> list[Answered]:
    """Ask a rule its examples; a priority is that of the whole assessment."""
    rule = next((rule for rule in knowledge.rules if rule.id == rule_id), None)
    if rule is None:
        raise UnknownRule(f"no rule is called {rule_id}; they are: ivigilant knowledge list")
    found = []
    for example in read_examples(rule.form.examples):
        case = build_case(example)
        finding = judge(rule, Picture(case, knowledge.terms), [])
        tier = (finding.tier if finding else Tier.NONE).word
        priority = evaluate(case, knowledge, rule.stream).priority.word
        said = " ".join([finding.because["en"], *(text["en"] for text in finding.advice)]) if finding else ""
        agreed = ", ".join(part for part in (example.tier, example.priority) if part)
        answer = f"{tier}, {priority}" if example.priority else tier
        agrees = answer == agreed and (not finding or example.is_said(said))
        found.append(Answered(example.name, example.cells, agreed, answer, agrees))
    return found
