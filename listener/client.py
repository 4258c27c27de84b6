"""An MLLP client: many links, several messages in transit on each, at a given rate."""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass

from listener.framing import EB, SB, Frame, Framer
from parsers.errors import UnreadableHeader
from parsers.hl7.header import read_header_line

UNANSWERED = ""
_QUIET_S = 0.6
_COMMIT_BLOCKS = (b"\x06", b"\x15")  # MLLP release 2: not an answer yet


@dataclass(frozen=True, slots=True)
class Reply:
    """The outcome of one message: MSA-1, or UNANSWERED."""

    control_id: str
    code: str

    @property
    def accepted(self) -> bool:
        """Whether the receiver accepted it."""
        return self.code in ("AA", "CA")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send to, and how patiently."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    server_name: str | None = None
    timeout_s: float = 30.0  # for one answer


class Sender:
    """One link to a receiver."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._framer = Framer()
        self._frames: deque[bytes] = deque()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> "Sender":
        """Open the link."""
        await self._open()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the link."""
        await self.close()

    async def exchange(self, message: bytes) -> str:
        """Send one message and return MSA-1 of its answer; raise OSError if the link broke or none came."""
        await self.send(message)
        return read_answer(await self.answer())[0]

    async def send(self, message: bytes) -> None:
        """Send one message without waiting for its answer."""
        if self._writer is None:
            await self._open()
        assert self._writer is not None
        self._writer.write(SB + message + EB + b"\r")
        await self._writer.drain()

    async def answer(self) -> bytes:
        """Return the next answer; raise OSError if the link broke or nothing came in time."""
        try:
            async with asyncio.timeout(self._target.timeout_s):
                while not self._frames:
                    await self._read()
        except OSError:
            await self.close()
            raise
        return self._frames.popleft()

    async def close(self) -> None:
        """Close the link; the next message opens a new one."""
        writer, self._reader, self._writer = self._writer, None, None
        self._framer, self._frames = Framer(), deque()
        if writer is not None:
            writer.close()

    async def _open(self) -> None:
        target = self._target
        name = (target.server_name or target.host) if target.tls else None
        async with asyncio.timeout(target.timeout_s):
            self._reader, self._writer = await asyncio.open_connection(
                target.host, target.port, ssl=target.tls, server_hostname=name
            )

    async def _read(self) -> None:
        if self._reader is None:
            raise ConnectionResetError("the link is closed")
        now = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(_QUIET_S if self._framer.inside else None):
                data = await self._reader.read(65536)
        except TimeoutError:  # an answer without its CR is complete when nothing follows
            parts = self._framer.tick(now())
        else:
            parts = self._framer.feed(data, now()) if data else self._framer.end()
            if not data and not parts:
                raise ConnectionResetError("the receiver closed the link")
        self._frames.extend(
            part.payload for part in parts if isinstance(part, Frame) and part.payload not in _COMMIT_BLOCKS
        )


def read_answer(answer: bytes) -> tuple[str, bytes]:
    """MSA-1 and MSA-2; empty when it is not an acknowledgement."""
    lines = answer.replace(b"\n", b"\r").split(b"\r")
    separator = lines[0][3:4] or b"|"
    for line in lines:
        if line.startswith(b"MSA" + separator):
            fields = [*line.split(separator), b"", b""]
            return fields[1].decode("ascii", "replace"), fields[2]
    return UNANSWERED, b""


def control_id_of(message: bytes) -> bytes:
    """MSH-10, byte for byte; empty without an MSH."""
    try:
        return read_header_line(message).control_id
    except UnreadableHeader:
        return b""


async def send_all(
    messages: Iterable[bytes], target: Target, *, links: int = 1, window: int = 1, rate: float | None = None
) -> AsyncIterator[Reply]:
    """Send every message once, and report the outcome of each as it becomes known.

    `window` messages may be in transit on a link; `rate` is messages per second over all links.
    """
    replies: asyncio.Queue[Reply | None] = asyncio.Queue()
    paced = _Paced(messages, rate)
    tasks = [asyncio.create_task(_Lane(target, paced, window, replies).run()) for _ in range(links)]
    try:
        running = links
        while running:
            answer = await replies.get()
            if answer is None:
                running -= 1
            else:
                yield answer
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Paced:
    """Hands out messages to all links, no faster than the rate."""

    def __init__(self, messages: Iterable[bytes], rate: float | None) -> None:
        self._messages: Iterator[bytes] = iter(messages)
        self._every_s = 1 / rate if rate else 0.0
        self._due: float | None = None

    async def take(self) -> bytes | None:
        """Return the next message when its time has come, or None after the last."""
        message = next(self._messages, None)
        if message is not None and self._every_s:
            now = asyncio.get_running_loop().time()
            # A pause is made up for, up to one second of it.
            due = now if self._due is None else max(self._due + self._every_s, now - 1.0)
            self._due = due
            await asyncio.sleep(max(due - now, 0.0))
        return message


class _Lane:
    """Sends over one link, and reopens it when it broke."""

    def __init__(self, target: Target, paced: _Paced, window: int, replies: "asyncio.Queue[Reply | None]") -> None:
        self._sender = Sender(target)
        self._paced = paced
        self._window = window
        self._replies = replies
        self._under_way: deque[bytes] = deque()
        self._more = True

    async def run(self) -> None:
        """Send until nothing is left to send or await; the last report is None."""
        try:
            while self._more or self._under_way:
                try:
                    await self._fill()
                    if self._under_way:
                        self._match(*read_answer(await self._sender.answer()))
                except OSError:
                    await self._sender.close()
                    self._tell_unanswered(len(self._under_way))
        finally:
            await self._sender.close()
            self._replies.put_nowait(None)

    async def _fill(self) -> None:
        while self._more and len(self._under_way) < self._window:
            message = await self._paced.take()
            if message is None:
                self._more = False
                return
            self._under_way.append(control_id_of(message))
            await self._sender.send(message)

    def _match(self, code: str, control_id: bytes) -> None:
        """Match an answer: they come in order, so one for a later message means that the earlier ones got none."""
        if control_id in self._under_way:
            self._tell_unanswered(self._under_way.index(control_id))
        self._replies.put_nowait(_answer(self._under_way.popleft(), code))

    def _tell_unanswered(self, how_many: int) -> None:
        for _ in range(how_many):
            self._replies.put_nowait(_answer(self._under_way.popleft(), UNANSWERED))


def _answer(control_id: bytes, code: str) -> Reply:
    return Reply(readable(control_id), code)


def readable(control_id: bytes) -> str:
    """Return a control id as it is reported."""
    return control_id.decode("utf-8", "backslashreplace")
