"""Feeds: the sources of messages, and when each was last heard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from store import tables
from store.rowsets import insert_or

SKEW_LOOKED_AT: Final = timedelta(minutes=15)  # how far back messages say what the clock of their sender is
SKEW_MESSAGES: Final = 500  # of all feeds together, the newest
LEAST_STAMPED: Final = 3  # messages of a feed: fewer say nothing
OLD_STAMP: Final = timedelta(hours=24)  # further back or ahead: history that is sent again, or a date of nobody's clock

CANARY: Final = "ivigilant canary"  # its own feed (`store/canary.py`); a feed of the site file cannot have this name


@dataclass(frozen=True, slots=True)
class Feed:
    """One source."""

    id: int
    name: str
    known: bool
    last_heard_at: datetime | None
    silence_after_s: int | None
    declared_at: datetime | None

    def is_heard(self, now: datetime) -> bool:
        """Return whether it was heard, and within its limit."""
        return self.last_heard_at is not None and not self.is_silent(now)

    def is_silent(self, now: datetime) -> bool:
        """Return whether it has been silent for longer than it may, since it was heard or else declared."""
        since = self.last_heard_at or self.declared_at
        if self.silence_after_s is None or since is None:
            return False
        return (now - since).total_seconds() > self.silence_after_s


def every(connection: sa.Connection) -> list[Feed]:
    """Return every feed of a sender, by name; not that of the canary."""
    feed = tables.feed
    return _read(connection, sa.select(feed).where(feed.c.name != CANARY).order_by(feed.c.name))


def _read(connection: sa.Connection, query: sa.Select[*tuple[object, ...]]) -> list[Feed]:
    return [Feed(**row) for row in connection.execute(query).mappings()]


def ids_of(connection: sa.Connection, names: Sequence[str]) -> dict[str, int]:
    """Return the id of every name; an undeclared feed is created and marked as not known."""
    feed = tables.feed
    query = sa.select(feed.c.name, feed.c.id).where(feed.c.name.in_(sorted(set(names))))
    found = {row.name: row.id for row in connection.execute(query)}
    missing = sorted(set(names) - set(found))
    if missing:
        rows = [{"name": name, "known": False} for name in missing]
        connection.execute(insert_or(connection.dialect.name, feed).on_conflict_do_nothing(), rows)
        found |= {row.name: row.id for row in connection.execute(query)}
    return found


def declare(connection: sa.Connection, silence_after_s: Mapping[str, int | None], now: datetime) -> None:
    """Declare the feeds of the site file, with how long each may be silent; others become undeclared, and may be."""
    feed = tables.feed
    others = sa.update(feed).where(feed.c.name.not_in(sorted(silence_after_s)))
    connection.execute(others.values(known=False, silence_after_s=None, declared_at=None))
    rows = [
        {"name": name, "known": True, "silence_after_s": limit, "declared_at": now}
        for name, limit in sorted(silence_after_s.items())
    ]
    if rows:
        insert = insert_or(connection.dialect.name, feed)
        change = {
            "known": insert.excluded.known,
            "silence_after_s": insert.excluded.silence_after_s,
            "declared_at": sa.func.coalesce(feed.c.declared_at, insert.excluded.declared_at),
        }
        connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=change), rows)


def heard(connection: sa.Connection, feed_id: int, at: datetime) -> None:
    """Record when the feed was heard; an earlier moment changes nothing."""
    feed = tables.feed
    change = sa.update(feed).where(feed.c.id == feed_id)
    change = change.where(sa.or_(feed.c.last_heard_at.is_(None), feed.c.last_heard_at < at))
    connection.execute(change.values(last_heard_at=at))


def clock_skews(connection: sa.Connection, now: datetime) -> dict[str, timedelta]:
    """Return by how much the latest messages of each feed were stamped (MSH-7) ahead of our clock; negative: behind.

    Of each feed the stamp nearest to our clock counts: other messages may have waited on their way. A feed that sent
    too little lately is left out; so is a stamp of a whole hour, which may be a day or an hour without its minutes.
    """
    feed, message = tables.feed, tables.message
    latest = sa.select(message.c.feed_id, message.c.message_time, message.c.received_at)
    newest = latest.order_by(message.c.id.desc()).limit(SKEW_MESSAGES).subquery()
    query = sa.select(feed.c.name, newest.c.message_time, newest.c.received_at)
    query = query.join(newest, newest.c.feed_id == feed.c.id)
    query = query.where(newest.c.received_at > now - SKEW_LOOKED_AT, newest.c.message_time.is_not(None))
    found: dict[str, list[timedelta]] = {}
    for row in connection.execute(query.where(feed.c.name != CANARY)):
        ahead = row.message_time - row.received_at
        if abs(ahead) < OLD_STAMP and (row.message_time.minute, row.message_time.second) != (0, 0):
            found.setdefault(row.name, []).append(ahead)
    return {name: min(each, key=abs) for name, each in found.items() if len(each) >= LEAST_STAMPED}
