"""The hospital's choices (policy.yaml, `choices`), applied to the files before they are compiled."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from rules.knowledge import Rule
from rules.yaml_lines import Document

POLICY, STATES = "policy.yaml", "definitions/states.yaml"
AT_RISK = "at-risk"
SCIG_RULE = "IG-VTE-027"


# The choices that are numbers in a state: the state, and the path of the number.
_LIMITS = {
    "at_risk_from": (AT_RISK, frozenset({"at_least_patient_points"})),
    "moderate_from_points": ("moderate-by-points", frozenset({"at_least_points"})),
    "high_from_points": ("high-by-points", frozenset({"at_least_points"})),
}


def with_choices(documents: Mapping[str, Document], chosen: Mapping[str, Any]) -> dict[str, Document]:
    """Return the documents with the hospital's choices, and the policy's where it has none."""
    policy = documents[POLICY]
    if not isinstance(policy.value, dict) or not isinstance(policy.value.get("choices"), dict):
        return dict(documents)  # the form reports what is wrong
    choices = _together(policy.value["choices"], chosen)
    changed = {POLICY: replace(policy, value={**policy.value, "choices": choices})}
    states = documents[STATES]
    for name, (state, words) in _LIMITS.items():
        number = choices.get(name)
        if isinstance(number, int | Decimal) and number >= 1 and isinstance(states.value.get(state), dict):
            states = _with_limit(states, state, words, Decimal(number))
    if isinstance(choices.get("at_risk_from"), int | Decimal) and choices["at_risk_from"] > 1:
        states = _with_always(states, choices.get("at_risk_always") or [])
    return {**documents, **changed, STATES: states}


def _together(said: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Merge the policy's choices with the hospital's, which may set some channels only."""
    told = dict(said)
    for name, value in chosen.items():
        before = told.get(name)
        told[name] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
    return told


def _with_limit(states: Document, name: str, words: frozenset[str], limit: Decimal) -> Document:
    """Replace the number of a state by the hospital's."""
    state = states.value[name]
    evidence = [{**line, "numbers": [*line.get("numbers", ()), limit]} for line in state.get("evidence", ())]
    value = {**state, "any": _limited(state.get("any"), words, limit), "evidence": evidence}
    return replace(states, value={**states.value, name: value})


def _limited(conditions: Any, words: frozenset[str], limit: Decimal) -> Any:
    if isinstance(conditions, list):
        return [_limited(each, words, limit) for each in conditions]
    if isinstance(conditions, dict):
        return {key: limit if key in words else _limited(each, words, limit) for key, each in conditions.items()}
    return conditions


def _with_always(states: Document, always: list[Any]) -> Document:
    """Raise the points from which a patient is at risk; factors that count by themselves still do."""
    state = states.value[AT_RISK]
    value = {**state, "any": [*state["any"], *always]}
    return replace(states, value={**states.value, AT_RISK: value})


def only_chosen(rules: list[Rule], scig_prior_vte: str) -> list[Rule]:
    """Return the rules; an optional rule that the hospital did not choose is not evaluated."""
    return [replace(rule, chosen=rule.id != SCIG_RULE or scig_prior_vte != "off") for rule in rules]
