"""A load generator that costs little: one message under way on each link, answers counted as they come."""

import asyncio
import socket
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast

END = b"\x1c\r"
ACCEPTED = (b"|AA", b"|CA")
START_WITHIN_S = 60.0


def framed(message: bytes) -> bytes:
    """As it goes over the wire."""
    return b"\x0b" + message + END


@dataclass(slots=True)
class Load:
    """Frames on their way over some links, and what was answered."""

    frames: Iterator[bytes]
    one_per_link: bool = False  # for a server that closes the link after every answer
    sent: Callable[[bytes, float], None] | None = None  # told what went out, and when
    seconds: "array[float]" = field(default_factory=lambda: array("d"))  # from each frame to its answer
    accepted: int = 0
    refused: int = 0
    open: bool = True  # whether a link that is free may send
    ended: bool = False  # nothing more is sent
    idle: list["Link"] = field(default_factory=list)
    links: set["Link"] = field(default_factory=set)
    under_way: int = 0

    def ready(self, link: "Link") -> None:
        """Let a free link send, or wait."""
        if self.open and not self.ended:
            self.send(link)
        else:
            self.idle.append(link)

    def send(self, link: "Link") -> None:
        """Send the next frame over this link."""
        frame = next(self.frames, None)
        if frame is None:
            self.ended = True
            self.idle.append(link)
            return
        self.under_way += 1
        link.send(frame)
        if self.sent is not None:
            self.sent(frame, link.began)

    def answered(self, answer: bytes, took: float) -> None:
        """Count one answer."""
        self.under_way -= 1
        self.seconds.append(took)
        if any(code in answer for code in ACCEPTED):
            self.accepted += 1
        else:
            self.refused += 1

    def hold(self) -> None:
        """Send no more for a while."""
        self.open = False

    def release(self) -> None:
        """Go on."""
        self.open = True
        waiting, self.idle = self.idle, []
        for link in waiting:
            self.ready(link)


class Link(asyncio.Protocol):
    """One connection."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._answer = b""
        self._frame = b""
        self.began = 0.0
        self.transport: asyncio.Transport | None = None
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first frame."""
        self.transport = cast(asyncio.Transport, transport)
        self._load.ready(self)

    def send(self, frame: bytes) -> None:
        """Send one frame."""
        assert self.transport is not None
        self._frame = frame
        self.began = time.perf_counter()
        self.transport.write(frame)

    def data_received(self, data: bytes) -> None:
        """Hear the answer."""
        self._answer += data
        if not self._answer.endswith(END):
            return
        answer, self._answer, self._frame = self._answer, b"", b""
        self._load.answered(answer, time.perf_counter() - self.began)
        if not self._load.one_per_link:
            self._load.ready(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count what was not answered."""
        self.transport = None
        self.closed.set()
        if self._frame:
            self._load.answered(b"", time.perf_counter() - self.began)
            self._frame = b""


async def run(load: Load, port: int, links: int, seconds: float | None = None) -> float:
    """Send until there is nothing left, or for so long; give how long it took."""
    lanes = [asyncio.create_task(_lane(load, port)) for _ in range(links)]
    began = time.perf_counter()
    while not load.ended and (seconds is None or time.perf_counter() - began < seconds):
        await asyncio.sleep(0.01)
    load.ended = True
    while load.under_way:
        await asyncio.sleep(0.001)
    took = time.perf_counter() - began
    for link in load.links:
        if link.transport is not None:
            link.transport.close()
    await asyncio.gather(*lanes)
    return took


async def _lane(load: Load, port: int) -> None:
    """One link, or one after the other where the server closes each after its answer."""
    loop = asyncio.get_running_loop()
    while True:
        _, link = await loop.create_connection(lambda: Link(load), "127.0.0.1", port)
        load.links.add(link)
        await link.closed.wait()
        load.links.discard(link)
        if load.ended or not load.one_per_link:
            return


async def pace(load: Load, per_second: float) -> None:
    """Hand out so many sends a second to the links that are free, until it is cancelled or nothing is left."""
    load.hold()
    due = time.perf_counter()
    while not load.ended:
        while due <= time.perf_counter() and load.idle:
            due += 1 / per_second
            load.send(load.idle.pop())
        await asyncio.sleep(0.001)


def wait_for(port: int) -> None:
    """Return when somebody listens there."""
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline:
        with socket.socket() as link:
            if link.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nobody listens at port {port}")
