"""`/api/v1/assessments`: every answer that was given, also "nothing found"."""

from litestar import Router, get
from litestar.params import FromQuery

from inbox.access import record_list
from inbox.api_answers import assessment_shape
from inbox.api_requests import PAGE, Cursor, Limit, language_of, page_of, position_of
from inbox.api_shapes import Assessment, Page
from inbox.parts import AnyRequest, parts_of
from store.engine import reading
from store.inbox_queries import list_assessments, patients_named


@get("/", sync_to_thread=True, summary="Assessments, newest first")
def all_assessments(
    request: AnyRequest,
    order: FromQuery[str] = "",
    patient: FromQuery[str] = "",
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[Assessment]:
    """Every answer for an order (placer or filler number) or a patient (`value` or `authority|value`)."""
    parts, language = parts_of(request), language_of(request)
    with reading(parts.engine) as connection:
        patients = patients_named(connection, patient) if patient else None
        rows = list_assessments(connection, patients, order, position_of(cursor), limit)
    record_list(request, "list_assessments", "assessments", rows)
    return page_of([assessment_shape(row, language) for row in rows], len(rows), limit, rows[-1].id if rows else None)


router = Router("/assessments", route_handlers=[all_assessments], tags=["assessments"])
