"""Whoever carries chains on is killed at random: each step is sent, at most twice under one key, and none is late."""

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

from inbox.alerts.act import OnAlert
from inbox.alerts.settling import TakenOn
from ivigilant.telling_proof import figures_of
from rules.knowledge import Knowledge
from store import tables
from tests.chaos import chain_processes
from tests.chaos.chain_processes import CLOCK, Shared, run
from tests.journeys.stories import Ordered, Problem, messages
from tests.journeys.ward import NOON, WardOnCall
from tests.thoroughness import CHAINS_KILLED
from worker.worker import Leases

POLICY: Final = {
    "chains": [
        {
            "name": "minutes",
            "steps": [
                {"destination": "pager", "repeat_minutes": 1, "at_most": 3},
                {"everybody": True, "after_minutes": 4, "repeat_minutes": 60},
            ],
        }
    ],
    "gather_seconds": 0,
}
LEASES: Final = Leases(lease=timedelta(seconds=10))
TICK_S: Final = 5
PER_TICK: Final = 5  # new orders
AFTER_LAST: Final = 5 * 60 // TICK_S  # ticks: every chain gets to its last step
ROLES: Final = ("worker", "beat", "sender", "sender")
KILL_EVERY: Final = 4  # ticks, about
DOWN: Final = (1, 2)  # ticks that the killed one is away
REST: Final = 4  # ticks after which the work of a killed one was taken over: until then no other of its kind is killed
PATIENCE_S: Final = 120  # for one look of a process, on however slow a machine


@dataclass
class Processes:
    """The processes, and who of them is away."""

    url: str
    folder: Path
    shared: Shared
    draw: random.Random = field(default_factory=lambda: random.Random(5))
    running: dict[int, ForkServerProcess] = field(default_factory=dict)  # by place
    back_at: dict[int, int] = field(default_factory=dict)  # the tick at which a killed one is started again
    rests_until: Counter[str] = field(default_factory=Counter)  # of a role
    killed: Counter[str] = field(default_factory=Counter)

    def start(self, place: int) -> None:
        """Start the process of a place."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([chain_processes.__name__])
        args = (ROLES[place - 1], place, self.shared, self.url, self.folder, POLICY, LEASES)
        self.running[place] = context.Process(target=run, args=args, daemon=True)
        self.running[place].start()

    def tick(self, tick: int) -> None:
        """Move the clock, kill somebody perhaps, and let all others look."""
        for place in [place for place, at in self.back_at.items() if at <= tick]:
            del self.back_at[place]
            self.start(place)
        self.shared[CLOCK] += TICK_S
        victim = self.draw.choice(sorted(self.running))
        role = ROLES[victim - 1]
        if self.draw.random() < 1 / KILL_EVERY and self.rests_until[role] <= tick:
            time.sleep(self.draw.uniform(0, 0.05))  # at some moment of its look; at which one, no matter
            self.kill(victim)
            self.killed[role] += 1
            self.back_at[victim] = tick + self.draw.randint(*DOWN)
            self.rests_until[role] = self.back_at[victim] + REST
        self._wait()

    def kill(self, place: int) -> None:
        """End a process as a loss of power would."""
        process = self.running.pop(place)
        process.kill()
        process.join(PATIENCE_S)

    def _wait(self) -> None:
        until = time.monotonic() + PATIENCE_S
        while any(self.shared[place] != self.shared[CLOCK] for place in self.running):
            assert all(process.is_alive() for process in self.running.values())
            assert time.monotonic() < until, "a process does not look any more"
            time.sleep(0.001)


@pytest.fixture
def ward(engine: sa.Engine, knowledge: Knowledge) -> WardOnCall:
    return WardOnCall(engine, knowledge, **POLICY)


@pytest.fixture
def processes(ward: WardOnCall, tmp_path: Path) -> Iterator[Processes]:
    shared = multiprocessing.get_context("forkserver").RawArray("d", 1 + len(ROLES))
    shared[CLOCK] = NOON.timestamp()
    (tmp_path / "notices").touch()
    those = Processes(ward.hospital.engine.url.render_as_string(hide_password=False), tmp_path, shared)
    for place in range(1, 1 + len(ROLES)):
        those.start(place)
    yield those
    for place in list(those.running):
        those.kill(place)


def test_chains_go_on_whoever_is_killed(ward: WardOnCall, processes: Processes, tmp_path: Path) -> None:
    ordering = -(-CHAINS_KILLED // PER_TICK)
    for tick in range(ordering + AFTER_LAST):
        ward.hospital.clock.now = chain_processes.moment(processes.shared)
        if tick < ordering:
            orders(ward, range(tick * PER_TICK, min((tick + 1) * PER_TICK, CHAINS_KILLED)))
        answers(ward)
        processes.tick(tick)

    ward.hospital.clock.now = chain_processes.moment(processes.shared)
    proved = ward.proves(NOON)
    figures = figures_of(proved)
    sent = Counter((tmp_path / "notices").read_text().splitlines())
    due = {f"{row.key} {row.destination}" for row in keys(ward.hospital.engine)}
    assert [lacks for one in proved for lacks in one.missing] == []
    assert (figures.alerts, set(figures.fates)) == (CHAINS_KILLED, {"answered", "sent up to the last step"})
    assert figures.states.keys() == {"sent"}
    assert (due - sent.keys(), sent.keys() - due) == (set(), set())
    assert max(sent.values()) <= 2
    assert figures.lateness(1) <= timedelta(seconds=30)
    assert incidents_ever(ward.hospital.engine) == []
    assert set(processes.killed) == set(ROLES)


def orders(ward: WardOnCall, which: range) -> None:
    """Receive what begins so many chains; the worker judges it."""
    story = [
        each
        for number in which
        for each in (
            Problem(who=str(10_000 + number)),
            Ordered(who=str(10_000 + number), at=3, starts=34, number=str(10_000 + number)),
        )
    ]
    ward.hospital.receives(*[raw.replace(b"|M0", f"|N{which.start}-".encode()) for raw in messages(story)])


def answers(ward: WardOnCall) -> None:
    """Take on every third alert once its first step was told again."""
    alert, event = tables.alert, tables.alert_event
    told_again = sa.exists().where(event.c.alert_id == alert.c.id, event.c.kind == "escalated")
    query = sa.select(alert.c.id).where(alert.c.status == "open", alert.c.id % 3 == 0, told_again)
    with ward.hospital.engine.connect() as connection:
        waiting = list(connection.execute(query).scalars())
    for each in waiting:
        ward.hospital.does(OnAlert(each, TakenOn()))


def keys(engine: sa.Engine) -> list[sa.Row[tuple[str, str]]]:
    """The key of every delivery, and where it went."""
    delivery = tables.delivery
    key = sa.func.coalesce(delivery.c.sent_as, delivery.c.idempotency_key).label("key")
    with engine.connect() as connection:
        return list(connection.execute(sa.select(key, delivery.c.destination)))


def incidents_ever(engine: sa.Engine) -> list[str]:
    """What the auditor found at any time."""
    with engine.connect() as connection:
        return list(connection.execute(sa.select(tables.incident.c.subject)).scalars())
