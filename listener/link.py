"""A link, one sender's connection: frames in, answers out in the same order."""

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_address
from math import inf
from typing import Any, Protocol, cast

import structlog

from listener.batching import PendingFrame
from listener.config import ListenerConfig, Port
from listener.feeds import FeedOf, FeedProfile, LinkFeeds, Origin
from listener.framing import EB, SB, Empty, Frame, Framer, Junk, Oversized, Part, Truncated, as_junk
from listener.metrics import Metrics
from listener.receive import Received, Reception
from listener.tls import names_in
from store import canary

log = structlog.get_logger()

_QUIET_JUNK = 16  # bytes of white space between frames that are not worth a log line
_COMMITTED = SB + b"\x06" + EB + b"\r"
_COMMIT_BLOCKS = (b"\x06", b"\x15")
_LINGER_S = 1.0
_OF_CANARY = f"MSH|^~\\&|{canary.APPLICATION}|".encode()
_READ_AT_ONCE = 128 * 1024  # bytes; a larger frame takes so long to read that other links would notice
_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))


class Guest(Protocol):
    """A link that may have to wait for a place."""

    def admitted(self) -> None:
        """Continue: a place is free."""


class LargeFrames:
    """The limit on links that hold a large frame, which bounds memory however many links there are.

    Small frames never wait. A link that must wait is not read meanwhile; TCP holds its sender back.
    """

    def __init__(self, places: int, small: int) -> None:
        self.small = small  # bytes that every link may hold
        self._places = places
        self._inside: set[Guest] = set()
        self._waiting: dict[Guest, None] = {}  # in order of arrival

    def enter(self, guest: Guest) -> bool:
        """Take a place, or keep the one it has; False: the link waits, and is called when one is free."""
        if guest in self._inside:
            return True
        if len(self._inside) < self._places and not self._waiting:
            self._inside.add(guest)
            return True
        self._waiting[guest] = None
        return False

    def leave(self, guest: Guest) -> None:
        """Give up its place, or its place in the queue, to the next in line."""
        self._waiting.pop(guest, None)
        if guest in self._inside:
            self._inside.remove(guest)
            if self._waiting:
                following = next(iter(self._waiting))
                del self._waiting[following]
                self._inside.add(following)
                following.admitted()


class LinkHost(Protocol):
    """What a link needs from its listener."""

    config: ListenerConfig
    metrics: Metrics
    reception: Reception
    feed_of: FeedOf
    clock: Callable[[], datetime]
    large: LargeFrames

    def opened(self, link: "Link") -> None:
        """Count a new link."""

    def closed(self, link: "Link") -> None:
        """Count a closed link."""

    def refused(self, link: "Link") -> None:
        """Refuse a link from an address that may not connect."""

    def keep(self, pending: PendingFrame) -> None:
        """Save this frame with the next batch."""

    def read_aside(self, read: Callable[[], Received]) -> "asyncio.Future[Received]":
        """Read a large frame outside the event loop."""


@dataclass(slots=True)
class _Queue:
    """Frames that were read and not answered."""

    held: deque[Part] = field(default_factory=deque)  # not yet given to the database
    waiting: deque[PendingFrame] = field(default_factory=deque)
    size: int = 0
    reading: bool = False  # a large one is read in a thread; what came after it is held

    def __bool__(self) -> bool:
        return bool(self.held or self.waiting or self.reading)


