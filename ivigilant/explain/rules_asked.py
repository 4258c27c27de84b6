"""An answer taken apart: for every rule whether it fired, and if not the first condition that did not hold."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ivigilant.explain.told import ConditionAsked, OrderExplained, RuleAsked
from rules.knowledge import Knowledge

Json = dict[str, Any]


def explain_answer(
    told: Json,
    knowledge: Knowledge,
    *,
    tier: str,
    priority: str,
    version: str,
    as_of: datetime,
    concluded_at: datetime | None = None,
    stream: str = "order",
) -> OrderExplained:
    """One conclusion with every rule that was asked for it."""
    return OrderExplained(
        tier=tier,
        priority=priority,
        knowledge=version,
        as_of=as_of,
        concluded_at=concluded_at,
        conclusion=told,
        rules=tuple(_rules(told, knowledge)),
        stream=stream,
    )


def _rules(told: Json, knowledge: Knowledge) -> Iterable[RuleAsked]:
    fired = {finding["rule"]: finding for finding in told["findings"]}
    asked: dict[str, list[ConditionAsked]] = {}
    for step in told["trace"]:
        asked.setdefault(step["rule"], []).append(ConditionAsked(step["condition"], step["held"], step["saw"]))
    known = {rule.id: rule for rule in knowledge.rules}
    for name, conditions in asked.items():
        rule = known.get(name)
        finding: Mapping[str, Any] = fired.get(name, {})
        title = finding.get("title", {}).get("en", "") or (rule.title.en if rule else "")
        failed = None if finding else next((each for each in conditions if not each.held), None)
        yield RuleAsked(
            rule=name,
            title=title,
            status=rule.form.status if rule else "",
            tier=finding.get("tier", "") or (rule.tier.name.lower() if rule else ""),
            fired=bool(finding),
            failed=failed,
            conditions=tuple(conditions),
        )
