"""Which messages are kept already, asked of many at once: a load that is repeated passes quickly over them."""

from collections.abc import Collection
from functools import cache
from typing import Any

import sqlalchemy as sa

from store import tables
from store.engine import to_json
from store.message_insert import Arrival, key_of
from store.rowsets import PARAMETER, Types, among, rowset

Key = tuple[int, str, str, str, bytes]

_KEY: Types = {
    "feed_id": sa.BigInteger(),
    "sending_application": sa.Text(),
    "sending_facility": sa.Text(),
    "control_id": sa.Text(),
}


def ended(connection: sa.Connection, arrivals: Collection[Arrival]) -> set[Key]:
    """Give the keys of those that were kept before and do not wait any more."""
    names = {key_of(each)[:-1] for each in arrivals}
    if not names:
        return set()
    rows = to_json([dict(zip(_KEY, name, strict=True)) for name in sorted(names)])
    found = connection.execute(_find(connection.dialect.name), {PARAMETER: rows})
    return {(*_name(row), bytes(row.body_hash)) for row in found if row.state != "received"}


def _name(row: Any) -> tuple[int, str, str, str]:
    return row.feed_id, row.sending_application, row.sending_facility, row.control_id


@cache
def _find(dialect: str) -> sa.Executable:
    message, wanted = tables.message, rowset(dialect, _KEY)
    same = sa.and_(*(message.c[name] == wanted.c[name] for name in _KEY))
    columns = [message.c[name] for name in (*_KEY, "body_hash", "state")]
    return sa.select(*columns).join_from(wanted, message, same)


def states(connection: sa.Connection, ids: Collection[int]) -> list[str]:
    """Give how each of these messages stands now."""
    message = tables.message
    query = sa.select(message.c.state).where(among(connection, message.c.id, ids))
    return list(connection.execute(query).scalars())
