"""Who was merged with whom: those that somebody must look into first, and each two with what can be done about it."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Template

from clinical.words import STANDING
from inbox.acting import carry_out
from inbox.errors import ActRefused, MergeChanged
from inbox.http.api_requests import number_of
from inbox.http.pages import page, to_page
from inbox.http.parts import AnyRequest, parts_of
from inbox.merges.acts import Merge, Unmerge, may_be_retired
from inbox.people.access import record
from inbox.people.permissions import Permission, needs
from store import alerts, merges, patients
from store.engine import reading
from store.merges import Pair

DONE = ("unmerge", "merge")

Form = URLEncodedBody[dict[str, str]]


@get("/merges", opt=needs(Permission.MERGES_READ), include_in_schema=False, sync_to_thread=True)
def show_merges(request: AnyRequest, before: FromQuery[str] = "") -> Template:
    """Show the merges: those that contradict each other, then all, newest first."""
    parts = parts_of(request)
    limit = parts.settings.rows_per_page
    with reading(parts.engine) as connection:
        unclear = [] if before else merges.unclear(connection)
        of_unclear = {one.person.root: _lines(connection, one.person.members) for one in unclear}
        rows = merges.newest(connection, number_of(before), limit)
        shown = {each for row in rows for each in row.pair} | {each for one in unclear for each in one.person.members}
    with parts.engine.begin() as connection:
        record(connection, request.user, "list_merges", parts.clock(), patients=sorted(shown) or [None])
    return page(
        request,
        "merges.html",
        unclear=unclear,
        of_unclear=of_unclear,
        rows=rows,
        older=min(row.message_id for row in rows) if len({row.message_id for row in rows}) == limit else None,
    )


def _lines(connection: sa.Connection, members: frozenset[int]) -> list[merges.SourcedStatement]:
    found = merges.among_members(connection, members)
    return list(merges.by_pair(each for each in found if set(each.pair) <= members).values())


@get("/merges/{pair_id:str}", opt=needs(Permission.MERGES_READ), include_in_schema=False, sync_to_thread=True)
def show_merge(request: AnyRequest, pair_id: FromPath[str], done: FromQuery[str] = "") -> Response[Any]:
    """Show what was said of two numbers, and who is concerned."""
    return _show(request, pair_of(pair_id), done=done if done in DONE else None)


def _show(request: AnyRequest, pair: Pair, status: int = 200, **said: Any) -> Response[Any]:
    parts = parts_of(request)
    with parts.engine.begin() as connection:
        spoken = merges.of_pair(connection, pair)
        if not spoken:
            raise NotFoundException("nothing was ever said of these two")
        members = merges.merge_set(connection, pair)
        rows = patients.of_ids(connection, members)
        standing = alerts.of_patients(connection, members, STANDING)
        unclear = merges.unclear_among(connection, pair)
        record(connection, request.user, "view_merge", parts.clock(), patients=sorted(pair))
    return page(
        request,
        "merge.html",
        status,
        pair=pair,
        pair_id=id_of_pair(pair),
        spoken=spoken,
        merged=any(not each.undone for each in spoken),
        people=[rows[each] for each in pair],
        survivors=[each for each in spoken if may_be_retired(each)],
        alerts=standing,
        unclear=unclear,
        seen=spoken[0].message_id,
        **{"form": {}, "fault": None, "conflict": None, "done": None} | said,
    )


@post(
    "/merges/{pair_id:str}/unmerge", opt=needs(Permission.MERGES_DECIDE), include_in_schema=False, sync_to_thread=True
)
def unmerge_by_hand(request: AnyRequest, pair_id: FromPath[str], data: Form) -> Response[Any]:
    """Say that these are two patients."""
    return _do(request, Unmerge(pair_of(pair_id), data.get("reason", ""), number_of(data.get("seen", ""))), data)


@post("/merges/{pair_id:str}/merge", opt=needs(Permission.MERGES_DECIDE), include_in_schema=False, sync_to_thread=True)
def merge_by_hand(request: AnyRequest, pair_id: FromPath[str], data: Form) -> Response[Any]:
    """Say that these are one patient after all."""
    survivor = number_of(data.get("survivor", "")) or 0
    seen = number_of(data.get("seen", ""))
    return _do(request, Merge(pair_of(pair_id), data.get("reason", ""), survivor, seen), data)


def _do(request: AnyRequest, act: Merge | Unmerge, form: Mapping[str, str]) -> Response[Any]:
    """Act and show the two; or show what is wrong, and what was filled in still there."""
    try:
        carry_out(parts_of(request), request.user, act)
    except ActRefused as error:
        return _show(request, act.pair, 422, form=form, fault=error)
    except MergeChanged as error:
        return _show(request, act.pair, 409, form=form, conflict=error)
    return to_page(f"/merges/{id_of_pair(act.pair)}?done={act.action}")


def pair_of(text: str) -> Pair:
    """Read the id of two, or find nothing."""
    one, _, other = text.partition("-")
    first, second = number_of(one), number_of(other)
    if first is None or second is None or first >= second:
        raise NotFoundException("there is nothing of this id")
    return first, second


def id_of_pair(pair: Pair) -> str:
    """Return the id of two, for addresses."""
    return f"{pair[0]}-{pair[1]}"


def merges_of(connection: sa.Connection, patient_id: int) -> list[merges.SourcedStatement]:
    """Return what was said of the numbers of this patient, for the page of an alert."""
    return list(merges.by_pair(merges.among_members(connection, merges.merge_set(connection, {patient_id}))).values())
