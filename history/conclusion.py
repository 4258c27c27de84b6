"""An assessment as it is stored and shown: plain JSON, every fact with its message and field."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from clinical.conclusions import StoredConclusion, StoredFinding
from clinical.events import MedicationGiven
from clinical.identities import without_citizen_numbers
from clinical.quantities import Quantity
from clinical.words import Channel, Text, Tier
from history.orders import OrderState
from rules.assessment import Assessment, Finding, Points, Prefilled
from rules.conditions.surveillance import dose_before
from rules.facts import Case, Dose, Fact, Provenance, events_among

Json = dict[str, Any]
_CHANNEL_OF_TIER = {  # of answers that were stored before there were channels
    "contraindication": Channel.INTERRUPT,
    "high": Channel.INTERRUPT,
    "moderate": Channel.WORKLIST,
    "information": Channel.WITH_ORDER,
}


@dataclass(frozen=True, slots=True)
class Conclusion:
    """An answer as it is stored: its tier, its content, and a signature that is the same for the same answer."""

    tier: Tier
    signature: str
    content: Json  # docs/api.md describes it

    def up_to(self, history_as_of: datetime | None) -> "Conclusion":
        """Return the same conclusion for a history that is complete up to another moment."""
        return replace(self, content={**self.content, "history_as_of": time_json(history_as_of)})

    @property
    def stored(self) -> StoredConclusion:
        """What is in it, as it is read back from the database."""
        return msgspec.convert(self.content, StoredConclusion)

    @property
    def channel(self) -> Channel:
        """How it reaches people."""
        return channel_of(self.content.get("channel"), self.tier.word)

    @property
    def reaches_inbox(self) -> bool:
        """Whether it appears in the inbox, and not only with the order, if anywhere (KNOWLEDGE NA-9)."""
        return self.channel >= Channel.WORKLIST


def channel_of(word: str | None, tier: str) -> Channel:
    """Return the channel of a stored answer or finding; one from before channels gets it from its tier."""
    return Channel.named(word) if word else _CHANNEL_OF_TIER.get(tier, Channel.NONE)


def reaches_inbox(finding: StoredFinding) -> bool:
    """Return whether a stored finding reaches the inbox."""
    return channel_of(finding.channel, finding.tier) >= Channel.WORKLIST


def conclusion_of(assessment: Assessment, case: Case, order: OrderState, patient: Json) -> Conclusion:
    """Return the conclusion about an order; `patient` identifies the patient as an alert shows it."""
    content = _content(assessment, case, order, patient)
    return Conclusion(assessment.tier, _signature(assessment, order, content), content)


def _content(assessment: Assessment, case: Case, order: OrderState, patient: Json) -> Json:
    content: Json = {
        "text": text_json(assessment.text),
        "advice": texts_json(assessment.advice),
        "missing": texts_json(assessment.missing),
        "mitigating": texts_json(assessment.mitigating),
        "findings": [_finding(finding) for finding in assessment.findings],
        "order": _order(case, order),
        "patient": patient,
        "trace": [
            {"rule": step.rule, "condition": step.condition, "held": step.held, "saw": step.saw}
            for step in assessment.trace
        ],
        "history_as_of": time_json(case.history_as_of),
        "channel": assessment.channel.word,
        "now": assessment.now,
        "points": _points(assessment.points),
        "does": [list(line.does) for line in assessment.advice],
        "protection": text_json(assessment.protection),
    }
    if assessment.naranjo:  # an event after infusion
        content["case"] = case_report(assessment, case, order)
    return content


def _signature(assessment: Assessment, order: OrderState, content: Json) -> str:
    """Return the same hash for the same answer: order state, findings, facts and doses, judged by the same knowledge.

    Row ids and names stay out of it, so the same messages give the same signature in any order and database.
    """
    compared = {
        "knowledge": assessment.knowledge,
        "tier": int(assessment.tier),
        "priority": int(assessment.priority),
        "state": order.state,
        "order": {name: value for name, value in content["order"].items() if name != "message_id"},
        "missing": content["missing"],
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
            for finding in content["findings"]
        ],
    }
    if "case" in content:
        compared["case"] = _without_row_ids(content["case"])
    return hashlib.sha256(msgspec.json.encode(compared, order="sorted")).hexdigest()[:32]


def _without_row_ids(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _without_row_ids(value) for name, value in content.items() if name != "message_id"}
    return [_without_row_ids(each) for each in content] if isinstance(content, list) else content


def _points(points: Points) -> Json:
    counted = [
        {"name": each.name, "title": text_json(each.title), "points": each.points, "of": each.of}
        for each in points.counted
    ]
    return {"patient": points.patient, "total": points.total, "factors": points.factors, "counted": counted}


def _finding(finding: Finding) -> Json:
    return {
        "rule": finding.rule,
        "version": finding.version,
        "tier": finding.tier.word,
        "channel": finding.channel.word,
        "title": text_json(finding.title),
        "because": text_json(finding.because),
        "advice": texts_json(finding.advice),
        "evidence": list(finding.evidence),
        "facts": [fact_json(fact) for fact in finding.facts],
    }


def _order(case: Case, order: OrderState) -> Json:
    judged = case.order
    return {
        "placer": order.placer,
        "filler": order.filler,
        "product": product_name(order),
        "route": judged.route,
        "dose_g": quantity_json(judged.grams_per_day),
        "dose_g_per_kg": quantity_json(judged.grams_per_kg_per_day),
        "course_g_per_kg": quantity_json(judged.course_grams_per_kg),
        "rate_g_per_h": quantity_json(judged.grams_per_hour),
        "weight_kg": plain(judged.weight_kg) if judged.weight_kg is not None else None,
        "start": time_json(judged.starts),
        "state": order.state,
        "flags": list(judged.flags),
        **provenance_json(judged.provenance),
    }


def product_name(order: OrderState) -> str:
    """Return the product in the sender's words, without a citizen service number that somebody typed there."""
    if order.content is None:
        return ""
    codes = [coding.code for coding in order.content.codings]
    words = next((coding.display for coding in order.content.codings if coding.display), order.content.text)
    return without_citizen_numbers(words, codes) or next(iter(codes), "")


