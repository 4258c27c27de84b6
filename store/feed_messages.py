"""What the saved messages say of the feeds that sent them: whose are all parked now, and how each numbers its own."""

from datetime import datetime, timedelta
from typing import Final

import msgspec
import sqlalchemy as sa

from store import tables
from store.canary import of_senders
from store.messages import beginning


class ParkedRun(msgspec.Struct, frozen=True):
    """Messages of one type from one feed, of which the latest were all parked."""

    feed_id: int
    type: str
    event: str
    count: int


PARKED_RUN: Final = 3  # so many one after another
PARKED_LOOKED_AT: Final = 500  # the newest that are parked
PARKED_WITHIN: Final = timedelta(days=1)
GOOD_LOOKED_AT: Final = 100_000  # how far back one that was not parked is looked for


def parked_one_after_another(connection: sa.Connection, now: datetime) -> list[ParkedRun]:
    """Return of which feeds and types the last three messages or more were acknowledged and then parked.

    Those that wait say nothing yet. What was refused, or broke off and was not acknowledged, does not count.
    """
    message = tables.message
    newest = sa.select(message.c.id, message.c.feed_id, message.c.type, message.c.event, message.c.received_at)
    newest = newest.where(message.c.state == "parked", message.c.ack_code.in_(("AA", "CA", "")))
    newest = newest.where(sa.func.coalesce(message.c.reason, "") != "truncated_frame", of_senders())
    runs: dict[tuple[int, str, str], list[int]] = {}
    for row in connection.execute(newest.order_by(message.c.id.desc()).limit(PARKED_LOOKED_AT)):
        if now - row.received_at <= PARKED_WITHIN:
            runs.setdefault((row.feed_id, row.type, row.event), []).append(row.id)
    return [
        ParkedRun(*key, len(ids))
        for key, ids in sorted(runs.items())
        if len(ids) >= PARKED_RUN and not _went_well_since(connection, *key, ids[PARKED_RUN - 1])
    ]


def _went_well_since(connection: sa.Connection, feed_id: int, type_: str, event: str, since: int) -> bool:
    """Return whether a message of this feed and type that came after another was not parked."""
    message = tables.message
    after = max(since, newest_id(connection) - GOOD_LOOKED_AT)
    good = sa.exists().where(
        message.c.id > after,
        message.c.feed_id == feed_id,
        message.c.type == type_,
        message.c.event == event,
        message.c.state.in_(("processed", "ignored")),
    )
    return bool(connection.execute(sa.select(good)).scalar_one())


class NumberedMessage(msgspec.Struct, frozen=True):
    """A message as its sender counts it."""

    id: int
    feed_id: int
    control_id: str
    received_at: datetime


HEAD_SIZE: Final = 600  # bytes as they are stored, compressed or not: more than any MSH


def newest_id(connection: sa.Connection) -> int:
    """Return the number of the newest message; 0 when there is none."""
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(tables.message.c.id), 0))).scalar_one())


def numbered(connection: sa.Connection, after: int, until: int) -> list[NumberedMessage]:
    """Return the messages after one number up to another, in order of arrival; not those of the canary."""
    columns = [tables.message.c[name] for name in NumberedMessage.__struct_fields__]
    query = sa.select(*columns).where(tables.message.c.id > after, tables.message.c.id <= until, of_senders())
    return [NumberedMessage(*row) for row in connection.execute(query.order_by(tables.message.c.id))]


def heads(connection: sa.Connection, after: int, until: int) -> dict[int, bytes]:
    """Return the beginning of each message after one number up to another, with its MSH; of a removed text nothing."""
    message = tables.message
    query = sa.select(message.c.id, sa.func.substr(message.c.raw, 1, HEAD_SIZE).label("head"))
    query = query.where(message.c.id > after, message.c.id <= until, message.c.pruned_at.is_(None))
    return {row.id: beginning(bytes(row.head or b"")) for row in connection.execute(query)}
