"""`/api/v1/codes`: codes that no value set holds, and what is made of them."""

from typing import Annotated, Any

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath, JSONBody

from inbox.acting import carry_out
from inbox.codes.acts import DismissCode, MapCode
from inbox.errors import CodeMissing
from inbox.http.api_requests import PAGE, Cursor, Limit, id_of, page_of, position_of, several_of, words_of
from inbox.http.api_shapes import CodeExample, CodeShape, PageShape, Text, WholeCode
from inbox.http.parts import AnyRequest, Parts, parts_of
from inbox.http.problems import ACTED, FOUND, LISTED
from inbox.people.access import record_alone
from inbox.people.permissions import Permission, needs
from store.engine import reading
from store.local_codes import KINDS, STATES, CodeFilter, SeenCode, newest, one, reach

States = Annotated[list[str] | None, several_of(STATES, name="state")]
Kinds = Annotated[list[str] | None, several_of(KINDS, name="kind")]


class MapTo(msgspec.Struct, frozen=True):
    """The value set that the code is one of; `seen` is `decisions` of the code as it was looked at."""

    value_set: Text
    seen: int | None = None


class Dismissal(msgspec.Struct, frozen=True):
    """Why the code has no bearing."""

    reason: Text
    seen: int | None = None


@get(
    "/",
    responses=LISTED,
    opt=needs(Permission.CODES_READ),
    sync_to_thread=True,
    summary="Codes that no value set holds, newest first",
)
def all_codes(
    request: AnyRequest, states: States = None, kinds: Kinds = None, cursor: Cursor = None, limit: Limit = PAGE
) -> PageShape[CodeShape]:
    """Codes by state and kind, with how often each was seen and where last."""
    wanted = CodeFilter(words_of(states, STATES), words_of(kinds, KINDS))
    parts = parts_of(request)
    with reading(parts.engine) as connection:
        rows = newest(connection, wanted, position_of(cursor), limit)
    record_alone(parts, request.user, "list_codes")
    items = [CodeShape(**code_shape(row)) for row in rows]
    return page_of(items, len(rows), limit, rows[-1].id if rows else None)


@get(
    "/{code_id:str}",
    responses=FOUND,
    opt=needs(Permission.CODES_READ),
    sync_to_thread=True,
    summary="One code, and whom a decision on it touches",
)
def one_code(request: AnyRequest, code_id: FromPath[str]) -> WholeCode:
    """Return one code, with the patients whose messages are processed again when it is mapped."""
    parts, number = parts_of(request), id_of(code_id)
    found = _whole(parts, number)
    record_alone(parts, request.user, "view_code", what=f"code {number}")
    return found


@post("/{code_id:str}/map", status_code=200, responses=ACTED, opt=needs(Permission.CODES_DECIDE), sync_to_thread=True)
def map_code(request: AnyRequest, code_id: FromPath[str], data: JSONBody[MapTo]) -> WholeCode:
    """Count the code as one of a value set, and process again every message it was seen in."""
    parts, number = parts_of(request), id_of(code_id)
    carry_out(parts, request.user, MapCode(number, data.value_set, data.seen))
    return _whole(parts, number)


@post(
    "/{code_id:str}/dismiss", status_code=200, responses=ACTED, opt=needs(Permission.CODES_DECIDE), sync_to_thread=True
)
def dismiss_code(request: AnyRequest, code_id: FromPath[str], data: JSONBody[Dismissal]) -> WholeCode:
    """Record that the code is not relevant; a mapping is taken back."""
    parts, number = parts_of(request), id_of(code_id)
    carry_out(parts, request.user, DismissCode(number, data.reason, data.seen))
    return _whole(parts, number)


def _whole(parts: Parts, number: int) -> WholeCode:
    with reading(parts.engine) as connection:
        row = one(connection, number)
        if row is None:
            raise CodeMissing("there is no such code")
        touches = reach(connection, number)
    return WholeCode(**code_shape(row), patients=touches.patients, patients_with_ivig=touches.with_ivig)


def code_shape(row: SeenCode) -> dict[str, Any]:
    """Return the values of a code, for either of its shapes."""
    values = {name: getattr(row, name) for name in CodeShape.__struct_fields__ if name not in ("id", "example")}
    example = CodeExample(message=row.control_id or "", message_id=str(row.message_id), path=row.path or "")
    return values | {"id": str(row.id), "example": example if row.message_id is not None else None}


router = Router("/codes", route_handlers=[all_codes, one_code, map_code, dismiss_code], tags=["codes"])
