"""What was left behind goes on the queue again: together, until one of them ends its worker."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from history.choices import Site
from rules.knowledge import Knowledge
from rules.load import load_knowledge
from store import message_queries
from tests.store.builders import a_message
from worker.sweep import sweep
from worker.tasks import MOST_CRASHES, process_messages
from worker.worker import Worker

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Queue:
    """Remembers what it was given, and loses it."""

    def __init__(self) -> None:
        self.tasks: list[list[int]] = []

    def __call__(self, lane: str, ids: Sequence[int]) -> None:
        self.tasks.append(list(ids))


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return load_knowledge()


@pytest.fixture
def queue() -> Queue:
    return Queue()


def a_worker(engine: sa.Engine, knowledge: Knowledge, queue: Queue, minutes: int = 0) -> Worker:
    moment = NOW + timedelta(minutes=minutes)
    return Worker(engine, knowledge, Site(), lambda: moment, ring_messages=queue)


def messages(engine: sa.Engine, how_many: int) -> list[int]:
    with engine.begin() as connection:
        early = NOW - timedelta(minutes=5)
        return [a_message(connection, f"M{number}", received_at=early) for number in range(how_many)]


def test_what_is_lost_again_and_again_still_goes_together(
    engine: sa.Engine, knowledge: Knowledge, queue: Queue
) -> None:
    ids = messages(engine, 3)

    for minutes in range(3):
        sweep(a_worker(engine, knowledge, queue, minutes))

    assert queue.tasks == [ids] * 3


def test_what_was_begun_and_not_ended_goes_alone(engine: sa.Engine, knowledge: Knowledge, queue: Queue) -> None:
    ids = messages(engine, 3)
    with engine.begin() as connection:
        message_queries.count_attempt(connection, ids[:2])

    sweep(a_worker(engine, knowledge, queue))

    assert sorted(queue.tasks) == [[ids[0]], [ids[1]], [ids[2]]]


def test_one_that_ends_its_worker_too_often_is_parked(engine: sa.Engine, knowledge: Knowledge, queue: Queue) -> None:
    (message,) = messages(engine, 1)
    with engine.begin() as connection:
        message_queries.mark_queued(connection, [message], NOW)
        for _ in range(MOST_CRASHES):
            message_queries.count_attempt(connection, [message])

    process_messages(a_worker(engine, knowledge, queue), [message])

    with engine.connect() as connection:
        (row,) = connection.execute(sa.text("SELECT state, reason FROM message"))
    assert tuple(row) == ("parked", "crashes_worker")
