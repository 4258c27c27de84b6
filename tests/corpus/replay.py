"""Files sent as they are through a real listener, then processed: what was answered and how each message ended."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from history.choices import Site
from ivigilant.urgency import Urgency
from listener.client import read_answer
from listener.receive import body_hash
from parsers.errors import UnreadableHeader
from parsers.hl7.batches import split_batch
from parsers.hl7.header import read_header_line
from rules.knowledge import Knowledge
from store import tables
from store.messages import raw_of
from tests.listener.builders import Wire, a_hospital, a_message, framed
from worker.tasks import process_messages
from worker.worker import Worker

LIMIT_S = 20.0
TOGETHER = 100


@dataclass(frozen=True, slots=True)
class Sent:
    """One file: the bytes of its frame, its messages, and MSA-1 of the answers."""

    file: Path
    frame: bytes
    codes: tuple[str, ...]

    @property
    def messages(self) -> tuple[bytes, ...]:
        """The messages in it, as the listener takes them apart."""
        batch = split_batch(self.frame)
        return batch.messages if batch is not None and batch.messages else (self.frame,)


@dataclass(frozen=True, slots=True)
class Ended:
    """A message after everything: how it ended, and why."""

    raw: bytes
    type: str
    state: str
    reason: str
    flags: tuple[str, ...]
    ack_code: str


def frame_of(file: Path) -> bytes:
    """The file without MLLP framing, which some files have kept."""
    return file.read_bytes().strip(b"\x0b\x1c\r\n")


async def send_all(engine: sa.Engine, files: Sequence[Path]) -> list[Sent]:
    """Send every file as one frame over one link; each is followed by a message whose answer ends the waiting."""
    sent = []
    async with a_hospital(engine, is_order=Urgency()) as hospital, hospital.link() as link:
        for number, file in enumerate(files):
            frame = frame_of(file)
            async with asyncio.timeout(LIMIT_S):
                sent.append(Sent(file, frame, await _answers(link, frame, f"PROBE{number}")))
    return sent


async def _answers(link: Wire, frame: bytes, probe: str) -> tuple[str, ...]:
    """What comes back before the answer to the probe does."""
    await link.send(framed(frame, a_message(probe)))
    codes: list[str] = []
    while True:
        code, control_id = read_answer(await link.answer())
        if control_id == probe.encode():
            return tuple(codes)
        codes.append(code)


def process_all(engine: sa.Engine, knowledge: Knowledge) -> None:
    """Do the work of the workers."""
    worker = Worker(engine, knowledge, Site(), lambda: datetime(2026, 11, 21, 12, 0, tzinfo=UTC))
    with engine.connect() as connection:
        ids = list(connection.execute(sa.select(tables.message.c.id).order_by(tables.message.c.id)).scalars())
    for start in range(0, len(ids), TOGETHER):
        process_messages(worker, ids[start : start + TOGETHER])


@dataclass(frozen=True, slots=True)
class Endings:
    """How every message that was kept ended; a message sent twice is kept once."""

    by_hash: dict[bytes, Ended]

    def of(self, raw: bytes) -> Ended | None:
        """How this message ended; None when it is not there."""
        return self.by_hash.get(_hash(raw))


def endings(engine: sa.Engine) -> Endings:
    """How everything ended."""
    with engine.connect() as connection:
        rows = connection.execute(sa.select(tables.message)).all()
    return Endings({row.body_hash: _ended(row) for row in rows})


def _ended(row: Any) -> Ended:
    kind = f"{row.type}^{row.event}".strip("^")
    return Ended(raw_of(row), kind, row.state, row.reason or "", tuple(row.flags), row.ack_code)


def _hash(raw: bytes) -> bytes:
    try:
        return body_hash(raw, read_header_line(raw))
    except UnreadableHeader:
        return body_hash(raw, None)
