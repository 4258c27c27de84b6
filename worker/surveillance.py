"""What came after the infusions of one order: the same history, looked at by the rules of surveillance. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from rules.assessment import Assessment, Tier
from rules.dates import last_moment
from rules.evaluate import evaluate
from rules.facts import Case, Dose, Fact, events_among
from rules.knowledge import Knowledge

STREAM: Final = "pharmacovigilance"
_EVENTS = frozenset({"condition", "procedure", "allergy", "medication"})  # kinds that can be an event after infusion


def watch(
    case: Case, facts: Sequence[Fact], doses: Sequence[Dose], knowledge: Knowledge
) -> tuple[Case, Assessment] | None:
    """Look for an event after the doses of this order; None when there is none.

    `doses` are those of every order, given or planned, oldest first: each event belongs to the order that gave the last
    one before it. The case is judged for the moment of its latest event, so what happens later does not change it.
    """
    first = next((dose.at for dose in doses if dose.order == case.order.key), None)
    if first is None or not any(_may_be_event(fact, first) for fact in facts):
        return None
    whole = replace(case, facts=tuple(facts), doses=tuple(doses), at=_newest(facts))
    seen = evaluate(whole, knowledge, STREAM)
    if seen.tier == Tier.NONE:
        return None
    at = _newest([event for finding in seen.findings for event in events_among(finding.facts, case.order)])
    known = tuple(fact for fact in facts if fact.starts is None or fact.starts <= at)
    then = replace(whole, facts=known, at=at)
    return then, evaluate(then, knowledge, STREAM)


def _may_be_event(fact: Fact, first: datetime) -> bool:
    last = last_moment(fact)
    return fact.kind in _EVENTS and last is not None and last >= first


def _newest(facts: Sequence[Fact]) -> datetime:
    return max(moment for fact in facts if (moment := last_moment(fact)))
