"""Work is taken from the ledger, whatever was queued and whoever was told."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from history.choices import Site
from rules.knowledge import Knowledge
from store import message_queries
from tests.store.builders import a_message
from worker.taking import FEW_ATTEMPTS, TOGETHER, UNHEARD, take_messages, together
from worker.worker import Worker

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
EARLY = NOW - UNHEARD - timedelta(seconds=1)


@pytest.fixture
def worker(engine: sa.Engine, knowledge: Knowledge) -> Worker:
    return Worker(engine, knowledge, Site(), lambda: NOW)


def messages(engine: sa.Engine, how_many: int, *, at: datetime = EARLY, lane: str = "orders") -> list[int]:
    with engine.begin() as connection:
        return [a_message(connection, f"M{lane}{at}{n}", received_at=at, lane=lane) for n in range(how_many)]


def waiting(engine: sa.Engine) -> Sequence[int]:
    with engine.connect() as connection:
        return (
            connection.execute(sa.text("SELECT id FROM message WHERE state = 'received' ORDER BY id")).scalars().all()
        )


def test_what_waits_unheard_is_processed_however_much_it_is(engine: sa.Engine, worker: Worker) -> None:
    messages(engine, 2 * TOGETHER + 1)

    while take_messages(worker, ["orders"]):
        pass

    assert waiting(engine) == []


def test_what_has_just_come_is_left_to_whoever_was_rung(engine: sa.Engine, worker: Worker) -> None:
    fresh = messages(engine, 2, at=NOW)

    assert take_messages(worker, ["orders"]) == 0
    assert waiting(engine) == fresh


def test_a_worker_takes_only_from_its_own_lanes(engine: sa.Engine, worker: Worker) -> None:
    history = messages(engine, 2, lane="history")
    messages(engine, 1)

    assert take_messages(worker, ["orders", "deliver"]) == 1
    assert waiting(engine) == history


def test_what_was_begun_often_is_left_to_a_task_that_can_be_ended(engine: sa.Engine, worker: Worker) -> None:
    (poison,) = messages(engine, 1)
    with engine.begin() as connection:
        for _ in range(FEW_ATTEMPTS):
            message_queries.count_attempt(connection, [poison])

    assert take_messages(worker, ["orders"]) == 0
    assert waiting(engine) == [poison]


def test_a_message_that_was_begun_and_not_ended_goes_alone_and_so_does_one_that_takes_long(engine: sa.Engine) -> None:
    ids = messages(engine, 3)
    slow = messages(engine, 2, lane=message_queries.SLOW)
    with engine.begin() as connection:
        message_queries.count_attempt(connection, ids[:1])

    with engine.connect() as connection:
        found = message_queries.waiting_since(connection, NOW, ["orders", message_queries.SLOW], 10, attempts=3)

    assert list(together(found, 10)) == [ids[1:], ids[:1], slow[:1], slow[1:]]
