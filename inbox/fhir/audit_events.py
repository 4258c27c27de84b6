"""The access log as AuditEvent, for the auditor's own systems."""

import re
from collections.abc import Callable, Collection, Sequence
from typing import Final

import sqlalchemy as sa

from inbox.fhir.access_lines import (
    ACT,
    ACTION_SYSTEM,
    DICOM,
    DONE_OUTCOME,
    LOOK,
    REFUSED_OUTCOME,
    action_of,
    audit_event,
    type_of,
)
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
    patients_of,
    people_of,
    with_merged,
)
from inbox.fhir.references import Resource, patient_reference, person_reference
from inbox.http.api_requests import number_of
from store import access_log, alerts, patients, tables
from store.access_log import DONE, REFUSED, WrittenLine
from store.patients import KnownPatient

ACTION_CODES_SYSTEM: Final = "http://hl7.org/fhir/audit-event-action"
OUTCOME_SYSTEM: Final = "http://hl7.org/fhir/audit-event-outcome"
_ACTIONS: Final = ("C", "R", "U", "D", "E")
_OUTCOMES: Final = ("0", "4", "8", "12")
_OF_ALERT: Final = re.compile(r"alert ([0-9]{1,18})")

_line = tables.access_log.c


def _load(search: Search, ids: Sequence[int]) -> list[FoundResource]:
    rows = {line.id: line for line in access_log.numbered(search.connection, ids)}
    whom = {line.patient_id for line in rows.values() if line.patient_id is not None}
    people = patients.of_ids(search.connection, whom)
    return [
        FoundResource(id_, line.patient_id, _resource(search, line, people.get(line.patient_id or 0)))
        for id_ in ids
        if (line := rows.get(id_)) is not None
    ]


def _resource(search: Search, line: WrittenLine, patient: KnownPatient | None) -> Resource:
    """Return the event of the export, with references that a search by them answers."""
    event = audit_event(line, patient, search.site, search.masked)
    event["meta"] = {"versionId": "1", "lastUpdated": line.at.isoformat()}
    for agent in event["agent"]:
        agent["who"] = person_reference(agent["altId"])
    for entity in event.get("entity", ()):
        if "what" in entity and line.patient_id is not None:
            entity["what"] = patient_reference(line.patient_id, patient, search.masked, literal=True)
        elif found := _OF_ALERT.fullmatch(entity.get("name", "")):
            entity["what"] = {"reference": f"DetectedIssue/{found[1]}", "type": "DetectedIssue"}
    return event


def _of_actions(fits: Callable[[str, bool], bool], search: Search) -> Condition:
    """Return the lines whose action fits, with a patient or without: the log itself says which actions there are."""
    actions = access_log.actions(search.connection)
    about, others = ({each for each in actions if fits(each, about_patient)} for about_patient in (True, False))
    always = _line.action.in_(sorted(about & others))
    sides = ((about - others, _line.patient_id.is_not(None)), (others - about, _line.patient_id.is_(None)))
    return any_of([always, *(sa.and_(_line.action.in_(sorted(fit)), side) for fit, side in sides if fit)])


def _of_type(search: Search, criterion: Criterion) -> Condition:
    tokens, wanted = tokens_of(criterion), criterion.modifier != "not"

    def fits(action: str, about_patient: bool) -> bool:
        code = type_of(action, about_patient=about_patient)["code"]
        return any(token.fits(DICOM, code) for token in tokens) is wanted

    return _of_actions(fits, search)


def _of_action(search: Search, criterion: Criterion) -> Condition:
    tokens, wanted = tokens_of(criterion), criterion.modifier != "not"
    if any(token.code and token.code not in _ACTIONS for token in tokens):
        raise criterion.refuse(f"the codes are {', '.join(_ACTIONS)}; {LOOK} and {ACT} are in use")

    def fits(action: str, _about_patient: bool) -> bool:
        code = action_of(action)
        return any(token.fits(system, code) for token in tokens for system in (ACTION_CODES_SYSTEM, "")) is wanted

    return _of_actions(fits, search)


def _of_subtype(search: Search, criterion: Criterion) -> Condition:
    tokens, wanted = tokens_of(criterion), criterion.modifier != "not"
    return _of_actions(lambda action, _: any(each.fits(ACTION_SYSTEM, action) for each in tokens) is wanted, search)


def _of_agent(search: Search, criterion: Criterion) -> Condition:
    return _of_names(people_of(search, criterion))


def _of_alternative_id(_search: Search, criterion: Criterion) -> Condition:
    tokens = tokens_of(criterion)
    if not all(token.code for token in tokens):
        raise criterion.refuse("a name is needed")
    return _of_names([token.code for token in tokens if not token.system])


def _of_names(names: Collection[str]) -> Condition:
    behalf = sa.and_(_line.on_behalf != "", _line.on_behalf.in_(names))  # the first is what the index holds
    return sa.or_(_line.actor.in_(names), behalf)


def _of_entity(search: Search, criterion: Criterion) -> Condition:
    if criterion.modifier == "identifier":
        return _of_patients(patients_of(search, criterion))
    named = references_of(criterion, search.base, ("Patient", "DetectedIssue"))
    ids = [(each.type, id_) for each in named if (id_ := number_of(each.id)) is not None]
    people = with_merged(search, {id_ for kind, id_ in ids if kind in ("", "Patient")})
    whose = alerts.patients_of(search.connection, {id_ for kind, id_ in ids if kind in ("", "DetectedIssue")})
    looked = [sa.and_(_line.patient_id == patient, _line.object == f"alert {id_}") for id_, patient in whose.items()]
    return any_of([_of_patients(people), *looked])


def _of_patients(ids: Collection[int]) -> Condition:
    return _line.patient_id.in_(sorted(ids))


KIND: Final = ResourceKind(
    name="AuditEvent",
    number=_line.id,
    parameters=(
        of_ids(_line.id),
        of_time("_lastUpdated", _line.at, "when it was recorded"),
        Parameter("action", "token", _of_action, "R for a look, E for an act", ("not",)),
        Parameter(
            "agent",
            "reference",
            _of_agent,
            "who: the name of an account or token, or the person for whom a program asked",
            ("identifier", "Practitioner", "Device"),
        ),
        Parameter("altid", "token", _of_alternative_id, "the same, as a code"),
        of_time("date", _line.at, "when it was recorded"),
        Parameter(
            "entity",
            "reference",
            _of_entity,
            "the patient, or the alert that was looked at",
            ("identifier", "Patient", "DetectedIssue"),
        ),
        of_codes(
            "outcome",
            _line.outcome,
            lambda _: {DONE: [(OUTCOME_SYSTEM, DONE_OUTCOME)], REFUSED: [(OUTCOME_SYSTEM, REFUSED_OUTCOME)]},
            "0 done, 4 refused",
            bound=_OUTCOMES,
        ),
        of_patients("patient", _of_patients, ("Patient",)),
        Parameter("subtype", "token", _of_subtype, "the action as the access log names it", ("not",)),
        Parameter("type", "token", _of_type, "the kind of event, as DICOM codes it", ("not",)),
    ),
    sorts=(Sort("_id", _line.id), Sort("date", _line.at), Sort("_lastUpdated", _line.at)),
    order="-date",
    load=_load,
    viewed="access_view",
    listed="access_view",
    plural="lines",
)
