"""What the API is asked: filters, cursors and ids."""

from datetime import datetime
from typing import Annotated, Any, TypeVar

from litestar.exceptions import ClientException, NotFoundException
from litestar.params import QueryParameter

from inbox.http.api_shapes import PageShape
from inbox.http.parts import AnyConnection, languages_wished, parts_of

PAGE = 50
_LARGEST_ID = 2**63 - 1

Item = TypeVar("Item")

Cursor = Annotated[str | None, QueryParameter(description="`next` of the answer before this one")]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="how many items at most")]
Heard = Annotated[int | None, QueryParameter(ge=0, le=_LARGEST_ID, description="the last event that was heard")]
Several = Annotated[list[str] | None, QueryParameter(description="one or more, repeated or joined with commas")]


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
    """Read `a,b` or repeated values, or refuse the one that is none of those allowed."""
    words = tuple(word.strip() for value in values or [] for word in value.split(",") if word.strip())
    for word in words:
        if word not in allowed:
            raise ClientException(f"one of the values is none of {', '.join(allowed)}")
    return words


def moment_of(since: datetime | None) -> datetime | None:
    """Return the time, or refuse one without a zone."""
    if since is not None and since.tzinfo is None:
        raise ClientException("a time has a zone, such as 2026-11-21T14:05:00+01:00")
    return since


def language_of(request: AnyConnection) -> str:
    """Return the language an answer is asked in; English when none is."""
    return parts_of(request).language(*languages_wished(request.headers.get("Accept-Language", "")), "en")


def page_of(items: list[Any], rows: int, limit: int, last: int | None) -> PageShape[Any]:
    """Return the page, with a cursor when there may be more."""
    return PageShape(items=items, next=str(last) if rows == limit and last is not None else None)
