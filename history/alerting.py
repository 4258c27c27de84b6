"""What a new answer means for an order's alert, and whether it became worse."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from clinical.words import AFTER_INFUSION, SETTLED, Channel, Priority
from history.conclusion import Conclusion, Json, reaches_inbox
from history.order_answers import OrderAnswer
from history.orders import ON_HOLD, REPLACE_PENDING, STOP_PENDING, OrderState

DOSE_RISE = 1.25  # NA-4: a dose or rate at least a quarter higher raises the alert again
SOONER = timedelta(hours=1)  # a start that moves nearer by less leaves whoever acts about the same time
RISK_WINDOW = timedelta(days=30)  # how long after the last dose a thrombosis may still follow (KNOWLEDGE part 4)
_ANSWERED = frozenset({*SETTLED, "taken_on", "covered"})  # somebody saw an answer: only what is worse re-opens
_QUANTITIES = ("dose_g", "dose_g_per_kg", "course_g_per_kg", "rate_g_per_h")
_NOT_PUSHED = frozenset({"test", "replay", "deceased", "on_hold"})
_BADGE_OF_STATE = {ON_HOLD: "on_hold", STOP_PENDING: "stop_requested", REPLACE_PENDING: "stop_requested"}


@dataclass(frozen=True, slots=True)
class Standing:
    """The current alert: its status, the last answer, and the answer a pharmacist settled."""

    status: str
    last: Conclusion
    settled: Conclusion | None


@dataclass(frozen=True, slots=True)
class AlertChange:
    """One line of the alert's record, and the status after it."""

    kind: str  # raised | changed | reopened | covered | resolved
    status: str
    push: bool  # whether a notice must go out
    reason: str = ""
    data: dict[str, Any] = field(default_factory=dict)


def decide(
    standing: Standing | None, order: OrderState, answer: Conclusion, *, covered: bool, ends_with_order: bool = True
) -> AlertChange | None:
    """Return what happens to the alert now; None when nothing does. `covered`: these findings were settled before.

    An alert about what came after the infusion does not end with its order.
    """
    silent = _why_silent(order, answer, ends_with_order=ends_with_order)
    if standing is None or standing.status == "resolved":
        if silent:
            return None
        if covered:
            return AlertChange("covered", "covered", push=False)
        return AlertChange("raised" if standing is None else "reopened", "open", push=True)
    if silent:
        return AlertChange("resolved", "resolved", push=False, reason=silent)
    if standing.status in _ANSWERED:
        return _after_settling(standing, answer)
    if standing.last.signature == answer.signature:
        return None
    worse = order_got_worse(standing.last, answer)
    return AlertChange("changed", "open", push=bool(worse), reason=", ".join(worse), data=_difference(standing, answer))


def _why_silent(order: OrderState, answer: Conclusion, *, ends_with_order: bool) -> str:
    if order.is_stopped and ends_with_order:
        return f"order_{order.state}"
    return "" if answer.reaches_inbox else "risk_withdrawn"


def _after_settling(standing: Standing, answer: Conclusion) -> AlertChange | None:
    """Return the change to a settled alert: worse re-opens it, better is recorded and not pushed."""
    worse = order_got_worse(standing.settled or standing.last, answer)
    if worse:
        return AlertChange("reopened", "open", push=True, reason=", ".join(worse), data=_difference(standing, answer))
    if standing.last.signature == answer.signature:
        return None
    return AlertChange("changed", standing.status, push=False, data=_difference(standing, answer))


def _difference(standing: Standing, answer: Conclusion) -> dict[str, Any]:
    changed = what_changed(standing.last.content, answer.content)
    if standing.last.tier != answer.tier:
        changed["tier"] = [standing.last.tier.word, answer.tier.word]
    return changed


def change_badges(status: str, before: Iterable[str], badges: frozenset[str]) -> AlertChange | None:
    """Return the change when only a badge differs: a death, or a replayed order that is now live."""
    if status == "resolved" or frozenset(before) == badges:
        return None
    return AlertChange("changed", status, push=False, reason="marked")


def badges_of(answer: OrderAnswer, of_person: frozenset[str]) -> frozenset[str]:
    """Return the badges of the alert about this answer."""
    badge = None if answer.is_surveillance else _BADGE_OF_STATE.get(answer.order.state)
    return of_person | answer.badges | ({badge} if badge is not None else set())


