"""The page of figures, the same tables as files, and for programs."""

from litestar import Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery
from litestar.response import Template

from inbox.figures.counts import STEPS, Step, alert_figures, begin_of, periods
from inbox.figures.drawing import drawn, legend
from inbox.figures.review import review
from inbox.figures.tables import FigureTable, as_csv, tables_of
from inbox.http import api_requests
from inbox.http.api_shapes import FigureRowShape, FiguresShape, FigureTableShape
from inbox.http.pages import language_of, page, titles_of
from inbox.http.parts import AnyRequest, parts_of
from inbox.http.problems import LISTED
from inbox.people.permissions import Permission, needs
from store.engine import reading


@get("/figures", opt=needs(Permission.ALERTS_READ), include_in_schema=False, sync_to_thread=True)
def show_figures(request: AnyRequest) -> Template:
    """Show how much was alerted, how soon somebody was on it, and what pharmacists did, by day or by week."""
    step = _step(request)
    found = [(table, drawn(table), list(legend(table))) for table in _tables(request, step, language_of(request))]
    return page(request, "figures.html", figures=found, step=step, steps=STEPS)


@get("/figures/{name:str}", opt=needs(Permission.ALERTS_READ), include_in_schema=False, sync_to_thread=True)
def download_figure(request: AnyRequest, name: FromPath[str]) -> Response[str]:
    """Return one table of the page as comma-separated values."""
    for table in _tables(request, _step(request), language_of(request)):
        if name == f"{table.name}.csv":
            headers = {"Content-Disposition": f'attachment; filename="{name}"'}
            return Response(as_csv(table), media_type="text/csv; charset=utf-8", headers=headers)
    raise NotFoundException("there is no such table")


@get(
    "/figures",
    responses=LISTED,
    opt=needs(Permission.ALERTS_READ),
    sync_to_thread=True,
    summary="Alerts by day or week, time to answer, and what pharmacists did",
)
def api_figures(request: AnyRequest, step: FromQuery[Step] = "week") -> FiguresShape:
    """The tables of the page of figures, in words of the language that is asked; no patient is in them."""
    tables = _tables(request, step, api_requests.language_of(request))
    return FiguresShape(
        [
            FigureTableShape(
                table.name,
                table.title,
                table.of,
                list(table.heads),
                [FigureRowShape(row.label, list(row.values)) for row in table.rows],
            )
            for table in tables
        ]
    )


api_router = Router("/", route_handlers=[api_figures], tags=["figures"])


def _step(request: AnyRequest) -> Step:
    asked = request.query_params.get("step", "")
    return next((step for step in STEPS if step == asked), "week")


def _tables(request: AnyRequest, step: Step, language: str) -> list[FigureTable]:
    parts, now = parts_of(request), parts_of(request).clock()
    zone = parts.settings.zone
    since = begin_of(periods(step, now, zone)[0], zone)
    titles = titles_of(parts.knowledge, language)
    with reading(parts.engine) as connection:
        figures = alert_figures(connection, step, now, zone)
        reviewed = review(connection, titles, since)
    return tables_of(figures, reviewed, titles, parts.notation(language))
