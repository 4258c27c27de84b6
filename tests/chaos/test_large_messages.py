"""Messages that take long to read, in front of somebody's order: the order does not wait for them."""

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from store import heartbeats
from tests.chaos.installation import Installation, family_of
from tests.chaos.reconciling import settle
from tests.chaos.sender import Sending
from tests.ivigilant.waiting import soon

Install = Callable[..., Installation]

LARGE = 4
RESULTS = 10_000  # in each
WORKERS = {*heartbeats.JUDGES, heartbeats.SLOW_WORKER}


def an_order(number: str, results: int = 0) -> bytes:
    now = datetime.now(UTC).strftime("%Y%m%d%H%M%S")
    lines = [
        f"MSH|^~\\&|CPOE|ZKH|IVIG|ZKH|{now}||OMP^O09^OMP_O09|{number}|P|2.5.1",
        f"PID|1||{number}^^^ZKH^MR||Test^A||19500101|M",
        f"ORC|NW|{number}^CPOE||||||||||||||||",
        f"TQ1|1||||||{now}",
        "RXO|J06BA02^immunoglobulines^ATC|35||g",
        "RXR|IV",
        *(f"OBX|{each}|NM|6301-6^INR^LN|{each}|1.{each}||||||F" for each in range(results)),
    ]
    return "".join(f"{line}\r" for line in lines).encode()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_order_is_judged_while_large_ones_before_it_still_wait(install: Install, watching: sa.Engine) -> None:
    installation = install()
    installation.start()
    soon(lambda: roles(watching) >= WORKERS)
    large = Sending(installation.mllp_port, [an_order(f"L{each}", RESULTS) for each in range(LARGE)])
    genuine = Sending(installation.mllp_port, [an_order("G")])

    signalled(installation, signal.SIGSTOP)
    large.begin()
    soon(lambda: not large.busy)
    genuine.begin()
    soon(lambda: ended(watching, "G"))
    before_it = [each for each in range(LARGE) if ended(watching, f"L{each}")]
    signalled(installation, signal.SIGCONT)
    settle(watching, large, installation.tend)

    assert before_it == []
    assert all(ended(watching, f"L{each}") for each in range(LARGE))


def signalled(installation: Installation, number: signal.Signals) -> None:
    """Let the worker for large messages stand still, or go on."""
    for pid in family_of(installation.process("slow-worker")):  # the first before it starts another
        os.kill(pid, number)


def ended(engine: sa.Engine, control_id: str) -> bool:
    """Whether the order was judged."""
    query = sa.text("SELECT count(*) FROM message WHERE control_id = :number AND state = 'processed'")
    with engine.connect() as connection:
        return bool(connection.scalar(query, {"number": control_id}))


def roles(engine: sa.Engine) -> set[str]:
    """Which processes work: soon the beat and the auditor too."""
    with engine.connect() as connection:
        return {heartbeats.role_of(name) for name in heartbeats.last(connection)}
