"""What changed between two answers about one order, in words: findings that came and went, quantities then and now."""

from collections.abc import Mapping
from typing import Any

from inbox.http.notation import Notation

_QUANTITIES = {
    "dose_g": ("order.dose", "g"),
    "dose_g_per_kg": ("order.dose_per_kg", "g/kg"),
    "course_g_per_kg": ("order.course", "g/kg"),
    "rate_g_per_h": ("order.rate", "g/h"),
}


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
