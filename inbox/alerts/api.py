"""`/api/v1/alerts` and `/api/v1/assessments`: read alerts, act on them, and read every answer, also "nothing found"."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody

from clinical.conclusions import StoredConclusion, Words
from clinical.words import STATUSES, STREAMS, TIERS, in_language
from history.conclusion import channel_of
from inbox.acting import carry_out
from inbox.alerts.act import AlertAct, OnAlert
from inbox.alerts.follow_ups import FollowedUp, FollowUp
from inbox.alerts.remarks import Assignment, Comment, HandoverNote, NaranjoAnswers, Tick
from inbox.alerts.report import Report
from inbox.alerts.report_pages import report_for
from inbox.alerts.settling import Acknowledgement, Override, TakenOn
from inbox.alerts.sleeping import Snooze
from inbox.alerts.taking_back import Reopening, Undo
from inbox.alerts.ticks import handover_note, ticks_of
from inbox.http.api_requests import (
    PAGE,
    AlertSearch,
    AssessmentSearch,
    BodyLeftOut,
    Cursor,
    Limit,
    Since,
    Sought,
    each_of,
    id_of,
    in_a_zone,
    language_of,
    moment_of,
    page_of,
    position_of,
    refuse_citizen_number,
    several_of,
    words_of,
)
from inbox.http.api_shapes import (
    AlertShape,
    AssessmentShape,
    ConditionAskedShape,
    FactShape,
    FindingShape,
    FollowUpShape,
    HandoverNoteShape,
    OrderShape,
    PageShape,
    PatientNumber,
    PatientShape,
    PointShape,
    PointsShape,
    RuleAskedShape,
    TickShape,
    WholeAlertShape,
)
from inbox.http.masking import masked_for, shown_number
from inbox.http.parts import AnyRequest, parts_of
from inbox.http.problems import ACTED, FOUND, LISTED
from inbox.people.access import record, record_list
from inbox.people.permissions import Permission, needs
from store import alerts, due
from store.alerts import AlertEvent, AlertFilter, ConcludedAlert, find_alert, list_alerts
from store.assessments import StoredAssessment, find_assessment, list_assessments
from store.due import Due
from store.engine import reading
from store.merges import patients_named

_act = partial(post, status_code=200, responses=ACTED, opt=needs(Permission.ALERTS_ACT), sync_to_thread=True)


@get("/", responses=LISTED, opt=needs(Permission.ALERTS_READ), sync_to_thread=True, summary="Alerts, newest first")
def all_alerts(
    request: AnyRequest,
    status: Annotated[list[str] | None, several_of(STATUSES)] = None,
    tier: Annotated[list[str] | None, several_of(TIERS)] = None,
    stream: Annotated[list[str] | None, several_of(STREAMS)] = None,
    patient: Sought = "",
    order: Sought = "",
    since: Since = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> PageShape[AlertShape]:
    """Alerts by status, tier, stream, patient number (`value` or `authority|value`), order number, and last change.

    A citizen service number is looked for by POST alone.
    """
    wanted = AlertFilter(
        statuses=words_of(status, STATUSES),
        tiers=words_of(tier, TIERS),
        order=order,
        since=moment_of(since) if since is not None else None,
        streams=words_of(stream, STREAMS),
    )
    refuse_citizen_number(request, patient)
    return _alerts(request, wanted, patient, cursor, limit)


@post(
    "/search",
    status_code=200,
    responses=LISTED,
    opt=needs(Permission.ALERTS_READ),
    sync_to_thread=True,
    summary="Alerts, newest first, by what no address may hold",
)
def search_alerts(request: AnyRequest, data: JSONBody[AlertSearch]) -> PageShape[AlertShape]:
    """Return what the list gives, by the same filters in a body: a citizen service number belongs in no address."""
    wanted = AlertFilter(
        statuses=each_of(data.status, STATUSES),
        tiers=each_of(data.tier, TIERS),
        order=data.order or "",
        since=in_a_zone(data.since) if data.since is not None else None,
        streams=each_of(data.stream, STREAMS),
    )
    return _alerts(request, wanted, data.patient, data.cursor, data.limit)


def _alerts(
    request: AnyRequest, wanted: AlertFilter, patient: str | None, cursor: str | None, limit: int
) -> PageShape[AlertShape]:
    language, masked = language_of(request), masked_for(request)
    with reading(parts_of(request).engine) as connection:
        patients = patients_named(connection, patient) if patient else None
        rows = list_alerts(connection, replace(wanted, patients=patients), position_of(cursor), limit)
    record_list(request, "list_alerts", "alerts", rows)
    items = [alert_shape(row, language, masked) for row in rows]
    return page_of(items, len(rows), limit, rows[-1].id if rows else None)


@get("/{alert_id:str}", responses=FOUND, opt=needs(Permission.ALERTS_READ), sync_to_thread=True, summary="One alert")
def one_alert(request: AnyRequest, alert_id: FromPath[str]) -> WholeAlertShape:
    """Return one alert, with what was concluded and why, what is planned, and what was ticked."""
    parts, number = parts_of(request), id_of(alert_id)
    with parts.engine.begin() as connection:
        row = find_alert(connection, number)
        if row is None:
            raise NotFoundException("there is no such alert")
        what = f"alert {number}"
        events, stands = alerts.events_of(connection, number), due.standing(connection, [number])
        record(connection, request.user, "view_alert", parts.clock(), patients=[row.patient_id], what=what)
    return _whole(alert_shape(row, language_of(request), masked_for(request)), row, events, stands)


def _whole(
    shape: AlertShape, row: ConcludedAlert, events: Sequence[AlertEvent], stands: Sequence[Due]
) -> WholeAlertShape:
    note = handover_note(events)
    return WholeAlertShape(
        **msgspec.structs.asdict(shape),
        follow_ups=[follow_up_shape(each) for each in stands if each.kind == "follow_up"],
        ticked=[TickShape(each.by, each.at) if each else None for each in ticks_of(events, row.conclusion.advice)],
        handover=HandoverNoteShape(note.note or "", note.actor, note.at) if note else None,
    )


def follow_up_shape(each: Due) -> FollowUpShape:
    """Return a follow-up as the API shows it."""
    return FollowUpShape(
        id=str(each.id),
        alert=str(each.alert_id),
        due_at=each.due_at,
        look_at=each.look_at,
        note=each.data.get("note", ""),
        planned_by=each.created_by,
        planned_at=each.created_at,
    )


def _do(request: AnyRequest, alert_id: str, act: AlertAct) -> AlertShape:
    """Act, and give the alert as it is then."""
    alert = carry_out(parts_of(request), request.user, OnAlert(id_of(alert_id), act))
    return alert_shape(alert, language_of(request), masked_for(request))


@_act("/{alert_id:str}/acknowledge", operation_class=BodyLeftOut)
def acknowledge_alert(
    request: AnyRequest, alert_id: FromPath[str], data: JSONBody[Acknowledgement | None] = None
) -> AlertShape:
    """Settle an alert as done, with what was done; 409 when somebody was first or the alert changed."""
    return _do(request, alert_id, data or Acknowledgement())


@_act("/{alert_id:str}/override")
def override_alert(request: AnyRequest, alert_id: FromPath[str], data: JSONBody[Override]) -> AlertShape:
    """Let the order pass for a coded reason; a contraindication needs a note."""
    if data.valid_until is not None:
        in_a_zone(data.valid_until)
    return _do(request, alert_id, data)


@_act("/{alert_id:str}/take_on", operation_class=BodyLeftOut)
def take_alert_on(request: AnyRequest, alert_id: FromPath[str], data: JSONBody[TakenOn | None] = None) -> AlertShape:
    """Take an open alert on: it stays on the list under a name, with a time by which it must be settled."""
    return _do(request, alert_id, data or TakenOn())


@_act("/{alert_id:str}/snooze")
def snooze_alert(request: AnyRequest, alert_id: FromPath[str], data: JSONBody[Snooze]) -> AlertShape:
    """Let an alert sleep for a reason; a contra-indication until half an hour before its start at the latest."""
    return _do(request, alert_id, data)


@_act("/{alert_id:str}/undo")
def undo(request: AnyRequest, alert_id: FromPath[str]) -> AlertShape:
    """Take back one's last act on the alert within half a minute; 409 when somebody acted since."""
    return _do(request, alert_id, Undo())


