"""Who has an alert open: each open page asks for changes every few seconds, and asking shows that it is open.

Every process holds in memory who asked it; Redis, where one answers, holds who asked any of them: numbers only, of
accounts and times, for a quarter of a minute. Lose Redis, and each process still shows its own. That somebody viewed
an alert is in the access log.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from time import monotonic
from typing import TypeVar, cast

import redis
import structlog

GONE_AFTER = timedelta(seconds=15)  # three times as long as an open page waits before it asks again
SPARED_S = 15.0  # how long a Redis that did not answer is not asked again, so that no page waits for it each time
KEY = "ivigilant.onlookers:{}"  # of an alert: account → since and seen, in milliseconds

log = structlog.get_logger()
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Somebody who has an alert open, by the number of the account, and since when."""

    account: int
    since: datetime
    seen: datetime

    def is_gone(self, now: datetime) -> bool:
        """Return whether the page has not asked for so long that it must be closed."""
        return now - self.seen > GONE_AFTER


@dataclass
class Presence:
    """Who has which alert open."""

    shared: "SharedPresence | None" = None  # None: one process, without Redis
    looking: dict[int, dict[int, Onlooker]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def look(self, alert: int, account: int, now: datetime) -> list[Onlooker]:
        """Note that somebody has an alert open, and return who else has, the longest first."""
        mine = self._own(alert, account, now)
        found = self._own_onlookers(alert)
        if self.shared is not None:
            found = _joined(found, self.shared.look(alert, mine, now))
        others = (each for each in found.values() if each.account != account and not each.is_gone(now))
        return sorted(others, key=lambda each: (each.since, each.account))

    def at_each(self, alerts: Collection[int], now: datetime) -> dict[int, list[int]]:
        """Return who has each of these alerts open, by the number of the account, the longest first."""
        shared = self.shared.at_each(alerts) if self.shared is not None else {}
        found = {}
        for alert in alerts:
            everybody = _joined(self._own_onlookers(alert), shared.get(alert, {})).values()
            here = sorted((each for each in everybody if not each.is_gone(now)), key=lambda each: each.since)
            if here:
                found[alert] = [each.account for each in here]
        return found

    def _own(self, alert: int, account: int, now: datetime) -> Onlooker:
        """Remember in this process that somebody asked."""
        with self.lock:
            onlookers = self.looking.setdefault(alert, {})
            before = onlookers.get(account)
            since = before.since if before and not before.is_gone(now) else now
            onlookers[account] = Onlooker(account, since, now)
            self._forget(now)
            return onlookers[account]

    def _own_onlookers(self, alert: int) -> dict[int, Onlooker]:
        with self.lock:
            return dict(self.looking.get(alert, {}))

    def _forget(self, now: datetime) -> None:
        """Drop who left, and the alerts that nobody has open any more."""
        for alert, onlookers in list(self.looking.items()):
            here = {account: each for account, each in onlookers.items() if not each.is_gone(now)}
            if here:
                self.looking[alert] = here
            else:
                del self.looking[alert]


def _joined(own: Mapping[int, Onlooker], shared: Mapping[int, Onlooker]) -> dict[int, Onlooker]:
    """Return everybody once: seen when last seen anywhere, there since the first of them."""
    everybody = dict(own)
    for account, each in shared.items():
        known = everybody.get(account, each)
        everybody[account] = Onlooker(account, min(known.since, each.since), max(known.seen, each.seen))
    return everybody


class SharedPresence:
    """Who has which alert open at any process of the inbox, in Redis."""

    def __init__(self, redis_url: str, *, clock: Callable[[], float] = monotonic) -> None:
        self._redis = redis.Redis.from_url(redis_url, socket_timeout=0.5, socket_connect_timeout=0.5)
        self._clock = clock
        self._ask_again_at = 0.0

    def look(self, alert: int, mine: Onlooker, now: datetime) -> dict[int, Onlooker]:
        """Note who has the alert open, and return everybody; nobody when Redis does not answer."""
        return self._if_there(lambda: self._look(KEY.format(alert), mine, now))

    def at_each(self, alerts: Collection[int]) -> dict[int, dict[int, Onlooker]]:
        """Return who has each of these alerts open; nobody when Redis does not answer."""
        return self._if_there(lambda: self._at_each(alerts))

    def _if_there(self, ask: Callable[[], dict[int, Answer]]) -> dict[int, Answer]:
        if self._clock() < self._ask_again_at:
            return {}
        try:
            return ask()
        except (redis.RedisError, ValueError) as error:  # away, or it holds what is not ours
            self._ask_again_at = self._clock() + SPARED_S
            log.warning("presence.not_shared", error=type(error).__name__)
            return {}

    def _at_each(self, alerts: Collection[int]) -> dict[int, dict[int, Onlooker]]:
        with self._redis.pipeline(transaction=False) as line:
            for alert in alerts:
                line.hgetall(KEY.format(alert))
            answers = cast("list[Mapping[bytes, bytes]]", line.execute())
        return {alert: _read(stored) for alert, stored in zip(alerts, answers, strict=True) if stored}

    def _look(self, key: str, mine: Onlooker, now: datetime) -> dict[int, Onlooker]:
        found = _read(cast("Mapping[bytes, bytes]", self._redis.hgetall(key)))
        before = found.get(mine.account)
        since = min(mine.since, before.since) if before and not before.is_gone(now) else mine.since
        gone = [str(each.account) for each in found.values() if each.is_gone(now)]
        with self._redis.pipeline(transaction=False) as line:
            line.hset(key, str(mine.account), f"{_milliseconds(since)} {_milliseconds(now)}")
            line.expire(key, GONE_AFTER)
            for account in gone:
                line.hdel(key, account)
            line.execute()
        return found | {mine.account: Onlooker(mine.account, since, now)}


def _read(stored: Mapping[bytes, bytes]) -> dict[int, Onlooker]:
    found = {}
    for account, times in stored.items():
        since, seen = (datetime.fromtimestamp(int(each) / 1000, UTC) for each in times.split())
        found[int(account)] = Onlooker(int(account), since, seen)
    return found


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)
