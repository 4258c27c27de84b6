"""Saving batches of messages on both databases."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from store import feeds, tables
from store.errors import MessageRefused, StoreUnavailable
from store.messages import Arrival, Saved, pack, raw_of, save_batch, unpack

NOW = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)


def an_arrival(control_id: str = "M1", body: bytes = b"MSH|one", **values: Any) -> Arrival:
    told: dict[str, Any] = {
        "feed_id": 1,
        "body_hash": hashlib.sha256(control_id.encode("utf-8", "replace") + body).digest(),
        "raw": body,
        "received_at": NOW,
        "ack_code": "AA",
        "sending_application": "EHR",
        "sending_facility": "UZ",
        "control_id": control_id,
        "type": "ADT",
        "event": "A01",
        "hl7_version": "2.5.1",
    }
    return Arrival(**(told | values))


@pytest.fixture(autouse=True)
def _feed(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        assert feeds.ids_of(connection, ["default"]) == {"default": 1}


def save(engine: sa.Engine, *arrivals: Arrival) -> list[Saved]:
    with engine.begin() as connection:
        return save_batch(connection, arrivals)


def stored(engine: sa.Engine) -> list[sa.Row[Any]]:
    with engine.connect() as connection:
        return list(connection.execute(sa.select(tables.message).order_by(tables.message.c.id)))


def test_a_batch_is_kept_in_the_order_it_came(engine: sa.Engine) -> None:
    arrivals = [an_arrival(f"M{number}") for number in range(20)]

    saved = save(engine, *arrivals)

    assert [row.control_id for row in stored(engine)] == [each.control_id for each in arrivals]
    assert [each.id for each in saved] == [row.id for row in stored(engine)]
    assert not any(each.duplicate for each in saved)


def test_every_column_comes_back_as_it_went_in(engine: sa.Engine) -> None:
    sent = datetime(2026, 3, 1, 12, 59, 58, tzinfo=timezone(timedelta(hours=1)))
    save(
        engine,
        an_arrival(
            "Zoë|€",
            message_time=sent,
            lane="orders",
            state="parked",
            reason="no_msh",
            detail="where",
            flags=("one", "two"),
            ack_code="AR",
            batch_control_id="B1",
            test=True,
        ),
    )

    (row,) = stored(engine)

    assert (row.control_id, row.message_time, row.received_at) == ("Zoë|€", sent, NOW)
    assert (row.lane, row.state, row.reason, row.detail) == ("orders", "parked", "no_msh", "where")
    assert (row.flags, row.ack_code, row.batch_control_id, row.test) == (["one", "two"], "AR", "B1", True)
    assert (row.attempts, row.processed_at, row.queued_at) == (0, None, None)
    assert (row.feed_id, row.sending_application, row.sending_facility) == (1, "EHR", "UZ")
    assert (row.type, row.event, row.hl7_version, row.raw_size) == ("ADT", "A01", "2.5.1", 7)


@pytest.mark.parametrize("raw", [b"", b"short", b"MSH|" + b"long " * 400, bytes(range(256)) * 3, b"\x78\x9c not zlib"])
def test_the_bytes_come_back_as_they_came(engine: sa.Engine, raw: bytes) -> None:
    save(engine, an_arrival(body=raw))

    (row,) = stored(engine)

    assert raw_of(row) == raw
    assert row.raw_size == len(raw)


def test_a_burst_keeps_small_messages_as_they_are(engine: sa.Engine) -> None:
    small, large = b"MSH|" + b"long " * 400, b"MSH|" + b"long " * 40_000

    save(engine, *(an_arrival(f"M{number}", small) for number in range(100)), an_arrival("L", large))
    save(engine, an_arrival("S", small))

    *burst, last, quiet = stored(engine)
    assert {raw_of(row) for row in burst} == {small} == {row.raw for row in burst}
    assert (raw_of(last), raw_of(quiet)) == (large, small)
    assert len(last.raw) < len(large) / 10
    assert len(quiet.raw) < len(small) / 10


def test_the_same_message_again_is_the_first_one(engine: sa.Engine) -> None:
    (first,) = save(engine, an_arrival(ack_code="AR"))

    again = save(engine, an_arrival(ack_code="AA"), an_arrival("M2"))

    assert again[0] == Saved(first.id, True, "AR")
    assert not again[1].duplicate
    assert len(stored(engine)) == 2


def test_the_same_message_twice_in_one_batch_is_kept_once(engine: sa.Engine) -> None:
    saved = save(engine, an_arrival(), an_arrival("M2"), an_arrival())

    assert [each.duplicate for each in saved] == [False, False, True]
    assert saved[0].id == saved[2].id


def test_a_control_id_with_another_body_is_a_new_message_and_flagged(engine: sa.Engine) -> None:
    save(engine, an_arrival(body=b"one"))

    save(engine, an_arrival(body=b"two", flags=("charset",)))
    save(engine, an_arrival("M2", b"a"), an_arrival("M2", b"b"), an_arrival("M3"))

    assert [row.flags for row in stored(engine)] == [[], ["charset", "control_id_reuse"], [], ["control_id_reuse"], []]


def test_a_control_id_of_another_sender_is_not_reuse(engine: sa.Engine) -> None:
    save(engine, an_arrival(body=b"one"), an_arrival(body=b"two", sending_facility="elsewhere"))

    assert [row.flags for row in stored(engine)] == [[], []]


def test_a_truncated_first_attempt_does_not_make_the_whole_one_a_reuse(engine: sa.Engine) -> None:
    save(engine, an_arrival(body=b"ha", state="parked", reason="truncated_frame"), an_arrival(body=b"half"))
    save(engine, an_arrival(body=b"halves", control_id="M1"))

    assert [row.flags for row in stored(engine)] == [[], [], ["control_id_reuse"]]


def test_no_control_id_is_never_reuse(engine: sa.Engine) -> None:
    save(engine, an_arrival("", b"one"), an_arrival("", b"two"))
    save(engine, an_arrival("", b"three"))

    assert [row.flags for row in stored(engine)] == [[], [], []]


def test_texts_no_database_takes_are_made_storable(engine: sa.Engine) -> None:
    save(engine, an_arrival("A\0B"), an_arrival("\udcff"), an_arrival("é" * 5000, type="T" * 5000, event="\0"))

    assert [row.control_id for row in stored(engine)] == ["AB", "?", "é" * 199]


@pytest.mark.parametrize("count", [1, 2, 255, 256, 257, 600])
def test_any_number_is_one_commit(engine: sa.Engine, count: int) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        saved = save_batch(connection, [an_arrival(f"M{number}") for number in range(count)])

    assert [row.id for row in stored(engine)] == [each.id for each in saved]


def test_a_message_the_database_refuses_takes_its_whole_batch_with_it(engine: sa.Engine) -> None:
    arrivals = [an_arrival(f"M{number}") for number in range(300)] + [an_arrival("bad", feed_id=99)]

    committing = engine.execution_options(isolation_level="AUTOCOMMIT")
    with committing.connect() as connection, pytest.raises(MessageRefused):
        save_batch(connection, arrivals)

    assert stored(engine) == []


def test_a_database_that_is_gone_says_so(postgres_engine: sa.Engine) -> None:
    with postgres_engine.connect() as connection:
        connection.connection.driver_connection.close()  # type: ignore[union-attr]  # psycopg's own

        with pytest.raises(StoreUnavailable):
            save_batch(connection, [an_arrival()])

        connection.invalidate()


def test_a_locked_database_says_so(sqlite_engine: sa.Engine) -> None:
    with sqlite_engine.begin(), sqlite_engine.connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA busy_timeout=0")  # type: ignore[union-attr]  # sqlite3's

        with pytest.raises(StoreUnavailable):
            save_batch(connection, [an_arrival()])


@given(st.binary(max_size=2000))
def test_packed_bytes_unpack(raw: bytes) -> None:
    assert unpack(pack(raw)) == raw
