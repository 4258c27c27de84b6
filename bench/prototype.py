"""The least that can stand between a frame and its durable acknowledgement: `python -m bench.prototype ADDRESS PORT`.

It is what our listener is measured against: the same natural batches (everything that arrived during one commit is the
next batch), one insert and one durable commit a batch in a thread, and the answer after it. It looks at MSH alone,
takes every sender and every message, detects no duplicate, rings for no worker and forgives nothing: no limit of size
or time, no character set, no second form of an answer. ADDRESS is a file of SQLite or the URL of a PostgreSQL.
"""

import asyncio
import hashlib
import sqlite3
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import cast

import psycopg
import uvloop

END = b"\x1c\r"
Row = tuple[str, bytes, bytes]  # number, digest, message
Save = Callable[[Sequence[Row]], None]

_TABLE = "CREATE TABLE received (id {id} PRIMARY KEY, feed int, control text, digest {b}, at {at}, raw {b}, state text)"
_KEY = "CREATE UNIQUE INDEX received_key ON received (feed, control, digest)"
_WAITING = "CREATE INDEX received_waiting ON received (state) WHERE state = 'received'"


def save_in_sqlite(file: str) -> Save:
    """Return what saves a batch in a new file, durably."""
    connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("PRAGMA synchronous = full")
    connection.execute(_TABLE.format(id="integer", b="blob", at="real"))
    connection.execute(_KEY)
    insert = "INSERT OR IGNORE INTO received (feed, control, digest, at, raw, state) VALUES (1, ?, ?, 0, ?, 'received')"

    def save(batch: Sequence[Row]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(insert, batch)
        connection.execute("COMMIT")

    return save


def save_in_postgresql(url: str) -> Save:
    """Return what saves a batch in a new table, durably."""
    connection = psycopg.connect(url)
    connection.execute(_TABLE.format(id="bigserial", b="bytea", at="timestamptz DEFAULT now()"))
    connection.execute(_KEY)
    connection.execute(_WAITING)
    connection.commit()
    insert = (
        "INSERT INTO received (feed, control, digest, raw, state) SELECT 1, *, 'received'"
        " FROM unnest(%s::text[], %s::bytea[], %s::bytea[]) ON CONFLICT DO NOTHING RETURNING id"
    )

    def save(batch: Sequence[Row]) -> None:
        connection.execute(insert, tuple(map(list, zip(*batch, strict=True)))).fetchall()
        connection.commit()

    return save


class Batches:
    """Saves what arrived during the last commit, and answers it."""

    def __init__(self, save: Save) -> None:
        self._save = save
        self._thread = ThreadPoolExecutor(1)
        self._pending: list[tuple[Row, Callable[[], None]]] = []
        self._saving: asyncio.Task[None] | None = None

    def put(self, row: Row, answer: Callable[[], None]) -> None:
        """Save it with the next batch."""
        self._pending.append((row, answer))
        if self._saving is None:
            self._saving = asyncio.create_task(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._pending:
            batch, self._pending = self._pending, []
            await loop.run_in_executor(self._thread, self._save, [row for row, _ in batch])
            for _, answer in batch:
                answer()
        self._saving = None


class PrototypeLink(asyncio.Protocol):
    """One sender."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._buffer = b""
        self._count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Take every frame that is complete."""
        self._buffer += data
        while (end := self._buffer.find(END)) >= 0:
            message, self._buffer = self._buffer[1:end], self._buffer[end + len(END) :]
            fields = message[: message.find(b"\r")].decode("latin1").split("|")
            head = f"MSH|^~\\&|IVIG|P|{fields[2]}|{fields[3]}|20261120||ACK^O11^ACK|x|P|2.5.1\rMSA|AA|{fields[9]}\r"
            answer = partial(self._transport.write, b"\x0b" + head.encode() + END)
            self._batches.put((fields[9], hashlib.blake2b(message, digest_size=16).digest(), message), answer)


async def _serve(save: Save, port: int) -> None:
    batches = Batches(save)
    server = await asyncio.get_running_loop().create_server(
        lambda: PrototypeLink(batches), "127.0.0.1", port, backlog=1024
    )
    await server.serve_forever()


if __name__ == "__main__":
    address = sys.argv[1]
    uvloop.run(_serve(save_in_postgresql(address) if "://" in address else save_in_sqlite(address), int(sys.argv[2])))
