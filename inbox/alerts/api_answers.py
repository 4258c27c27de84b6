"""Rows of the store as the API shows them."""

from typing import Any

import msgspec

from history.conclusion import channel_of
from inbox.http.api_shapes import (
    Alert,
    Assessment,
    ConditionAsked,
    Fact,
    Finding,
    Order,
    Patient,
    Point,
    Points,
    RuleAsked,
    Text,
)
from store.alerts import ConcludedAlert
from store.assessments import StoredAssessment
from store.message_queries import MessageLine


def alert_shape(row: ConcludedAlert, language: str) -> Alert:
    """Give an alert as the API shows it."""
    told = row.conclusion
    return Alert(
        id=str(row.id),
        stream=row.stream,
        tier=row.tier,
        channel=channel_of(told, row.tier).word,
        priority=row.priority,
        status=row.status,
        badges=list(row.badges),
        assigned_to=row.assigned_to,
        text=msgspec.convert(told.get("text") or {"nl": "", "en": ""}, Text),
        opened_at=row.opened_at,
        changed_at=row.changed_at,
        patient=msgspec.convert(_without_nulls(told.get("patient")), Patient),
        order=_order(told, row.order_state),
        points=_points(told, language),
        findings=findings_shape(told, language),
        advice=in_language(told.get("advice"), language),
        missing=in_language(told.get("missing"), language),
        knowledge=row.knowledge,
        assessment=str(row.assessment_id),
    )


def assessment_shape(row: StoredAssessment, language: str, *, with_trace: bool = False) -> Assessment:
    """Give an assessment as the API shows it; with the trace it is some ten times as long."""
    told = row.conclusion
    return Assessment(
        id=str(row.id),
        stream=row.stream,
        order=_order(told, ""),
        tier=row.tier,
        channel=channel_of(told, row.tier).word,
        priority=row.priority,
        points=_points(told, language),
        findings=findings_shape(told, language),
        missing=in_language(told.get("missing"), language),
        knowledge=row.knowledge,
        as_of=row.as_of,
        concluded_at=row.concluded_at,
        trace=_trace(told) if with_trace else None,
    )


def _trace(told: dict[str, Any]) -> list[RuleAsked]:
    """Rule by rule, in the order they were asked. One on trial does not fire, though none of its conditions failed."""
    fired = {finding["rule"] for finding in told.get("findings", [])}
    asked: dict[str, list[ConditionAsked]] = {}
    for step in told.get("trace", []):
        asked.setdefault(step["rule"], []).append(ConditionAsked(step["condition"], step["held"], step["saw"]))
    return [
        RuleAsked(
            rule=rule,
            fired=rule in fired,
            failed=None if rule in fired else next((each for each in conditions if not each.held), None),
            conditions=conditions,
        )
        for rule, conditions in asked.items()
    ]


def message_shape(row: MessageLine) -> dict[str, Any]:
    """Give the values of a message, for either of its shapes."""
    return {
        "id": str(row.id),
        "control_id": row.control_id,
        "feed": row.feed_name,
        "type": f"{row.type}^{row.event}" if row.event else row.type,
        "state": row.state,
        "reason": row.reason,
        "flags": list(row.flags),
        "received_at": row.received_at,
        "pruned_at": row.pruned_at,
    }


def findings_shape(told: dict[str, Any], language: str) -> list[Finding]:
    """Give the findings in one language."""
    return [
        Finding(
            rule=finding["rule"],
            version=finding["version"],
            tier=finding["tier"],
            channel=channel_of(finding, finding["tier"]).word,
            title=finding["title"][language],
            because=finding["because"][language],
            facts=[msgspec.convert(_without_nulls(fact), Fact) for fact in finding["facts"]],
            evidence=list(finding.get("evidence", [])),
        )
        for finding in told.get("findings", [])
    ]


def _points(told: dict[str, Any], language: str) -> Points | None:
    points = told.get("points")
    if points is None:
        return None
    counted = [Point(**(each | {"title": each["title"][language]})) for each in points["counted"]]
    return Points(patient=points["patient"], total=points["total"], factors=points["factors"], counted=counted)


def in_language(texts: list[dict[str, str]] | None, language: str) -> list[str]:
    """Give each text in one language."""
    return [text[language] for text in texts or []]


def _order(told: dict[str, Any], state: str) -> Order:
    order = _without_nulls(told.get("order"))
    return msgspec.convert(order | ({"state": state} if state else {}), Order)


def _without_nulls(values: dict[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (values or {}).items() if value is not None}
