"""`/api/v1/alerts`: read alerts and act on them."""

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa
from litestar import Router, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody

from inbox.alerts import acts, causality
from inbox.alerts.api_answers import alert_shape
from inbox.alerts.report import Report
from inbox.alerts.report_pages import report_for
from inbox.http.api_requests import (
    PAGE,
    Acknowledgement,
    Assignment,
    Comment,
    Cursor,
    Limit,
    NaranjoAnswers,
    Override,
    Several,
    id_of,
    language_of,
    moment_of,
    number_of,
    page_of,
    position_of,
    words_of,
)
from inbox.http.api_shapes import Alert, Page
from inbox.http.parts import AnyRequest, parts_of
from inbox.people.access import record, record_list
from inbox.people.accounts import user_names
from inbox.people.viewer import needs
from store.engine import reading
from store.inbox_queries import AlertFilter, find_alert, list_alerts, patients_named

STATUSES = ("open", "acknowledged", "overridden", "covered", "resolved")
STREAMS = ("order", "pharmacovigilance")
TIERS = ("contraindication", "high", "moderate", "information", "none")


@get("/", sync_to_thread=True, summary="Alerts, newest first")
def all_alerts(
    request: AnyRequest,
    status: Several = None,
    tier: Several = None,
    stream: Several = None,
    patient: FromQuery[str] = "",
    order: FromQuery[str] = "",
    since: FromQuery[datetime | None] = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[Alert]:
    """Alerts by status, tier, stream, patient number (`value` or `authority|value`), order number, and last change."""
    parts, language = parts_of(request), language_of(request)
    statuses, tiers, moment = words_of(status, STATUSES), words_of(tier, TIERS), moment_of(since)
    streams = words_of(stream, STREAMS)
    with reading(parts.engine) as connection:
        patients = patients_named(connection, patient) if patient else None
        wanted = AlertFilter(statuses, tiers, patients, order, moment, streams)
        rows = list_alerts(connection, wanted, position_of(cursor), limit)
    record_list(request, "list_alerts", "alerts", rows)
    return page_of([alert_shape(row, language) for row in rows], len(rows), limit, rows[-1].id if rows else None)


@get("/{alert_id:str}", sync_to_thread=True, summary="One alert")
def one_alert(request: AnyRequest, alert_id: FromPath[str]) -> Alert:
    """One alert, with what was concluded and why."""
    parts = parts_of(request)
    with parts.engine.begin() as connection:
        return _shown(request, connection, id_of(alert_id), "view_alert")


def _shown(request: AnyRequest, connection: sa.Connection, alert_id: int, action: str) -> Alert:
    row = find_alert(connection, alert_id)
    if row is None:
        raise NotFoundException("there is no such alert")
    now = parts_of(request).clock()
    record(connection, request.user, action, now, patients=[row.patient_id], what=f"alert {alert_id}")
    return alert_shape(row, language_of(request))


def _do(
    request: AnyRequest,
    alert_id: str,
    action: str,
    act: Callable[[sa.Connection, acts.Act], None],
    seen: str | None = None,
) -> Alert:
    """Act, write who did, and give the alert as it is now, in one transaction."""
    parts, number = parts_of(request), id_of(alert_id)
    who = acts.Act(number, request.user.name, parts.clock(), None if seen is None else number_of(seen) or 0)
    with parts.engine.begin() as connection:
        act(connection, who)
        shown = _shown(request, connection, number, action)
    parts.events.publish([number])
    return shown


@post("/{alert_id:str}/acknowledge", status_code=200, guards=[needs("pharmacist")], sync_to_thread=True)
def acknowledge_alert(
    request: AnyRequest, alert_id: FromPath[str], data: JSONBody[Acknowledgement | None] = None
) -> Alert:
    """Settle an open alert as seen and taken on; 409 when somebody was first or the alert changed."""
    given = data or Acknowledgement()
    return _do(request, alert_id, "acknowledge", lambda c, act: acts.acknowledge(c, act, given.note), given.assessment)


@post("/{alert_id:str}/override", status_code=200, guards=[needs("pharmacist")], sync_to_thread=True)
def override_alert(request: AnyRequest, alert_id: FromPath[str], data: JSONBody[Override]) -> Alert:
    """Let the order pass for a coded reason; a contraindication needs a note."""
    until = moment_of(data.valid_until)
    return _do(
        request,
        alert_id,
        "override",
        lambda c, act: acts.override(c, act, data.reason, data.note, until),
        seen=data.assessment,
    )


@post("/{alert_id:str}/comment", status_code=200, guards=[needs("pharmacist")], sync_to_thread=True)
def comment_on_alert(request: AnyRequest, alert_id: FromPath[str], data: JSONBody[Comment]) -> Alert:
    """Add a remark to the alert's record."""
    return _do(request, alert_id, "comment", lambda c, act: acts.comment(c, act, data.text))


@post("/{alert_id:str}/assign", status_code=200, guards=[needs("pharmacist")], sync_to_thread=True)
def assign_alert(request: AnyRequest, alert_id: FromPath[str], data: JSONBody[Assignment]) -> Alert:
    """Say who is working on the alert."""
    return _do(request, alert_id, "assign", lambda c, act: acts.assign(c, act, data.user, user_names(c)))


@post("/{alert_id:str}/naranjo", status_code=200, guards=[needs("pharmacist")], sync_to_thread=True)
def answer_naranjo(request: AnyRequest, alert_id: FromPath[str], data: JSONBody[NaranjoAnswers]) -> Alert:
    """Confirm or change the ten Naranjo answers of a possible adverse reaction."""
    form = parts_of(request).knowledge.naranjo
    return _do(
        request,
        alert_id,
        "naranjo",
        lambda c, act: causality.confirm(c, act, form, data.answers, data.note),
        seen=data.assessment,
    )


@get("/{alert_id:str}/report", sync_to_thread=True, summary="The report of a possible adverse reaction")
def report(request: AnyRequest, alert_id: FromPath[str]) -> Report:
    """What a national centre asks of a possible adverse reaction, without who the patient is."""
    return report_for(request, id_of(alert_id), language_of(request))


router = Router(
    "/alerts",
    route_handlers=[
        all_alerts,
        one_alert,
        acknowledge_alert,
        override_alert,
        comment_on_alert,
        assign_alert,
        answer_naranjo,
        report,
    ],
    tags=["alerts"],
)
