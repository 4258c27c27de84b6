"""Each line of an alert's record as Provenance: which rules concluded it from which fields, or who did what."""

from collections.abc import Collection, Sequence
from typing import Final

import sqlalchemy as sa

from clinical.conclusions import StoredConclusion
from inbox.fhir.criteria import Criterion, references_of
from inbox.fhir.kinds import (
    Condition,
    FoundResource,
    Parameter,
    ResourceKind,
    Search,
    Sort,
    of_ids,
    of_patients,
    of_time,
    people_of,
)
from inbox.fhir.references import SYSTEM_ACTOR, Resource, device_reference, message_reference, person_reference
from inbox.hooks.cards import REASON_SYSTEM
from inbox.http.api_requests import number_of
from store import alerts, assessments, tables
from store.alerts import AlertEvent
from store.assessments import StoredAssessment

EVENT_SYSTEM: Final = "urn:ivigilant:event"
_OPERATION: Final = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
_PARTICIPANT: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_CONCLUDED: Final = ("raised", "changed", "reopened", "resolved", "covered")  # by the rules, when nobody acted

_event = tables.alert_event.c


def of_alerts(search: Search, ids: Sequence[int]) -> list[FoundResource]:
    """Return the record of these alerts."""
    found = alerts.records_of(search.connection, ids)
    return _resources(search, [event for id_ in ids for event in found.get(id_, [])])


def _load(search: Search, ids: Sequence[int]) -> list[FoundResource]:
    rows = {event.id: event for event in alerts.events_numbered(search.connection, ids)}
    return _resources(search, [rows[id_] for id_ in ids if id_ in rows])


def _resources(search: Search, events: Sequence[AlertEvent]) -> list[FoundResource]:
    wanted = {event.assessment_id for event in events if event.assessment_id is not None and _is_concluded(event)}
    answers = assessments.of_ids(search.connection, wanted) if wanted else {}
    whose = alerts.patients_of(search.connection, {event.alert_id for event in events})
    return [
        FoundResource(event.id, whose.get(event.alert_id), _resource(event, answers.get(event.assessment_id or 0)))
        for event in events
    ]


def _is_concluded(event: AlertEvent) -> bool:
    return event.actor == SYSTEM_ACTOR and event.kind in _CONCLUDED


def _resource(event: AlertEvent, answer: StoredAssessment | None) -> Resource:
    is_system = event.actor == SYSTEM_ACTOR
    entities = [] if answer is None else _sources(answer.conclusion)
    reason = {"reason": [{"coding": [{"system": REASON_SYSTEM, "code": event.reason}]}]} if _is_override(event) else {}
    return {
        "resourceType": "Provenance",
        "id": str(event.id),
        "meta": {"versionId": "1", "lastUpdated": event.at.isoformat()},
        **({"contained": [_device(answer)]} if is_system else {}),
        "target": [{"reference": f"DetectedIssue/{event.alert_id}", "type": "DetectedIssue"}],
        "occurredDateTime": event.at.isoformat(),
        "recorded": event.at.isoformat(),
        **reason,
        "activity": {
            "coding": [
                {"system": _OPERATION, "code": "CREATE" if event.kind == "raised" else "UPDATE"},
                {"system": EVENT_SYSTEM, "code": event.kind},
            ]
        },
        "agent": _by_rules() if is_system else [_agent("author", person_reference(event.actor))],
        **({"entity": entities} if entities else {}),
    }


def _is_override(event: AlertEvent) -> bool:
    return event.kind == "overridden" and bool(event.reason)


def _by_rules() -> list[Resource]:
    """Return the rules, with the version that concluded, and IVIgilant, which applied them."""
    return [_agent("assembler", {"reference": "#rules"}), _agent("performer", device_reference())]


def _agent(role: str, who: Resource) -> Resource:
    return {"type": {"coding": [{"system": _PARTICIPANT, "code": role}]}, "who": who}


def _device(answer: StoredAssessment | None) -> Resource:
    """Return the rules as a device."""
    version = {"version": [{"type": {"text": "rules"}, "value": answer.knowledge}]} if answer else {}
    names = [{"name": "IVIgilant", "type": "user-friendly-name"}]
    return {"resourceType": "Device", "id": "rules", "deviceName": names, **version}


def _sources(conclusion: StoredConclusion) -> list[Resource]:
    """Return the fields that the order and the facts of the findings were read from, each once."""
    order = conclusion.order
    facts = (fact for finding in conclusion.findings for fact in finding.facts)
    sources = [(order.message, order.message_id, order.path)]
    sources += [(fact.message, fact.message_id, fact.path) for fact in facts]
    return [{"role": "source", "what": message_reference(*each)} for each in dict.fromkeys(sources) if any(each)]


def _of_target(search: Search, criterion: Criterion) -> Condition:
    targets = references_of(criterion, search.base, ("DetectedIssue",))
    return _event.alert_id.in_([id_ for each in targets if (id_ := number_of(each.id)) is not None])


def _of_patients(ids: Collection[int]) -> Condition:
    alert = tables.alert.c
    return _event.alert_id.in_(sa.select(alert.id).where(alert.patient_id.in_(sorted(ids))))


def _of_agent(search: Search, criterion: Criterion) -> Condition:
    return _event.actor.in_(people_of(search, criterion))


KIND: Final = ResourceKind(
    name="Provenance",
    number=_event.id,
    parameters=(
        of_ids(_event.id),
        of_time("_lastUpdated", _event.at, "when it was recorded"),
        Parameter(
            "agent",
            "reference",
            _of_agent,
            "who acted: the name of an account or token; Device/ivigilant is IVIgilant itself",
            ("identifier", "Practitioner", "Device"),
        ),
        of_patients("patient", _of_patients, ("Patient",)),
        of_time("recorded", _event.at, "when it was recorded"),
        Parameter("target", "reference", _of_target, "the DetectedIssue", ("DetectedIssue",)),
    ),
    sorts=(Sort("_id", _event.id), Sort("recorded", _event.at), Sort("_lastUpdated", _event.at)),
    order="-recorded",
    load=_load,
    viewed="view_provenance",
    listed="list_provenances",
    plural="provenances",
)
