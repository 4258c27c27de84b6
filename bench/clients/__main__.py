"""Whether clients of others take our answers: `python -m bench.clients --node-modules FOLDER/node_modules`.

Starts a listener on a fresh database, lets each client send our samples, and prints a table for docs/clients.md.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
import uvloop

from listener.batching import Saving
from listener.config import ListenerConfig, Port
from listener.feeds import FeedProfile, one_feed
from listener.server import Listener
from store import feeds, migrate, tables
from store.engine import connect
from store.messages import raw_of

HERE = Path(__file__).parent
SAMPLES = HERE.parents[1] / "tests" / "samples"
SCRIPTS = ("node_hl7_client.mjs", "medplum.mjs")
TIME_S = 180


@dataclass(slots=True)
class Outcome:
    """What one client made of our answers."""

    client: str = ""
    version: str = ""
    lines: list[dict[str, Any]] = field(default_factory=list)
    stored: int = 0  # messages
    as_sent: int = 0  # of these, byte for byte as in the sample

    def sent(self, *, together: bool) -> list[dict[str, Any]]:
        """Return what was sent all at once, or one after the other."""
        return [line for line in self.lines if line.get("together", False) is together]


def accepted(lines: Sequence[dict[str, Any]]) -> int:
    """Return how many were answered as they should be."""
    return sum(line["code"] in ("AA", "CA") and line["answers"] == line["number"] for line in lines)


def remarks(lines: Sequence[dict[str, Any]]) -> str:
    """Return why the others were not, and how often."""
    missing = [line for line in lines if not accepted([line])]
    reasons = Counter(str(line.get("remark") or line["code"] or "no answer") for line in missing)
    return "; ".join(f"{count} × {reason}" for reason, count in reasons.items())


async def try_client(script: str, modules: Path) -> Outcome:
    """Let one client send every sample to a listener that only it uses."""
    with tempfile.TemporaryDirectory() as folder:
        engine = connect(f"sqlite:///{folder}/ivigilant.db", durable=False)
        migrate.upgrade(engine)
        with engine.begin() as connection:
            feed = FeedProfile(feeds.ids_of(connection, ["default"])["default"])
        config = ListenerConfig(ports=(Port(port=0),))
        listener = Listener(config, Saving(engine), lambda _lane, _ids: None, one_feed(feed))
        await listener.start()
        try:
            outcome = _read(await _run(script, listener.ports[0], modules))
        finally:
            await listener.stop()
        with engine.connect() as connection:
            raws = [raw_of(row) for row in connection.execute(sa.select(tables.message))]
        engine.dispose()
    samples = [path.read_bytes() for path in SAMPLES.glob("*.hl7")]
    outcome.stored = len(raws)
    outcome.as_sent = sum(any(raw.strip() in sample for sample in samples) for raw in raws)
    return outcome


async def _run(script: str, port: int, modules: Path) -> str:
    words = ("node", str(HERE / script), "127.0.0.1", str(port), str(SAMPLES), str(modules))
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(TIME_S):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    return output.decode()


def _read(output: str) -> Outcome:
    head, *lines = (json.loads(line) for line in output.splitlines())
    return Outcome(head["client"], head["version"], lines)


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the outcomes as they stand in docs/clients.md."""
    rows = [
        "| client | version | sent | samples | ACKs accepted | stored as in the sample | remarks |",
        "|---|---|---|---:|---:|---:|---|",
    ]
    for each in outcomes:
        for together, way in ((False, "one after the other"), (True, "all at once, one link")):
            if lines := each.sent(together=together):
                counts = f"{len(lines)} | {accepted(lines)} | {each.as_sent} of {each.stored} | {remarks(lines)}"
                rows.append(f"| {each.client} | {each.version} | {way} | {counts} |")
    return "\n".join(rows)


def main(arguments: Sequence[str]) -> int:
    """Try every client; 1 when one that waits for its answers did not take one."""
    parser = argparse.ArgumentParser(prog="python -m bench.clients", description=__doc__)
    parser.add_argument("--node-modules", type=Path, required=True, help="where npm put the clients")
    modules = parser.parse_args(arguments).node_modules.absolute()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    outcomes = [uvloop.run(try_client(script, modules)) for script in SCRIPTS]
    sys.stdout.write(table(outcomes) + "\n")
    waited = [each.sent(together=False) for each in outcomes]
    return 0 if all(accepted(lines) == len(lines) > 0 for lines in waited) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
