"""The report of a possible adverse reaction, to print or to read by a program."""

from typing import Any

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from inbox.alerts.causality import causality_of
from inbox.alerts.report import Report, report_of
from inbox.http.api_requests import id_of
from inbox.http.pages import language_of, page
from inbox.http.parts import AnyRequest, parts_of
from inbox.people.access import record
from inbox.people.permissions import Permission, needs
from store import alerts
from store.alerts import find_alert


@get("/alerts/{alert_id:str}/report", opt=needs(Permission.ALERTS_READ), include_in_schema=False, sync_to_thread=True)
def show_report(request: AnyRequest, alert_id: FromPath[str]) -> Response[Any]:
    """Show the report as it is printed and sent."""
    number = id_of(alert_id)
    language = language_of(request)
    report = report_for(request, number, language)
    title = parts_of(request).knowledge.naranjo.band(report.causality.score).title
    return page(request, "report.html", report=report, alert_id=number, band=title.text[language])


def report_for(request: AnyRequest, number: int, language: str) -> Report:
    """Return the report of one alert; not found when the alert is about an order. Who asked for it is recorded."""
    parts = parts_of(request)
    with parts.engine.begin() as connection:
        row = find_alert(connection, number)
        events = alerts.events_of(connection, number)
        causality = causality_of(row, events, parts.knowledge.naranjo) if row is not None else None
        if row is None or causality is None or row.conclusion.case is None:
            raise NotFoundException("there is no report of this alert")
        record(
            connection, request.user, "view_report", parts.clock(), patients=[row.patient_id], what=f"alert {number}"
        )
    return report_of(
        row, row.conclusion.case, causality, parts.words[language], parts.settings.site_name, parts.clock()
    )
