"""What came after the infusions of one order: the same history, looked at by the rules of surveillance. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from history.timeline import Timeline
from rules.assessment import Assessment, Tier
from rules.dates import last_moment
from rules.evaluate import evaluate
from rules.facts import Case, Dose, Fact, events_among
from rules.knowledge import Knowledge

STREAM: Final = "pharmacovigilance"


def watch(case: Case, known: Timeline, doses: Sequence[Dose], knowledge: Knowledge) -> tuple[Case, Assessment] | None:
    """Look for an event after the doses of this order; None when there is none.

    `doses` are those of every order, given or planned, oldest first: each event belongs to the order that gave the last
    one before it. The case is judged for the moment of its latest event, so what happens later does not change it.
    """
    first = next((dose.at for dose in doses if dose.order == case.order.key), None)
    if first is None or known.latest_event is None or known.latest_event < first:
        return None
    whole = replace(case, facts=known.facts, doses=tuple(doses), at=known.latest_moment or known.latest_event)
    seen = evaluate(whole, knowledge, STREAM)
    if seen.tier == Tier.NONE:
        return None
    at = _newest([event for finding in seen.findings for event in events_among(finding.facts, case.order)])
    then = replace(whole, facts=known.until(at), at=at)
    return then, evaluate(then, knowledge, STREAM)


def _newest(facts: Sequence[Fact]) -> datetime:
    return max(moment for fact in facts if (moment := last_moment(fact)))