MOST_DOSES = 60  # of a long schedule only the last ones before the event are listed


def case_report(assessment: Assessment, case: Case, order: OrderState) -> Json:
    """Return the part of a conclusion that only an event after an infusion has; docs/api.md describes it."""
    events = _events(assessment, case)
    return {
        "events": [_event(event, case) for event in events],
        "doses": _given(order) + [_planned(dose, case) for dose in _not_given(case)],
        "lots": list(order.lots),
        "next_dose": time_json(_next_dose(case, events)),
        "medicines": [fact_json(fact) for fact in case.facts if _in_use(fact, case)],
        "naranjo": [_answer(each) for each in assessment.naranjo],
    }


def _events(assessment: Assessment, case: Case) -> list[Fact]:
    """Return the events of all findings, each once, the first one first."""
    found = {id(fact): fact for finding in assessment.findings for fact in events_among(finding.facts, case.order)}
    return sorted(
        found.values(), key=lambda fact: (str(fact.starts), fact.codings[0].code if fact.codings else fact.text)
    )


def _event(event: Fact, case: Case) -> Json:
    dose = dose_before(case.doses, event)
    hours = None
    if dose is not None and event.starts is not None:
        hours = max(0, round((event.starts - dose.at).total_seconds() / 3600))
    return {**fact_json(event), "last_dose": time_json(dose.at) if dose else None, "hours_after": hours}


