"""Two hosts on one PostgreSQL and one Redis, and one of them vanishes with everything on it."""

import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from store import migrate
from store.engine import connect
from tests.chaos.hosts import Host, hosts
from tests.chaos.installation import SOON_S, Installation
from tests.chaos.reconciling import reconcile, settle
from tests.chaos.sender import Sending
from tests.ivigilant.waiting import soon
from tests.ports import free_port
from tests.services import POSTGRES_SETTINGS, PostgreSql, RedisServer, Undertaker, postgresql, redis_process

ROLES = ("listener", "worker", "beat")  # a worker has two processes
AT_WORK = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = :host "
    "AND state = 'idle in transaction' AND backend_xid IS NOT NULL"
)


@pytest.fixture
def two() -> Iterator[list[Host]]:
    with hosts("first", "second") as two:
        yield two


@pytest.fixture
def server(cleanup: Undertaker, two: list[Host]) -> Iterator[PostgreSql]:
    with postgresql(cleanup, POSTGRES_SETTINGS, sorted({host.services for host in two})) as server:
        yield server


@pytest.fixture
def database_url(server: PostgreSql) -> str:
    """Its database, migrated, as this machine reaches it."""
    url = server.url.render_as_string(hide_password=False)
    engine = connect(url)
    migrate.upgrade(engine)
    engine.dispose()
    return url


@pytest.fixture
def redis_server(cleanup: Undertaker, two: list[Host]) -> Iterator[RedisServer]:
    options = ["--bind", *sorted({"127.0.0.1", *(host.services for host in two)}), "--protected-mode", "no"]
    with redis_process(cleanup, appendonly=True, options=options) as server:
        yield server


@pytest.fixture
def installed(
    two: list[Host], server: PostgreSql, redis_server: RedisServer, tmp_path: Path
) -> Iterator[list[Installation]]:
    """On each host a listener, two workers and a beat."""
    port, made = free_port(), []
    for host in two:
        (folder := tmp_path / host.name).mkdir()
        # The first of the two servers that it names is down: the address of docs/scale.md for a standby.
        url = server.url_at(host.services, "127.0.0.1:1").update_query_dict({"application_name": host.name})
        (site := folder / "site.yaml").write_text("allowed_addresses: [0.0.0.0/0]\n")
        at = {"IVIGILANT_MLLP_HOST": host.address, "IVIGILANT_MLLP_PLAINTEXT": "true", "IVIGILANT_SITE_FILE": str(site)}
        redis_url = redis_server.url.replace("127.0.0.1", host.services)
        made.append(Installation(url.render_as_string(), redis_url, folder, at, mllp_port=port, within=host.within))
    yield made
    for installation in made:
        installation.close()


def test_what_a_vanished_host_had_in_hand_is_done_by_the_other_once(
    two: list[Host],
    installed: list[Installation],
    watching: sa.Engine,
    messages: list[bytes],
    undisturbed: list[bytes],
) -> None:
    (doomed, lost), (_, other) = zip(two, installed, strict=True)
    for installation in installed:
        installation.start(*ROLES)
    soon(lambda: all(answers(host.address, lost.mllp_port) for host in two))
    soon(lambda: all(len(installation.pids("worker")) >= 3 for installation in installed))  # both will take tasks
    sending = Sending(
        other.mllp_port,
        messages,
        hosts=[host.address for host in two],
        links=4,
        per_second=200,
        answer_within_s=3,
        no_further_than=len(messages) * 3 // 4,
    )

    sending.begin()
    soon(lambda: len(sending.codes) >= len(messages) // 4)
    soon(lambda: is_stopped_at_work(lost, doomed, watching))
    doomed.cut_off()
    lost.send_signal(signal.SIGKILL)
    sending.no_further_than = len(messages)
    settle(watching, sending, other.tend, still_s=SOON_S)

    reconcile(watching, sending, undisturbed)
    assert sending.broken  # links to the one that vanished
    assert other.died_by_themselves == []


def is_stopped_at_work(installation: Installation, host: Host, watching: sa.Engine) -> bool:
    """Stop a whole host; let it go on when it had nothing in hand at that moment."""
    installation.send_signal(signal.SIGSTOP)
    with watching.connect() as connection:
        if connection.execute(AT_WORK, {"host": host.name}).scalar_one():
            return True
    installation.send_signal(signal.SIGCONT)
    return False


def answers(address: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((address, port), timeout=5):
        return True
    return False
