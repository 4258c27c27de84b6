"""What is wrong with a feed: it is silent, its clock differs, its messages are parked or missing, nobody declared it.

The auditor looks, and each is an incident: told once when it begins, and once when it is over.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
import structlog

from clinical.words import FaultKind
from forwarding.notice import code_of
from history.choices import Site
from store import feed_messages, feeds, incidents
from store.feeds import Feed
from store.incidents import FEED_FAULTS, Incident
from worker.control_ids import ControlIdWatch
from worker.feed_silence import HOUR, WEEKS, learned_limit

log = structlog.get_logger()

MOST_SKEW: Final = timedelta(minutes=2)  # between the clock of a feed and ours
CLOCK_ENDS_AFTER: Final = timedelta(days=1)  # without a message of that feed: its clock says nothing any more
CLOCK_OF_UNDECLARED_ENDS_AFTER: Final = timedelta(hours=1)  # of a feed that the site file names no more, or never did
LEFT_AFTER: Final = timedelta(days=7)  # an undeclared feed that was not heard for so long is waited for no more
UNDECLARED_ENDS_AFTER: Final = timedelta(days=1)  # without a message of it
LOOK_CLOSELY_EVERY: Final = timedelta(minutes=1)  # at messages, which costs more than at feeds


@dataclass(slots=True)
class FeedWatch:
    """What is remembered of the feeds between two looks."""

    control_ids: ControlIdWatch = field(default_factory=ControlIdWatch)
    learned_for: datetime | None = None  # the hour that the limits are of
    looked_closely_at: datetime | None = None

    def look(self, connection: sa.Connection, site: Site, now: datetime) -> None:
        """Record what began and what is over."""
        every = feeds.every(connection)
        if self._learn(connection, every, site, now):
            every = feeds.every(connection)
        _look_at_silence(connection, every, now)
        _look_at_clocks(connection, every, now)
        _look_at_undeclared(connection, every, now)
        if self.looked_closely_at is None or now - self.looked_closely_at >= LOOK_CLOSELY_EVERY:
            self.looked_closely_at = now
            _look_at_parked(connection, every, now)
            self._look_at_gaps(connection, site, every, now)

    def _learn(self, connection: sa.Connection, every: Collection[Feed], site: Site, now: datetime) -> bool:
        """Store how long each feed may be silent in this hour, unless the site file says; return whether it changed."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        unlearned = [each for each in every if each.silence_after_s is None and not each.may_be_silent]
        if hour != self.learned_for:
            since = now - timedelta(weeks=WEEKS) - 2 * HOUR
            feeds.forget_silences(connection, since)
            silences = feeds.silences(connection, since)
            self.learned_for = hour
        else:
            unlearned = [each for each in unlearned if each.learned_silence_s is None and _gets_ceiling(each)]
            silences = {}
        limits = {feed: _limit_of(feed, silences.get(feed.id, {}), site, now) for feed in unlearned}
        changed = {feed.id: limit for feed, limit in limits.items() if limit != feed.learned_silence_s}
        for feed_id, limit in changed.items():
            feeds.learn(connection, feed_id, limit)
        return bool(changed)

    def _look_at_gaps(self, connection: sa.Connection, site: Site, every: Collection[Feed], now: datetime) -> None:
        """Record of which feeds numbers are missing, and of which they came after all, or were missed long enough."""
        self.control_ids.read(connection, now)
        watched = [feed for feed in every if feed.name not in site.gaps_ignored]
        found = {code_of(each.public_name): gap for each in watched if (gap := self.control_ids.gap_of(each.id, now))}
        standing = _standing(connection, "gap")
        for subject, gap in found.items():
            if incidents.begin(connection, "gap", subject, gap, now):
                log.error("feed.messages_missing", feed=subject, numbers=gap)
        for subject in self.control_ids.are_over(standing.values(), found, now):
            incidents.end(connection, "gap", subject, now, for_good=True)


def _gets_ceiling(feed: Feed) -> bool:
    """Return whether somebody waits for it although nothing is known of it yet."""
    return feed.known and (feed.last_heard_at or feed.declared_at) is not None


def _limit_of(feed: Feed, silences: Mapping[datetime, int], site: Site, now: datetime) -> int | None:
    """Return for how many seconds it may be silent now; None: nothing is known of it, or it has left."""
    if not feed.known and (feed.last_heard_at is None or now - feed.last_heard_at > LEFT_AFTER):
        return None
    limit = learned_limit(silences, now, site.zone, site.silence)
    if limit is None and _gets_ceiling(feed):
        limit = site.silence.ceiling
    return None if limit is None else int(limit.total_seconds())


