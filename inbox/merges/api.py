"""`/api/v1/merges`: which patient numbers are one patient, and what a pharmacist says to the contrary."""

from collections.abc import Collection

import msgspec
import sqlalchemy as sa
from litestar import Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from clinical.identities import Name
from inbox.acting import carry_out
from inbox.errors import ActRefused, MergeMissing
from inbox.http.api_requests import PAGE, Cursor, Limit, number_of, position_of
from inbox.http.api_shapes import MergeShape, PageShape, PatientNumber, Text
from inbox.http.masking import masked_for, shown_number
from inbox.http.parts import AnyRequest, parts_of
from inbox.http.problems import ACTED, LISTED
from inbox.merges.acts import FEED, Merge, Unmerge
from inbox.merges.pages import id_of_pair, pair_of
from inbox.people.access import record
from inbox.people.permissions import Permission, needs
from store import merges
from store.engine import reading
from store.merges import Pair, SourcedStatement


class Unmerging(msgspec.Struct, frozen=True):
    """Why they are two; `seen` is `message_id` of the merge as it was looked at."""

    reason: Text
    seen: str | None = None


class Merging(msgspec.Struct, frozen=True):
    """Why they are one after all, and which number stays: as it was shown, or by its id."""

    reason: Text
    survivor: PatientNumber | None = None
    survivor_id: str | None = None
    seen: str | None = None


@get(
    "/",
    responses=LISTED,
    opt=needs(Permission.MERGES_READ),
    sync_to_thread=True,
    summary="Merges of patient numbers, newest first",
)
def all_merges(
    request: AnyRequest, unclear: FromQuery[bool] = False, cursor: Cursor = None, limit: Limit = PAGE
) -> PageShape[MergeShape]:
    """Merges, and merges taken back; with `unclear` only those that contradict each other, all at once."""
    parts = parts_of(request)
    with reading(parts.engine) as connection:
        rows = _unclear(connection) if unclear else merges.newest(connection, position_of(cursor), limit)
        items = _shapes(connection, rows, masked_for(request))
    shown = {each for row in rows for each in row.pair}
    with parts.engine.begin() as connection:
        record(connection, request.user, "list_merges", parts.clock(), patients=sorted(shown) or [None])
    messages = {row.message_id for row in rows}
    return PageShape(items, str(min(messages)) if not unclear and len(messages) == limit else None)


def _unclear(connection: sa.Connection) -> list[SourcedStatement]:
    members = {member for one in merges.unclear(connection) for member in one.person.members}
    found = (each for each in merges.among_members(connection, members) if set(each.pair) <= members)
    return list(merges.by_pair(found).values())


@post(
    "/{merge_id:str}/unmerge",
    status_code=202,
    responses=ACTED,
    opt=needs(Permission.MERGES_DECIDE),
    sync_to_thread=True,
)
def unmerge(request: AnyRequest, merge_id: FromPath[str], data: JSONBody[Unmerging]) -> MergeShape:
    """Say that they are two patients; a worker then gives both their history back. 409 when they are two already."""
    pair = pair_of(merge_id)
    carry_out(parts_of(request), request.user, Unmerge(pair, data.reason, _seen(data)))
    return _one(request, pair)


@post(
    "/{merge_id:str}/merge", status_code=202, responses=ACTED, opt=needs(Permission.MERGES_DECIDE), sync_to_thread=True
)
def merge(request: AnyRequest, merge_id: FromPath[str], data: JSONBody[Merging]) -> MergeShape:
    """Say that two who were parted are one patient after all."""
    pair = pair_of(merge_id)
    with reading(parts_of(request).engine) as connection:
        spoken = merges.of_pair(connection, pair)
    survivor = _survivor(data, spoken, masked_for(request))
    if spoken and survivor is None:
        raise ActRefused("survivor", "unknown")
    carry_out(parts_of(request), request.user, Merge(pair, data.reason, survivor or 0, _seen(data)))
    return _one(request, pair)


def _survivor(data: Merging, spoken: Collection[SourcedStatement], masked: Collection[str]) -> int | None:
    """Return who stays, 0 when nobody was named, or None when it is neither of the two, or may be either.

    What was shown masked can be sent back so, unless both numbers look alike then.
    """
    if data.survivor_id is not None:
        return number_of(data.survivor_id)
    if data.survivor is None:
        return 0
    sent = (data.survivor.authority, data.survivor.value)
    names = {id_: name for each in spoken for id_, name in _both(each)}
    exact = [id_ for id_, name in names.items() if name == sent]
    alike = [
        id_ for id_, (authority, value) in names.items() if (authority, shown_number(authority, value, masked)) == sent
    ]
    found = exact or alike
    return found[0] if len(found) == 1 else None


def _both(statement: SourcedStatement) -> tuple[tuple[int, Name], tuple[int, Name]]:
    return (statement.retired_id, statement.retired), (statement.survivor_id, statement.survivor)


def _seen(data: Merging | Unmerging) -> int | None:
    return None if data.seen is None else number_of(data.seen) or 0


def _one(request: AnyRequest, pair: Pair) -> MergeShape:
    with reading(parts_of(request).engine) as connection:
        rows = merges.of_pair(connection, pair)
        if not rows:
            raise MergeMissing("nothing was ever said of these two")
        return _shapes(connection, merges.by_pair(rows).values(), masked_for(request))[0]


def _shapes(connection: sa.Connection, rows: Collection[SourcedStatement], masked: Collection[str]) -> list[MergeShape]:
    found = merges.unclear_among(connection, {each for row in rows for each in row.pair})
    why = {member: one.why for one in found for member in one.person.members}
    return [
        MergeShape(
            id=id_of_pair(row.pair),
            state="parted" if row.undone else "merged",
            unclear=next((why[each] for each in row.pair if each in why), None),
            retired=_number(row.retired, masked),
            survivor=_number(row.survivor, masked),
            retired_id=str(row.retired_id),
            survivor_id=str(row.survivor_id),
            at=row.at,
            by_hand=row.feed == FEED,
            message=row.control_id,
            message_id=str(row.message_id),
            path=row.path,
        )
        for row in rows
    ]


def _number(name: Name, masked: Collection[str]) -> PatientNumber:
    authority, value = name
    return PatientNumber(authority, shown_number(authority, value, masked))


router = Router("/merges", route_handlers=[all_merges, unmerge, merge], tags=["merges"])
