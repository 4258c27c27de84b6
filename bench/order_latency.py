"""How long an order takes to become an alert that the inbox hears of, while other traffic goes on."""

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

import redis
import sqlalchemy as sa
import uvloop

from bench.load import Load, framed, pace, run, wait_for
from bench.messages import hospital, order, thrombosis
from bench.report import Table, ms, quantile
from bench.services import DATABASES, running, surroundings
from bench.watching import progress
from inbox.live.events import CHANNEL
from store.engine import connect, reading

TRAFFIC = 300.0  # messages a second
ORDERS = 5.0  # a second
LINKS = 20
FIRST_PATIENT = 500_000
SETTLE_WITHIN_S = 60.0
LARGE = 10  # orders
RESULTS_OF_LARGE = 99_000  # in each: 3.8 MB
FIRST_LARGE = 900_000


@dataclass(slots=True)
class Ear:
    """Hears which alerts are announced, and when."""

    redis_url: str
    heard: dict[int, float] = field(default_factory=dict)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def listen(self) -> threading.Thread:
        """Begin."""
        thread = threading.Thread(target=self._run, name="ear", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """End."""
        self._stopping.set()

    def _run(self) -> None:
        parts = urlsplit(self.redis_url)
        with redis.Redis(host=str(parts.hostname), port=parts.port or 6379) as client, client.pubsub() as channel:
            channel.subscribe(CHANNEL)
            while not self._stopping.is_set():
                told = channel.get_message(ignore_subscribe_messages=True, timeout=0.1)
                if told is not None:
                    self.heard.setdefault(int(told["data"]), time.perf_counter())


def measure(seconds: float) -> Table:
    """Send traffic at its pace and orders of patients with a thrombosis among it."""
    rows = []
    for database in DATABASES:
        waited, wanted = _one(database, seconds)
        found = [ms(quantile(waited, share)) for share in (0.5, 0.99)] if waited else ["-", "-"]
        rows.append([database, f"{TRAFFIC:.0f}", str(wanted), str(len(waited)), *found])
    columns = ("database", "other msg/s", "orders", "alerts", "p50 ms", "p99 ms")
    notes = ["from the order's first byte to the announcement of its committed alert; target p50 ≤ 20, p99 ≤ 100 ms"]
    return Table("From order to alert", columns, rows, notes)


def measure_behind_large(seconds: float) -> Table:
    """Return the same behind ten orders that take long to read, with little other traffic."""
    now, rows = datetime.now(UTC), []
    large = [order(FIRST_LARGE + number, now, results=RESULTS_OF_LARGE) for number in range(LARGE)]
    for database in DATABASES:
        waited, wanted = _one(database, seconds, traffic=20.0, in_front=large)
        found = [ms(quantile(waited, share)) for share in (0.5, 0.99)] if waited else ["-", "-"]
        rows.append([database, str(wanted), str(len(waited)), *found])
    notes = [
        f"{LARGE} orders of {len(large[0]) / 1e6:.1f} MB with {RESULTS_OF_LARGE} results come first; target p99 < 1 s"
    ]
    return Table(
        "From order to alert behind large messages", ("database", "orders", "alerts", "p50 ms", "p99 ms"), rows, notes
    )


def _one(
    database: str, seconds: float, traffic: float = TRAFFIC, in_front: Sequence[bytes] = ()
) -> tuple[list[float], int]:
    now, count = datetime.now(UTC), int(seconds * ORDERS)
    patients = range(FIRST_PATIENT, FIRST_PATIENT + count)
    others = hospital(int(seconds * traffic / 12) + 20)[: int(seconds * traffic)]
    sent: dict[bytes, float] = {}
    with surroundings(database) as place, running(place) as installation:
        wait_for(installation.mllp_port)
        engine = connect(place.database_url)
        uvloop.run(send([thrombosis(patient, now) for patient in patients], installation.mllp_port))
        settle(engine)
        ear = Ear(place.redis_url)
        thread = ear.listen()
        orders = [framed(order(patient, now)) for patient in patients]
        uvloop.run(send(list(in_front), installation.mllp_port))
        uvloop.run(send_both(orders, list(map(framed, others)), traffic, installation.mllp_port, sent))
        if in_front:
            _hear(ear, count)  # the large ones may take as long as they like
        else:
            settle(engine)
        ear.stop()
        thread.join()
        waited = _waited(engine, orders, sent, ear.heard, patients)
        engine.dispose()
    return waited, count


async def send(messages: list[bytes], port: int) -> None:
    """Send messages over ten links, each as soon as the one before it is answered."""
    await run(Load(map(framed, messages)), port, links=10)


async def send_both(
    orders: list[bytes], traffic: list[bytes], per_second: float, port: int, sent: dict[bytes, float]
) -> None:
    """Send traffic at its pace, and orders at theirs; they begin a little after the traffic."""
    others = Load(iter(traffic), open=False)
    ordering = Load(iter(orders), open=False, sent=sent.__setitem__)
    pacing = [asyncio.create_task(pace(others, per_second)), asyncio.create_task(pace(ordering, ORDERS))]
    await asyncio.gather(run(others, port, LINKS), run(ordering, port, links=5))
    await asyncio.gather(*pacing)


def _waited(
    engine: sa.Engine, orders: list[bytes], sent: dict[bytes, float], heard: dict[int, float], patients: range
) -> list[float]:
    """Return the first announcement of each order's alert, against when it was sent."""
    query = sa.text("SELECT a.id, o.placer FROM alert a JOIN medication_order o ON o.id = a.order_id")
    with reading(engine) as connection:
        alerts = {row.placer: row.id for row in connection.execute(query)}
    found = []
    for patient, frame in zip(patients, orders, strict=True):
        alert = alerts.get(f"EPD|{patient}")
        if alert in heard and frame in sent:
            found.append(heard[alert] - sent[frame])
    return found


def _hear(ear: Ear, how_many: int) -> None:
    deadline = time.monotonic() + SETTLE_WITHIN_S
    while len(ear.heard) < how_many and time.monotonic() < deadline:
        time.sleep(0.05)


def settle(engine: sa.Engine) -> None:
    """Wait until no message waits any more, a minute at most."""
    deadline = time.monotonic() + SETTLE_WITHIN_S
    while progress(engine).waiting and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)  # what was committed last is announced