def _standing(connection: sa.Connection, kind: FaultKind) -> dict[str, Incident]:
    return {each.subject: each for each in incidents.standing(connection) if each.kind == kind}


def _look_at_silence(connection: sa.Connection, every: Collection[Feed], now: datetime) -> None:
    """Record which feeds are silent for longer than they may be, and which are heard again.

    A silence keeps the name it began with: the link may open or close meanwhile.
    """
    silent = {code_of(feed.public_name): feed for feed in every if feed.is_silent(now)}
    standing = {each.subject: each for each in incidents.standing(connection) if each.kind in FEED_FAULTS}
    for name, feed in silent.items():
        before = standing.get(name)
        if before is not None and before.calm_since is None:
            continue
        since, kind = feed.last_heard_at or feed.declared_at, before.kind if before else _silence(feed, now)
        if incidents.begin(connection, kind, name, f"{since:%Y-%m-%d %H:%M} UTC", now):
            log.error("feed.silent", feed=name, heard=feed.last_heard_at is not None, linked=feed.is_linked(now))
    for name in standing.keys() - silent.keys():
        incidents.end(connection, standing[name].kind, name, now)


def _silence(feed: Feed, now: datetime) -> FaultKind:
    """Return as which incident its silence stands."""
    if feed.is_linked(now):
        return "idle"
    return "never_heard" if feed.last_heard_at is None else "feed"


def _look_at_clocks(connection: sa.Connection, every: Collection[Feed], now: datetime) -> None:
    """Record whose messages are stamped with other times than those of our clock.

    Who sends nothing stays as it is, for a day, or for an hour where the site file does not name the feed.
    """
    standing = _standing(connection, "clock")
    by_name = {feed.name: feed for feed in every}
    for name, ahead in feeds.clock_skews(connection, now).items():
        subject = code_of(by_name[name].public_name)
        before = standing.get(subject)
        if abs(ahead) <= MOST_SKEW:
            if before is not None:
                incidents.end(connection, "clock", subject, now)
            continue
        detail = f"{round(abs(ahead) / timedelta(minutes=1))} min {'ahead' if ahead > timedelta(0) else 'behind'}"
        is_new = before is None or before.calm_since is not None
        if is_new and incidents.begin(connection, "clock", subject, detail, now):
            log.error("feed.clock_differs", feed=subject, seconds=round(ahead.total_seconds()))
    sending = {code_of(feed.public_name): feed for feed in every}
    for subject, before in standing.items():
        if _has_left(sending.get(subject), before, now):
            incidents.end(connection, "clock", subject, now, for_good=True)


def _has_left(feed: Feed | None, clock: Incident, now: datetime) -> bool:
    """Return whether a feed whose clock differed sends no more, so that no message will say what its clock is."""
    if feed is None:
        return True
    heard_at = max(clock.began_at, feed.last_heard_at or clock.began_at)
    return now - heard_at > (CLOCK_ENDS_AFTER if feed.known else CLOCK_OF_UNDECLARED_ENDS_AFTER)


def _look_at_undeclared(connection: sa.Connection, every: Collection[Feed], now: datetime) -> None:
    """Record which feeds send though the site file names others and not them."""
    names_some = any(feed.known and feed.declared_at is not None and not feed.may_be_silent for feed in every)
    sending = {
        code_of(feed.public_name)
        for feed in every
        if names_some
        and not feed.known
        and feed.last_heard_at is not None
        and now - feed.last_heard_at <= UNDECLARED_ENDS_AFTER
    }
    _record(connection, "undeclared", dict.fromkeys(sending, "not in the site file"), now)


def _look_at_parked(connection: sa.Connection, every: Collection[Feed], now: datetime) -> None:
    """Record of which feeds the latest messages of some type were acknowledged and then parked, all of them."""
    names = {feed.id: code_of(feed.public_name) for feed in every}
    parked: dict[str, list[str]] = {}
    for each in feed_messages.parked_one_after_another(connection, now):
        if each.feed_id in names:
            parked.setdefault(names[each.feed_id], []).append(f"{each.type}^{each.event} {each.count}")
    _record(connection, "parked", {name: ", ".join(what) for name, what in parked.items()}, now)


def _record(connection: sa.Connection, kind: FaultKind, found: Mapping[str, str], now: datetime) -> None:
    """Begin what was found, with its detail by subject, and end what was not."""
    standing = _standing(connection, kind)
    for subject, detail in sorted(found.items()):
        is_new = subject not in standing or standing[subject].calm_since is not None
        if is_new and incidents.begin(connection, kind, subject, detail, now):
            log.error("feed.fault", kind=kind, feed=subject, detail=detail)
    for subject in standing.keys() - found.keys():
        incidents.end(connection, kind, subject, now)
