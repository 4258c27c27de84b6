"""What changed between two answers about one order, in words: findings that came and went, quantities then and now."""

from collections.abc import Iterable, Mapping, Sequence
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

    The gravest findings come first. The titles are those of the rules, the gravest rule first.
    """
    changed: list[AlertEvent] = []
    heading = "alert.worse" if any(event.kind in _ACTS for event in events) else "alert.worse_unseen"
    for event in reversed(events):
        if event.kind in _SEEN:
            break
        if event.kind in ("changed", "reopened") and event.reason:
            changed.insert(0, event)
        if event.kind == "reopened" and "new_fact" in (event.reason or "").split(", "):
            heading = "alert.new_since"
    return heading, _worse(changed, notation, titles)


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


def _worse(changed: Iterable[AlertEvent], notation: Notation, titles: Mapping[str, str]) -> list[str]:
    """Return what these changes made worse in words, together: what was before the first, and is after the last.

    What was and is, is told where the line of the record holds it.
    """
    codes: list[str] = []
    measured: dict[str, Any] = {}
    for event in changed:
        worse = (event.reason or "").split(", ")
        codes += worse
        for name in (_CHANGED.get(code, code.removesuffix("_rose")) for code in worse):
            if name == "new_facts":
                measured[name] = [*measured.get(name, ()), *event.data.get(name, ())]
            elif name in event.data:
                measured[name] = [measured.get(name, event.data[name])[0], event.data[name][1]]
    new = dict.fromkeys(code.removeprefix(_NEW_RULE) for code in codes if code.startswith(_NEW_RULE))
    order = {rule: place for place, rule in enumerate(titles)}
    rules = sorted(new, key=lambda rule: order.get(rule, len(order)))
    other = list(dict.fromkeys(code for code in codes if code in _ALONE))
    measured = {name: value for name, value in measured.items() if value}
    lines = changes_told(measured | {"rules_added": rules}, notation, titles) if measured or rules else []
    return lines + [notation.words.code("change", code) for code in other]


def changes_told(data: Mapping[str, Any], notation: Notation, titles: Mapping[str, str]) -> list[str]:
    """Return each change in a few words, rules by their titles; that only facts changed when nothing else did."""
    words = notation.words
    lines = []
    if "tier" in data:
        before, now = (_within(words.code("tier", tier)) for tier in data["tier"])
        lines.append(words("change.became", what=words("filter.tier"), before=before, now=now))
    lines += [_fact(fact, notation) for fact in data.get("new_facts", ())]
    added = [titles.get(rule, rule) for rule in data.get("rules_added", ())]
    if added:
        between = words("change.between")
        lines.append(words(f"change.new_rule.{'one' if len(added) == 1 else 'many'}", rule=between.join(added)))
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


def _within(text: str) -> str:
    """Write words as they stand within a sentence."""
    return text[:1].lower() + text[1:]


def _fact(fact: Mapping[str, Any], notation: Notation) -> str:
    """Name a new fact: an event with its date and any doubt, or a risk factor by its title."""
    if "title" in fact:
        return in_language(fact["title"], notation.words.language)
    when = notation.known(fact["at"], fact["precision"])
    doubt = notation.words.code("certainty", fact["certainty"]) if fact["certainty"] not in ("confirmed", "") else ""
    return ", ".join(part for part in (fact["display"] or fact["code"], when, doubt) if part)
