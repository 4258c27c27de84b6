"""The codes that no value set holds: which there are, and what people make of each."""

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Template

from inbox.acting import carry_out
from inbox.codes.acts import DismissCode, MapCode, value_sets
from inbox.errors import ActRefused, CodeChanged
from inbox.http.api_requests import id_of, number_of
from inbox.http.pages import language_of, page, to_page
from inbox.http.parts import AnyRequest, parts_of
from inbox.people.access import record_alone
from inbox.people.permissions import Permission, needs
from rules.knowledge import Knowledge
from store.engine import reading
from store.local_codes import KINDS, STATES, CodeFilter, count, most_seen, one, reach

Form = URLEncodedBody[dict[str, str]]
ChosenStates = Annotated[list[str] | None, QueryParameter(name="state")]
ChosenKinds = Annotated[list[str] | None, QueryParameter(name="kind")]


@get("/codes", opt=needs(Permission.CODES_READ), include_in_schema=False, sync_to_thread=True)
def show_codes(
    request: AnyRequest,
    states: ChosenStates = None,
    kinds: ChosenKinds = None,
    words: FromQuery[str] = "",
    decided: FromQuery[str] = "",
    again: FromQuery[int] = 0,
) -> Template:
    """Show the codes that wait for somebody: those whose words name a value set first, then by how often they come."""
    parts = parts_of(request)
    chosen = [name for name in states or [] if name in STATES] or ["open"]
    wanted = CodeFilter(chosen, [name for name in kinds or [] if name in KINDS], words.strip())
    with reading(parts.engine) as connection:
        rows = most_seen(connection, wanted, parts.settings.rows_per_page)
        total = count(connection, wanted)
        done = one(connection, id_of(decided)) if decided else None
    record_alone(parts, request.user, "list_codes")
    return page(
        request,
        "codes.html",
        rows=rows,
        total=total,
        chosen=wanted,
        states=STATES,
        kinds=KINDS,
        done=done,
        again=again,
        titles=set_titles(parts.knowledge, language_of(request)),
    )


@get("/codes/{code_id:str}", opt=needs(Permission.CODES_READ), include_in_schema=False, sync_to_thread=True)
def show_code(request: AnyRequest, code_id: FromPath[str]) -> Template:
    """Show one code, whom a decision on it touches, and what can be decided."""
    return _show(request, id_of(code_id))


def _show(request: AnyRequest, number: int, status: int = 200, **said: Any) -> Template:
    parts = parts_of(request)
    with reading(parts.engine) as connection:
        row = one(connection, number)
        if row is None:
            raise NotFoundException("there is no such code")
        touches = reach(connection, number)
    record_alone(parts, request.user, "view_code", what=f"code {number}")
    titles = set_titles(parts.knowledge, language_of(request))
    choices = sorted(value_sets(parts.knowledge), key=lambda name: titles[name].lower())
    return page(
        request,
        "code.html",
        status,
        code=row,
        touches=touches,
        titles=titles,
        choices=choices,
        **{"form": {}, "fault": None, "conflict": None} | said,
    )


@post("/codes/{code_id:str}/map", opt=needs(Permission.CODES_DECIDE), include_in_schema=False, sync_to_thread=True)
def map_code(request: AnyRequest, code_id: FromPath[str], data: Form) -> Response[Any]:
    """Count the code as one of a value set."""
    return _do(request, MapCode(id_of(code_id), data.get("value_set", ""), number_of(data.get("seen", ""))), data)


@post("/codes/{code_id:str}/dismiss", opt=needs(Permission.CODES_DECIDE), include_in_schema=False, sync_to_thread=True)
def dismiss_code(request: AnyRequest, code_id: FromPath[str], data: Form) -> Response[Any]:
    """Record that the code is not relevant."""
    return _do(request, DismissCode(id_of(code_id), data.get("reason", ""), number_of(data.get("seen", ""))), data)


def _do(request: AnyRequest, act: MapCode | DismissCode, form: Mapping[str, str]) -> Response[Any]:
    """Decide and show the list; or show the code with what is wrong, and what was filled in still there."""
    try:
        again = carry_out(parts_of(request), request.user, act)
    except ActRefused as error:
        return _show(request, act.code_id, 422, form=form, fault=error)
    except CodeChanged as error:
        return _show(request, act.code_id, 409, form=form, conflict=error)
    return to_page(f"/codes?decided={act.code_id}&again={again}")


def set_titles(knowledge: Knowledge, language: str) -> dict[str, str]:
    """Return the title of every value set."""
    return {name: title[language] for name, title in knowledge.terms.codes.titles.items()}
