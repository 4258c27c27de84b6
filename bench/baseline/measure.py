"""The baseline under the same feed, on the same machine, in the same run."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import sqlalchemy as sa
import uvloop

from bench.baseline.application import metadata
from bench.load import Load, framed, run, wait_for
from bench.messages import hospital
from bench.report import Table, rate
from bench.services import Surroundings, surroundings
from ivigilant.stack import free_port
from store.engine import connect

LINKS = 10
DRAIN_WITHIN_S = 120.0


def measure(seconds: float, ours: float) -> Table:
    """Send for so long, then wait for the workers; `ours` is how many messages a second we process."""
    messages = [framed(message) for message in hospital(int(seconds * 40))]
    with surroundings("PostgreSQL", migrated=False) as place:
        engine = connect(place.database_url)
        metadata.create_all(engine)
        load = Load(iter(messages), one_per_link=True)
        with _running(place) as port:
            began = time.perf_counter()
            acked = uvloop.run(run(load, port, LINKS, seconds))
            stored = _drain(engine, load.accepted)
            took = time.perf_counter() - began
        engine.dispose()
    done = stored / took
    rows = [
        [
            rate(load.accepted / acked),
            rate(done),
            rate(ours),
            f"{ours / done:,.0f} ×" if done else "-",
        ]
    ]
    notes = [
        "hl7apy MLLPServer → one Celery task per message → hl7apy parse_message(find_groups=False) → SQLAlchemy insert",
        "the baseline acknowledges before anything is kept, keeps codes only and judges nothing",
    ]
    columns = ("baseline acknowledged msg/s", "baseline kept msg/s", "ours end to end msg/s", "ratio")
    return Table("Beside a baseline, on PostgreSQL", columns, rows, notes)


@contextlib.contextmanager
def _running(place: Surroundings) -> Iterator[int]:
    address = place.database_url.replace("postgresql://", "postgresql+psycopg://")
    environment = os.environ | {"BASELINE_REDIS": place.redis_url, "BASELINE_DATABASE": address}
    port = free_port()
    worker = ["-m", "celery", "-A", "bench.baseline.application", "worker", "-c", "2", "-l", "error"]
    commands = [["-m", "bench.baseline.server", str(port)], [*worker, "--without-gossip", "--without-mingle"]]
    started = [
        subprocess.Popen(
            [sys.executable, *words], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for words in commands
    ]
    try:
        wait_for(port)
        yield port
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


def _drain(engine: sa.Engine, sent: int) -> int:
    """Wait until every acknowledged message is stored, or time is up."""
    query = sa.text("SELECT count(*) FROM baseline_fact WHERE kind = 'MSH'")
    deadline = time.monotonic() + DRAIN_WITHIN_S
    stored = 0
    while stored < sent and time.monotonic() < deadline:
        time.sleep(0.2)
        with engine.connect() as connection:
            stored = connection.execute(query).scalar_one()
    return stored
