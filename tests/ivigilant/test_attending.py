"""A worker knows when it hears nothing, and when that is nobody's fault."""

from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa

from history.choices import Site
from ivigilant.attending import DEAF_AFTER_S, RING_EVERY_S, STUCK_AFTER_S, Attendant, Hearing, Turn
from store import heartbeats
from tests.journeys.hospital import Clock
from tests.knowledge_folders import our_knowledge
from worker.worker import Worker

LONGEST_TASK_S = 90.0


@dataclass
class Watch:
    """A clock that is set by hand."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Process:
    """One process of a worker, its queue, and what became of it."""

    engine: sa.Engine
    watch: Watch = field(default_factory=Watch)
    redis: bool = True
    answers: bool = True
    rung: int = 0
    ended: bool = False

    def __post_init__(self) -> None:
        self.turn = Turn(self.watch)
        worker = Worker(self.engine, our_knowledge(), Site(), Clock())
        self.attendant = Attendant(
            worker, "worker@here", ["orders"], LONGEST_TASK_S, self.ring, Hearing(self.watch), self.turn, self.end
        )

    def ring(self) -> bool:
        self.rung += 1
        return self.redis

    def end(self) -> None:
        self.ended = True

    def wait(self, seconds: float) -> None:
        """Let time pass, with a look every second; tasks come as long as the queue works."""
        for _ in range(int(seconds)):
            self.watch.now += 1
            rung = self.rung
            self.attendant.listen()
            if self.answers and self.redis and self.rung > rung and not self.turn.busy:
                self.attendant.begin_task()
                self.attendant.prove()
                self.turn.end()

    def signs_of_life(self) -> dict[str, object]:
        with self.engine.connect() as connection:
            return dict(heartbeats.last(connection))


@pytest.fixture
def process(sqlite_engine: sa.Engine) -> Process:
    return Process(sqlite_engine)


def test_a_worker_that_takes_its_own_task_says_so_and_goes_on(process: Process) -> None:
    process.wait(300)

    assert not process.ended
    assert process.rung == 300 // RING_EVERY_S
    assert set(process.signs_of_life()) == {"worker@here"}


def test_one_that_rings_and_hears_nothing_ends(process: Process) -> None:
    process.answers = False

    process.wait(DEAF_AFTER_S + 10)

    assert process.ended
    assert process.signs_of_life() == {}


def test_it_is_not_deaf_while_redis_is_away_nor_at_once_when_it_is_back(process: Process) -> None:
    process.redis = process.answers = False
    process.wait(300)
    process.redis = True
    process.wait(DEAF_AFTER_S - 1)

    assert not process.ended


def test_without_redis_it_lives_by_what_it_takes_from_the_ledger(process: Process) -> None:
    process.redis = False

    process.wait(10)

    assert set(process.signs_of_life()) == {"worker@here"}


def test_one_with_a_long_task_is_not_deaf_but_stuck_in_the_end(process: Process) -> None:
    process.attendant.begin_task()

    process.wait(LONGEST_TASK_S + STUCK_AFTER_S)
    assert not process.ended
    assert set(process.signs_of_life()) == {"worker@here"}  # nobody takes its work over meanwhile

    process.wait(2)
    assert process.ended
