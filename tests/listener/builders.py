"""Messages to send, a listener to send them to, and a link that sees every byte of the answer."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

import sqlalchemy as sa
import uvloop

from clinical.events import Header
from listener.batching import Saving
from listener.client import read_answer
from listener.config import ListenerConfig, Port
from listener.feeds import FeedOf, FeedProfile, IsOrder, one_feed
from listener.server import Listener
from store import feeds, tables

DEADLINE_S = 120.0


def a_message(control_id: str = "M1", **fields: str) -> bytes:
    """An ADT^A08; `msh11="T"` and the like change a field of its MSH."""
    msh = ["MSH", "^~\\&", "EHR", "UZ", "IVIG", "APO", "20260301120000+0100", "", "ADT^A08", control_id, "P", "2.5"]
    for name, value in fields.items():
        if name.startswith("msh"):
            number = int(name[3:])
            msh += [""] * (number - len(msh))
            msh[number - 1] = value
    pid = fields.get("pid", "PID|1||1000001^^^UZ^PI||Jansen^Willem")
    return "\r".join(["|".join(msh), "EVN||20260301", pid, ""]).encode()


def framed(*messages: bytes) -> bytes:
    """As they go over the wire."""
    return b"".join(b"\x0b" + message + b"\x1c\r" for message in messages)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a test on the loop that production runs on, and never for ever."""

    async def limited() -> None:
        async with asyncio.timeout(DEADLINE_S):
            await main

    uvloop.run(limited())


class Wire:
    """A link on which nothing is tidied up."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Send these bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> bytes:
        """The next whole frame, without its framing."""
        data = await self._reader.readuntil(b"\x1c\r")
        assert data.startswith(b"\x0b")
        return data[1:-2]

    async def answers(self, count: int) -> list[tuple[str, bytes]]:
        """MSA-1 and MSA-2 of the next answers."""
        return [read_answer(await self.answer()) for _ in range(count)]

    async def ask(self, message: bytes) -> bytes:
        """Send one message and give its answer."""
        await self.send(framed(message))
        return await self.answer()

    async def rest(self) -> bytes:
        """Everything until the other side closes."""
        return await self._reader.read()

    async def hears_nothing(self, seconds: float = 0.15) -> bool:
        """Whether the other side stays silent and the link open."""
        try:
            async with asyncio.timeout(seconds):
                await self._reader.read(1)
        except TimeoutError:
            return True
        return False


class Hospital:
    """A running listener, and what it keeps."""

    def __init__(self, listener: Listener, engine: sa.Engine, published: list[tuple[str, list[int]]]) -> None:
        self.listener = listener
        self.engine = engine
        self.published = published

    @contextlib.asynccontextmanager
    async def link(self, tls: ssl.SSLContext | None = None, port: int = 0) -> AsyncIterator[Wire]:
        """A link to it."""
        number = self.listener.ports[port]
        reader, writer = await asyncio.open_connection("127.0.0.1", number, ssl=tls, limit=2**26)
        try:
            yield Wire(reader, writer)
        finally:
            writer.close()

    def kept(self) -> Sequence[sa.Row[Any]]:
        """The rows of `message`."""
        with self.engine.connect() as connection:
            return connection.execute(sa.select(tables.message).order_by(tables.message.c.id)).all()

    async def keeps(self, count: int) -> Sequence[sa.Row[Any]]:
        """The rows once there are so many."""
        while len(rows := self.kept()) < count:
            await asyncio.sleep(0.01)
        return rows


def a_config(*ports: Port, **settings: Any) -> ListenerConfig:
    """Settings for any free port, with time enough to answer on a machine that is busy."""
    return ListenerConfig(ports=ports or (Port(port=0),), **({"tick_s": 0.05, "answer_within_s": 60.0} | settings))


def no_orders(_raw: bytes, _header: Header) -> bool:
    """No message is an order."""
    return False


@contextlib.asynccontextmanager
async def a_hospital(
    engine: sa.Engine,
    *,
    config: ListenerConfig | None = None,
    feed: Callable[[int], FeedProfile] = FeedProfile,
    feed_of: FeedOf | None = None,
    is_order: IsOrder = no_orders,
    save: Any = None,
    enqueue: Any = None,
) -> AsyncIterator[Hospital]:
    """Start a listener on a free port, and stop it."""
    with engine.begin() as connection:
        feed_id = feeds.ids_of(connection, ["default"])["default"]
    published: list[tuple[str, list[int]]] = []
    listener = Listener(
        config or a_config(),
        save or Saving(engine),
        enqueue or (lambda lane, ids: published.append((lane, list(ids)))),
        feed_of or one_feed(feed(feed_id)),
        is_order=is_order,
    )
    await listener.start()
    try:
        yield Hospital(listener, engine, published)
    finally:
        await listener.stop()
