"""Searches and reads carried out: one page by an index, the number of all, and the line in the access log."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from inbox.fhir.asking import CURSOR, Cursors, PageEnd, SearchRequest, link_to
from inbox.fhir.criteria import Criterion
from inbox.fhir.kinds import FoundResource, ResourceKind, Search
from inbox.fhir.references import Resource

COUNTED: Final = 10_000  # more are counted only for who asks for an accurate total


def bundle_of(search: Search, kind: ResourceKind, asked: SearchRequest) -> tuple[Resource, list[FoundResource]]:
    """Return the page as a searchset, with the resources in it."""
    where = [_condition(search, kind, criterion) for criterion in asked.criteria]
    rows = [] if asked.is_count_only else _page(search.connection, kind, asked, where)
    shown = rows[: asked.count]
    found = kind.load(search, [place.id for place in shown])
    included = [each for name in asked.includes for each in kind.includes[name](search, [one.id for one in found])]
    as_sent = [pair if pair in search.in_address else _by_id(search, pair) for pair in asked.used]
    link = [{"relation": "self", "url": link_to(search.base, kind.name, as_sent)}]
    if len(rows) > asked.count:
        link.append({"relation": "next", "url": _next(search, kind, asked, shown[-1])})
    entries = [_entry(search, each, "match") for each in found] + [_entry(search, each, "include") for each in included]
    total = _total(search.connection, kind, asked, where)
    bundle = {
        "resourceType": "Bundle",
        "meta": {"lastUpdated": search.now.isoformat()},
        "type": "searchset",
        **({"total": total} if total is not None else {}),
        "link": link,
        **({"entry": entries} if entries else {}),
    }
    return bundle, [*found, *included]


def read_one(search: Search, kind: ResourceKind, id_: int) -> FoundResource | None:
    """Return one resource."""
    return next(iter(kind.load(search, [id_])), None)


def _condition(search: Search, kind: ResourceKind, criterion: Criterion) -> sa.ColumnElement[bool]:
    parameter = kind.parameter(criterion.name)
    assert parameter is not None  # it was read by this kind
    return parameter.where(search, criterion)


def _page(
    connection: sa.Connection, kind: ResourceKind, asked: SearchRequest, where: Sequence[sa.ColumnElement[bool]]
) -> list[PageEnd]:
    """Return the rows of the page and one more, each with what it is ordered by."""
    keys: list[sa.ColumnElement[Any]] = [asked.sort.column, kind.number] if asked.sort.is_time else [kind.number]
    query = sa.select(*keys).where(*where).limit(asked.count + 1)
    query = query.order_by(*(key.desc() if asked.descending else key.asc() for key in keys))
    if asked.after is not None:
        last = [asked.after.at, asked.after.id] if asked.sort.is_time else [asked.after.id]
        values = sa.tuple_(*(sa.literal(value, key.type) for key, value in zip(keys, last, strict=True)))
        query = query.where(sa.tuple_(*keys) < values if asked.descending else sa.tuple_(*keys) > values)
    rows = connection.execute(query).all()
    return [PageEnd(row[-1], row[0] if asked.sort.is_time else None) for row in rows]


def _total(
    connection: sa.Connection, kind: ResourceKind, asked: SearchRequest, where: Sequence[sa.ColumnElement[bool]]
) -> int | None:
    """Return how many there are on all pages; beyond a limit only for who asks for exactly that."""
    if asked.total == "none" and not asked.is_count_only:
        return None
    rows = sa.select(kind.number).where(*where)
    is_exact = asked.is_count_only or asked.total == "accurate"
    limited = rows if is_exact else rows.limit(COUNTED + 1)
    count = int(connection.execute(sa.select(sa.func.count()).select_from(limited.subquery())).scalar_one())
    return count if is_exact or count <= COUNTED else None


def _next(search: Search, kind: ResourceKind, asked: SearchRequest, last: PageEnd) -> str:
    """Return the address of the next page; patients stand in it by their id, not by a number of theirs."""
    cursors = Cursors(search.secret, kind.name, asked.sort, asked.descending)
    used = [_by_id(search, pair) for pair in asked.used]
    return link_to(search.base, kind.name, [*used, (CURSOR, cursors.write(last))])


def _by_id(search: Search, pair: tuple[str, str]) -> tuple[str, str]:
    """Return a parameter with the ids of the patients whom it names by a number: an address holds no number of a form.

    Nobody is patient 0.
    """
    ids = search.named.get(pair)
    if ids is None:
        return pair
    return pair[0].removesuffix("identifier")[:-1], ",".join(f"Patient/{id_}" for id_ in sorted(ids or {0}))


def _entry(search: Search, each: FoundResource, mode: str) -> Resource:
    resource = each.resource
    url = f"{search.base}/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": url, "resource": resource, "search": {"mode": mode}}
