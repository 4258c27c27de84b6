"""A PostgreSQL that is killed, and one that hangs: nothing is acknowledged meanwhile, and nothing is lost."""

import os
import signal
from collections.abc import Callable, Iterator
from time import sleep

import pytest
import sqlalchemy as sa

from store import migrate
from store.engine import connect
from tests.chaos.installation import AS_SHIPPED, SOON_S, Installation, family_of
from tests.chaos.reconciling import count_ended, expect_no_answers, reach, reconcile, settle
from tests.chaos.sender import Sending
from tests.ivigilant.waiting import soon
from tests.services import PostgreSql, Undertaker, postgresql
from tests.thoroughness import FAULTS, FROZEN_S

Install = Callable[..., Installation]

CRASH_SAFE = "fsync = off\nsynchronous_commit = on\nmax_connections = 50\n"  # it is killed; the power stays on


@pytest.fixture
def server(cleanup: Undertaker) -> Iterator[PostgreSql]:
    """A PostgreSQL that nobody else leans on."""
    with postgresql(cleanup, CRASH_SAFE) as server:
        yield server


@pytest.fixture
def database_url(server: PostgreSql) -> str:
    """Its database, migrated."""
    url = server.url.render_as_string(hide_password=False)
    engine = connect(url)
    migrate.upgrade(engine)
    engine.dispose()
    return url


def test_nothing_is_acknowledged_while_the_database_is_dead_or_hangs_and_nothing_is_lost(
    install: Install, server: PostgreSql, watching: sa.Engine, messages: list[bytes], undisturbed: list[bytes]
) -> None:
    installation = install()
    installation.start()
    hangs = Hanging(server)
    sending = Sending(installation.mllp_port, messages, per_second=200, moments={60: server.kill, 200: hangs.begin})

    sending.begin()
    soon(lambda: len(sending.codes) >= 60)
    expect_no_answers(sending)
    server.start()
    soon(lambda: len(sending.codes) >= 200)
    expect_no_answers(sending)
    hangs.end()
    settle(watching, sending, installation.tend)

    reconcile(watching, sending, undisturbed)


def killed(server: PostgreSql) -> None:
    server.kill()
    server.start()


def restarted(server: PostgreSql) -> None:
    server.stop()
    server.start()


def frozen(server: PostgreSql) -> None:
    hangs = Hanging(server)
    hangs.begin()
    sleep(FROZEN_S)
    hangs.end()


@pytest.mark.parametrize(("fault", "times"), [(killed, FAULTS), (restarted, FAULTS), (frozen, 1)])
def test_every_order_is_judged_soon_after_a_fault_of_the_database(
    install: Install,
    server: PostgreSql,
    watching: sa.Engine,
    backlog: list[bytes],
    undisturbed_backlog: list[bytes],
    fault: Callable[[PostgreSql], None],
    times: int,
) -> None:
    installation = install(**AS_SHIPPED)
    installation.start()
    sending = Sending(installation.mllp_port, backlog)
    moments = range(len(backlog) // 8, len(backlog), len(backlog) // 2 // times)[:times]

    sending.begin()
    for moment in moments:
        reach(moment, lambda: ended(watching), installation.tend)
        fault(server)
    settle(watching, sending, installation.tend, still_s=SOON_S)

    reconcile(watching, sending, undisturbed_backlog)


def ended(engine: sa.Engine) -> int:
    """How many messages somebody has dealt with; none, as far as we know, while the database is away."""
    try:
        return count_ended(engine)
    except sa.exc.OperationalError:
        return 0


class Hanging:
    """A server of which no process moves, for a while."""

    def __init__(self, server: PostgreSql) -> None:
        self._server = server
        self._stopped: list[int] = []

    def begin(self) -> None:
        """Stop every process."""
        self._stopped = []
        for pid in family_of(self._server.pid):
            os.kill(pid, signal.SIGSTOP)
            self._stopped.append(pid)

    def end(self) -> None:
        """Let them go on."""
        for pid in self._stopped:
            os.kill(pid, signal.SIGCONT)
