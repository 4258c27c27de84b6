"""Received messages: many saved at once, and their bytes returned as received.

One statement inserts many messages, passed to each database's driver directly. A batch of one costs a third of
what it costs through SQLAlchemy, and a sender waits for its acknowledgement. PostgreSQL gets the texts as one JSON
value and the bytes as two arrays, so the statement never changes and is planned once; SQLite takes the values one by
one.
"""

import zlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from store.errors import MessageRefused, StoreUnavailable

COMPRESS_FROM = 512  # bytes; below it zlib gains less than it costs
HURRIED_ROWS = 16  # in one batch, as when batches follow one another: then only large messages are compressed
COMPRESS_FROM_HURRIED = 16 * 1024
_LONGEST_TIME = len("2026-01-01 12:00:00.000000")  # without its zone
LONGEST_KEY = 199  # characters of an indexed text: the longest HL7 control id, near PostgreSQL's largest key
SQLITE_ROWS = 256  # in one statement: each row binds 23 variables, and SQLite takes 32,766
ZLIB = b"\x78"  # the first byte of every zlib stream; a payload that begins with it is always compressed


class Arrival(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One message as received, and the answer to it."""

    feed_id: int
    body_hash: bytes
    raw: bytes
    received_at: datetime
    ack_code: str
    sending_application: str = ""
    sending_facility: str = ""
    control_id: str = ""
    type: str = ""
    event: str = ""
    hl7_version: str = ""
    message_time: datetime | None = None
    lane: str = "history"
    state: str = "received"
    reason: str | None = None
    detail: str | None = None
    flags: tuple[str, ...] = ()
    batch_control_id: str | None = None
    test: bool = False
    patient_key: int | None = None  # of the first patient it names, so that an order finds waiting history
    processed_at: datetime | None = None  # of one that is saved together with what was read from it


class _Row(msgspec.Struct, frozen=True, gc=False):
    """The texts and numbers of a message, in the order of their columns."""

    feed_id: int
    sending_application: str
    sending_facility: str
    control_id: str
    type: str
    event: str
    hl7_version: str
    message_time: datetime | None
    received_at: datetime
    lane: str
    state: str
    reason: str | None
    detail: str | None
    flags: tuple[str, ...]
    ack_code: str
    raw_size: int
    batch_control_id: str | None
    test: bool
    patient_key: int | None
    processed_at: datetime | None
    reused: bool  # not a column: an earlier message of this batch has this control id and another body


Rows = Sequence[tuple[Arrival, bool]]  # with `reused`
Ids = dict[tuple[int, bytes], int]  # (feed, body hash) → id, of the rows that are new

KEY = ("feed_id", "sending_application", "sending_facility", "control_id", "body_hash")
_TEXTS = _Row.__struct_fields__
_COLUMNS = (*_TEXTS[:-1], "body_hash", "raw")
_TYPES = {
    "feed_id": "bigint",
    "patient_key": "bigint",
    "raw_size": "integer",
    "test": "boolean",
    "reused": "boolean",
    "flags": "json",
}
_TYPES |= dict.fromkeys(("message_time", "received_at", "processed_at"), "timestamptz")
_encode = msgspec.json.Encoder().encode

# The same control id with another body, in this batch or before: answered by the index of the key.
_INSERT = """
INSERT INTO message ({columns}, attempts)
WITH i AS ({incoming})
SELECT {values}, 0 FROM i WHERE true ORDER BY position
ON CONFLICT ({key}) DO NOTHING
"""
_FLAGS = """
CASE WHEN i.reused OR (i.control_id <> '' AND EXISTS (
  SELECT 1 FROM message m
  WHERE m.feed_id = i.feed_id AND m.sending_application = i.sending_application
  AND m.sending_facility = i.sending_facility AND m.control_id = i.control_id
  AND m.body_hash <> i.body_hash AND coalesce(m.reason, '') <> 'truncated_frame'))
THEN {flagged} ELSE i.flags END
"""
_FLAGGED_SQLITE = "json_insert(i.flags, '$[#]', 'control_id_reuse')"
_FLAGGED_POSTGRESQL = """(i.flags::jsonb || '["control_id_reuse"]')::json"""


def insert_new(connection: sa.Connection, rows: Rows, *, hurried: bool = False) -> Ids:
    """Insert the new messages, all or none; `hurried` when every sender is waiting."""
    at_least = COMPRESS_FROM_HURRIED if hurried or len(rows) > HURRIED_ROWS else COMPRESS_FROM
    insert = _insert_sqlite if connection.dialect.name == "sqlite" else _insert_postgresql
    return insert(connection, rows, at_least)


def key_of(arrival: Arrival) -> tuple[int, str, str, str, bytes]:
    """Return what distinguishes this message from every other: its values of the columns in KEY."""
    return (
        arrival.feed_id,
        _plain(arrival.sending_application),
        _plain(arrival.sending_facility),
        _plain(arrival.control_id),
        arrival.body_hash,
    )


def control_id_of(arrival: Arrival) -> str:
    """Return its control id as it is stored."""
    return _plain(arrival.control_id)


def pack(raw: bytes, at_least: int = COMPRESS_FROM) -> bytes:
    """Return the bytes as the `raw` column holds them."""
    if len(raw) < at_least and not raw.startswith(ZLIB):
        return raw
    # A small hash table: setting up the usual one costs more than compressing a message.
    stream = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, 5)
    packed = stream.compress(raw) + stream.flush()
    return packed if len(packed) < len(raw) or raw.startswith(ZLIB) else raw


def _statement(incoming: str, flagged: str) -> str:
    values = [_FLAGS.format(flagged=flagged) if name == "flags" else f"i.{name}" for name in _COLUMNS]
    columns, key = ", ".join(_COLUMNS), ", ".join(KEY)
    return _INSERT.format(columns=columns, incoming=incoming, values=", ".join(values), key=key)


_POSTGRESQL = _statement(
    f"""SELECT * FROM ROWS FROM (
    json_to_recordset(%t::json) AS ({", ".join(f"{name} {_TYPES.get(name, 'text')}" for name in _TEXTS)}),
    unnest(%b::bytea[]), unnest(%b::bytea[])) WITH ORDINALITY AS t ({", ".join(_TEXTS)}, body_hash, raw, position)""",  # noqa: S608  # our own names only
    _FLAGGED_POSTGRESQL,
)
_POSTGRESQL += " RETURNING id, feed_id, body_hash"


def _insert_postgresql(connection: sa.Connection, rows: Rows, compress_from: int) -> Ids:
    texts = _encode([_row(arrival, reused) for arrival, reused in rows]).decode()
    hashes = [arrival.body_hash for arrival, _ in rows]
    raws = [pack(arrival.raw, compress_from) for arrival, _ in rows]
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor:
        cursor.execute(_POSTGRESQL, (texts, hashes, raws), prepare=True)
        return {(feed_id, body_hash): id_ for id_, feed_id, body_hash in cursor.fetchall()}


@lru_cache(maxsize=SQLITE_ROWS)
def _sqlite_statement(count: int) -> str:
    row = f"({', '.join('?' * (len(_TEXTS) + 3))})"
    names = (*_TEXTS, "body_hash", "raw", "position")
    renamed = ", ".join(f"column{number} AS {name}" for number, name in enumerate(names, 1))
    incoming = f"SELECT {renamed} FROM (VALUES {', '.join([row] * count)})"  # noqa: S608  # our own names only
    return _statement(incoming, _FLAGGED_SQLITE)


def _insert_sqlite(connection: sa.Connection, rows: Rows, compress_from: int) -> Ids:
    driver: Any = connection.connection.driver_connection
    if len(rows) <= SQLITE_ROWS or driver.in_transaction:
        return _insert_sqlite_rows(driver, rows, compress_from)
    driver.execute("BEGIN IMMEDIATE")
    try:
        ids = _insert_sqlite_rows(driver, rows, compress_from)
        driver.execute("COMMIT")
    finally:
        if driver.in_transaction:
            driver.execute("ROLLBACK")
    return ids


def _insert_sqlite_rows(driver: Any, rows: Rows, compress_from: int) -> Ids:
    ids: Ids = {}
    for start in range(0, len(rows), SQLITE_ROWS):
        some = rows[start : start + SQLITE_ROWS]
        values: list[Any] = []
        for position, (arrival, reused) in enumerate(some):
            values.extend(_sqlite_texts(_row(arrival, reused)))
            values.extend((arrival.body_hash, pack(arrival.raw, compress_from), position))
        ids |= _new_in_sqlite(driver, driver.execute(_sqlite_statement(len(some)), values), some)
    return ids


def _new_in_sqlite(driver: Any, inserted: Any, rows: Rows) -> Ids:
    """Return the new rows and their numbers: SQLite numbers on from the highest, in the order of the rows.

    RETURNING would say so as well, but the driver lets go of the interpreter for each row that it fetches, and then
    waits for it behind whoever reads senders.
    """
    how_many, last = inserted.rowcount, inserted.lastrowid
    if how_many == len(rows):
        first = last - how_many + 1
        return {(arrival.feed_id, arrival.body_hash): id_ for id_, (arrival, _) in enumerate(rows, first)}
    if not how_many:
        return {}
    found = driver.execute(
        "SELECT id, feed_id, body_hash FROM message WHERE id > ? AND id <= ?", (last - how_many, last)
    )
    return {(feed_id, body_hash): id_ for id_, feed_id, body_hash in found.fetchall()}


def _row(arrival: Arrival, reused: bool) -> _Row:
    return _Row(
        *key_of(arrival)[:-1],
        type=_plain(arrival.type),
        event=_plain(arrival.event),
        hl7_version=_plain(arrival.hl7_version),
        message_time=arrival.message_time,
        received_at=arrival.received_at,
        lane=arrival.lane,
        state=arrival.state,
        reason=arrival.reason,
        detail=arrival.detail,
        flags=arrival.flags,
        ack_code=arrival.ack_code,
        raw_size=len(arrival.raw),
        batch_control_id=None if arrival.batch_control_id is None else _plain(arrival.batch_control_id),
        test=arrival.test,
        patient_key=arrival.patient_key,
        processed_at=arrival.processed_at,
        reused=reused,
    )


def _sqlite_texts(row: _Row) -> tuple[Any, ...]:
    values: tuple[Any, ...] = msgspec.structs.astuple(row)
    times = (_sqlite_time(row.message_time), _sqlite_time(row.received_at))
    flags = _encode(row.flags).decode() if row.flags else "[]"
    return (*values[:7], *times, *values[9:13], flags, *values[14:-2], _sqlite_time(row.processed_at), values[-1])


def _sqlite_time(at: datetime | None) -> str | None:
    """Return the time as SQLAlchemy writes it, so that the texts compare."""
    if at is None:
        return None
    return _as_text(at if at.tzinfo is UTC else at.astimezone(UTC))


@lru_cache(maxsize=1024)  # one batch shares the moments of its arrival and its end
def _as_text(utc: datetime) -> str:
    return utc.isoformat(" ", "microseconds")[:_LONGEST_TIME]


def _plain(text: str) -> str:
    """Return a text that both databases accept, short enough for an index."""
    if text.isascii() and len(text) <= LONGEST_KEY and "\0" not in text:
        return text
    return text.replace("\0", "")[:LONGEST_KEY].encode("utf-8", "replace").decode()


class Saved(NamedTuple):
    """The row of a saved message; for a duplicate, the row and answer of the first time."""

    id: int
    duplicate: bool
    ack_code: str


def save_batch(connection: sa.Connection, arrivals: Sequence[Arrival], *, hurried: bool = False) -> list[Saved]:
    """Save the messages in the given order, all or none, and return the row of each.

    On an autocommit connection the batch is committed when this returns. Raises StoreUnavailable when
    nothing is wrong with the messages, MessageRefused when the database will never accept one of them.
    """
    first: dict[tuple[int, bytes], Arrival] = {}
    for arrival in arrivals:
        first.setdefault((arrival.feed_id, arrival.body_hash), arrival)
    driver: Any = connection.dialect.loaded_dbapi
    try:
        new = insert_new(connection, list(zip(first.values(), _reused(first.values()), strict=True)), hurried=hurried)
        known = {key: _first_time(connection, each) for key, each in first.items() if key not in new}
    except (driver.OperationalError, driver.InterfaceError, driver.InternalError) as error:
        raise StoreUnavailable(type(error).__name__) from error
    except (driver.Error, ValueError, OverflowError) as error:
        raise MessageRefused(type(error).__name__) from error
    return _saved_in_order(arrivals, new, known)


def unpack(stored: bytes) -> bytes:
    """Return the bytes as received, from the `raw` column."""
    return zlib.decompress(stored) if stored.startswith(ZLIB) else stored


def beginning(stored: bytes) -> bytes:
    """Return the first bytes as received, from the first bytes of the `raw` column."""
    return zlib.decompressobj().decompress(stored) if stored.startswith(ZLIB) else stored


def raw_of(row: Any) -> bytes:
    """Return the payload of a row of `message`, byte for byte."""
    return unpack(bytes(row.raw))


def _reused(arrivals: Iterable[Arrival]) -> list[bool]:
    """Return whether an earlier message of this batch has the same control id, and so another body."""
    seen: set[tuple[int, str, str, str]] = set()
    reused = []
    for each in arrivals:
        key = (each.feed_id, each.sending_application, each.sending_facility, each.control_id)
        reused.append(bool(each.control_id) and key in seen)
        if each.reason != "truncated_frame":
            seen.add(key)
    return reused


def _first_time(connection: sa.Connection, arrival: Arrival) -> tuple[int, str]:
    """Return the row and answer of a message saved before."""
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    same = " AND ".join(f"{column} = {mark}" for column in KEY)
    words = f"SELECT id, ack_code FROM message WHERE {same}"  # noqa: S608  # our own names only
    cursor = connection.connection.cursor()
    try:
        cursor.execute(words, key_of(arrival))
        found = cursor.fetchone()
    finally:
        cursor.close()
    if found is None:
        raise StoreUnavailable("a duplicate disappeared while it was looked up")
    return int(found[0]), str(found[1])


def _saved_in_order(
    arrivals: Sequence[Arrival], new: Ids, known: dict[tuple[int, bytes], tuple[int, str]]
) -> list[Saved]:
    if len(new) == len(arrivals):
        return [Saved(new[each.feed_id, each.body_hash], False, each.ack_code) for each in arrivals]
    saved = []
    for arrival in arrivals:
        key = (arrival.feed_id, arrival.body_hash)
        before = known.get(key)
        if before is None:
            known[key] = (new[key], arrival.ack_code)
        saved.append(Saved(new[key], False, arrival.ack_code) if before is None else Saved(before[0], True, before[1]))
    return saved
