"""python-hl7's client and its `mllp_send` send every sample to our listener, and accept what they hear."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hl7
import pytest
import sqlalchemy as sa
import uvloop
from hl7.client import MLLPClient
from hl7.mllp import open_hl7_connection

from parsers.hl7.header import read_header_line
from store import tables
from tests.listener.builders import a_hospital
from tests.parsers.test_samples import SAMPLES, messages

ALL = [message for path in sorted(SAMPLES.glob("*.hl7")) for message in messages(path)]


@contextmanager
def listening(engine: sa.Engine) -> Iterator[int]:
    """A listener on a loop of its own, and its port; these clients block."""
    began = threading.Event()
    found: list[int] = []
    loop = uvloop.new_event_loop()

    async def listen(stopping: asyncio.Event) -> None:
        async with a_hospital(engine) as hospital:
            found.append(hospital.listener.ports[0])
            began.set()
            await stopping.wait()

    stopping = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(listen(stopping),))
    thread.start()
    try:
        assert began.wait(90)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(90)
        loop.close()


def accepts(answer: hl7.Message, sent: bytes) -> bool:
    """As a sender sees it: accepted, and for this very message."""
    return str(answer["MSA"][0][1]) in ("AA", "CA") and str(answer["MSA"][0][2]).encode() == _control_id(sent)


def _control_id(message: bytes) -> bytes:
    return read_header_line(message).control_id


def kept(engine: sa.Engine) -> list[str]:
    with engine.connect() as connection:
        return sorted(connection.execute(sa.select(tables.message.c.control_id)).scalars())


def test_its_blocking_client_sends_every_sample_and_reads_every_answer(sqlite_engine: sa.Engine) -> None:
    with listening(sqlite_engine) as port, MLLPClient("127.0.0.1", port) as client:
        answers = [client.send_message(message) for message in ALL]

    parsed = [hl7.parse(answer.strip(b"\x0b\x1c\r").decode() + "\r") for answer in answers]
    assert [accepts(answer, sent) for answer, sent in zip(parsed, ALL, strict=True)] == [True] * len(ALL)
    assert kept(sqlite_engine) == sorted(_control_id(message).decode() for message in ALL)


def test_its_asynchronous_client_sends_every_sample_and_reads_every_answer(sqlite_engine: sa.Engine) -> None:
    async def send_all(port: int) -> list[hl7.Message]:
        reader, writer = await open_hl7_connection("127.0.0.1", port)
        answers = []
        for message in ALL:
            writer.writeblock(message)
            await writer.drain()
            answers.append(await reader.readmessage())
        writer.close()
        return answers

    with listening(sqlite_engine) as port:
        answers = asyncio.run(send_all(port))

    assert [accepts(answer, sent) for answer, sent in zip(answers, ALL, strict=True)] == [True] * len(ALL)


@pytest.mark.parametrize("loose", [True, False])
def test_its_command_sends_a_file_of_samples(sqlite_engine: sa.Engine, tmp_path: Path, loose: bool) -> None:
    usual = [message for message in ALL if message.startswith(b"MSH|^~\\&|")]
    between = b"" if loose else b"\x1c"
    (tmp_path / "samples.hl7").write_bytes(b"".join(message + between for message in usual))
    command = Path(sys.executable).with_name("mllp_send")

    with listening(sqlite_engine) as port:
        options = ["--loose"] if loose else []
        run = subprocess.run(
            [command, *options, "--file", tmp_path / "samples.hl7", "--port", str(port), "127.0.0.1"],
            capture_output=True,
            timeout=120,
        )

    assert run.returncode == 0, run.stderr
    assert run.stdout.count(b"\rMSA|AA|") + run.stdout.count(b"\rMSA|CA|") == len(usual)
    assert kept(sqlite_engine) == sorted(_control_id(message).decode() for message in usual)
