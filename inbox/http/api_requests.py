"""What the API is asked: filters, cursors and ids."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any, TypeVar

import msgspec
import sqlalchemy as sa
from litestar.exceptions import ClientException, NotFoundException
from litestar.handlers import BaseRouteHandler
from litestar.openapi.spec import OpenAPIType, Operation, RequestBody, Schema
from litestar.params import KwargDefinition, QueryParameter

from clinical.words import STATUSES, STREAMS, TIERS
from inbox.http.api_shapes import PageShape
from inbox.http.parts import AnyConnection, AnyRequest, languages_wished, parts_of
from store.engine import reading
from store.patients import authorities_of

PAGE = 50
_LARGEST_ID = 2**63 - 1

Item = TypeVar("Item")


NEVER_NULL = frozenset({"cursor", "since", "after"})


def or_left_out(kind: OpenAPIType, **schema: Any) -> dict[str, Any]:
    """Describe a parameter that may be left out, and is never null."""
    return {"type": kind, "oneOf": None, **schema}


def several_of(words: Sequence[str], name: str | None = None) -> QueryParameter:
    """Describe a parameter that takes several words of these."""
    items = Schema(type=OpenAPIType.STRING, enum=list(words))
    extra = or_left_out(OpenAPIType.ARRAY, items=items)
    return QueryParameter(name=name, description="one or more, repeated or joined with commas", schema_extra=extra)


Cursor = Annotated[
    str | None,
    QueryParameter(
        description="`next` of the answer before this one",
        schema_extra=or_left_out(OpenAPIType.STRING, pattern="^[0-9]{1,18}$"),
    ),
]
Sought = Annotated[
    str,
    QueryParameter(description="a text without a NUL", schema_extra={"pattern": r"^[^\u0000]*$"}),
]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="how many items at most")]
Heard = Annotated[
    int | None,
    QueryParameter(
        ge=0,
        le=_LARGEST_ID,
        description="the last event that was heard",
        schema_extra=or_left_out(OpenAPIType.INTEGER, minimum=0, maximum=_LARGEST_ID),
    ),
]
Since = Annotated[
    str | None,
    QueryParameter(
        description="a time with its zone", schema_extra=or_left_out(OpenAPIType.STRING, format="date-time")
    ),
]


def some_of(words: Sequence[str]) -> KwargDefinition:
    """Describe a list of one or more of these words in a body, or null for any."""
    items = Schema(type=OpenAPIType.STRING, enum=list(words))
    named = Schema(type=OpenAPIType.ARRAY, items=items, min_items=1)
    return KwargDefinition(schema_extra={"oneOf": [named, Schema(type=OpenAPIType.NULL)]})


SoughtText = Annotated[str, msgspec.Meta(min_length=1, pattern=r"^[^\u0000]+$")]
CursorText = Annotated[str, msgspec.Meta(pattern="^[0-9]{1,18}$", description="`next` of the answer before this one")]
Most = Annotated[int, msgspec.Meta(ge=1, le=200)]


class AlertSearch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which alerts are looked for; what is left out narrows nothing."""

    status: Annotated[list[str] | None, some_of(STATUSES)] = None
    tier: Annotated[list[str] | None, some_of(TIERS)] = None
    stream: Annotated[list[str] | None, some_of(STREAMS)] = None
    patient: SoughtText | None = None
    order: SoughtText | None = None
    since: datetime | None = None
    cursor: CursorText | None = None
    limit: Most = PAGE


