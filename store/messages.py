"""Received messages: many saved at once, and their bytes given back as they came."""

import zlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from store.errors import MessageRefused, StoreUnavailable
from store.message_insert import KEY, ZLIB, Arrival, Ids, insert_new, key_of, pack

__all__ = ["Arrival", "Saved", "pack", "raw_of", "save_batch", "unpack"]


class Saved(NamedTuple):
    """The row a message is kept in; of a duplicate, the row and the answer of the first time."""

    id: int
    duplicate: bool
    ack_code: str


def save_batch(connection: sa.Connection, arrivals: Sequence[Arrival]) -> list[Saved]:
    """Keep the messages in the order given, all or none, and tell for each where it is kept.

    On a connection that commits by itself the batch is committed when this returns. Raises StoreUnavailable when
    nothing is wrong with the messages, MessageRefused when the database will never take one of them.
    """
    first: dict[tuple[int, bytes], Arrival] = {}
    for arrival in arrivals:
        first.setdefault((arrival.feed_id, arrival.body_hash), arrival)
    driver: Any = connection.dialect.loaded_dbapi
    try:
        new = insert_new(connection, list(zip(first.values(), _reused(first.values()), strict=True)))
        known = {key: _first_time(connection, each) for key, each in first.items() if key not in new}
    except (driver.OperationalError, driver.InterfaceError, driver.InternalError) as error:
        raise StoreUnavailable(type(error).__name__) from error
    except (driver.Error, ValueError, OverflowError) as error:
        raise MessageRefused(type(error).__name__) from error
    return _told(arrivals, new, known)


def unpack(stored: bytes) -> bytes:
    """The bytes as they came, from what the `raw` column holds."""
    return zlib.decompress(stored) if stored.startswith(ZLIB) else stored


def raw_of(row: Any) -> bytes:
    """The payload of a row of `message`, byte for byte."""
    return unpack(bytes(row.raw))


def _reused(arrivals: Iterable[Arrival]) -> list[bool]:
    """Whether an earlier message of this batch has the same control id, and so another body."""
    seen: set[tuple[int, str, str, str]] = set()
    reused = []
    for each in arrivals:
        key = (each.feed_id, each.sending_application, each.sending_facility, each.control_id)
        reused.append(bool(each.control_id) and key in seen)
        if each.reason != "truncated_frame":
            seen.add(key)
    return reused


def _first_time(connection: sa.Connection, arrival: Arrival) -> tuple[int, str]:
    """The row and the answer of a message that was here before."""
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
        raise StoreUnavailable("a duplicate went away while it was looked up")
    return int(found[0]), str(found[1])


def _told(arrivals: Sequence[Arrival], new: Ids, known: dict[tuple[int, bytes], tuple[int, str]]) -> list[Saved]:
    told = []
    for arrival in arrivals:
        key = (arrival.feed_id, arrival.body_hash)
        before = known.get(key)
        if before is None:
            known[key] = (new[key], arrival.ack_code)
        told.append(Saved(new[key], False, arrival.ack_code) if before is None else Saved(before[0], True, before[1]))
    return told
