"""Memory of a listener over bad frames: `python -m bench.bad_frames --frames 100000`."""

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import structlog
import uvloop

from bench.fuzz import damaged, seeds
from listener.batching import Saving
from listener.config import ListenerConfig, Port
from listener.feeds import FeedProfile, one_feed
from listener.framing import FrameLimits
from listener.server import Listener
from store import feeds, migrate
from store.engine import connect

SETTLED = 2_000  # frames before the first look: caches and pools have their size by then
TOGETHER = 200  # frames on one link


def bad_frames(seed: int) -> Iterator[bytes]:
    """Frames that something is wrong with, for ever."""
    chance = random.Random(seed)
    broken = damaged(chance, seeds())
    while True:
        kind = chance.randrange(5)
        if kind == 0:
            payload = chance.randbytes(chance.randrange(1, 300))
        elif kind == 1:
            payload = "MSH|^~\\&|".encode("utf-16")
        elif kind == 2:
            payload = b"MSH|^~\\&|X||||2026||ADT^A08|%d|P|9.9\r" % chance.randrange(10**9)
        elif kind == 3:
            payload = (
                b"MSH|^~\\&|X||||2026||ORU^R01|%d|P|2.5\r" % chance.randrange(10**9) + b"OBX|1|TX|" + b"x" * 20_000
            )
        else:
            payload = next(broken)[2:]
        yield b"\x0b" + payload + chance.choice((b"\x1c\r", b"\x1c\r", b"\x1c", b""))


def resident_mb() -> float:
    """Memory of this process that is in use now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1024 / 1024


async def growth_mb(frames: int, seed: int = 1) -> float:
    """Send bad frames to a listener with a database, and tell by how much this process grew after the first few."""
    with tempfile.TemporaryDirectory() as folder:
        engine = connect(f"sqlite:///{folder}/ivigilant.db", durable=False)
        migrate.upgrade(engine)
        with engine.begin() as connection:
            feed = FeedProfile(feeds.ids_of(connection, ["default"])["default"])
        ports = (Port(port=0, limits=FrameLimits(max_frame=16_384, quiet_s=0.05)),)
        listener = Listener(ListenerConfig(ports=ports), Saving(engine), lambda _lane, _ids: None, one_feed(feed))
        await listener.start()
        coming = bad_frames(seed)
        await _send(listener.ports[0], islice(coming, SETTLED))
        before = resident_mb()
        await _send(listener.ports[0], islice(coming, frames))
        after = resident_mb()
        await listener.stop()
        engine.dispose()
    return after - before


async def _send(port: int, frames: Iterator[bytes]) -> None:
    while together := b"".join(islice(frames, TOGETHER)):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(together)
        writer.write_eof()
        while await reader.read(65_536):
            pass
        writer.close()


def main() -> int:
    """Measure and print; 1 when it grew by more than 50 MB in 100,000 frames, or 25 MB in fewer."""
    asked = argparse.ArgumentParser(prog="python -m bench.bad_frames", description=__doc__)
    asked.add_argument("--frames", type=int, default=100_000)
    frames = asked.parse_args().frames
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    growth = uvloop.run(growth_mb(frames))
    print(f"{frames} bad frames: {growth:+.1f} MB")
    return int(growth >= max(25, 50 * frames / 100_000))


if __name__ == "__main__":
    sys.exit(main())
