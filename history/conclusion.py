"""An assessment as it is kept and shown: plain JSON, every fact with its message and field."""

import hashlib
from typing import Any

import msgspec

from history.case_report import case_report
from history.orders import OrderState
from history.told import amount, fact_told, plain, provenance_told, text_told, texts_told, time_told
from rules.assessment import Assessment, Finding
from rules.facts import Case

Json = dict[str, Any]


def conclusion(assessment: Assessment, case: Case, order: OrderState, patient: Json) -> Json:
    """What `assessment.conclusion` holds; docs/api.md describes it."""
    told: Json = {
        "text": text_told(assessment.text),
        "advice": texts_told(assessment.advice),
        "missing": texts_told(assessment.missing),
        "mitigating": texts_told(assessment.mitigating),
        "findings": [_finding(finding) for finding in assessment.findings],
        "order": _order(case, order),
        "patient": patient,
        "trace": [
            {"rule": step.rule, "condition": step.condition, "held": step.held, "saw": step.saw}
            for step in assessment.trace
        ],
        "history_as_of": time_told(case.history_as_of),
    }
    if assessment.naranjo:  # an event after infusion
        told["case"] = case_report(assessment, case, order)
    return told


def signature(assessment: Assessment, order: OrderState, told: Json) -> str:
    """Equal for an equal answer: the same order state, findings, facts and doses, judged by the same knowledge.

    Row ids and names stay out of it, so the same messages give the same signature in any order and database.
    """
    said = {
        "knowledge": assessment.knowledge,
        "tier": int(assessment.tier),
        "priority": int(assessment.priority),
        "state": order.state,
        "order": {name: value for name, value in told["order"].items() if name != "message_id"},
        "missing": told["missing"],
        "findings": [
            [
                finding["rule"],
                finding["version"],
                finding["because"],
                sorted(
                    msgspec.json.encode({name: value for name, value in fact.items() if name != "message_id"}).decode()
                    for fact in finding["facts"]
                ),
            ]
            for finding in told["findings"]
        ],
    }
    if "case" in told:
        said["case"] = _without_row_ids(told["case"])
    return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()[:32]


def _without_row_ids(told: Any) -> Any:
    if isinstance(told, dict):
        return {name: _without_row_ids(value) for name, value in told.items() if name != "message_id"}
    return [_without_row_ids(each) for each in told] if isinstance(told, list) else told


def _finding(finding: Finding) -> Json:
    return {
        "rule": finding.rule,
        "version": finding.version,
        "tier": finding.tier.name.lower(),
        "title": text_told(finding.title),
        "because": text_told(finding.because),
        "advice": texts_told(finding.advice),
        "evidence": list(finding.evidence),
        "facts": [fact_told(fact) for fact in finding.facts],
    }


def _order(case: Case, order: OrderState) -> Json:
    judged = case.order
    return {
        "placer": order.placer,
        "filler": order.filler,
        "product": product_name(order),
        "route": judged.route,
        "dose_g": amount(judged.grams_per_day),
        "dose_g_per_kg": amount(judged.grams_per_kg_per_day),
        "course_g_per_kg": amount(judged.course_grams_per_kg),
        "rate_g_per_h": amount(judged.grams_per_hour),
        "weight_kg": plain(judged.weight_kg) if judged.weight_kg is not None else None,
        "start": time_told(judged.starts),
        "state": order.state,
        "flags": list(judged.flags),
        **provenance_told(judged.provenance),
    }


def product_name(order: OrderState) -> str:
    """The product in the sender's words."""
    if order.content is None:
        return ""
    for coding in order.content.codings:
        if coding.display:
            return coding.display
    return order.content.text or (order.content.codings[0].code if order.content.codings else "")
