"""Alerts and answers of one patient or order, by a number that is posted: it stands in no address, log or history."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from litestar import Response, get, post
from litestar.params import URLEncodedBody
from litestar.response import Template

from inbox.alerts.inbox_page import cards_of
from inbox.http.pages import language_of, page
from inbox.http.parts import AnyRequest, parts_of
from inbox.people.access import record
from store import merges
from store.alerts import AlertFilter, ConcludedAlert, list_alerts
from store.assessments import StoredAssessment, list_assessments
from store.engine import reading
from store.merges import patients_named

Form = URLEncodedBody[dict[str, str]]


@get("/search", include_in_schema=False, sync_to_thread=False)
def ask(request: AnyRequest) -> Template:
    """Ask for a number."""
    return page(request, "search.html", number="", found=None)


@post("/search", status_code=200, include_in_schema=False, sync_to_thread=True)
def show_found(request: AnyRequest, data: Form) -> Response[Any]:
    """Show what is known by this number: a patient's, with those merged with it, or an order's."""
    parts, number = parts_of(request), data.get("number", "").strip()
    limit = parts.settings.rows_per_page
    with reading(parts.engine) as connection:
        patients = patients_named(connection, number) if number else set()
        alerts, answers = _of(connection, patients, number, limit)
        spoken = merges.among_members(connection, patients)
    whom = sorted({*patients, *(row.patient_id for row in alerts), *(row.patient_id for row in answers)})
    with parts.engine.begin() as connection:  # never the number itself: it may be anybody's
        record(connection, request.user, "search", parts.clock(), patients=whom or [None], what=f"{len(whom)} found")
    found = {
        "cards": cards_of(parts, alerts, language_of(request), parts.clock()),
        "answers": _latest(answers),
        "spoken": list(merges.by_pair(spoken).values()),
        "anything": bool(whom),
    }
    return page(request, "search.html", number=number, found=found)


def _of(
    connection: sa.Connection, patients: set[int], number: str, limit: int
) -> tuple[list[ConcludedAlert], list[StoredAssessment]]:
    """Return the alerts and answers of the patients, or of the order, that go by this number."""
    if patients:
        wanted = AlertFilter(patients=patients)
        return list_alerts(connection, wanted, None, limit), list_assessments(connection, patients, "", None, limit)
    if not number:
        return [], []
    of_order = list_alerts(connection, AlertFilter(order=number), None, limit)
    return of_order, list_assessments(connection, None, number, None, limit)


def _latest(answers: Sequence[StoredAssessment]) -> list[StoredAssessment]:
    """Return the newest answer for each order and stream; they come newest first."""
    newest: dict[tuple[int, str], StoredAssessment] = {}
    for row in answers:
        newest.setdefault((row.order_id, row.stream), row)
    return list(newest.values())