@_act("/{alert_id:str}/reopen", operation_class=BodyLeftOut)
def reopen_alert(request: AnyRequest, alert_id: FromPath[str], data: JSONBody[Reopening | None] = None) -> AlertShape:
    """Open a settled alert again, or give back one that was taken on."""
    return _do(request, alert_id, data or Reopening())


@_act("/{alert_id:str}/follow_up")
def plan_follow_up(request: AnyRequest, alert_id: FromPath[str], data: JSONBody[FollowUp]) -> AlertShape:
    """Plan to look again; the alert comes back by itself, unless the result or a stop comes first."""
    return _do(request, alert_id, data)


@_act("/{alert_id:str}/followed_up")
def end_follow_up(request: AnyRequest, alert_id: FromPath[str], data: JSONBody[FollowedUp]) -> AlertShape:
    """Record that it was looked at."""
    return _do(request, alert_id, data)


@_act("/{alert_id:str}/tick")
def tick_advice(request: AnyRequest, alert_id: FromPath[str], data: JSONBody[Tick]) -> AlertShape:
    """Record that a line of the advice was done, or not after all."""
    return _do(request, alert_id, data)


@_act("/{alert_id:str}/handover")
def note_for_handover(request: AnyRequest, alert_id: FromPath[str], data: JSONBody[HandoverNote]) -> AlertShape:
    """Leave a note for the next shift; the last one counts, an empty one takes it away."""
    return _do(request, alert_id, data)


