"""What a new answer means for an order's alert: a pure function, so that every turn can be tested by itself."""

from dataclasses import dataclass, field
from typing import Any

from history.change import Conclusion, got_worse, what_changed
from history.orders import OrderState
from rules.assessment import Tier

ALERTING = Tier.MODERATE  # what is only information is shown with the order, never in the inbox (KNOWLEDGE NA-9)
SETTLED = frozenset({"acknowledged", "overridden", "covered"})


@dataclass(frozen=True, slots=True)
class Answer:
    """One tier and the conclusion it came with; equal signatures say the same."""

    tier: Tier
    signature: str
    told: Conclusion


@dataclass(frozen=True, slots=True)
class Standing:
    """The alert as it stands: its status, the last answer, and the answer a pharmacist settled."""

    status: str
    last: Answer
    settled: Answer | None


@dataclass(frozen=True, slots=True)
class Act:
    """One line of the alert's record, and the status after it."""

    kind: str  # raised | changed | reopened | covered | resolved
    status: str
    push: bool  # whether somebody must be told outside the inbox
    reason: str = ""
    data: dict[str, Any] = field(default_factory=dict)


def decide(
    standing: Standing | None, order: OrderState, answer: Answer, *, covered: bool, ends_with_order: bool = True
) -> Act | None:
    """What happens to the alert now; None when nothing does. `covered`: these findings were settled before.

    An alert about what came after the infusion does not end with its order.
    """
    silent = _why_silent(order, answer, ends_with_order=ends_with_order)
    if standing is None or standing.status == "resolved":
        if silent:
            return None
        if covered:
            return Act("covered", "covered", push=False)
        return Act("raised" if standing is None else "reopened", "open", push=True)
    if silent:
        return Act("resolved", "resolved", push=False, reason=silent)
    if standing.status in SETTLED:
        return _after_settling(standing, answer)
    if standing.last.signature == answer.signature:
        return None
    worse = got_worse(standing.last.told, standing.last.tier, answer.told, answer.tier)
    return Act("changed", "open", push=bool(worse), reason=", ".join(worse), data=_difference(standing, answer))


def _why_silent(order: OrderState, answer: Answer, *, ends_with_order: bool) -> str:
    if order.is_stopped and ends_with_order:
        return f"order_{order.state}"
    return "risk_withdrawn" if answer.tier < ALERTING else ""


def _after_settling(standing: Standing, answer: Answer) -> Act | None:
    """A change for the worse re-opens; a change for the better is noted and not pushed."""
    settled = standing.settled or standing.last
    worse = got_worse(settled.told, settled.tier, answer.told, answer.tier)
    if worse:
        return Act("reopened", "open", push=True, reason=", ".join(worse), data=_difference(standing, answer))
    if standing.last.signature == answer.signature:
        return None
    return Act("changed", standing.status, push=False, data=_difference(standing, answer))


def _difference(standing: Standing, answer: Answer) -> dict[str, Any]:
    changed = what_changed(standing.last.told, answer.told)
    if standing.last.tier != answer.tier:
        changed["tier"] = [standing.last.tier.name.lower(), answer.tier.name.lower()]
    return changed
