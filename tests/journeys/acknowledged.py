"""The other end of an application acknowledgement, and what a test waits for."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from listener.application_acks import ApplicationAcks, Pace, Route
from listener.client import control_id_of
from listener.metrics import Metrics
from store.tables import application_ack
from tests.ivigilant.site_hospital import NOW, SiteHospital
from tests.listener.builders import framed


@dataclass
class Ears:
    """A sender's side: keeps what it is told, and answers with the next of these codes, the last one for ever."""

    codes: Sequence[str] = ("CA",)
    heard: list[bytes] = field(default_factory=list)
    most_at_once: int = 0
    _at_once: int = 0

    @contextlib.asynccontextmanager
    async def listening(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[Route]:
        """Listen on a free port; the route is told without TLS all the same."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        try:
            yield Route("127.0.0.1", server.sockets[0].getsockname()[1])
        finally:
            server.close()

    async def hears(self, count: int) -> list[bytes]:
        """What was told, once it is so much."""
        while len(self.heard) < count:
            await asyncio.sleep(0.01)
        return self.heard

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                told = (await reader.readuntil(b"\x1c\r"))[1:-2]
                self._at_once += 1
                self.most_at_once = max(self.most_at_once, self._at_once)
                await asyncio.sleep(0.002)
                code = self.codes[min(len(self.heard), len(self.codes) - 1)]
                self.heard.append(told)
                self._at_once -= 1
                answered = b"WRONG" if code == "wrong" else control_id_of(told)
                if code:
                    code = "AA" if code == "wrong" else code
                    writer.write(framed(b"MSH|^~\\&|||||2026||ACK|1|P|2.5\rMSA|%s|%s\r" % (code.encode(), answered)))
        writer.close()


@dataclass
class Watch:
    """A clock that the test moves."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@contextlib.asynccontextmanager
async def telling(
    engine: sa.Engine,
    *routes: Route,
    clock: Callable[[], datetime] = Watch(),  # noqa: B008  # it stands still
    answer_within_s: float = 60.0,
) -> AsyncIterator[None]:
    """Tell senders what became of their messages; who is silent, by that much, is told again."""
    acks = ApplicationAcks(engine, routes, clock, Metrics(), Pace(look_every_s=0.02, answer_within_s=answer_within_s))
    acks.start()
    try:
        yield
    finally:
        await acks.stop()


def rows(engine: sa.Engine) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(sa.select(application_ack).order_by(application_ack.c.id)))


async def settles(engine: sa.Engine, *states: str) -> None:
    while [row.state for row in rows(engine)] != list(states):
        await asyncio.sleep(0.01)


async def receives(hospital: SiteHospital, raw: bytes) -> str:
    """As the parts of one process after the other; the loop of this test goes on."""
    return await asyncio.to_thread(hospital.receives, raw)
