"""Numbers of a feed that run on by one, and then skip."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from store import feeds, tables
from store.incidents import Incident
from store.messages import pack
from tests.store.builders import a_feed, a_message
from worker.control_ids import LEAST_RUN, MISSED_FOR, READ_AT_ONCE, ControlIdWatch

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=3)
REGULAR = range(1000, 1000 + LEAST_RUN)
AFTER = REGULAR.stop


def came(engine: sa.Engine, ids: Iterable[str], at: datetime = NOW, sequence: str = "", feed: str = "ehr") -> None:
    with engine.begin() as connection:
        number = a_feed(connection, feed)
        for each in ids:
            raw = f"MSH|^~\\&|EHR|UZ|||20261102||ADT^A01|{each}|P|2.5|{sequence}|\rPID|1||7\r".encode()
            a_message(connection, each, feed_id=number, received_at=at, raw=raw, body_hash=each.encode())


def numbered(numbers: Iterable[int], before: str = "M") -> list[str]:
    return [f"{before}{number}" for number in numbers]


def seen(engine: sa.Engine, watch: ControlIdWatch, now: datetime, feed: str = "ehr") -> str | None:
    with engine.connect() as connection:
        watch.read(connection, now)
        return watch.gap_of(feeds.ids_of(connection, [feed])[feed], now)


def test_numbers_that_run_on_miss_nothing(engine: sa.Engine) -> None:
    came(engine, numbered(REGULAR))

    assert seen(engine, ControlIdWatch(), LATER) is None


@pytest.mark.parametrize(
    ("following", "gap"), [([AFTER + 1], f"{AFTER}"), ([AFTER + 3], f"{AFTER}-{AFTER + 2}"), ([AFTER + 5000], None)]
)
def test_numbers_that_are_skipped_are_named_but_for_a_counter_that_begins_elsewhere(
    engine: sa.Engine, following: list[int], gap: str | None
) -> None:
    came(engine, numbered([*REGULAR, *following]))

    assert seen(engine, ControlIdWatch(), LATER) == (f"MSH-10 {gap}" if gap else None)


def test_what_overtakes_another_message_is_waited_for(engine: sa.Engine) -> None:
    watch = ControlIdWatch()
    came(engine, numbered([*REGULAR, AFTER + 1]))
    early = seen(engine, watch, NOW + timedelta(minutes=1))
    came(engine, numbered([AFTER]), NOW + timedelta(seconds=90))

    assert (early, seen(engine, watch, LATER)) == (None, None)


def test_what_comes_after_all_is_missing_no_more_and_what_does_not_for_a_day(engine: sa.Engine) -> None:
    watch = ControlIdWatch()
    came(engine, numbered([*REGULAR, AFTER + 2]))
    found = [seen(engine, watch, LATER)]
    came(engine, numbered([AFTER]), LATER)
    found += [seen(engine, watch, LATER), seen(engine, watch, LATER + MISSED_FOR - timedelta(seconds=1))]
    found += [seen(engine, watch, LATER + MISSED_FOR), seen(engine, watch, LATER + 2 * MISSED_FOR)]
    whole = ControlIdWatch()
    came(engine, numbered([AFTER + 1]), LATER)

    assert found == [f"MSH-10 {AFTER}-{AFTER + 1}"] * 3 + [None, None]
    assert seen(engine, whole, LATER) is None


@pytest.mark.parametrize(
    "ids",
    [
        numbered(range(1000, 1200, 2)),  # the sender numbers what others get as well
        numbered([*range(LEAST_RUN - 1), LEAST_RUN + 1]),  # too few to say
        [f"{number:x}c" for number in range(4096, 4300)],
        numbered(n for n in range(1000, 1300) if n % 30),  # now and then one is not for us
    ],
)
def test_of_numbers_that_are_not_regular_nothing_is_missing(engine: sa.Engine, ids: list[str]) -> None:
    came(engine, ids)

    assert seen(engine, ControlIdWatch(), LATER) is None


@pytest.mark.parametrize("is_packed", [False, True])
def test_where_the_ids_are_not_regular_the_sequence_numbers_count(engine: sa.Engine, is_packed: bool) -> None:
    with engine.begin() as connection:
        for at, sequence in enumerate([*REGULAR, AFTER + 1]):
            raw = f"MSH|^~\\&|EHR|UZ|||20261102||ADT^A01|{at * 7 % 997}|P|2.5|{sequence}|\rPID|1||7\r".encode()
            raw += b"OBX|1|TX|||" + b"as it was. " * 200 * is_packed
            a_message(connection, f"{at * 7 % 997}", received_at=NOW, raw=pack(raw), body_hash=str(at).encode())

    assert seen(engine, ControlIdWatch(), LATER) == f"MSH-13 {AFTER}"


def test_each_feed_and_each_prefix_counts_for_itself(engine: sa.Engine) -> None:
    came(engine, numbered(REGULAR))
    came(engine, numbered([*REGULAR, AFTER + 1], "LAB"), feed="lab")
    came(engine, numbered(range(AFTER + 4, AFTER + 8), "A"))

    watch = ControlIdWatch()

    assert seen(engine, watch, LATER) is None
    assert seen(engine, watch, LATER, "lab") == f"MSH-10 {AFTER}"


def test_after_more_messages_than_are_read_at_once_every_run_begins_anew(engine: sa.Engine) -> None:
    watch = ControlIdWatch()
    came(engine, numbered(REGULAR))
    seen(engine, watch, NOW)
    with engine.begin() as connection:  # what came meanwhile is not read: only its number counts here
        a_message(connection, "X", id=READ_AT_ONCE + LEAST_RUN + 1)
    came(engine, numbered([AFTER + 3]))

    assert seen(engine, watch, LATER) is None


def test_what_was_missing_before_the_start_is_over_after_a_day(engine: sa.Engine) -> None:
    watch = ControlIdWatch()
    seen_before = Incident(1, "gap", "ehr", "MSH-10 7", NOW - timedelta(hours=1), None, None, None)
    with engine.begin() as connection:
        a_feed(connection)
        watch.read(connection, NOW)

        assert watch.are_over([seen_before], {}, NOW + MISSED_FOR - timedelta(hours=2)) == []
        assert watch.are_over([seen_before], {}, NOW + MISSED_FOR - timedelta(hours=1)) == ["ehr"]
        assert connection.scalar(sa.select(sa.func.count()).select_from(tables.message)) == 0
