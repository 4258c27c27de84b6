"""Redis killed, frozen, emptied, replaced or out of memory amid a backlog: every order is judged soon after.

With the timings of the product, and a supervisor that starts again what ends itself; nobody lends a hand.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, sleep

import pytest
import redis
import sqlalchemy as sa

from store import heartbeats, tables
from tests.chaos.installation import AS_SHIPPED, SOON_S, Installation
from tests.chaos.reconciling import count_ended, reach, reconcile, settle
from tests.chaos.sender import Sending
from tests.ivigilant.waiting import soon
from tests.services import RedisServer
from tests.thoroughness import FAULTS, FROZEN_S
from worker.auditor import AUDITOR

Install = Callable[..., Installation]


@dataclass(frozen=True)
class Scene:
    """A Redis, and what is done meanwhile."""

    redis: RedisServer
    ended: Callable[[], int]  # messages, until now

    def await_work(self) -> None:
        """See some work end, if there is any left in a hand."""
        before, until = self.ended(), monotonic() + 2
        while self.ended() == before and monotonic() < until:
            sleep(0.01)


def killed(scene: Scene) -> None:
    scene.redis.kill()
    scene.await_work()  # so that the queue cannot be told
    scene.redis.start()


def replaced(scene: Scene) -> None:
    scene.redis.kill()
    scene.await_work()
    scene.redis.lose_everything()
    scene.redis.start()


def emptied(scene: Scene) -> None:
    with redis.Redis.from_url(scene.redis.url) as client:
        client.flushall()


def frozen(scene: Scene) -> None:
    scene.redis.freeze(FROZEN_S)


def out_of_memory(scene: Scene) -> None:
    with redis.Redis.from_url(scene.redis.url) as client:
        client.config_set("maxmemory", "1")
        before = client.info("stats")["total_error_replies"]
        soon(lambda: client.info("stats")["total_error_replies"] > before + 3)  # somebody was refused
        client.config_set("maxmemory", "0")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("fault", "times"), [(killed, FAULTS), (frozen, 1), (emptied, FAULTS), (replaced, FAULTS), (out_of_memory, 2)]
)
def test_every_order_is_judged_soon_after_a_fault_of_redis(
    install: Install,
    redis_server: RedisServer,
    watching: sa.Engine,
    backlog: list[bytes],
    undisturbed_backlog: list[bytes],
    fault: Callable[[Scene], None],
    times: int,
) -> None:
    installation = install(**AS_SHIPPED)
    installation.start()
    sending = Sending(installation.mllp_port, backlog)
    scene = Scene(redis_server, lambda: count_ended(watching))
    moments = range(len(backlog) // 8, len(backlog), len(backlog) // 2 // times)[:times]

    sending.begin()
    for moment in moments:
        reach(moment, scene.ended, installation.tend)
        fault(scene)
    settle(watching, sending, installation.tend, still_s=SOON_S)

    reconcile(watching, sending, undisturbed_backlog)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_orders_are_acknowledged_and_judged_while_redis_is_away(
    install: Install,
    redis_server: RedisServer,
    watching: sa.Engine,
    messages: list[bytes],
    undisturbed: list[bytes],
) -> None:
    installation = install(**AS_SHIPPED)
    installation.start()
    sending = Sending(installation.mllp_port, messages, moments={20: redis_server.kill})

    sending.begin()
    settle(watching, sending, installation.tend)

    reconcile(watching, sending, undisturbed)
    redis_server.start()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_worker_that_hears_nothing_is_done_without_ends_itself_and_is_started_again(
    install: Install, watching: sa.Engine, messages: list[bytes], undisturbed: list[bytes]
) -> None:
    installation = install(**AS_SHIPPED)
    installation.start()
    soon(lambda: workers(watching) == {"order-worker", "slow-worker", "worker"})
    for role in ("worker", "order-worker", "slow-worker"):
        os.kill(installation.pids(role)[0], signal.SIGSTOP)  # what distributes the tasks, not what does them
    sending = Sending(installation.mllp_port, messages)

    sending.begin()
    settle(watching, sending, lambda: None)
    soon(lambda: restarted(installation) >= {"worker", "order-worker", "slow-worker"})
    with watching.begin() as connection:
        connection.execute(sa.delete(tables.heartbeat))
    soon(lambda: workers(watching) == {"order-worker", "slow-worker", "worker"})

    reconcile(watching, sending, undisturbed)


def restarted(installation: Installation) -> set[str]:
    """Which roles ended by themselves and run again."""
    installation.tend()
    return set(installation.died_by_themselves)


def workers(engine: sa.Engine) -> set[str]:
    """The roles of the workers that have lately taken a task."""
    with engine.connect() as connection:
        return {heartbeats.role_of(name) for name in heartbeats.last(connection)} - {"beat", AUDITOR}
