"""Which identities a message speaks of: by this a patient's messages are found again."""

from collections.abc import Collection, Iterable
from functools import cache

import sqlalchemy as sa

from store import tables
from store.engine import to_json
from store.rowsets import PARAMETER, Types, among, rowset
from store.upserting import insert_or

_PAIR: Types = {"message_id": sa.BigInteger(), "patient_id": sa.BigInteger()}


def add(connection: sa.Connection, pairs: Iterable[tuple[int, int]]) -> None:
    """Note that these messages speak of these identities: (message, patient)."""
    rows = [dict(zip(_PAIR, pair, strict=True)) for pair in sorted(pairs)]
    if not rows:
        return
    connection.execute(_add(connection.dialect.name), {PARAMETER: to_json(rows)})


@cache
def _add(dialect: str) -> sa.Executable:
    told, insert = rowset(dialect, _PAIR), insert_or(dialect, tables.mention)
    new = insert.from_select(list(_PAIR), sa.select(told).where(sa.true()), include_defaults=False)
    return new.on_conflict_do_nothing()


def messages_about(connection: sa.Connection, ids: Collection[int]) -> list[int]:
    """Give the messages that speak of any of these identities, in the order of arrival."""
    mention = tables.mention
    query = sa.select(mention.c.message_id).where(among(connection, mention.c.patient_id, ids)).distinct()
    return list(connection.execute(query.order_by(mention.c.message_id)).scalars())


def patients_of(connection: sa.Connection, ids: Collection[int]) -> dict[int, set[int]]:
    """Give the identities that each of these messages speaks of; a message that speaks of nobody is left out."""
    mention = tables.mention
    found: dict[int, set[int]] = {}
    for row in connection.execute(sa.select(mention).where(among(connection, mention.c.message_id, ids))):
        found.setdefault(row.message_id, set()).add(row.patient_id)
    return found
