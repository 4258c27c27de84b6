"""`/api/v1/assessments`: every answer that was given, also "nothing found"."""

from litestar import Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from inbox.alerts.api_answers import assessment_shape
from inbox.http.api_requests import PAGE, Cursor, Limit, id_of, language_of, page_of, position_of
from inbox.http.api_shapes import Assessment, Page
from inbox.http.parts import AnyRequest, parts_of
from inbox.people.access import record, record_list
from store.assessments import find_assessment, list_assessments
from store.engine import reading
from store.merges import patients_named


@get("/", sync_to_thread=True, summary="Assessments, newest first")
def all_assessments(
    request: AnyRequest,
    order: FromQuery[str] = "",
    patient: FromQuery[str] = "",
    cursor: Cursor = None,
    limit: Limit = PAGE,
    trace: FromQuery[bool] = False,
) -> Page[Assessment]:
    """Every answer for an order (placer or filler number) or a patient (`value` or `authority|value`).

    With `trace=true` each with every rule that was asked, and why it did not fire.
    """
    parts, language = parts_of(request), language_of(request)
    with reading(parts.engine) as connection:
        patients = patients_named(connection, patient) if patient else None
        rows = list_assessments(connection, patients, order, position_of(cursor), limit)
    record_list(request, "list_assessments", "assessments", rows)
    items = [assessment_shape(row, language, with_trace=trace) for row in rows]
    return page_of(items, len(rows), limit, rows[-1].id if rows else None)


@get("/{assessment_id:str}", sync_to_thread=True, summary="One assessment, with every rule that was asked")
def one_assessment(request: AnyRequest, assessment_id: FromPath[str]) -> Assessment:
    """One answer, with its trace: for each rule each condition, whether it held and what it saw."""
    parts, number = parts_of(request), id_of(assessment_id)
    with parts.engine.begin() as connection:
        row = find_assessment(connection, number)
        if row is None:
            raise NotFoundException("there is no such assessment")
        what = f"assessment {number}"
        record(connection, request.user, "view_assessment", parts.clock(), patients=[row.patient_id], what=what)
    return assessment_shape(row, language_of(request), with_trace=True)


router = Router("/assessments", route_handlers=[all_assessments, one_assessment], tags=["assessments"])
