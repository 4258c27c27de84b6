"""Things noted once of an identity and never taken back, so that their order does not matter."""

from collections.abc import Collection

import sqlalchemy as sa

from store import patients, tables


def add_flag(connection: sa.Connection, ids: Collection[int], flag: str) -> set[int]:
    """Note the flag for these patients, who must be locked; tell for whom it is news."""
    if not ids:
        return set()
    news = {
        id_: sorted({*row["flags"], flag})
        for id_, row in patients.of_ids(connection, ids).items()
        if flag not in row["flags"]
    }
    if news:
        change = sa.update(tables.patient).where(tables.patient.c.id == sa.bindparam("whose"))
        rows = [{"whose": id_, "noted": flags} for id_, flags in sorted(news.items())]
        connection.execute(change.values(flags=sa.bindparam("noted")), rows)
    return set(news)
