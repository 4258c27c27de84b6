"""Listener, worker and beat killed at random moments of a stream."""

import random
from collections.abc import Callable
from functools import partial

import sqlalchemy as sa

from tests.chaos.installation import Installation
from tests.chaos.reconciling import count_ended, reconcile, settle
from tests.chaos.sender import Sending, moments_of

Install = Callable[..., Installation]


def test_a_listener_killed_mid_stream_keeps_what_it_acknowledged(
    install: Install, watching: sa.Engine, messages: list[bytes], undisturbed: list[bytes]
) -> None:
    installation = install()
    installation.start()
    kill = partial(installation.kill, "listener")
    sending = Sending(installation.mllp_port, messages, moments=moments_of(len(messages), 4, seed=1, what=kill))

    sending.begin()
    settle(watching, sending, installation.tend)

    reconcile(watching, sending, undisturbed)
    assert installation.killed == 4
    assert sending.repeats  # a kill caught messages that were under way


def test_workers_and_beats_killed_at_work_leave_nothing_behind(
    install: Install, watching: sa.Engine, messages: list[bytes], undisturbed: list[bytes]
) -> None:
    installation = install()
    installation.start()
    die = random.Random(2)
    kills = [partial(installation.kill_a_child, "worker", die)] * 6
    kills += [partial(installation.kill, "worker")] * 2 + [partial(installation.kill, "beat")]
    die.shuffle(kills)
    moments = sorted(die.sample(range(len(messages) * 9 // 10), len(kills)))
    sending = Sending(installation.mllp_port, messages, links=2, per_second=60)

    def kill_at_its_moment() -> None:
        installation.tend()
        if moments and count_ended(watching) >= moments[0]:
            kills.pop()()
            moments.pop(0)

    sending.begin()
    settle(watching, sending, kill_at_its_moment)

    reconcile(watching, sending, undisturbed)
    assert kills == []
