"""Ids on their way to the workers, whatever the queue does."""

import threading
import time
from collections.abc import Callable, Sequence

import pytest
from kombu.exceptions import OperationalError

from listener.errors import NotQueued
from listener.metrics import Metrics
from listener.publishing import Enqueue, Publisher

DEADLINE_S = 60.0


class Queue:
    """Remembers what it took; refuses while it is down."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, list[int]]] = []
        self.error: BaseException | None = None
        self.open = threading.Event()
        self.open.set()
        self.asked = 0  # how often it was offered something

    def __call__(self, lane: str, ids: Sequence[int]) -> None:
        self.asked += 1
        self.open.wait(DEADLINE_S)
        if self.error is not None:
            raise self.error
        self.taken.append((lane, list(ids)))

    def ids(self) -> list[int]:
        return sorted(id_ for _, ids in self.taken for id_ in ids)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def a_publisher(queue: Enqueue, limit: int = 1000, every_s: float = 0.0) -> Publisher:
    return Publisher(queue, Metrics(), limit=limit, ids_per_task=10, history_every_s=every_s)


def test_every_id_is_published_once() -> None:
    queue = Queue()
    publisher = a_publisher(queue)

    for number in range(100):
        publisher.put({"history": [number]})
    publisher.close(DEADLINE_S)

    assert queue.ids() == list(range(100))
    assert max(len(ids) for _, ids in queue.taken) <= 10


def test_orders_go_before_history() -> None:
    queue = Queue()
    publisher = a_publisher(queue)
    queue.open.clear()
    publisher.put({"history": [1]})
    until(lambda: queue.asked == 1)

    publisher.put({"history": [2, 3], "orders": [4]})
    queue.open.set()
    publisher.close(DEADLINE_S)

    assert [lane for lane, _ in queue.taken] == ["history", "orders", "history"]


def test_history_gathers_while_orders_do_not_wait() -> None:
    queue = Queue()
    publisher = a_publisher(queue, every_s=3600)
    publisher.put({"history": [1]})
    until(lambda: queue.taken != [])

    publisher.put({"history": [2]})
    publisher.put({"history": [3]})
    publisher.put({"orders": [4]})
    until(lambda: queue.ids() == [1, 4])
    publisher.close(DEADLINE_S)

    assert queue.taken == [("history", [1]), ("orders", [4]), ("history", [2, 3])]


def test_history_that_gathered_goes_by_itself() -> None:
    queue = Queue()
    publisher = a_publisher(queue, every_s=0.1)
    publisher.put({"history": [1]})
    until(lambda: queue.taken != [])

    publisher.put({"history": [2]})
    until(lambda: queue.ids() == [1, 2])

    publisher.close(DEADLINE_S)


def test_history_gathers_while_the_workers_have_tasks_enough_and_orders_do_not_wait() -> None:
    queue, crowded = Queue(), threading.Event()
    publisher = Publisher(
        queue, Metrics(), ids_per_task=10, history_every_s=0.0, crowded=lambda _lane: crowded.is_set()
    )
    crowded.set()

    for number in range(8):
        publisher.put({"history": [number], "orders": [100 + number]})
    until(lambda: len(queue.ids()) == 8)
    at_once = {lane for lane, _ in queue.taken}
    crowded.clear()
    until(lambda: len(queue.ids()) == 16)

    assert at_once == {"orders"}
    assert [len(ids) for lane, ids in queue.taken if lane == "history"] == [8]
    publisher.close(DEADLINE_S)


def test_a_full_task_waits_for_nobody() -> None:
    queue = Queue()
    publisher = Publisher(queue, Metrics(), ids_per_task=10, history_every_s=0.0, crowded=lambda _lane: True)

    publisher.put({"history": list(range(25))})
    until(lambda: len(queue.ids()) == 20)
    publisher.close(DEADLINE_S)

    assert queue.ids() == list(range(25))


@pytest.mark.parametrize("error", [NotQueued("down"), OperationalError("down"), ConnectionRefusedError()])
def test_a_queue_that_was_down_is_offered_the_ids_again(error: Exception) -> None:
    queue = Queue()
    queue.error = error
    publisher = a_publisher(queue)

    publisher.put({"orders": [1]})
    until(lambda: queue.asked == 1)
    queue.error = None
    publisher.put({"orders": [2]})
    until(lambda: queue.ids() == [1, 2])

    publisher.close(DEADLINE_S)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_our_own_ends_one_attempt_and_not_the_publishing() -> None:
    queue = Queue()
    queue.error = ZeroDivisionError()
    publisher = a_publisher(queue)
    publisher.put({"orders": [1]})
    until(lambda: publisher._thread is not None and not publisher._thread.is_alive())

    queue.error = None
    publisher.put({"orders": [2]})
    until(lambda: queue.ids() == [2])

    publisher.close(DEADLINE_S)


def test_a_queue_that_hangs_costs_no_more_than_a_little_memory() -> None:
    queue = Queue()
    queue.open.clear()
    publisher = a_publisher(queue, limit=100)

    for number in range(1000):
        publisher.put({"history": [number], "orders": [-number]})
    publisher.close(0.1)

    assert not queue.open.is_set()
    assert sum(map(len, publisher._ids.values())) <= 100
    assert publisher._metrics.unpublished._value.get() >= 1900
    queue.open.set()


def test_orders_are_remembered_longest() -> None:
    queue = Queue()
    queue.open.clear()
    publisher = a_publisher(queue, limit=10)

    publisher.put({"orders": list(range(8))})
    publisher.put({"history": list(range(100, 200))})

    assert 0 < len(publisher._ids["history"]) <= 10
    queue.open.set()
    publisher.close(DEADLINE_S)
    assert set(range(8)) <= set(queue.ids())


def test_closing_does_not_wait_for_a_queue_that_is_down() -> None:
    queue = Queue()
    queue.error = NotQueued("down")
    publisher = a_publisher(queue)
    publisher.put({"orders": [1, 2]})
    until(lambda: queue.asked == 1)

    publisher.close(DEADLINE_S)

    assert publisher._metrics.unpublished._value.get() == 2


def test_messages_that_take_long_go_one_by_one_and_after_the_others() -> None:
    queue = Queue()
    queue.open.clear()
    publisher = a_publisher(queue)

    publisher.put({"slow": [1, 2, 3]})
    publisher.put({"history": [4, 5]})
    publisher.put({"orders": [6, 7]})
    queue.open.set()
    publisher.close(DEADLINE_S)

    assert sorted(ids for lane, ids in queue.taken if lane == "slow") == [[1], [2], [3]]
    assert [lane for lane, _ in queue.taken][-2:] == ["slow", "slow"]
