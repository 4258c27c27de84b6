"""Messages acknowledged and committed a second, and how long a sender waits for its answer."""

import uvloop

from bench.load import Load, run, wait_for
from bench.messages import copies, hospital
from bench.report import Table, ms, quantile, rate
from bench.services import DATABASES, running, surroundings

LINKS = (1, 50)
TARGETS = {("SQLite", 1): 2000, ("SQLite", 50): 10_000, ("PostgreSQL", 1): 1500, ("PostgreSQL", 50): 10_000}


def measure(seconds: float) -> Table:
    """Send as fast as the answers come, to a listener alone."""
    messages = hospital(40)
    rows = []
    for database in DATABASES:
        with surroundings(database) as place, running(place, "listener") as installation:
            wait_for(installation.mllp_port)
            uvloop.run(run(Load(copies(messages[:200])), installation.mllp_port, links=4, seconds=1))
            for links in LINKS:
                load = Load(copies([message.replace(b"|ZKHA|", b"|L%d|" % links, 1) for message in messages]))
                took = uvloop.run(run(load, installation.mllp_port, links, seconds))
                rows.append(_row(database, links, load, took))
    size = sum(map(len, messages)) // len(messages)
    notes = [
        f"Messages of {size} bytes on average; nobody processes them meanwhile. One message is under way on each link."
    ]
    return Table(
        "Acknowledged and committed",
        ("database", "links", "msg/s", "target", "p50 ms", "p99 ms", "refused"),
        rows,
        notes,
    )


def _row(database: str, links: int, load: Load, took: float) -> list[str]:
    return [
        database,
        str(links),
        rate(load.accepted / took),
        f"≥ {TARGETS[database, links]:,}",
        ms(quantile(load.seconds, 0.5)),
        ms(quantile(load.seconds, 0.99)),
        str(load.refused),
    ]
