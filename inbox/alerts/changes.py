"""What changed between two answers about one order, in words: findings that came and went, quantities then and now."""

from collections.abc import Mapping, Sequence
from typing import Any

from inbox.http.notation import Notation
from store.alerts import AlertEvent

_QUANTITIES = {
    "dose_g": ("order.dose", "g"),
    "dose_g_per_kg": ("order.dose_per_kg", "g/kg"),
    "course_g_per_kg": ("order.course", "g/kg"),
    "rate_g_per_h": ("order.rate", "g/h"),
}
_SEEN = frozenset({"raised", "taken_on", "acknowledged", "overridden", "covered", "snoozed", "undone"})
_ALONE = ("channel_rose", "new_event")  # of which the line holds nothing more
_NEW_RULE = "new_rule:"
_CHANGED = {"tier_rose": "tier", "product_changed": "product", "starts_sooner": "start"}


def worse_told(events: Sequence[AlertEvent], notation: Notation) -> list[str]:
    """Return in what an alert became worse since somebody last acted on it, then and now, first things first."""
    told: list[str] = []
    for event in reversed(events):
        if event.kind in _SEEN:
            break
        codes = event.reason.split(", ") if event.kind in ("changed", "reopened") and event.reason else []
        told = _worse(codes, event.data, notation) + told
    return told


def _worse(codes: Sequence[str], data: Mapping[str, Any], notation: Notation) -> list[str]:
    """Return these changes for the worse in words: with what was and is where the line of the record holds it."""
    rules = [code.removeprefix(_NEW_RULE) for code in codes if code.startswith(_NEW_RULE)]
    held = {code: _CHANGED.get(code, code.removesuffix("_rose")) for code in codes}
    measured = {name: data[name] for name in held.values() if name in data}
    other = [code for code in codes if code in _ALONE]
    told = changes_told(measured | {"rules_added": rules}, notation) if measured or rules else []
    return told + [notation.words.code("change", code) for code in other]


def changes_told(data: Mapping[str, Any], notation: Notation) -> list[str]:
    """Return each change in a few words; that only facts changed when nothing else did."""
    words = notation.words
    told = []
    if "tier" in data:
        before, now = (words.code("tier", tier) for tier in data["tier"])
        told.append(words("change.became", what=words("filter.tier"), before=before, now=now))
    told += [words("change.new_rule", rule=rule) for rule in data.get("rules_added", ())]
    told += [words("change.rule_gone", rule=rule) for rule in data.get("rules_gone", ())]
    for name, (label, unit) in _QUANTITIES.items():
        if name in data:
            before, now = (notation.range(value, unit) or words("unknown") for value in data[name])
            told.append(words("change.became", what=words(label), before=before, now=now))
    if "product" in data:
        before, now = (value or words("unknown") for value in data["product"])
        told.append(words("change.became", what=words("order.product"), before=before, now=now))
    if "state" in data:
        before, now = (words.code("order_state", value or "unknown") for value in data["state"])
        told.append(words("change.became", what=words("order.state"), before=before, now=now))
    if "start" in data:
        before, now = (notation.moment(value) or words("unknown") for value in data["start"])
        told.append(words("change.became", what=words("order.starts"), before=before, now=now))
    return told or [words("change.facts_only")]
