"""Rounds of the canary in a hospital on a clock that a test moves: the real parts, one call after another."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from ivigilant.canary import Canary
from ivigilant.recognition import Recognition
from ivigilant.site import SiteFile
from listener.acknowledge import ControlIds
from listener.batching import Saving
from listener.client import read_answer
from listener.feeds import FeedNumbers, LinkFeeds, Origin
from listener.framing import Frame
from listener.receive import Reception
from store import canary, incidents
from store.canary import CanaryState
from tests.journeys.hospital import Hospital
from worker.canary import notify_nobody
from worker.tasks import process_messages


@dataclass
class Rounds:
    """A hospital, and the canary that is sent to its listener."""

    hospital: Hospital
    site_file: SiteFile = field(default_factory=SiteFile)
    works: bool = True  # there is a worker
    sends: bool = True  # that sends notices as well
    listens: bool = True
    sent: list[bytes] = field(default_factory=list)
    at_each_pause: Callable[[], object] = lambda: None

    def __post_init__(self) -> None:
        engine = self.hospital.engine
        links = "https://inbox.example/alerts/{}".format
        self.hospital.worker = replace(self.hospital.worker, link_of=links, home="https://inbox.example/")
        numbers = FeedNumbers()
        self._saving = Saving(engine, numbers)
        self._feeds = LinkFeeds(Recognition(self.site_file, numbers), Origin(port=2575, address="127.0.0.1"))
        self._reception = Reception(lambda _raw, header: header.type == "OMP", ControlIds(self.hospital.clock(), "C"))
        self.canary = Canary(engine, self.hospital.clock, self.send, self.pause, within_s=5)

    @property
    def number(self) -> str:
        """The number of the patient of the last round."""
        return self.sent[-1].split(b"PID|1||")[1].split(b"^")[0].decode()

    def send(self, message: bytes) -> str:
        """What the listener does with a message, from its frame to its answer."""
        if not self.listens:
            raise ConnectionRefusedError
        self.sent.append(message)
        received = self._reception.receive(Frame(message), self._feeds, self.hospital.clock())
        saved = self._saving(received.arrivals)
        return read_answer(received.answer(saved, self.hospital.clock())[1])[0]

    def pause(self, seconds: float) -> bool:
        """Let the workers do what waits."""
        self.hospital.clock.passes(seconds=seconds)
        self.work()
        self.at_each_pause()
        return False

    def work(self) -> None:
        if self.works:
            process_messages(self.hospital.worker, self.hospital.waiting())
        if self.works and self.sends:
            notify_nobody(self.hospital.worker)

    def goes_round(self, times: int = 1) -> None:
        """Let it be time for a round, so many times."""
        for _ in range(times):
            self.canary.look()
            self.hospital.clock.passes(minutes=5)

    def state(self) -> CanaryState:
        with self.hospital.engine.connect() as connection:
            return canary.state(connection)

    def incidents(self) -> list[str]:
        """What is wrong, in its own words."""
        with self.hospital.engine.connect() as connection:
            return [each.detail for each in incidents.standing(connection) if each.kind == "canary"]

    def left(self) -> dict[str, int]:
        """How many rows each table holds, but for those that keep the rounds themselves."""
        tables = sa.inspect(self.hospital.engine).get_table_names()
        count = {each: self.hospital.rows(f'SELECT count(*) FROM "{each}"')[0][0] for each in tables}
        own = ("canary_run", "canary_message", "message", "feed", "alembic_version", "incident", "local_code_version")
        return {name: number for name, number in count.items() if number and name not in own}
