"""Whether an answer became worse: what KNOWLEDGE 4.2 NA-4 says must be said again.

Both sides are conclusions as they are stored (`worker/conclusion.py`), so an answer of last month compares as well
as one of this minute.
"""

from typing import Any

DOSE_RISE = 1.25  # NA-4: a dose or rate at least a quarter higher is said again
_QUANTITIES = ("dose_g", "dose_g_per_kg", "course_g_per_kg", "rate_g_per_h")

Conclusion = dict[str, Any]


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
