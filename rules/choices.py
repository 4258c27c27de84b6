"""What a hospital may choose otherwise (policy.yaml, `choices`), put into the files before they are compiled."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from rules.knowledge import Rule
from rules.yaml_lines import Document

POLICY, STATES = "policy.yaml", "definitions/states.yaml"
AT_RISK = "at-risk"
SCIG_RULE = "IG-VTE-027"


def with_choices(documents: Mapping[str, Document], chosen: Mapping[str, Any]) -> dict[str, Document]:
    """Give the documents as the hospital chose; what it did not choose stays as the policy says."""
    policy = documents[POLICY]
    if not isinstance(policy.value, dict) or not isinstance(policy.value.get("choices"), dict):
        return dict(documents)  # the form says what is wrong
    choices = {**policy.value["choices"], **chosen}
    changed = {POLICY: Document(POLICY, {**policy.value, "choices": choices}, policy.lines, policy.faults)}
    enough = choices.get("at_risk_from")
    if isinstance(enough, int | Decimal) and enough > 1:
        changed[STATES] = _with_more_factors(documents[STATES], Decimal(enough), choices.get("at_risk_always") or [])
    return {**documents, **changed}


def _with_more_factors(states: Document, enough: Decimal, always: list[Any]) -> Document:
    """At risk from more factors than one; those that count by themselves still do."""
    state = states.value[AT_RISK]
    evidence = [{**line, "numbers": [*line.get("numbers", ()), enough]} for line in state["evidence"]]
    value = {**state, "any": [{"at_least_risk_factors": enough}, *always], "evidence": evidence}
    return Document(states.file, {**states.value, AT_RISK: value}, states.lines, states.faults)


def only_chosen(rules: list[Rule], scig_prior_vte: str) -> list[Rule]:
    """Give the rules; one that the hospital did not choose is not asked."""
    return [replace(rule, chosen=rule.id != SCIG_RULE or scig_prior_vte != "off") for rule in rules]
