"""Alerts as DetectedIssue: with the order, what it was found from, and what was done about it."""

from collections.abc import Collection, Sequence
from typing import Any, Final

import sqlalchemy as sa

from clinical.conclusions import StoredConclusion, StoredFact, StoredFinding
from clinical.words import PENDING, STATUSES, TIERS, in_language
from forwarding.detected_issue import CATEGORY, SEVERITIES, Issue, IssueAct, detected_issue, status_of
from inbox.alerts.settling import DONE_AS, REASONS
from inbox.fhir import provenances
from inbox.fhir.criteria import Criterion, references_of, tokens_of
from inbox.fhir.kinds import (
    Condition,
    FoundResource,
    Parameter,
    ResourceKind,
    Search,
    Sort,
    any_of,
    of_codes,
    of_ids,
    of_patients,
    of_time,
)
from inbox.fhir.references import (
    DEVICE,
    Resource,
    device_reference,
    message_reference,
    patient_reference,
    person_reference,
)
from inbox.hooks.cards import REASON_SYSTEM, RULE_SYSTEM
from inbox.http.api_requests import number_of
from parsers.hl7.codes import address_of
from store import alerts, patients, tables
from store.alerts import AlertEvent, ConcludedAlert
from store.orders import numbered
from store.patients import KnownPatient

DONE_SYSTEM: Final = "urn:ivigilant:done-as"
STATUS_SYSTEM: Final = "http://hl7.org/fhir/observation-status"
SEVERITY_SYSTEM: Final = "http://hl7.org/fhir/detectedissue-severity"
_STATUS_CODES: Final = frozenset(
    ["registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown"]
)
_ORDER_STATUS: Final = {  # http://hl7.org/fhir/R4/valueset-medicationrequest-status.html
    "active": "active",
    "stop_pending": "active",
    "replace_pending": "active",
    "on_hold": "on-hold",
    "cancelled": "cancelled",
    "refused": "cancelled",
    "discontinued": "stopped",
    "replaced": "stopped",
    "completed": "completed",
}
_NUMBER_TYPES: Final = "http://terminology.hl7.org/CodeSystem/v2-0203"
_ACTS: Final = ("taken_on", "acknowledged", "overridden")

_alert = tables.alert.c


def _load(search: Search, ids: Sequence[int]) -> list[FoundResource]:
    rows = {row.id: row for row in alerts.concluded(search.connection, ids)}
    records = alerts.records_of(search.connection, ids)
    people = patients.of_ids(search.connection, {row.patient_id for row in rows.values()})
    return [
        FoundResource(id_, row.patient_id, _resource(search, row, records.get(id_, []), people.get(row.patient_id)))
        for id_ in ids
        if (row := rows.get(id_)) is not None
    ]


def _resource(
    search: Search, row: ConcludedAlert, record: Sequence[AlertEvent], patient: KnownPatient | None
) -> Resource:
    conclusion, language = row.conclusion, search.language
    whose = patient_reference(row.patient_id, patient, search.masked, literal=True)
    sequence = max((event.id for event in record if event.at <= row.changed_at), default=0)
    tier: Any = row.tier
    issue = Issue(
        alert=str(row.id),
        link=f"{search.alerts}/{row.id}",
        sequence=sequence,
        tier=tier,
        tier_text=search.words.code("tier", row.tier),
        is_settled=row.status not in PENDING,
        identified_at=row.opened_at,
        detail=in_language(conclusion.text, language) or search.words.code("tier", row.tier),
        acts=[_act(search, event) for event in standing_acts(record)],
    )
    content, order = detected_issue(issue), _order(conclusion, whose)
    evidence = [_evidence(finding, language) for finding in conclusion.findings]
    head = {
        "resourceType": content.pop("resourceType"),
        "id": str(row.id),
        "meta": {"versionId": f"{sequence}-{language}", "lastUpdated": row.changed_at.isoformat()},
        "language": language,
        "contained": [order],
    }
    number = {"identifier": order["identifier"][0]} if "identifier" in order else {}
    about = {"author": device_reference(), "patient": whose, "implicated": [{"reference": "#order", **number}]}
    return head | content | about | ({"evidence": evidence} if evidence else {})


def standing_acts(record: Sequence[AlertEvent]) -> list[AlertEvent]:
    """Return what was done and still stands: not what was taken back, nor what came before the alert reopened."""
    standing: list[AlertEvent] = []
    for event in record:
        if event.kind in _ACTS:
            standing.append(event)
        elif event.kind == "reopened":
            standing = []
        elif event.kind == "undone":
            standing = [each for each in standing if each.id != event.data.get("event")]
    return standing


def _act(search: Search, event: AlertEvent) -> IssueAct:
    words = search.words
    text = words.code("event", event.kind)
    codings = reason_codings(event)
    if event.reason and codings:
        text += f": {words.code('reason' if event.kind == 'overridden' else 'done_as', event.reason)}"
    return IssueAct(event.kind, text, event.at, codings, person_reference(event.actor))


def reason_codings(event: AlertEvent) -> list[Resource]:
    """Return why an order passed, or what was done, as a coding."""
    if event.kind == "overridden" and event.reason in REASONS:
        return [{"system": REASON_SYSTEM, "code": event.reason}]
    if event.kind == "acknowledged" and event.reason in DONE_AS:
        return [{"system": DONE_SYSTEM, "code": event.reason}]
    return []


