"""Messages sent to a listener by `replay` and `demo`, from files, standard input or the store; answers counted."""

import asyncio
import os
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import monotonic

import sqlalchemy as sa

from ivigilant.errors import IvigilantError, UnreadablePath
from ivigilant.packed import contents, is_archive, unpacked_name
from listener.client import UNANSWERED, Reply, Target, control_id_of, readable, send_all
from parsers.hl7.batches import split_batch
from store import tables
from store.canary import of_senders
from store.messages import raw_of

SUFFIXES = {".hl7", ".er7", ".txt", ".msg", ".dat"}
FRAMING = b"\x0b\x1c"
PAGE = 500
_AGAIN_AFTER_S = 0.2
STDIN = Path("-")


def read_paths(paths: Iterable[Path]) -> Iterator[bytes]:
    """Yield every message of these files, of the files in these folders by name, and of standard input for `-`.

    Raise UnreadablePath for a path that cannot be used, before the first message.
    """
    return (message for _, message in named_messages(paths))


def named_messages(paths: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield the same messages, each with its place: `order.hl7`, or `batch.hl7 message 2`."""
    files = [file for path in paths for file in ([path] if path == STDIN else files_under(path))]
    return (named for file in files for named in _named(file))


def _named(file: Path) -> Iterator[tuple[str, bytes]]:
    if file == STDIN:
        yield from _numbered("standard input", messages_in(sys.stdin.buffer.read()))
        return
    for where, content in contents(file):
        if where == file or _is_of_messages(where):
            yield from _numbered(str(where), messages_in(content))


def _numbered(name: str, messages: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    for number, message in enumerate(messages, 1):
        yield (name if len(messages) == 1 else f"{name} message {number}"), message


def _is_of_messages(file: Path) -> bool:
    return Path(unpacked_name(file)).suffix.lower() in SUFFIXES


def files_under(path: Path) -> list[Path]:
    """Return the file, or the message files of the folder, sorted by name."""
    if path.is_dir():
        files = [file for file in path.rglob("*") if (_is_of_messages(file) or is_archive(file)) and file.is_file()]
        if not files:
            raise UnreadablePath(f"{path} holds no message files ({', '.join(sorted(SUFFIXES))})")
        return sorted(files)
    if not path.exists():
        raise UnreadablePath(f"{path} does not exist")
    return [path]


def messages_in(content: bytes) -> list[bytes]:
    """Split a file into messages as they go over the wire: segments that end in CR, and no framing."""
    batch = split_batch(content)
    parts = batch.messages if batch is not None else (content,)
    return [message for part in parts if (message := _as_sent(part))]


def read_store(engine: sa.Engine, since: datetime) -> Iterator[bytes]:
    """Yield the messages received since a moment, in order of arrival; those without a text are left out."""
    message = tables.message
    query = sa.select(message.c.id, message.c.raw).order_by(message.c.id).limit(PAGE)
    query = query.where(message.c.received_at >= since, message.c.pruned_at.is_(None), of_senders())
    last = 0
    while True:
        with engine.connect() as connection:
            rows = connection.execute(query.where(message.c.id > last)).all()
        for row in rows:
            yield raw_of(row)
        if len(rows) < PAGE:
            return
        last = rows[-1].id


def pruned_since(engine: sa.Engine, since: datetime) -> int:
    """Return how many messages received since then no longer have a text."""
    message = tables.message
    query = sa.select(sa.func.count()).where(message.c.received_at >= since, message.c.pruned_at.is_not(None))
    with engine.connect() as connection:
        return int(connection.execute(query).scalar_one())


def _as_sent(part: bytes) -> bytes:
    """Editors end lines with LF; the wire ends segments with CR."""
    text = part.strip(FRAMING + b" \t\r\n\0").removeprefix(b"\xef\xbb\xbf")
    if b"\r" not in text:
        text = text.replace(b"\n", b"\r")
    text = text.replace(b"\r\n", b"\r")
    return text + b"\r" if text else b""


class NobodyListens(IvigilantError):
    """No connection could be made; start the listener, or use another address."""


@dataclass(slots=True)
class ReplyCounts:
    """The number of each kind of answer."""

    answers: Counter[str] = field(default_factory=Counter)
    accepted: int = 0

    def count(self, answer: Reply) -> None:
        """Count one answer."""
        self.answers["unanswered" if answer.code == UNANSWERED else answer.code] += 1
        self.accepted += answer.accepted

    @property
    def sent(self) -> int:
        """Return the number of messages sent."""
        return self.answers.total()

    @property
    def all_accepted(self) -> bool:
        """Return whether every message was accepted."""
        return self.accepted == self.sent


async def send(
    messages: Iterable[bytes],
    target: Target,
    *,
    links: int = 1,
    window: int = 1,
    rate: float | None = None,
    report: Callable[[ReplyCounts], None] = lambda _tally: None,
) -> ReplyCounts:
    """Send every message once, or raise NobodyListens if no first connection can be made."""
    await _knock(target)
    tally = ReplyCounts()
    async for answer in send_all(messages, target, links=links, window=window, rate=rate):
        tally.count(answer)
        report(tally)
    return tally


async def send_until_answered(messages: Sequence[bytes], target: Target, within_s: float) -> ReplyCounts:
    """Send every message until it is answered, or raise NobodyListens as `send` does."""
    await _knock(target)
    tally, left, until = ReplyCounts(), list(messages), monotonic() + within_s
    while left:
        silent: dict[str, Reply] = {}
        async for reply in send_all(left, target):
            if reply.code == UNANSWERED:
                silent[reply.control_id] = reply
            else:
                tally.count(reply)
        left = [message for message in left if readable(control_id_of(message)) in silent]
        if left and monotonic() > until:
            for reply in silent.values():
                tally.count(reply)
            break
        await asyncio.sleep(_AGAIN_AFTER_S if left else 0)
    return tally


async def _knock(target: Target) -> None:
    try:
        async with asyncio.timeout(5):
            _, writer = await asyncio.open_connection(target.host, target.port)
    except socket.gaierror:
        raise NobodyListens(f"no connection to {target.host}:{target.port} (no such host)") from None
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else type(error).__name__
        raise NobodyListens(f"no connection to {target.host}:{target.port} ({reason})") from None
    with closing(writer):
        pass
