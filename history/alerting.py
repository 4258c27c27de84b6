"""What a new answer means for an order's alert, and whether it became worse."""

from dataclasses import dataclass, field
from typing import Any

from history.orders import OrderState
from rules.assessment import Tier

Conclusion = dict[str, Any]

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


DOSE_RISE = 1.25  # NA-4: a dose or rate at least a quarter higher is said again
_QUANTITIES = ("dose_g", "dose_g_per_kg", "course_g_per_kg", "rate_g_per_h")


def rules_of(told: Conclusion) -> frozenset[str]:
    """The rules that fired at moderate or above; what is only information is never said aloud."""
    return frozenset(finding["rule"] for finding in told["findings"] if finding["tier"] != "information")


def got_worse(before: Conclusion, tier_before: int, now: Conclusion, tier_now: int) -> list[str]:
    """What a pharmacist who settled `before` must hear of `now`, as short codes; nothing when it is no worse."""
    reasons = []
    if tier_now > tier_before:
        reasons.append("tier_rose")
    new_rules = sorted(rules_of(now) - rules_of(before))
    reasons.extend(f"new_rule:{rule}" for rule in new_rules)
    if "case" in now:  # an event after infusion: what is ordered is judged elsewhere
        return reasons + (["new_event"] if _events(now) - _events(before) else [])
    reasons.extend(f"{name}_rose" for name in _QUANTITIES if _rose(before["order"].get(name), now["order"].get(name)))
    if before["order"]["product"] and before["order"]["product"] != now["order"]["product"]:
        reasons.append("product_changed")
    return reasons


def _events(told: Conclusion) -> frozenset[tuple[str, str]]:
    """The events after infusion, by what they are and their day."""
    events = told.get("case", {}).get("events", [])
    return frozenset((event["code"] or event["display"], str(event["at"])[:10]) for event in events)


def _rose(before: list[float] | None, now: list[float] | None) -> bool:
    return bool(before and now and now[1] >= before[1] * DOSE_RISE and now[1] > before[1])


def what_changed(before: Conclusion, now: Conclusion) -> dict[str, Any]:
    """The difference in words a page can show: rules that came and went, quantities before and after."""
    changed: dict[str, Any] = {
        "rules_added": sorted(_all_rules(now) - _all_rules(before)),
        "rules_gone": sorted(_all_rules(before) - _all_rules(now)),
    }
    for name in (*_QUANTITIES, "product", "state", "start"):
        if before["order"].get(name) != now["order"].get(name):
            changed[name] = [before["order"].get(name), now["order"].get(name)]
    return changed


def _all_rules(told: Conclusion) -> frozenset[str]:
    return frozenset(finding["rule"] for finding in told["findings"])
