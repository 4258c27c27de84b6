"""The listener: every port, every link, one batcher, one publisher."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import structlog

from clinical.events import Header
from listener.acknowledge import ControlIds
from listener.batching import AnsweredLink, Batcher, PendingFrame, Save
from listener.config import ListenerConfig, Port
from listener.feeds import FeedOf, IsOrder
from listener.link import LargeFrames, Link
from listener.metrics import Metrics
from listener.publishing import Crowded, Enqueue, Publisher
from listener.receive import Received, Reception
from listener.tls import ExpiryAlarm, ServerTls

log = structlog.get_logger()


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _never(_raw: bytes, _header: Header) -> bool:
    return False


def _nowhere(_lane: str) -> bool:
    return False


class Listener:
    """Receives until it is stopped; every message it accepts is in the database before its sender hears so."""

    def __init__(
        self,
        config: ListenerConfig,
        save: Save,
        enqueue: Enqueue,
        feed_of: FeedOf,
        *,
        is_order: IsOrder = _never,
        crowded: Crowded = _nowhere,
        metrics: Metrics | None = None,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.config = config
        self.metrics = metrics or Metrics()
        self.feed_of = feed_of
        self.clock = clock
        self.large = LargeFrames(config.large_at_once, config.large_bytes)
        self.reception = Reception(is_order, ControlIds(clock(), secrets.token_hex(3).upper()))
        self._save = save
        self._enqueue = enqueue
        self._crowded = crowded
        self._links: set[Link] = set()
        self._collected: list[PendingFrame] = []
        self._servers: list[asyncio.Server] = []
        self._ticking: asyncio.Task[None] | None = None
        self._readers = ThreadPoolExecutor(2, "listener-read")
        self._expiry = ExpiryAlarm()

    async def start(self) -> None:
        """Listen on every port."""
        config = self.config
        self._loop = asyncio.get_running_loop()
        self._batcher: Batcher = Batcher(
            self._save,
            self._kept,
            self.metrics,
            frames=config.batch_frames,
            size=config.batch_bytes,
            large=config.large_bytes,
        )
        self._publisher = Publisher(
            self._enqueue,
            self.metrics,
            limit=config.unpublished,
            ids_per_task=config.ids_per_task,
            history_every_s=config.history_every_s,
            crowded=self._crowded,
        )
        for port in config.ports:
            self._servers.append(await self._listen(port))
        self._ticking = self._loop.create_task(self._tick())
        log.info("listener.started", ports=self.ports)

    @property
    def ports(self) -> list[int]:
        """The ports that are listened on, in the order of the configuration."""
        return [server.sockets[0].getsockname()[1] for server in self._servers]

    async def stop(self) -> None:
        """Accept no more, finish and answer what was received, close."""
        for server in self._servers:
            server.close()
        deadline = self._loop.time() + self.config.stop_within_s
        for link in list(self._links):
            link.finish()
        while self._links and self._loop.time() < deadline:
            await asyncio.sleep(0.01)
        for link in list(self._links):
            link.abort()
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking
        self._batcher.close(1.0)
        self._publisher.close(min(self.config.stop_within_s, 2.0))
        self._readers.shutdown(wait=False, cancel_futures=True)
        log.info("listener.stopped")

    def opened(self, link: Link) -> None:
        """Count it, and make room when its source has too many: the new one is never refused."""
        self._links.add(link)
        self.metrics.links.inc()
        same = [each for each in self._links if each.address == link.address and each is not link]
        if len(same) < self.config.links_per_source:
            return
        silent = [each for each in same if each.idle and link.heard_at - each.heard_at > self.config.silent_s]
        if silent:
            oldest = min(silent, key=lambda each: each.heard_at)
            log.warning("listener.too_many_links", source=link.address, open=len(same) + 1)
            oldest.abort()

    def closed(self, link: Link) -> None:
        """One fewer."""
        self._links.discard(link)
        self.metrics.links.dec()

    def keep(self, pending: PendingFrame) -> None:
        """Save it with everything else that this turn of the loop brings."""
        if not self._collected:
            self._loop.call_soon(self._put)
        self._collected.append(pending)

    def read_aside(self, read: Callable[[], Received]) -> asyncio.Future[Received]:
        """Read a large frame in a thread, so that the links of others are served meanwhile."""
        return self._loop.run_in_executor(self._readers, read)

    async def _listen(self, port: Port) -> asyncio.Server:
        def make_link() -> asyncio.Protocol:
            return Link(self, port)

        return await self._loop.create_server(
            make_link,
            port.host,
            port.port,
            ssl=port.tls.context if isinstance(port.tls, ServerTls) else port.tls,
            ssl_handshake_timeout=10 if port.tls else None,
            backlog=1024,
            reuse_port=port.reuse_port or None,
        )

    def _put(self) -> None:
        collected, self._collected = self._collected, []
        self._batcher.put(collected)

    def _kept(self, frames: list[PendingFrame]) -> None:
        """Hear from the saving thread what was kept: publish it, and let the loop answer."""
        ids: dict[str, list[int]] = {}
        for frame in frames:
            saved = frame.saved
            for arrival, row in zip(frame.received.arrivals, saved or (), strict=saved is not None):
                if not row.duplicate and arrival.state == "received":
                    ids.setdefault(arrival.lane, []).append(row.id)
        self._loop.call_soon_threadsafe(self._settle, frames)
        if ids:
            self._publisher.put(ids)

    def _settle(self, frames: list[PendingFrame]) -> None:
        """Let each link answer in a turn of its own, so that a fault in one stays there."""
        by_link: dict[AnsweredLink, list[PendingFrame]] = {}
        for frame in frames:
            by_link.setdefault(frame.link, []).append(frame)
        for link, own in by_link.items():
            self._loop.call_soon(link.settle, own)

    async def _tick(self) -> None:
        renew_at = 0.0
        while True:
            now = self._loop.time()
            if now >= renew_at:
                renew_at = now + self.config.renew_every_s
                self._renew_certificates()
            for link in list(self._links):
                link.tick(now)
            await asyncio.sleep(self.config.tick_s)

    def _renew_certificates(self) -> None:
        for port in self.config.ports:
            if isinstance(port.tls, ServerTls):
                port.tls.refresh()
                name = f"{port.host}:{port.port}"
                self.metrics.certificate_expires.labels(name).set(port.tls.expires_at.timestamp())
                self._expiry.look(name, port.tls.expires_at, self.clock())