class AssessmentSearch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which answers are looked for; what is left out narrows nothing."""

    order: SoughtText | None = None
    patient: SoughtText | None = None
    cursor: CursorText | None = None
    limit: Most = PAGE
    trace: bool = False


def is_citizen_number(connection: sa.Connection, masked: Collection[str], authority: str | None, value: str) -> bool:
    """Return whether a number is one that a masked authority gave; without an authority, as far as it is known."""
    named = authorities_of(connection, value.strip()) if authority is None else {authority}
    known = {name.casefold() for name in masked}
    return bool(named) and {name.strip().casefold() for name in named} <= known


def refuse_citizen_number(request: AnyRequest, patient: str) -> None:
    """Refuse an address with a citizen service number: addresses end up in the logs of proxies.

    One that is sent without its authority is refused when it is known, and as nothing else: a number of a hospital
    never is.
    """
    if not patient:
        return
    authority, separator, value = patient.rpartition("|")
    with reading(parts_of(request).engine) as connection:
        masked = parts_of(request).settings.masked_authorities
        is_one = is_citizen_number(connection, masked, authority if separator else None, value)
    if is_one:
        fault = {"key": "patient", "message": "a citizen service number"}
        place = f"{request.url.path.rstrip('/')}/search"
        raise ClientException(f"an address holds no citizen service number; send it by POST {place}", extra=[fault])


async def refuse_unknown_parameters(connection: AnyConnection, handler: BaseRouteHandler) -> None:
    """Refuse a query parameter that the call does not have: passed over, a filter would give everybody."""
    known = _parameters_of(handler)
    faults = [{"key": name, "message": "unknown"} for name in connection.query_params if name not in known]
    if faults:
        listed = ", ".join(sorted(known)) or "none"
        raise ClientException(f"a query parameter is unknown here; those known are: {listed}", extra=faults)
    empty = [name for name in NEVER_NULL & known if "null" in connection.query_params.getall(name, [])]
    if empty:
        raise ClientException("leave out what is not asked", extra=[{"key": each, "message": "null"} for each in empty])
    unfit = [name for name, value in connection.query_params.multi_items() if "\0" in value]
    if unfit:  # no database holds it; one that looks for it finds nothing, another refuses
        raise ClientException("a text has no NUL", extra=[{"key": each, "message": "a NUL"} for each in unfit])


@cache
def _parameters_of(handler: BaseRouteHandler) -> frozenset[str]:
    fields = handler.parsed_fn_signature.parameters.items()
    asked = ((name, field.kwarg_definition) for name, field in fields)
    return frozenset(kwarg.name or name for name, kwarg in asked if isinstance(kwarg, QueryParameter))


async def require_exact_types(request: AnyRequest) -> None:
    """Refuse a body in which a value has another type than the schema says, such as "1" for a number."""
    expected = request.route_handler.parsed_data_field
    body = await request.body() if expected is not None else b""
    if expected is None or not body:
        return
    try:
        msgspec.json.decode(body, type=expected.annotation)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        fault = {"key": place.strip(".`"), "message": message}
        raise ClientException("the body is not as the schema describes it", extra=[fault]) from error
    except msgspec.DecodeError as error:
        raise ClientException("the body is not JSON") from error


@dataclass
class BodyLeftOut(Operation):
    """Describes a call whose body may be left out."""

    def __post_init__(self) -> None:
        """Say so in the schema."""
        if isinstance(self.request_body, RequestBody):
            self.request_body.required = False


def id_of(text: str) -> int:
    """Read an id; what cannot be one is not found."""
    number = number_of(text)
    if number is None:
        raise NotFoundException("there is nothing of this id")
    return number


def number_of(text: str) -> int | None:
    """Read a number that a row may have."""
    if not (text.isascii() and text.isdigit()):
        return None
    number = int(text) if len(text) < 20 else _LARGEST_ID + 1
    return number if number <= _LARGEST_ID else None


def position_of(cursor: str | None) -> int | None:
    """Read a cursor, or refuse it."""
    if cursor is None:
        return None
    number = number_of(cursor)
    if number is None:
        raise ClientException("the cursor is not one we gave")
    return number


def words_of(values: list[str] | None, allowed: tuple[str, ...]) -> tuple[str, ...]:
    """Read `a,b` or repeated values, or refuse them where one is not allowed."""
    return each_of(values and [word.strip() for value in values for word in value.split(",")], allowed)


def each_of(words: Sequence[str] | None, allowed: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words, all for None; refuse a word that is not allowed, and an empty list."""
    if words is not None and (not words or not {*words} <= {*allowed}):
        raise ClientException(f"every value must be one of {', '.join(allowed)}")
    return tuple(words or ())


def moment_of(text: str) -> datetime:
    """Read a time, or refuse text that is not a time, or has no zone."""
    try:
        return in_a_zone(datetime.fromisoformat(text))
    except ValueError as error:
        raise ClientException("this is not a time such as 2026-11-21T14:05:00+01:00") from error


def in_a_zone(at: datetime) -> datetime:
    """Return the time, or refuse one without a zone."""
    if at.tzinfo is None:
        raise ClientException("a time has a zone, such as 2026-11-21T14:05:00+01:00")
    return at


def language_of(request: AnyConnection) -> str:
    """Return the language an answer is asked in; English when none is."""
    return parts_of(request).language(*languages_wished(request.headers.get("Accept-Language", "")), "en")


def page_of(items: list[Any], rows: int, limit: int, last: int | None) -> PageShape[Any]:
    """Return the page, with a cursor when there may be more."""
    return PageShape(items=items, next=str(last) if rows == limit and last is not None else None)
