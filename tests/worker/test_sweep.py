"""What was left behind goes on the queue again: together, until one of them ends its worker."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from history.choices import Site
from rules.knowledge import Knowledge
from store import heartbeats, message_queries
from tests.store.builders import a_message
from worker.sweep import sweep
from worker.tasks import MOST_CRASHES, process_messages
from worker.transactions import OUT_OF_TIME
from worker.worker import Worker

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Queue:
    """Remembers what it was given, and loses it."""

    def __init__(self) -> None:
        self.tasks: list[list[int]] = []
        self.lanes: list[str] = []

    def __call__(self, lane: str, ids: Sequence[int]) -> None:
        self.tasks.append(list(ids))
        self.lanes.append(lane)


@pytest.fixture
def queue() -> Queue:
    return Queue()


def a_worker(engine: sa.Engine, knowledge: Knowledge, queue: Queue, minutes: int = 0) -> Worker:
    moment = NOW + timedelta(minutes=minutes)
    return Worker(engine, knowledge, Site(), lambda: moment, ring_messages=queue)


def messages(engine: sa.Engine, how_many: int, lane: str = "history") -> list[int]:
    with engine.begin() as connection:
        early = NOW - timedelta(minutes=5)
        return [a_message(connection, f"M{number}", received_at=early, lane=lane) for number in range(how_many)]


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


def test_what_takes_long_goes_one_by_one_to_its_own_worker_or_to_the_others_when_there_is_none(
    engine: sa.Engine, knowledge: Knowledge, queue: Queue
) -> None:
    one, two = messages(engine, 2, lane="slow")

    sweep(a_worker(engine, knowledge, queue))
    with engine.begin() as connection:
        heartbeats.beat(connection, "slow-worker@somewhere", NOW + timedelta(minutes=1))
    sweep(a_worker(engine, knowledge, queue, minutes=1))

    assert queue.tasks == [[one], [two]] * 2
    assert queue.lanes == ["history", "history", "slow", "slow"]


def out_of_time() -> Knowledge:
    raise OUT_OF_TIME


def after_a_task_without_end(worker: Worker, ids: Sequence[int]) -> list[tuple[int, str, str, str | None]]:
    """What became of the messages of a task that took longer than it may."""
    process_messages(replace(worker, newest_knowledge=out_of_time), ids)
    with worker.engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT id, lane, state, reason FROM message ORDER BY id"))
        return [tuple(row) for row in rows]


def test_a_task_that_takes_too_long_lets_each_of_its_messages_go_on_alone(
    engine: sa.Engine, knowledge: Knowledge, queue: Queue
) -> None:
    ids = messages(engine, 3, lane="orders")
    worker = a_worker(engine, knowledge, queue)

    found = after_a_task_without_end(worker, ids)

    assert found == [(each, "orders", "received", None) for each in ids]
    assert (queue.tasks, set(queue.lanes)) == ([[each] for each in ids], {"orders"})


def test_a_message_that_takes_too_long_alone_goes_on_in_the_slow_lane_and_in_the_end_to_a_person(
    engine: sa.Engine, knowledge: Knowledge, queue: Queue
) -> None:
    (message,) = messages(engine, 1, lane="orders")
    worker = a_worker(engine, knowledge, queue)

    set_apart = after_a_task_without_end(worker, [message])
    in_the_end = after_a_task_without_end(replace(worker, last_resort=True), [message])

    assert (set_apart, queue.lanes) == ([(message, "slow", "received", None)], ["slow"])
    assert in_the_end == [(message, "slow", "parked", "too_slow")]