def _evidence(finding: StoredFinding, language: str) -> Resource:
    """Return a rule that fired, the facts that it saw as codes, and the fields that they were read from."""
    title = in_language(finding.title, language)
    rule = {
        "coding": [{"system": RULE_SYSTEM, "version": str(finding.version), "code": finding.rule}],
        **({"text": title} if title else {}),
    }
    sources = {(fact.message, fact.message_id, fact.path): None for fact in finding.facts if fact.message or fact.path}
    details = [message_reference(*source) for source in sources]
    codes = [rule, *(code for fact in finding.facts if (code := _fact(fact)))]
    return {"code": codes, **({"detail": details} if details else {})}


def _fact(fact: StoredFact) -> Resource:
    coding = {"system": address_of(fact.system), "code": fact.code, "display": fact.display}
    value = " ".join(part for part in (fact.value, fact.unit) if part)
    text = ", ".join(part for part in (fact.display or fact.code, value) if part)
    filled = {name: part for name, part in coding.items() if part}
    return {**({"coding": [filled]} if fact.code else {}), **({"text": text} if text else {})}


def _order(conclusion: StoredConclusion, patient: Resource) -> Resource:
    """Return the order as it was judged."""
    order = conclusion.order
    numbers = [_order_number(kind, text) for kind, text in (("PLAC", order.placer), ("FILL", order.filler)) if text]
    return {
        "resourceType": "MedicationRequest",
        "id": "order",
        **({"identifier": numbers} if numbers else {}),
        "status": _ORDER_STATUS.get(order.state, "unknown"),
        "intent": "order",
        "medicationCodeableConcept": {"text": order.product or "IVIg"},
        "subject": patient,
    }


def _order_number(kind: str, text: str) -> Resource:
    namespace, _, value = text.rpartition("|")
    assigner = {"assigner": {"display": namespace}} if namespace else {}
    return {"type": {"coding": [{"system": _NUMBER_TYPES, "code": kind}]}, "value": value or text, **assigner}


def _of_identifier(search: Search, criterion: Criterion) -> Condition:
    """Find an alert by its number, as it stands in `identifier`."""
    conditions = []
    for token in tokens_of(criterion):
        if token.system not in (None, search.alerts):
            continue
        id_ = number_of(token.code) if token.code else None
        conditions.append(sa.true() if not token.code else _alert.id == id_ if id_ is not None else sa.false())
    return any_of(conditions)


def _of_author(search: Search, criterion: Criterion) -> Condition:
    named = references_of(criterion, search.base, ("Device",))
    return sa.true() if any(each.id == DEVICE for each in named) else sa.false()


def _of_order(search: Search, criterion: Criterion) -> Condition:
    """Find the alerts about an order by a number of it; none has an id here, as it is contained."""
    if criterion.modifier != "identifier":
        references_of(criterion, search.base, ("MedicationRequest",))
        return sa.false()
    tokens = tokens_of(criterion)
    if not all(token.code for token in tokens):
        raise criterion.refuse("a number is needed")
    numbers = [f"{token.system}|{token.code}" if token.system else token.code for token in tokens]
    order = sa.select(tables.medication_order.c.id).where(any_of(numbered(number) for number in numbers))
    return _alert.order_id.in_(order)


def _of_patients(ids: Collection[int]) -> Condition:
    return _alert.patient_id.in_(sorted(ids))


KIND: Final = ResourceKind(
    name="DetectedIssue",
    number=_alert.id,
    parameters=(
        of_ids(_alert.id),
        of_time("_lastUpdated", _alert.changed_at, "when it last changed"),
        Parameter("author", "reference", _of_author, "IVIgilant itself: Device/ivigilant", ("Device",)),
        of_codes(
            "code",
            _alert.tier,
            lambda search: {tier: [(f"{search.alerts}#tier", tier), CATEGORY] for tier in TIERS},
            "the tier: contraindication, high, moderate, information",
        ),
        of_time("identified", _alert.opened_at, "when the alert was raised"),
        Parameter("identifier", "token", _of_identifier, "the number of the alert"),
        Parameter(
            "implicated",
            "reference",
            _of_order,
            "the order, by its placer or filler number: implicated:identifier=EPD|900001",
            ("identifier", "MedicationRequest"),
        ),
        of_patients("patient", _of_patients, ("Patient",)),
        of_codes(
            "severity",
            _alert.tier,
            lambda _: {tier: [(SEVERITY_SYSTEM, SEVERITIES[tier])] if tier in SEVERITIES else [] for tier in TIERS},
            "high (a contra-indication too), moderate, low",
            bound=("high", "moderate", "low"),
        ),
        of_codes(
            "status",
            _alert.status,
            lambda _: {status: [(STATUS_SYSTEM, status_of(status not in PENDING))] for status in STATUSES},
            "preliminary while it waits for somebody, final once it is settled",
            bound=_STATUS_CODES,
        ),
    ),
    sorts=(Sort("_id", _alert.id), Sort("identified", _alert.opened_at), Sort("_lastUpdated", _alert.changed_at)),
    order="-identified",
    load=_load,
    viewed="view_alert",
    listed="list_alerts",
    plural="alerts",
    includes={"Provenance:target": provenances.of_alerts},
)