def _given(order: OrderState) -> list[Json]:
    events = [(entry, entry.event) for entry in order.given if isinstance(entry.event, MedicationGiven)]
    doses = [
        {
            "at": time_json(event.started.at if event.started else event.at),
            "until": time_json(event.ended.at if event.ended else None),
            "grams": quantity_json(event.grams),
            "grams_per_hour": quantity_json(event.rate),
            "given": True,
            "completion": event.completion,
            "lots": list(event.lots),
            "manufacturer": event.manufacturer,
            "message": entry.control_id,
            "message_id": str(entry.message_id),
            "path": event.path,
        }
        for entry, event in events
    ]
    return sorted(doses, key=lambda dose: (str(dose["at"]), str(dose["path"])))[-MOST_DOSES:]


def _not_given(case: Case) -> list[Dose]:
    """Doses of this order that were planned up to the event, and not reported as given."""
    return [dose for dose in case.doses if dose.order == case.order.key and not dose.given and dose.at <= case.at][
        -MOST_DOSES:
    ]


def _planned(dose: Dose, case: Case) -> Json:
    grams = dose.grams or case.order.grams_per_administration
    return {
        "at": time_json(dose.at),
        "until": None,
        "grams": quantity_json(grams),
        "grams_per_hour": None,
        "given": False,
        "completion": "",
        "lots": [],
        "manufacturer": "",
        **provenance_json(dose.provenance),
    }


def _next_dose(case: Case, events: Iterable[Fact]) -> Any:
    """Return the first dose of any order that is planned after the first event."""
    first = min((event.starts for event in events if event.starts), default=None)
    last_given = max((dose.at for dose in case.doses if first and dose.at <= first), default=first)
    later = [
        dose.at for dose in case.doses if not dose.given and last_given and first and dose.at > max(first, last_given)
    ]
    return min(later, default=None)


def _in_use(fact: Fact, case: Case) -> bool:
    return fact.kind == "medication" and (fact.ends is None or fact.ends >= case.at)


def _answer(each: Prefilled) -> Json:
    return {
        "number": each.number,
        "reply": each.reply,
        "because": text_json(each.because),
        "facts": [fact_json(fact) for fact in each.facts],
    }


def text_json(text: Text) -> Json:
    """Return a text by language."""
    return dict(text)


def texts_json(texts: Iterable[Text]) -> list[Json]:
    """Return several texts by language."""
    return [text_json(text) for text in texts]


def fact_json(fact: Fact) -> Json:
    """Return a fact, with the message and field it was read from."""
    coding = fact.codings[0] if fact.codings else None
    return {
        "kind": fact.kind,
        "code": coding.code if coding else "",
        "system": coding.system if coding else "",
        "display": f"{(coding.display if coding else '') or fact.text}{_impossible_date(fact)}",
        "value": _value(fact),
        "unit": fact.unit,
        "at": time_json(fact.starts),
        "precision": fact.precision,
        "certainty": fact.certainty,
        **provenance_json(fact.provenance),
    }


def _impossible_date(fact: Fact) -> str:
    """Return an impossible date as it was sent, so that people can see the typing error."""
    return f" [{fact.sent_date}?]" if fact.sent_date else ""


def _value(fact: Fact) -> str:
    if fact.value is None:
        return ""
    if fact.value.low == fact.value.high:
        return f"{fact.comparator}{plain(fact.value.low)}"
    return f"{plain(fact.value.low)}-{plain(fact.value.high)}"


def provenance_json(provenance: Provenance | None) -> Json:
    """Return the message and field; empty when it was not sent."""
    if provenance is None:
        return {"message": "", "message_id": "", "path": ""}
    return {"message": provenance.control_id, "message_id": str(provenance.message), "path": provenance.path}


def plain(number: Decimal) -> str:
    """Return a number without exponent or trailing zeros, with at most four decimals."""
    text = f"{number:.4f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def time_json(moment: datetime | date | None) -> str | None:
    """Return a time as ISO 8601."""
    return moment.isoformat() if moment is not None else None


def quantity_json(quantity: Quantity | None) -> list[float] | None:
    """Return a quantity as [low, high]; None when it is not known."""
    if quantity is None:
        return None
    return [float(plain(quantity.low)), float(plain(quantity.high))]