def priority_of(answer: OrderAnswer, badges: frozenset[str]) -> Priority:
    """Return how soon a pharmacist should look; an order that is on hold can wait."""
    return Priority.ROUTINE if "on_hold" in badges else answer.assessment.priority


def may_push(answer: OrderAnswer, badges: frozenset[str], now: datetime) -> bool:
    """Return whether a notice may go out about this answer."""
    return may_notify(answer.assessment.channel, answer.stream, badges, answer.ends_at, now)


def may_notify(channel: Channel, stream: str, badges: frozenset[str], ends_at: datetime | None, now: datetime) -> bool:
    """Return whether a notice may go out: for what interrupts, never for a test or what is over."""
    if channel < Channel.INTERRUPT:
        return False
    if stream == AFTER_INFUSION:  # a death after an infusion does go out: it must be reported
        return not badges & (_NOT_PUSHED - {"deceased"})
    return not badges & _NOT_PUSHED and not is_over(ends_at, now)


def is_over(ends_at: datetime | None, now: datetime) -> bool:
    """Return whether the risk window of an order has closed: later findings are shown, without a notice."""
    return ends_at is not None and ends_at + RISK_WINDOW < now


def rules_of(content: Json) -> frozenset[str]:
    """Return the rules whose findings reach the inbox, without those only shown with the order."""
    return frozenset(finding["rule"] for finding in content["findings"] if reaches_inbox(finding))


def order_got_worse(settled: Conclusion, answer: Conclusion) -> list[str]:
    """Return, as `got_worse` does, how the second answer about the same order is worse: its start counts too."""
    return got_worse(settled, answer) + (["starts_sooner"] if _starts_sooner(settled.content, answer.content) else [])


def _starts_sooner(before: Json, now: Json) -> bool:
    """Return whether the planned start moved nearer by so much that less time is left to act."""
    was, is_ = before["order"].get("start"), now["order"].get("start")
    if "case" in now or not was or not is_:
        return False
    return datetime.fromisoformat(is_) <= datetime.fromisoformat(was) - SOONER


def got_worse(settled: Conclusion, answer: Conclusion) -> list[str]:
    """Return, as short codes, how the second answer is worse than the one a pharmacist settled; none when it is not."""
    before, now = settled.content, answer.content
    reasons = ["tier_rose"] if answer.tier > settled.tier else []
    if not reasons and answer.channel > settled.channel:
        reasons.append("channel_rose")
    new_rules = sorted(rules_of(now) - rules_of(before))
    reasons.extend(f"new_rule:{rule}" for rule in new_rules)
    if "case" in now:  # an event after infusion: the order itself is judged elsewhere
        return reasons + (["new_event"] if _events(now) - _events(before) else [])
    reasons.extend(f"{name}_rose" for name in _QUANTITIES if _rose(before["order"].get(name), now["order"].get(name)))
    if before["order"]["product"] and before["order"]["product"] != now["order"]["product"]:
        reasons.append("product_changed")
    return reasons


def _events(content: Json) -> frozenset[tuple[str, str]]:
    """Return the events after infusion, by kind and day."""
    events = content.get("case", {}).get("events", [])
    return frozenset((event["code"] or event["display"], str(event["at"])[:10]) for event in events)


def _rose(before: list[float] | None, now: list[float] | None) -> bool:
    return bool(before and now and now[1] >= before[1] * DOSE_RISE and now[1] > before[1])


def what_changed(before: Json, now: Json) -> dict[str, Any]:
    """Return the difference as a page shows it: rules added and removed, quantities before and after."""
    changed: dict[str, Any] = {
        "rules_added": sorted(_all_rules(now) - _all_rules(before)),
        "rules_gone": sorted(_all_rules(before) - _all_rules(now)),
    }
    for name in (*_QUANTITIES, "product", "state", "start"):
        if before["order"].get(name) != now["order"].get(name):
            changed[name] = [before["order"].get(name), now["order"].get(name)]
    return changed


def _all_rules(content: Json) -> frozenset[str]:
    return frozenset(finding["rule"] for finding in content["findings"])
