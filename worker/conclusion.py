"""An assessment as it is kept and shown: plain JSON, every fact with its message and field."""

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from rules.assessment import Assessment, Finding, Text
from rules.facts import Case, Fact, Provenance, Range
from worker.orders import OrderState

Json = dict[str, Any]


def conclusion(assessment: Assessment, case: Case, order: OrderState, patient: Json) -> Json:
    """What `assessment.conclusion` holds; docs/api.md describes it."""
    return {
        "text": _text(assessment.text),
        "advice": _texts(assessment.advice),
        "missing": _texts(assessment.missing),
        "mitigating": _texts(assessment.mitigating),
        "findings": [_finding(finding) for finding in assessment.findings],
        "order": _order(case, order),
        "patient": patient,
        "trace": [
            {"rule": step.rule, "condition": step.condition, "held": step.held, "saw": step.saw}
            for step in assessment.trace
        ],
        "history_as_of": _time(case.history_as_of),
    }


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
    return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()[:32]


def _text(text: Text) -> Json:
    return {"nl": text.nl, "en": text.en}


def _texts(texts: Iterable[Text]) -> list[Json]:
    return [_text(text) for text in texts]


def _finding(finding: Finding) -> Json:
    return {
        "rule": finding.rule,
        "version": finding.version,
        "tier": finding.tier.name.lower(),
        "title": _text(finding.title),
        "because": _text(finding.because),
        "advice": _texts(finding.advice),
        "evidence": list(finding.evidence),
        "facts": [_fact(fact) for fact in finding.facts],
    }


def _fact(fact: Fact) -> Json:
    coding = fact.codings[0] if fact.codings else None
    return {
        "kind": fact.kind,
        "code": coding.code if coding else "",
        "system": coding.system if coding else "",
        "display": (coding.display if coding else "") or fact.text,
        "value": _value(fact),
        "unit": fact.unit,
        "at": _time(fact.starts),
        "precision": fact.precision,
        "certainty": fact.certainty,
        **_provenance(fact.provenance),
    }


def _value(fact: Fact) -> str:
    if fact.value is None:
        return ""
    if fact.value.low == fact.value.high:
        return f"{fact.comparator}{plain(fact.value.low)}"
    return f"{plain(fact.value.low)}-{plain(fact.value.high)}"


def _provenance(provenance: Provenance | None) -> Json:
    if provenance is None:
        return {"message": "", "message_id": "", "path": ""}
    return {"message": provenance.control_id, "message_id": str(provenance.message), "path": provenance.path}


def _order(case: Case, order: OrderState) -> Json:
    judged = case.order
    return {
        "placer": order.placer,
        "filler": order.filler,
        "product": product_name(order),
        "route": judged.route,
        "dose_g": _range(judged.grams_per_day),
        "dose_g_per_kg": _range(judged.grams_per_kg_per_day),
        "course_g_per_kg": _range(judged.course_grams_per_kg),
        "rate_g_per_h": _range(judged.grams_per_hour),
        "weight_kg": plain(judged.weight_kg) if judged.weight_kg is not None else None,
        "start": _time(judged.starts),
        "state": order.state,
        "flags": list(judged.flags),
        **_provenance(judged.provenance),
    }


def product_name(order: OrderState) -> str:
    """The product in the sender's words."""
    if order.content is None:
        return ""
    for coding in order.content.codings:
        if coding.display:
            return coding.display
    return order.content.text or (order.content.codings[0].code if order.content.codings else "")


def plain(number: Decimal) -> str:
    """A number without exponent and without idle zeros, at most four decimals."""
    text = f"{number:.4f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _range(quantity: Range | None) -> list[float] | None:
    if quantity is None:
        return None
    return [float(plain(quantity.low)), float(plain(quantity.high))]


def _time(moment: datetime | date | None) -> str | None:
    return moment.isoformat() if moment is not None else None
