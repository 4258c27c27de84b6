"""`/api/v1/alerts`: read alerts and act on them."""

from datetime import datetime

from litestar import Router, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody

from clinical.words import STATUSES, STREAMS, TIERS
from inbox.acting import carry_out
from inbox.alerts.acts import Acknowledgement, AlertAct, Assignment, Comment, NaranjoAnswers, OnAlert, Override
from inbox.alerts.api_answers import alert_shape
from inbox.alerts.report import Report
from inbox.alerts.report_pages import report_for
from inbox.http.api_requests import (
    PAGE,
    Cursor,
    Limit,
    Several,
    id_of,
    language_of,
    moment_of,
    page_of,
    position_of,
    words_of,
)
from inbox.http.api_shapes import Alert, Page
from inbox.http.parts import AnyRequest, parts_of
from inbox.people.access import record, record_list
from inbox.people.viewer import needs
from store.alerts import AlertFilter, find_alert, list_alerts
from store.engine import reading
from store.merges import patients_named


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
    parts, number = parts_of(request), id_of(alert_id)
    with parts.engine.begin() as connection:
        row = find_alert(connection, number)
        if row is None:
            raise NotFoundException("there is no such alert")
        what = f"alert {number}"
        record(connection, request.user, "view_alert", parts.clock(), patients=[row.patient_id], what=what)
    return alert_shape(row, language_of(request))


def _do(request: AnyRequest, alert_id: str, act: AlertAct) -> Alert:
    """Act, and give the alert as it is then."""
    alert = carry_out(parts_of(request), request.user, OnAlert(id_of(alert_id), act))
    return alert_shape(alert, language_of(request))


@post("/{alert_id:str}/acknowledge", status_code=200, guards=[needs("pharmacist")], sync_to_thread=True)
def acknowledge_alert(
    request: AnyRequest, alert_id: FromPath[str], data: JSONBody[Acknowledgement | None] = None
) -> Alert:
    """Settle an open alert as seen and taken on; 409 when somebody was first or the alert changed."""
    return _do(request, alert_id, data or Acknowledgement())


@post("/{alert_id:str}/override", status_code=200, guards=[needs("pharmacist")], sync_to_thread=True)
def override_alert(request: AnyRequest, alert_id: FromPath[str], data: JSONBody[Override]) -> Alert:
    """Let the order pass for a coded reason; a contraindication needs a note."""
    moment_of(data.valid_until)
    return _do(request, alert_id, data)


@post("/{alert_id:str}/comment", status_code=200, guards=[needs("pharmacist")], sync_to_thread=True)
def comment_on_alert(request: AnyRequest, alert_id: FromPath[str], data: JSONBody[Comment]) -> Alert:
    """Add a remark to the alert's record."""
    return _do(request, alert_id, data)


@post("/{alert_id:str}/assign", status_code=200, guards=[needs("pharmacist")], sync_to_thread=True)
def assign_alert(request: AnyRequest, alert_id: FromPath[str], data: JSONBody[Assignment]) -> Alert:
    """Say who is working on the alert."""
    return _do(request, alert_id, data)


@post("/{alert_id:str}/naranjo", status_code=200, guards=[needs("pharmacist")], sync_to_thread=True)
def answer_naranjo(request: AnyRequest, alert_id: FromPath[str], data: JSONBody[NaranjoAnswers]) -> Alert:
    """Confirm or change the ten Naranjo answers of a possible adverse reaction."""
    return _do(request, alert_id, data)


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
