"""Things noted once of an identity and never taken back, so that their order does not matter."""

from collections.abc import Collection
from functools import cache

import sqlalchemy as sa

from store import tables
from store.engine import to_json
from store.rowsets import PARAMETER, one_of, rowset


def add_flag(connection: sa.Connection, ids: Collection[int], flag: str) -> set[int]:
    """Note the flag for these patients, who must be locked; tell for whom it is news."""
    if not ids:
        return set()
    known = connection.execute(_known(connection.dialect.name), {"ids": ids})
    news = {row.id: sorted({*row.flags, flag}) for row in known if flag not in row.flags}
    if news:
        rows = to_json([{"id": id_, "flags": flags} for id_, flags in news.items()])
        connection.execute(_update(connection.dialect.name), {PARAMETER: rows})
    return set(news)


@cache
def _known(dialect: str) -> sa.Executable:
    return sa.select(tables.patient.c.id, tables.patient.c.flags).where(one_of(dialect, tables.patient.c.id))


@cache
def _update(dialect: str) -> sa.Update:
    patient, told = tables.patient, rowset(dialect, {"id": sa.BigInteger(), "flags": sa.JSON()})
    return sa.update(patient).where(patient.c.id == told.c.id).values(flags=told.c.flags)
