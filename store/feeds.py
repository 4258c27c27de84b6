"""Feeds: the sources of messages, when each was last heard, and how long it may be silent."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from store import tables
from store.rowsets import insert_or

SKEW_LOOKED_AT: Final = timedelta(minutes=15)  # how far back messages say what the clock of their sender is
SKEW_MESSAGES: Final = 500  # of all feeds together, the newest
LEAST_STAMPED: Final = 3  # messages of a feed: fewer say nothing
OLD_STAMP: Final = timedelta(hours=24)  # further back or ahead: history that is sent again, or a date of nobody's clock

LINKED_WITHIN: Final = timedelta(minutes=1)  # the listener says every few seconds which links are open
LONGEST_LEARNED: Final = timedelta(weeks=1)  # of a longer silence only the last week is recorded by the hour
STAMPS_KEPT: Final = 3
HOUR: Final = timedelta(hours=1)

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
    may_be_silent: bool = False
    learned_silence_s: int | None = None
    linked_at: datetime | None = None

    @property
    def limit_s(self) -> int | None:
        """How many seconds it may be silent now: as the site file says, else as it was before; None: for ever."""
        if self.may_be_silent:
            return None
        return self.learned_silence_s if self.silence_after_s is None else self.silence_after_s

    @property
    def public_name(self) -> str:
        """The name by which it is called outside the inbox: what a sender wrote of itself is not repeated there."""
        return self.name if self.known else f"feed-{self.id}"

    def is_heard(self, now: datetime) -> bool:
        """Return whether it was heard, and within its limit."""
        return self.last_heard_at is not None and not self.is_silent(now)

    def is_silent(self, now: datetime) -> bool:
        """Return whether it has been silent for longer than it may, since it was heard or else declared."""
        since, limit = self.last_heard_at or self.declared_at, self.limit_s
        return limit is not None and since is not None and (now - since).total_seconds() > limit

    def is_linked(self, now: datetime) -> bool:
        """Return whether a link of it is open."""
        return self.linked_at is not None and now - self.linked_at <= LINKED_WITHIN


COLUMNS = tuple(tables.feed.c[each.name] for each in fields(Feed))


def every(connection: sa.Connection) -> list[Feed]:
    """Return every feed of a sender, by name; not that of the canary."""
    feed = tables.feed
    query = sa.select(*COLUMNS).where(feed.c.name != CANARY).order_by(feed.c.name)
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


def declare(
    connection: sa.Connection,
    silence_after_s: Mapping[str, int | None],
    now: datetime,
    may_be_silent: Collection[str] = (),
) -> None:
    """Declare the feeds of the site file, with how long each may be silent; others become undeclared, and may be.

    How long it may be silent is learned where the limit is None; those of `may_be_silent` nobody misses.
    """
    feed = tables.feed
    others = sa.and_(feed.c.name.not_in(sorted(silence_after_s)), feed.c.name != CANARY)
    left = sa.select(feed.c.id).where(others, feed.c.known)
    connection.execute(sa.delete(tables.feed_hour).where(tables.feed_hour.c.feed_id.in_(left)))
    gone = {"known": False, "silence_after_s": None, "declared_at": None, "may_be_silent": False}
    connection.execute(sa.update(feed).where(others, feed.c.known).values(learned_silence_s=None, **gone))
    connection.execute(sa.update(feed).where(others).values(**gone))
    rows = [
        {
            "name": name,
            "known": True,
            "silence_after_s": limit,
            "declared_at": now,
            "may_be_silent": name in may_be_silent,
        }
        for name, limit in sorted(silence_after_s.items())
    ]
    if rows:
        insert = insert_or(connection.dialect.name, feed)
        change = {
            "known": insert.excluded.known,
            "silence_after_s": insert.excluded.silence_after_s,
            "declared_at": sa.func.coalesce(feed.c.declared_at, insert.excluded.declared_at),
            "may_be_silent": insert.excluded.may_be_silent,
        }
        connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=change), rows)


def heard(connection: sa.Connection, feed_id: int, at: datetime, stamp: datetime | None = None) -> None:
    """Record when the feed was heard, for how long it had not been, and the stamp of its message (MSH-7).

    An earlier moment than the last changes nothing.
    """
    feed = tables.feed
    before = connection.execute(
        sa.select(feed.c.name, feed.c.last_heard_at, feed.c.stamps).where(feed.c.id == feed_id)
    ).one()
    values: dict[str, object] = {"last_heard_at": at}
    if stamp is not None and says_of_clock(stamp, at):
        latest = [*(before.stamps or ()), [at.isoformat(), (stamp - at).total_seconds()]]
        values["stamps"] = latest[-STAMPS_KEPT:]
    change = sa.update(feed).where(feed.c.id == feed_id)
    change = change.where(sa.or_(feed.c.last_heard_at.is_(None), feed.c.last_heard_at < at))
    if not connection.execute(change.values(**values)).rowcount or before.name == CANARY:
        return
    rows = [
        {"feed_id": feed_id, "hour": hour, "longest_s": silent_s}
        for hour, silent_s in _hours_of_silence(before.last_heard_at or at, at)
    ]
    insert = insert_or(connection.dialect.name, tables.feed_hour)
    longest, new = tables.feed_hour.c.longest_s, insert.excluded.longest_s
    change_hour = insert.on_conflict_do_update(
        index_elements=["feed_id", "hour"], set_={"longest_s": sa.case((longest < new, new), else_=longest)}
    )
    connection.execute(change_hour, rows)


def _hours_of_silence(since: datetime, until: datetime) -> Iterator[tuple[datetime, int]]:
    """Yield each hour between two messages, and for how many seconds the feed had been silent at its end."""
    hour = max(since, until - LONGEST_LEARNED).replace(minute=0, second=0, microsecond=0)
    while hour <= until:
        yield hour, int((min(hour + HOUR, until) - since).total_seconds())
        hour += HOUR


def linked(connection: sa.Connection, names: Collection[str], now: datetime) -> None:
    """Record that a link of each of these feeds is open."""
    feed = tables.feed
    connection.execute(sa.update(feed).where(feed.c.name.in_(sorted(names))).values(linked_at=now))


def silences(connection: sa.Connection, since: datetime) -> dict[int, dict[datetime, int]]:
    """Return for how many seconds at most each feed was silent in each hour since a moment."""
    hour = tables.feed_hour
    found: dict[int, dict[datetime, int]] = {}
    for row in connection.execute(sa.select(hour).where(hour.c.hour >= since)):
        found.setdefault(row.feed_id, {})[row.hour] = row.longest_s
    return found


def forget_silences(connection: sa.Connection, before: datetime) -> None:
    """Remove what was recorded of hours before a moment."""
    connection.execute(sa.delete(tables.feed_hour).where(tables.feed_hour.c.hour < before))


def learn(connection: sa.Connection, feed_id: int, limit_s: int | None) -> None:
    """Record how long the feed may be silent now, by what it was before."""
    feed = tables.feed
    connection.execute(sa.update(feed).where(feed.c.id == feed_id).values(learned_silence_s=limit_s))


def says_of_clock(stamp: datetime, received_at: datetime) -> bool:
    """Return whether a stamp says something of the clock of its sender.

    A stamp of a whole hour may be a day or an hour without its minutes; one of a day ago is history sent again.
    """
    return abs(stamp - received_at) < OLD_STAMP and (stamp.minute, stamp.second) != (0, 0)


def clock_skews(connection: sa.Connection, now: datetime) -> dict[str, timedelta]:
    """Return by how much the latest messages of each feed were stamped (MSH-7) ahead of our clock; negative: behind.

    Of each feed the stamp nearest to our clock counts: other messages may have waited on their way. Of a feed that sent
    little lately the last three of a day count; one that sent less than that is left out.
    """
    feed, message = tables.feed, tables.message
    latest = sa.select(message.c.feed_id, message.c.message_time, message.c.received_at)
    newest = latest.order_by(message.c.id.desc()).limit(SKEW_MESSAGES).subquery()
    query = sa.select(feed.c.name, newest.c.message_time, newest.c.received_at)
    query = query.join(newest, newest.c.feed_id == feed.c.id)
    query = query.where(newest.c.received_at > now - SKEW_LOOKED_AT, newest.c.message_time.is_not(None))
    found: dict[str, list[timedelta]] = {}
    for row in connection.execute(query.where(feed.c.name != CANARY)):
        if says_of_clock(row.message_time, row.received_at):
            found.setdefault(row.name, []).append(row.message_time - row.received_at)
    enough = {name: each for name, each in found.items() if len(each) >= LEAST_STAMPED}
    return {name: min(each, key=abs) for name, each in (_latest_stamps(connection, now) | enough).items()}


def _latest_stamps(connection: sa.Connection, now: datetime) -> dict[str, list[timedelta]]:
    """Return how far ahead the last three stamps of each feed were, where all are of the last day."""
    feed = tables.feed
    query = sa.select(feed.c.name, feed.c.stamps).where(feed.c.stamps.is_not(None), feed.c.name != CANARY)
    query = query.where(feed.c.last_heard_at > now - OLD_STAMP)
    found: dict[str, list[timedelta]] = {}
    for row in connection.execute(query):
        kept = [timedelta(seconds=ahead) for at, ahead in row.stamps if datetime.fromisoformat(at) > now - OLD_STAMP]
        if len(kept) >= LEAST_STAMPED:
            found[row.name] = kept
    return found
