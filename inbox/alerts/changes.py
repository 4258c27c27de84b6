"""What changed between two answers about one order, in words: findings that came and went, quantities then and now."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from clinical.words import in_language
from inbox.http.notation import Notation
from store.alerts import AlertEvent

_QUANTITIES = {
    "dose_g": ("order.dose", "g"),
    "dose_g_per_kg": ("order.dose_per_kg", "g/kg"),
    "course_g_per_kg": ("order.course", "g/kg"),
    "rate_g_per_h": ("order.rate", "g/h"),
}
_ACTS = frozenset({"taken_on", "acknowledged", "overridden", "covered", "snoozed", "undone"})
_SEEN = _ACTS | {"raised"}
_ALONE = ("channel_rose", "new_event")  # of which the line holds nothing more
_NEW_RULE = "new_rule:"
_CHANGED = {"tier_rose": "tier", "product_changed": "product", "starts_sooner": "start", "new_fact": "new_facts"}


def worse_told(events: Sequence[AlertEvent], notation: Notation, titles: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return in what an alert became worse since somebody last acted on it, or since it was raised when nobody did.

    The first things come first, under their heading.
    """
    lines: list[str] = []
    heading = "alert.worse" if any(event.kind in _ACTS for event in events) else "alert.worse_unseen"
    for event in reversed(events):
        if event.kind in _SEEN:
            break
        codes = event.reason.split(", ") if event.kind in ("changed", "reopened") and event.reason else []
        lines = _worse(codes, event.data, notation, titles) + lines
        if event.kind == "reopened" and "new_fact" in codes:
            heading = "alert.new_since"
    return heading, lines


def flag_of(events: Sequence[AlertEvent], notation: Notation, titles: Mapping[str, str], now: datetime) -> str:
    """Return in a few words what opened an alert again on which nobody acted since, for its row; else ""."""
    words = notation.words
    for event in reversed(events):
        if event.kind in _SEEN:
            break
        if event.kind != "reopened":
            continue
        why = event.data.get("why", "")
        what = _briefly(event.reason.split(", ") if event.reason else [], event.data, notation, titles, now)
        if why == "follow_up" and event.data.get("look_at"):
            what = words("row_flag.look", what=words.code("look_at", event.data["look_at"]))
        elif why and not what:
            what = words.code("came_back", why)
        return words("row_flag.reopened", what=what) if what else words.code("event", event.kind)
    return ""


def _briefly(
    codes: Sequence[str], data: Mapping[str, Any], notation: Notation, titles: Mapping[str, str], now: datetime
) -> str:
    """Return the first of these changes for the worse: `28 g → 56 g`."""
    for code in codes:
        name = _CHANGED.get(code, code.removesuffix("_rose"))
        if code.startswith(_NEW_RULE):
            return titles.get(code.removeprefix(_NEW_RULE), code.removeprefix(_NEW_RULE)).partition(" (KNMP")[0]
        if name == "new_facts" and data.get(name):
            return _fact(data[name][0], notation)
        if name in data:
            before, after = (_value(name, value, notation, now) for value in data[name])
            return f"{before} → {after}"
    return notation.words.code("change", codes[0]) if codes else ""


def _value(name: str, value: Any, notation: Notation, now: datetime) -> str:
    """Write one value of what changed."""
    words = notation.words
    if name in _QUANTITIES:
        return notation.range(value, _QUANTITIES[name][1]) or words("unknown")
    if name == "tier":
        return words.code("tier", value)
    return (notation.near(value, now) if name == "start" else value) or words("unknown")


def _worse(codes: Sequence[str], data: Mapping[str, Any], notation: Notation, titles: Mapping[str, str]) -> list[str]:
    """Return these changes for the worse in words: with what was and is where the line of the record holds it."""
    rules = [code.removeprefix(_NEW_RULE) for code in codes if code.startswith(_NEW_RULE)]
    held = {code: _CHANGED.get(code, code.removesuffix("_rose")) for code in codes}
    measured = {name: data[name] for name in held.values() if name in data}
    other = [code for code in codes if code in _ALONE]
    lines = changes_told(measured | {"rules_added": rules}, notation, titles) if measured or rules else []
    return lines + [notation.words.code("change", code) for code in other]


def changes_told(data: Mapping[str, Any], notation: Notation, titles: Mapping[str, str]) -> list[str]:
    """Return each change in a few words, rules by their titles; that only facts changed when nothing else did."""
    words = notation.words
    lines = []
    if "tier" in data:
        before, now = (words.code("tier", tier) for tier in data["tier"])
        lines.append(words("change.became", what=words("filter.tier"), before=before, now=now))
    lines += [_fact(fact, notation) for fact in data.get("new_facts", ())]
    lines += [words("change.new_rule", rule=titles.get(rule, rule)) for rule in data.get("rules_added", ())]
    lines += [words("change.rule_gone", rule=titles.get(rule, rule)) for rule in data.get("rules_gone", ())]
    for name, (label, unit) in _QUANTITIES.items():
        if name in data:
            before, now = (notation.range(value, unit) or words("unknown") for value in data[name])
            lines.append(words("change.became", what=words(label), before=before, now=now))
    if "product" in data:
        before, now = (value or words("unknown") for value in data["product"])
        lines.append(words("change.became", what=words("order.product"), before=before, now=now))
    if "state" in data:
        before, now = (words.code("order_state", value or "unknown") for value in data["state"])
        lines.append(words("change.became", what=words("order.state"), before=before, now=now))
    if "start" in data:
        before, now = (notation.moment(value) or words("unknown") for value in data["start"])
        lines.append(words("change.became", what=words("order.starts"), before=before, now=now))
    return lines or [words("change.facts_only")]


def _fact(fact: Mapping[str, Any], notation: Notation) -> str:
    """Name a new fact: an event with its date and any doubt, or a risk factor by its title."""
    if "title" in fact:
        return in_language(fact["title"], notation.words.language)
    when = notation.known(fact["at"], fact["precision"])
    doubt = notation.words.code("certainty", fact["certainty"]) if fact["certainty"] not in ("confirmed", "") else ""
    return ", ".join(part for part in (fact["display"] or fact["code"], when, doubt) if part)