@_act("/{alert_id:str}/comment")
def comment_on_alert(request: AnyRequest, alert_id: FromPath[str], data: JSONBody[Comment]) -> AlertShape:
    """Add a remark to the alert's record."""
    return _do(request, alert_id, data)


@_act("/{alert_id:str}/assign")
def assign_alert(request: AnyRequest, alert_id: FromPath[str], data: JSONBody[Assignment]) -> AlertShape:
    """Record who is working on the alert."""
    return _do(request, alert_id, data)


@_act("/{alert_id:str}/naranjo")
def answer_naranjo(request: AnyRequest, alert_id: FromPath[str], data: JSONBody[NaranjoAnswers]) -> AlertShape:
    """Confirm or change the ten Naranjo answers of a possible adverse reaction."""
    return _do(request, alert_id, data)


@get(
    "/{alert_id:str}/report",
    responses=FOUND,
    opt=needs(Permission.ALERTS_READ),
    sync_to_thread=True,
    summary="The report of a possible adverse reaction",
)
def report(request: AnyRequest, alert_id: FromPath[str]) -> Report:
    """Return what a national centre asks of a possible adverse reaction, without who the patient is."""
    return report_for(request, id_of(alert_id), language_of(request))


alerts_router = Router(
    "/alerts",
    route_handlers=[
        all_alerts,
        search_alerts,
        one_alert,
        take_alert_on,
        acknowledge_alert,
        override_alert,
        snooze_alert,
        undo,
        reopen_alert,
        plan_follow_up,
        end_follow_up,
        tick_advice,
        note_for_handover,
        comment_on_alert,
        assign_alert,
        answer_naranjo,
        report,
    ],
    tags=["alerts"],
)


@get("/", responses=LISTED, opt=needs(Permission.ALERTS_READ), sync_to_thread=True, summary="Assessments, newest first")
def all_assessments(
    request: AnyRequest,
    order: Sought = "",
    patient: Sought = "",
    cursor: Cursor = None,
    limit: Limit = PAGE,
    trace: FromQuery[bool] = False,
) -> PageShape[AssessmentShape]:
    """Return every answer for an order (placer or filler number) or a patient (`value` or `authority|value`).

    With `trace=true` each with every rule that was asked, and why it did not fire. A citizen service number is looked
    for by POST alone.
    """
    refuse_citizen_number(request, patient)
    wanted = AssessmentSearch(order=order, patient=patient, cursor=cursor, limit=limit, trace=trace)
    return _assessments(request, wanted)


@post(
    "/search",
    status_code=200,
    responses=LISTED,
    opt=needs(Permission.ALERTS_READ),
    sync_to_thread=True,
    summary="Assessments, newest first, by what no address may hold",
)
def search_assessments(request: AnyRequest, data: JSONBody[AssessmentSearch]) -> PageShape[AssessmentShape]:
    """Return what the list gives, by the same filters in a body: a citizen service number belongs in no address."""
    return _assessments(request, data)


def _assessments(request: AnyRequest, wanted: AssessmentSearch) -> PageShape[AssessmentShape]:
    language = language_of(request)
    with reading(parts_of(request).engine) as connection:
        patients = patients_named(connection, wanted.patient) if wanted.patient else None
        position = position_of(wanted.cursor)
        rows = list_assessments(connection, patients, wanted.order or "", position, wanted.limit)
    record_list(request, "list_assessments", "assessments", rows)
    items = [assessment_shape(row, language, with_trace=wanted.trace) for row in rows]
    return page_of(items, len(rows), wanted.limit, rows[-1].id if rows else None)


@get(
    "/{assessment_id:str}",
    responses=FOUND,
    opt=needs(Permission.ALERTS_READ),
    sync_to_thread=True,
    summary="One assessment, with every rule that was asked",
)
def one_assessment(request: AnyRequest, assessment_id: FromPath[str]) -> AssessmentShape:
    """Return one answer, with its trace: for each rule each condition, whether it held and what it saw."""
    parts, number = parts_of(request), id_of(assessment_id)
    with parts.engine.begin() as connection:
        row = find_assessment(connection, number)
        if row is None:
            raise NotFoundException("there is no such assessment")
        what = f"assessment {number}"
        record(connection, request.user, "view_assessment", parts.clock(), patients=[row.patient_id], what=what)
    return assessment_shape(row, language_of(request), with_trace=True)


