"""What a report of a possible adverse reaction needs, from the case it was found in: events, doses, lots, medicines."""

from collections.abc import Iterable
from typing import Any

from clinical.events import MedicationGiven
from history.orders import OrderState
from history.told import amount, fact_told, provenance_told, text_told, time_told
from rules.assessment import Assessment, Prefilled
from rules.conditions.surveillance import dose_before
from rules.facts import Case, Dose, Fact, events_among

Json = dict[str, Any]
MOST_DOSES = 60  # of a long scheme only the last before the event are told


def case_report(assessment: Assessment, case: Case, order: OrderState) -> Json:
    """The part of a conclusion that only an event after infusion has; docs/api.md describes it."""
    events = _events(assessment, case)
    return {
        "events": [_event(event, case) for event in events],
        "doses": _given(order) + [_planned(dose, case) for dose in _not_given(case)],
        "lots": list(order.lots),
        "next_dose": time_told(_next_dose(case, events)),
        "medicines": [fact_told(fact) for fact in case.facts if _in_use(fact, case)],
        "naranjo": [_answer(each) for each in assessment.naranjo],
    }


def _events(assessment: Assessment, case: Case) -> list[Fact]:
    """The events of all findings, each once, the first one first."""
    found = {id(fact): fact for finding in assessment.findings for fact in events_among(finding.facts, case.order)}
    return sorted(
        found.values(), key=lambda fact: (str(fact.starts), fact.codings[0].code if fact.codings else fact.text)
    )


def _event(event: Fact, case: Case) -> Json:
    dose = dose_before(case.doses, event)
    hours = None
    if dose is not None and event.starts is not None:
        hours = max(0, round((event.starts - dose.at).total_seconds() / 3600))
    return {**fact_told(event), "last_dose": time_told(dose.at) if dose else None, "hours_after": hours}


def _given(order: OrderState) -> list[Json]:
    events = [(entry, entry.event) for entry in order.given if isinstance(entry.event, MedicationGiven)]
    told = [
        {
            "at": time_told(event.started.at if event.started else event.at),
            "until": time_told(event.ended.at if event.ended else None),
            "grams": amount(event.grams),
            "grams_per_hour": amount(event.rate),
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
    return sorted(told, key=lambda dose: (str(dose["at"]), str(dose["path"])))[-MOST_DOSES:]


def _not_given(case: Case) -> list[Dose]:
    """Doses of this order that were planned up to the event, and not reported as given."""
    return [dose for dose in case.doses if dose.order == case.order.key and not dose.given and dose.at <= case.at][
        -MOST_DOSES:
    ]


def _planned(dose: Dose, case: Case) -> Json:
    grams = dose.grams or case.order.grams_per_administration
    return {
        "at": time_told(dose.at),
        "until": None,
        "grams": amount(grams),
        "grams_per_hour": None,
        "given": False,
        "completion": "",
        "lots": [],
        "manufacturer": "",
        **provenance_told(dose.provenance),
    }


def _next_dose(case: Case, events: Iterable[Fact]) -> Any:
    """The first dose of any order that is planned after the first event."""
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
        "because": text_told(each.because),
        "facts": [fact_told(fact) for fact in each.facts],
    }
