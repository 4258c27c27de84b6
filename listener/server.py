"""The listener: every port, every link, one batcher, one publisher."""

import asyncio
import contextlib
import secrets
import socket
import ssl
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
from listener.tls import HUNG_UP, ExpiryAlarm, ServerTls, handshake_fault

log = structlog.get_logger()


_SAY_EVERY_S = 60.0
_ACCEPT_AGAIN_S = 0.1
_BACKLOG = 1024


async def _bound(loop: asyncio.AbstractEventLoop, port: Port) -> list[socket.socket]:
    """Return sockets that listen on every address of the host."""
    found = await loop.getaddrinfo(port.host or None, port.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    opened: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            each = socket.socket(family, kind, protocol)
            opened.append(each)
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if port.reuse_port:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            each.bind(address)
            each.listen(_BACKLOG)
            each.setblocking(False)
    except OSError:
        for each in opened:
            each.close()
        raise
    return opened


class _Seldom:
    """Limits how often something is logged, counting how often it happened in between."""

    def __init__(self) -> None:
        self._unsaid: dict[object, int] = {}
        self._not_before: dict[object, float] = {}

    def times(self, what: object, now: float, every_s: float) -> int:
        """Return how often it happened since it was last logged; 0: do not log it now."""
        if len(self._not_before) > 1000:
            self._not_before.clear()
            self._unsaid.clear()
        times = self._unsaid[what] = self._unsaid.get(what, 0) + 1
        if now < self._not_before.get(what, 0.0):
            return 0
        self._not_before[what] = now + every_s
        self._unsaid[what] = 0
        return times


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _never(_raw: bytes, _header: Header) -> bool:
    return False


def _nowhere(_lane: str) -> bool:
    return False


class Listener:
    """Receives until stopped; every accepted message is in the database before its sender gets the answer."""

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
        self._of_address: dict[str, set[Link]] = {}
        self._seldom = _Seldom()
        self._collected: list[PendingFrame] = []
        self._servers: list[asyncio.Server] = []
        self._doors: list[asyncio.Task[None]] = []
        self._handshakes: dict[Link, asyncio.Task[None]] = {}
        self._ports: list[int] = []
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
            await self._listen(port)
        self._ticking = self._loop.create_task(self._tick())
        log.info("listener.started", ports=self.ports)

    @property
    def ports(self) -> list[int]:
        """The ports it listens on, in the order of the configuration."""
        return list(self._ports)

    async def stop(self) -> None:
        """Accept nothing more, finish and answer what was received, and close."""
        for server in self._servers:
            server.close()
        for task in (*self._doors, *self._handshakes.values()):
            task.cancel()
        await asyncio.gather(*self._doors, *self._handshakes.values(), return_exceptions=True)
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
        """Count a new link, and close another when there are too many: the newest is the last to go."""
        self.metrics.links.inc()
        same = self._of_address.setdefault(link.address, set())
        same.add(link)
        self._links.add(link)
        if len(same) > self.config.links_per_source:
            self._evict(same, link)
        elif len(self._links) > self.config.links:
            self._evict(self._links, link)

    def closed(self, link: Link) -> None:
        """Count a closed link, unless it was counted when told to close."""
        if link not in self._links:
            return
        self.metrics.links.dec()
        self._links.remove(link)
        same = self._of_address[link.address]
        same.remove(link)
        if not same:
            del self._of_address[link.address]

    def _handshake_failed(self, link: Link, error: Exception) -> None:
        """Count a failed handshake by its reason, and log it now and then: the sender may not know the cause."""
        address, (reason, detail) = link.address, handshake_fault(error)
        self.metrics.handshake_failed(address, reason)
        log_at, every_s = (log.info, 3600.0) if reason == HUNG_UP else (log.warning, _SAY_EVERY_S)
        if more := self._seldom.times((address, reason), self._loop.time(), every_s):
            log_at("listener.handshake_failed", source=address, reason=reason, detail=detail, times=more)

    def _evict(self, among: set[Link], newest: Link) -> None:
        """Close the lowest-ranked link, never one that waits for an answer."""
        others = [each for each in among if each is not newest and not each.is_owed_an_answer]
        goes = min(others, key=lambda each: each.merit, default=newest)
        if more := self._seldom.times((goes.address, "evicted"), self._loop.time(), _SAY_EVERY_S):
            log.warning("listener.too_many_links", source=goes.address, open=len(among), closed=more)
        self.metrics.evicted_links.inc()
        self.closed(goes)
        goes.abort()
        if (handshake := self._handshakes.get(goes)) is not None:
            handshake.cancel()

    def refused(self, link: Link) -> None:
        """Refuse a link from an address that may not connect."""
        self.metrics.refused_links.inc()
        if more := self._seldom.times((link.address, "refused"), self._loop.time(), _SAY_EVERY_S):
            log.warning("link.not_allowed", source=link.address, times=more)

    def linked_feeds(self) -> set[str]:
        """Return the names of the feeds with a link that has been open for a while."""
        now = self._loop.time()
        return {name for link in self._links for name in link.feeds_linked(now, self.config.linked_after_s)}

    def keep(self, pending: PendingFrame) -> None:
        """Save it with everything else from this turn of the event loop."""
        if not self._collected:
            self._loop.call_soon(self._put)
        self._collected.append(pending)

    def read_aside(self, read: Callable[[], Received]) -> asyncio.Future[Received]:
        """Read a large frame in a thread, so that other links are served meanwhile."""
        return self._loop.run_in_executor(self._readers, read)

    async def _listen(self, port: Port) -> None:
        for each in await _bound(self._loop, port):
            self._ports.append(each.getsockname()[1])
            if port.tls is None:
                self._servers.append(await self._loop.create_server(lambda: Link(self, port), sock=each))
            else:
                self._doors.append(self._loop.create_task(self._accept(each, port, port.tls)))

    async def _accept(self, door: socket.socket, port: Port, tls: ServerTls | ssl.SSLContext) -> None:
        """Accept senders over TLS; asyncio's own server would neither count nor name a failed handshake."""
        with door:
            while True:
                try:
                    connection, peer = await self._loop.sock_accept(door)
                except OSError as error:
                    log.error("listener.not_accepted", error=type(error).__name__)
                    await asyncio.sleep(_ACCEPT_AGAIN_S)
                    continue
                link = Link(self, port)
                if link.arrive(str(peer[0])):
                    task = self._loop.create_task(self._shake_hands(link, connection, tls))
                    self._handshakes[link] = task
                else:
                    connection.close()
                    self.closed(link)

    async def _shake_hands(self, link: Link, connection: socket.socket, tls: ServerTls | ssl.SSLContext) -> None:
        context = tls.context if isinstance(tls, ServerTls) else tls
        try:
            await self._loop.connect_accepted_socket(
                lambda: link, connection, ssl=context, ssl_handshake_timeout=self.config.handshake_s
            )
        except OSError as error:  # an SSLError is one
            self._handshake_failed(link, error)
            self.closed(link)
        finally:
            self._handshakes.pop(link, None)

    def _put(self) -> None:
        collected, self._collected = self._collected, []
        self._batcher.put(collected)

    def _kept(self, frames: list[PendingFrame]) -> None:
        """Publish what the saving thread saved, and let the event loop answer."""
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
        by_link: dict[AnsweredLink, list[PendingFrame]] = {}
        for frame in frames:
            by_link.setdefault(frame.link, []).append(frame)
        self._settle_links(by_link)

    def _settle_links(self, by_link: dict[AnsweredLink, list[PendingFrame]]) -> None:
        """Let each link answer; a fault in one stays there, and the rest go on in the next turn."""
        try:
            while by_link:
                link, frames = by_link.popitem()
                link.settle(frames)
        finally:
            if by_link:
                self._loop.call_soon(self._settle_links, by_link)

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
