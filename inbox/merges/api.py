"""`/api/v1/merges`: which patient numbers are one patient, and what a pharmacist says to the contrary."""

from collections.abc import Collection

import msgspec
import sqlalchemy as sa
from litestar import Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from inbox.acting import carry_out
from inbox.errors import ActRefused, MergeMissing
from inbox.http.api_requests import PAGE, Cursor, Limit, number_of, position_of
from inbox.http.api_shapes import MergeShape, PageShape, PatientNumber, Text
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
    """Why they are one after all, and which number stays."""

    reason: Text
    survivor: PatientNumber
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
        items = _shapes(connection, rows)
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
    name = (data.survivor.authority, data.survivor.value)
    survivor = next((each.survivor_id for each in spoken if each.survivor == name), None)
    if spoken and survivor is None:
        raise ActRefused("survivor", "unknown")
    carry_out(parts_of(request), request.user, Merge(pair, data.reason, survivor or 0, _seen(data)))
    return _one(request, pair)


def _seen(data: Merging | Unmerging) -> int | None:
    return None if data.seen is None else number_of(data.seen) or 0


def _one(request: AnyRequest, pair: Pair) -> MergeShape:
    with reading(parts_of(request).engine) as connection:
        rows = merges.of_pair(connection, pair)
        if not rows:
            raise MergeMissing("nothing was ever said of these two")
        return _shapes(connection, merges.by_pair(rows).values())[0]


def _shapes(connection: sa.Connection, rows: Collection[SourcedStatement]) -> list[MergeShape]:
    found = merges.unclear_among(connection, {each for row in rows for each in row.pair})
    why = {member: one.why for one in found for member in one.person.members}
    return [
        MergeShape(
            id=id_of_pair(row.pair),
            state="parted" if row.undone else "merged",
            unclear=next((why[each] for each in row.pair if each in why), None),
            retired=PatientNumber(*row.retired),
            survivor=PatientNumber(*row.survivor),
            at=row.at,
            by_hand=row.feed == FEED,
            message=row.control_id,
            message_id=str(row.message_id),
            path=row.path,
        )
        for row in rows
    ]


router = Router("/merges", route_handlers=[all_merges, unmerge, merge], tags=["merges"])
