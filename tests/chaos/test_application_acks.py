"""Listener and worker killed while senders are told how their messages ended: everybody hears, under one number."""

import asyncio
import contextlib
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from listener.client import control_id_of, read_answer
from store.tables import application_ack
from tests.chaos.installation import Installation
from tests.chaos.sender import Sending, moments_of
from tests.ivigilant.site_hospital import a_message
from tests.ivigilant.waiting import soon
from tests.listener.builders import framed

Install = Callable[..., Installation]


class Ears:
    """Takes every application acknowledgement, in a thread of its own."""

    def __init__(self) -> None:
        self.heard: dict[bytes, set[tuple[str, bytes]]] = defaultdict(set)  # MSA-2: code and own number of each
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hear no more."""
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while told := (await reader.readuntil(b"\x1c\r"))[1:-2]:
                code, number = read_answer(told)
                self.heard[number].add((code, control_id_of(told)))
                writer.write(framed(b"MSH|^~\\&|||||2026||ACK|1|P|2.5\rMSA|CA|%s\r" % control_id_of(told)))
        writer.close()


@pytest.fixture
def ears() -> Iterator[Ears]:
    ears = Ears()
    yield ears
    ears.close()


def test_everybody_hears_how_each_message_ended_whoever_is_killed(
    install: Install, watching: sa.Engine, ears: Ears, tmp_path: Path
) -> None:
    site = tmp_path / "site.yaml"
    route = f"127.0.0.1:{ears.port}"
    site.write_text(json.dumps({"feeds": [{"name": "cpoe", "sending_application": "EPD", "app_ack_route": route}]}))
    messages = [a_message(control=f"C{number}", accept="AL", application="AL") for number in range(200)]
    installation = install(IVIGILANT_SITE_FILE=str(site))
    installation.start()
    kills = [partial(installation.kill, role) for role in ("listener", "worker", "listener", "worker")]

    def kill_one() -> None:
        kills.pop()()

    moments = moments_of(len(messages), 4, seed=3, what=kill_one)
    sending = Sending(installation.mllp_port, messages, per_second=60, moments=moments)

    sending.begin()
    soon(lambda: not sending.busy and len(ears.heard) == len(messages) and not waiting(watching), within_s=200)

    assert installation.killed == 4
    assert {code for told in ears.heard.values() for code, _ in told} == {"AA"}
    assert {len(told) for told in ears.heard.values()} == {1}  # heard again, it has the same number


def waiting(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        query = sa.select(sa.func.count()).select_from(application_ack).where(application_ack.c.state != "sent")
        return connection.scalar(query) or 0