class Link(asyncio.Protocol):
    """One sender's link: reads while the sender may send, and closes only when it must."""

    def __init__(self, host: LinkHost, port: Port) -> None:
        self._host = host
        self._port = port
        self._framer = Framer(port.limits)
        self._queue = _Queue()
        self._time = asyncio.get_running_loop().time
        self._transport: asyncio.Transport | None = None
        self._feeds: LinkFeeds | None = None
        self._read_bytes = 0
        self._waiting_since: float | None = None  # for a place for a large frame
        self._is_large = False
        self._paused = self._congested = self._ending = self._sender_ended = False
        self._linger_until: float | None = None
        self._frames = 0  # that were read
        self._opened_at = self._heard_at = 0.0
        self.given_up = False  # a frame was not saved: nothing after it is saved or answered
        self.address = ""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in transit."""
        return not self._queue and not self._framer.inside

    @property
    def is_owed_an_answer(self) -> bool:
        """Whether a frame was received and not answered."""
        return bool(self._queue)

    @property
    def merit(self) -> tuple[bool, bool, float]:
        """The rank when one must close: whether it ever sent a message, whether it is sending one, how recent it is."""
        spoke = self._frames > 0
        return spoke, spoke and self._framer.inside, self._heard_at if spoke else self._opened_at

    def feeds_linked(self, now: float, for_s: float) -> set[str]:
        """Return the names of its feeds once it has been open this long: a probe that only connects is no feed."""
        return self._feeds.names if self._feeds is not None and now - self._opened_at >= for_s else set()

    def arrive(self, address: str) -> bool:
        """Count a connection, from half a handshake on; return False if it may not connect."""
        self.address = address
        self._opened_at = self._heard_at = self._time()
        self._host.opened(self)
        if _may_connect(address, self._port.allowed):
            return True
        self._host.refused(self)
        return False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Identify the sender."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own is not a subclass
        peer = transport.get_extra_info("peername") or ("",)
        here = transport.get_extra_info("sockname") or ("", 0)
        names = names_in(transport.get_extra_info("peercert"))
        _keep_alive(transport.get_extra_info("socket"))
        if not self._opened_at and not self.arrive(str(peer[0])):
            self.abort()
        source = Origin(int(here[1]), self.address, names)
        self._feeds = self._host.reception.feeds_of(self._host.feed_of, source)

    def data_received(self, data: bytes) -> None:
        """Take received bytes, unless the link is closing."""
        self._heard_at = now = self._time()
        self._read_bytes += len(data)
        self._host.metrics.bytes.inc(len(data))
        if self._linger_until is None and not self.given_up:
            self._take(self._framer.feed(data, now))

    def eof_received(self) -> bool:
        """Answer what was received before the sender closed its side; TLS cannot be half open."""
        self._sender_ended = True
        if self._linger_until is not None:
            return False
        self._take([] if self._ending else self._framer.end())
        self.finish()
        return self._transport is not None and self._transport.can_write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """Save what was received, even with nobody left to answer."""
        if not self._ending and not self.given_up:
            self._take(self._framer.end())
        self._ending = True
        self._transport = None
        self._pump()
        level = log.debug if not self._read_bytes else log.info
        level("link.closed", source=self.address, error=type(exc).__name__ if exc else None)
        self._host.large.leave(self)
        self._host.closed(self)

    def pause_writing(self) -> None:
        """Stop reading frames: the sender does not read its answers."""
        self._congested = True
        self._regulate()

    def resume_writing(self) -> None:
        """Read frames again: the sender reads its answers."""
        self._congested = False
        self._regulate()

    def tick(self, now: float) -> None:
        """Check the timeouts."""
        config = self._host.config
        waiting = self._queue.waiting
        if self._linger_until is not None:
            if now >= self._linger_until:
                self._close()
        elif waiting and now - waiting[0].since > config.answer_within_s:
            self.given_up = True
            self.close_unanswered()
        elif self._transport is not None and not self._ending and self._waiting_since is None:
            if parts := self._framer.tick(now):
                self._take(parts)
            if self.is_idle and now - self._heard_at > self._patience:
                self.finish()

    @property
    def _patience(self) -> float:
        """How long it may be silent."""
        spoken = inf if self._host.config.idle_s is None else self._host.config.idle_s
        return spoken if self._read_bytes else min(spoken, self._host.config.first_byte_s)

    def finish(self) -> None:
        """Answer what was received, then close."""
        self._ending = True
        self._regulate()
        if not self._queue:
            self._say_goodbye()

    def settle(self, frames: Sequence[PendingFrame]) -> None:
        """Answer frames that are saved, or never will be, together, and take what was held back."""
        now = self._host.clock()
        answers = [self._answer(pending, now) for pending in frames]
        if self._transport is not None and any(answers):
            self._transport.write(b"".join(answers))
        if self.given_up:
            self.close_unanswered()
            return
        self._pump()
        if self._ending and not self._queue:
            self._say_goodbye()

    def _answer(self, pending: PendingFrame, now: datetime) -> bytes:
        saved = pending.saved
        self._queue.waiting.popleft()
        self._queue.size -= pending.size
        metrics = self._host.metrics
        if saved is None or self.given_up:
            self.given_up = True
            metrics.unanswered.inc()
            return b""
        for each in saved:
            if each.duplicate:
                metrics.duplicates.inc()
        code, answer = pending.received.answer(saved, now)
        if all(each.sending_application != canary.APPLICATION for each in pending.received.arrivals):
            metrics.answers[code].inc()
        committed = _COMMITTED if self._port.mllp_v2 else b""
        return committed + SB + answer + EB + b"\r" if answer else committed

    def close_unanswered(self) -> None:
        """Close without answering, so that the sender sends again."""
        self._ending = True
        self._queue.held.clear()
        self._close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def _take(self, parts: list[Part]) -> None:
        self._queue.held.extend(parts)
        self._pump()

    def _pump(self) -> None:
        """Pass frames to the database, up to the number that may wait."""
        queue, config = self._queue, self._host.config
        while (
            queue.held
            and not queue.reading
            and not self.given_up
            and len(queue.waiting) < config.queued_frames
            and queue.size <= config.queued_bytes
        ):
            self._handle(queue.held.popleft())
        self._regulate()

    def _handle(self, part: Part) -> None:
        metrics = self._host.metrics
        metrics.parts[_kind_of(part)].inc()
        if isinstance(part, Junk):
            if not part.blank or part.size > _QUIET_JUNK:
                feed = self._feed_of(part.head).name_in_logs if part.unframed else None
                log.warning("link.junk", source=self.address, size=part.size, unframed_message=part.unframed, feed=feed)
            metrics.junk.inc(part.size)
        elif isinstance(part, Empty) or self._is_commit_block(part):
            pass
        elif part.unframed and not self._feed_of((junk := as_junk(part)).head).accepts_unframed:
            self._handle(junk)
        else:
            self._keep(part)
        if (isinstance(part, Truncated) and part.stalled) or (isinstance(part, Oversized) and not part.ended):
            log.warning("link.given_up", source=self.address, why=type(part).__name__.lower())
            self.finish()

    def _feed_of(self, raw: bytes) -> FeedProfile:
        assert self._feeds is not None
        return self._host.reception.feed_of(raw, self._feeds)

    def _keep(self, part: Frame | Oversized | Truncated) -> None:
        assert self._feeds is not None
        self._frames += 1
        size = len(part.prefix if isinstance(part, Oversized) else part.payload)
        self._queue.size += size
        now = self._host.clock()
        if size <= _READ_AT_ONCE:
            self._take_in(self._host.reception.receive(part, self._feeds, now), size)
            return
        self._queue.reading = True
        read = partial(self._host.reception.receive, part, self._feeds, now)
        self._host.read_aside(read).add_done_callback(partial(self._read_aside, size))

    def _read_aside(self, size: int, reading: asyncio.Future[Received]) -> None:
        """Take a large frame that was read; an internal error in reading it closes this link."""
        self._queue.reading = False
        if reading.cancelled() or reading.exception() is not None:
            log.error("link.not_read", source=self.address, size=size)
            self.given_up = True
            self.close_unanswered()
            return
        self._take_in(reading.result(), size)
        self._pump()
        if self._ending and not self._queue:
            self._say_goodbye()

    def _take_in(self, received: Received, size: int) -> None:
        if received.acknowledgements:
            self._host.metrics.acknowledgements.inc(received.acknowledgements)
        pending = PendingFrame(self, received, size, self._time())
        self._queue.waiting.append(pending)
        self._host.keep(pending)

    def _is_commit_block(self, part: Part) -> bool:
        return self._port.mllp_v2 and isinstance(part, Frame) and part.payload in _COMMIT_BLOCKS

    def admitted(self) -> None:
        """Continue: there is a place for a large frame."""
        self._wait_no_more()
        self._regulate()

    def _wait_no_more(self) -> None:
        """Discount a wait of ours, which does not count against the sender."""
        if self._waiting_since is not None:
            self._framer.postpone(self._time() - self._waiting_since)
            self._waiting_since = None

    def _has_room(self) -> bool:
        """Return whether it may hold more: small frames always, large ones a few at a time."""
        places = self._host.large
        large = self._framer.held + self._queue.size > places.small
        if not large:
            if self._is_large:
                self._is_large = False
                self._wait_no_more()
                places.leave(self)
            return True
        self._is_large = True
        if places.enter(self):
            return True
        if self._waiting_since is None:
            self._waiting_since = self._time()
        return False

    def _is_at_ease(self, queue: _Queue) -> bool:
        """Return whether it is being read and may continue; nearly always so."""
        hindered = self._paused or self._congested or self._ending or self._is_large or queue.held or queue.reading
        return (
            not hindered
            and len(queue.waiting) < self._host.config.queued_frames
            and self._framer.held + queue.size <= self._host.large.small
        )

    def _regulate(self) -> None:
        """Read, or let TCP hold the sender back."""
        queue = self._queue
        if self._is_at_ease(queue):
            return
        full = queue.held or queue.reading or len(queue.waiting) >= self._host.config.queued_frames
        full = not self._has_room() or bool(full)
        pause = (full or self._congested or self._ending) and self._linger_until is None
        if self._transport is None or self._transport.is_closing() or pause == self._paused:
            return
        self._paused = pause
        (self._transport.pause_reading if pause else self._transport.resume_reading)()

    def _say_goodbye(self) -> None:
        """Close after the last answer; unread bytes would make the kernel reset the link, and the answer with it."""
        if self._transport is None or self._linger_until is not None:
            return
        if self._sender_ended or not self._transport.can_write_eof():
            self._close()
            return
        self._linger_until = self._time() + _LINGER_S
        self._transport.write_eof()
        self._regulate()

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _kind_of(part: Part) -> str:
    """Return what it is counted as: a frame of the canary must not hide that no sender sends."""
    if isinstance(part, Frame) and part.payload.startswith(_OF_CANARY):
        return "canary"
    return type(part).__name__.lower()


def _keep_alive(connection: Any) -> None:
    """Detect a sender that is gone, and keep firewalls from dropping one that is only quiet."""
    if connection is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _may_connect(address: str, allowed: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Return whether a sender at this address may connect; without a list, everybody may."""
    return not allowed or any(ip_address(address) in network for network in allowed)