assessments_router = Router(
    "/assessments", route_handlers=[all_assessments, search_assessments, one_assessment], tags=["assessments"]
)


def alert_shape(row: ConcludedAlert, language: str, masked: Collection[str]) -> AlertShape:
    """Return an alert as the API shows it; of a number that one of the masked authorities gave, its end."""
    conclusion = row.conclusion
    return AlertShape(
        id=str(row.id),
        patient_id=str(row.patient_id),
        stream=row.stream,
        tier=row.tier,
        channel=channel_of(conclusion.channel, row.tier).word,
        priority=row.priority,
        status=row.status,
        badges=list(row.badges),
        assigned_to=row.assigned_to,
        due_at=row.due_at,
        snoozed_until=row.snoozed_until,
        text=conclusion.text or {language: ""},
        opened_at=row.opened_at,
        changed_at=row.changed_at,
        patient=_patient(conclusion, masked),
        order=_order(conclusion, row.order_state),
        points=_points(conclusion, language),
        findings=findings_shape(conclusion, language),
        now=all_in(conclusion.advice, language)[: conclusion.now],
        advice=all_in(conclusion.advice, language),
        does=conclusion.does,
        protection=in_language(conclusion.protection, language),
        missing=all_in(conclusion.missing, language),
        knowledge=row.knowledge,
        assessment=str(row.assessment_id),
    )


def assessment_shape(row: StoredAssessment, language: str, *, with_trace: bool = False) -> AssessmentShape:
    """Return an assessment as the API shows it; with the trace it is some ten times as long."""
    conclusion = row.conclusion
    return AssessmentShape(
        id=str(row.id),
        patient_id=str(row.patient_id),
        stream=row.stream,
        order=_order(conclusion, ""),
        tier=row.tier,
        channel=channel_of(conclusion.channel, row.tier).word,
        priority=row.priority,
        points=_points(conclusion, language),
        findings=findings_shape(conclusion, language),
        missing=all_in(conclusion.missing, language),
        knowledge=row.knowledge,
        as_of=row.as_of,
        concluded_at=row.concluded_at,
        trace=_trace(conclusion) if with_trace else None,
    )


def _trace(conclusion: StoredConclusion) -> list[RuleAskedShape]:
    """Rule by rule, in the order they were asked. One on trial does not fire, though none of its conditions failed."""
    fired = {finding.rule for finding in conclusion.findings}
    asked: dict[str, list[ConditionAskedShape]] = {}
    for step in conclusion.trace:
        asked.setdefault(step.rule, []).append(ConditionAskedShape(step.condition, step.held, step.saw))
    return [
        RuleAskedShape(
            rule=rule,
            fired=rule in fired,
            failed=None if rule in fired else next((each for each in conditions if not each.held), None),
            conditions=conditions,
        )
        for rule, conditions in asked.items()
    ]


def findings_shape(conclusion: StoredConclusion, language: str) -> list[FindingShape]:
    """Return the findings in one language."""
    return [
        FindingShape(
            rule=finding.rule,
            version=finding.version,
            tier=finding.tier,
            channel=channel_of(finding.channel, finding.tier).word,
            title=in_language(finding.title, language),
            because=in_language(finding.because, language),
            facts=[msgspec.convert(fact, FactShape, from_attributes=True) for fact in finding.facts],
            evidence=list(finding.evidence),
        )
        for finding in conclusion.findings
    ]


def _points(conclusion: StoredConclusion, language: str) -> PointsShape | None:
    points = conclusion.points
    if points is None:
        return None
    counted = [
        PointShape(name=each.name, title=in_language(each.title, language), points=each.points, of=each.of)
        for each in points.counted
    ]
    return PointsShape(patient=points.patient, total=points.total, factors=points.factors, counted=counted)


def all_in(texts: list[Words], language: str) -> list[str]:
    """Return each text in one language."""
    return [in_language(text, language) for text in texts]


def _patient(conclusion: StoredConclusion, masked: Collection[str]) -> PatientShape:
    patient = msgspec.convert(conclusion.patient, PatientShape, from_attributes=True)
    numbers = [
        PatientNumber(each.authority, shown_number(each.authority, each.value, masked)) for each in patient.identifiers
    ]
    return msgspec.structs.replace(patient, identifiers=numbers)


def _order(conclusion: StoredConclusion, state: str) -> OrderShape:
    order = msgspec.convert(conclusion.order, OrderShape, from_attributes=True)
    return msgspec.structs.replace(order, state=state) if state else order
