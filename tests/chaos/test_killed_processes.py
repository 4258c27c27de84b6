"""Listener, worker and beat killed at random moments of a stream."""

import json
import math
import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.chaos.installation import Installation
from tests.chaos.reconciling import alerts_told, count_ended, reconcile, sent, settle, undelivered
from tests.chaos.sender import Sending, moments_of
from tests.forwarding.contract import SECRET
from tests.forwarding.receivers import WebReceiver, open_receiver
from tests.ivigilant.waiting import soon

Install = Callable[..., Installation]
AHEAD = 50  # so many messages a worker has to do when it is killed, at most


@pytest.fixture
def receiver() -> Iterator[WebReceiver]:
    with open_receiver(WebReceiver()) as receiver:
        yield receiver


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
    assert sending.refusals  # a kill caught messages that were under way


def test_workers_and_beats_killed_at_work_leave_nothing_behind(
    install: Install,
    watching: sa.Engine,
    messages: list[bytes],
    undisturbed: list[bytes],
    receiver: WebReceiver,
    tmp_path: Path,
) -> None:
    site = str(site_that_tells(receiver, tmp_path))
    installation = install(IVIGILANT_SITE_FILE=site, IVIGILANT_DELIVERY_LEASE_S="11")  # above the deadline of a webhook
    installation.start()
    die = random.Random(2)
    kills = [partial(installation.kill_a_child, "worker", die)] * 5
    kills += [partial(installation.kill, "worker"), partial(installation.kill, "beat")]
    die.shuffle(kills)
    moments = sorted(die.sample(range(len(messages) * 9 // 10), len(kills)))
    sending = Sending(installation.mllp_port, messages, links=2, per_second=80)

    def kill_at_its_moment() -> None:
        installation.tend()
        if moments and count_ended(watching) >= moments[0] and len(installation.pids("worker")) == 3:
            kills.pop()()
            moments.pop(0)
        sending.no_further_than = moments[0] + AHEAD if moments else math.inf  # a slow worker is killed at work too

    sending.begin()
    settle(watching, sending, kill_at_its_moment)
    soon(lambda: not undelivered(watching))

    reconcile(watching, sending, undisturbed)
    assert kills == []
    # A feed whose messages were stamped a while ago is told of as well: as one whose clock differs.
    notices = [notice for notice in receiver.received if not notice.key.startswith("ivigilant-incident-")]
    assert sent(watching) == {notice.key for notice in notices} != set()
    assert alerts_told(watching) == {alert for notice in notices for alert in alerts_in(notice.text)}


def alerts_in(notice: str) -> set[str]:
    """The alerts that a notice is about: one, or several of one patient."""
    content = json.loads(notice[notice.index("{") : notice.rindex("}") + 1])
    return {content["alert"]["id"], *(each["id"] for each in content.get("alerts", ()))}


def site_that_tells(receiver: WebReceiver, folder: Path) -> Path:
    """A site file with one destination; what belongs together is gathered for seconds, so that the test is short."""
    (folder / "secret").write_text(SECRET)
    site = folder / "site.yaml"
    place = {"name": "on-call", "kind": "webhook", "url": f"http://127.0.0.1:{receiver.port}/hook"}
    site.write_text(
        json.dumps(
            {"destinations": [place | {"secret_file": str(folder / "secret")}], "telling": {"gather_seconds": 2}}
        )
    )
    return site
