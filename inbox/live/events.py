"""Live updates: which alerts something happened to, as soon as it happened, ids only.

The database is asked every two seconds, and at once when the worker says on Redis that it committed. So Redis makes
it fast and nothing depends on it: lose Redis, and the page is two seconds late.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import redis
import redis.asyncio
import sqlalchemy as sa
import structlog

from store import event_order
from store.engine import reading
from store.event_order import EventPlace

CHANNEL = "ivigilant.alerts"
RECONNECT_S = 1.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AlertNews:
    """The alerts something happened to, and the position up to which a listener has now heard of everything."""

    last: int
    alerts: tuple[int, ...]


class Events(Protocol):
    """Where the pages and the API hear that something happened."""

    async def run(self) -> None:
        """Listen until cancelled."""

    def publish(self, alerts: Iterable[int]) -> None:
        """Say that something was committed about these alerts."""

    def subscribe(self, after: int | None, quiet_s: float) -> AsyncIterator[AlertNews | None]:
        """Yield what happened after an event (None: what happens from now); None when nothing did for a while."""

    async def redis_answers(self) -> bool:
        """Return whether Redis is there."""


class Subscriber:
    """One reader of the page: the alerts she has not been told of yet."""

    def __init__(self) -> None:
        self.alerts: set[int] = set()
        self.last = 0
        self.something = asyncio.Event()

    def tell(self, last: int, alerts: Iterable[int]) -> None:
        """Remember what to tell, however slowly it is fetched."""
        self.alerts.update(alerts)
        self.last = max(last, self.last)
        self.something.set()

    def take(self) -> AlertNews:
        """Return what has not been told yet."""
        news = AlertNews(self.last, tuple(sorted(self.alerts)))
        self.alerts.clear()
        self.something.clear()
        return news


class LiveEvents:
    """Hears of changes through the database, hastened by Redis."""

    def __init__(self, engine: sa.Engine, redis_url: str | None, *, poll_s: float = 2.0) -> None:
        self._engine = engine
        self._redis_url = redis_url
        # Connects when first used, and again by itself in a process that was forked since.
        self._redis = (
            redis.Redis.from_url(redis_url, socket_timeout=0.5, socket_connect_timeout=0.5) if redis_url else None
        )
        self._poll_s = poll_s
        self._listeners: set[Subscriber] = set()
        self._seen: set[int] = set()  # events told of after the position
        self._position: int | None = None  # up to it nothing can follow any more; None before the first look
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self) -> None:
        """Listen until cancelled."""
        self._loop = asyncio.get_running_loop()
        hastening = asyncio.create_task(self._hear_redis())
        try:
            while True:
                await self._look()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_s):
                        await self._wake.wait()
                self._wake.clear()
        finally:
            hastening.cancel()

    def publish(self, alerts: Iterable[int]) -> None:
        """Say that something was committed about these alerts; who cannot be reached will see it by asking."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)
        if self._redis is None:
            return
        try:
            with self._redis.pipeline(transaction=False) as line:
                for alert in alerts:
                    line.publish(CHANNEL, str(alert))
                line.execute()
        except redis.RedisError as error:
            log.warning("live.not_published", error=type(error).__name__)

    async def subscribe(self, after: int | None, quiet_s: float) -> AsyncIterator[AlertNews | None]:
        """Yield what happened after an event (None: what happens from now); None when nothing did for a while."""
        listener = Subscriber()
        self._listeners.add(listener)
        try:
            missed = await asyncio.to_thread(self._after, after) if after is not None else []
            if missed and after is not None:
                listener.tell(event_order.settled(after, missed), event_order.alerts_of(missed))
            while True:
                try:
                    async with asyncio.timeout(quiet_s):
                        await listener.something.wait()
                except TimeoutError:
                    yield None
                else:
                    yield listener.take()
        finally:
            self._listeners.discard(listener)

    async def redis_answers(self) -> bool:
        """Return whether Redis is there; without one there is nothing to miss."""
        if self._redis_url is None:
            return True
        try:
            async with redis.asyncio.Redis.from_url(
                self._redis_url, socket_timeout=1, socket_connect_timeout=1
            ) as client:
                return bool(await client.ping())
        except redis.RedisError:
            return False

    async def _look(self) -> None:
        try:
            happened = await asyncio.to_thread(self._news)
        except sa.exc.SQLAlchemyError as error:
            log.warning("live.database_unreachable", error=type(error).__name__)
            return
        if not happened or self._position is None:
            return
        for listener in self._listeners:
            listener.tell(self._position, event_order.alerts_of(happened))

    def _news(self) -> list[EventPlace]:
        """Events nobody was told of yet. What was there before the first look is not news."""
        if self._position is None:
            with reading(self._engine) as connection:
                self._position = event_order.position(connection)
            self._seen = {event.id for event in self._after(self._position)}
            return []
        found = self._after(self._position)
        happened = [event for event in found if event.id not in self._seen]
        self._position = event_order.settled(self._position, found)
        self._seen = {event.id for event in found if event.id > self._position}
        return happened

    def _after(self, position: int) -> list[EventPlace]:
        with reading(self._engine) as connection:
            return event_order.after(connection, position)

    async def _hear_redis(self) -> None:
        if self._redis_url is None:
            return
        while True:
            try:
                await self._hear_channel(self._redis_url)
            except (redis.RedisError, OSError) as error:
                log.info("live.redis_unreachable", error=type(error).__name__)
            await asyncio.sleep(RECONNECT_S)

    async def _hear_channel(self, url: str) -> None:
        async with redis.asyncio.Redis.from_url(url, socket_connect_timeout=2) as client, client.pubsub() as channel:
            await channel.subscribe(CHANNEL)
            async for message in channel.listen():
                if message["type"] == "message":
                    self._wake.set()
