"""A hospital that is set up by a site file alone: its messages are received, read and judged as the file says."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ivigilant.knowledge.site_knowledge import site_knowledge
from ivigilant.recognition import Recognition
from ivigilant.settings import Settings
from ivigilant.site import SiteFile, load_site
from ivigilant.site_choices import worker_site
from ivigilant.urgency import Urgency
from ivigilant.wiring import declare_feeds
from listener.acknowledge import ControlIds
from listener.batching import Saving
from listener.feeds import FeedNumbers, LinkFeeds, Origin
from listener.framing import Frame
from listener.receive import Reception
from store import tables
from worker.tasks import process_messages
from worker.worker import Worker

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@dataclass
class SiteHospital:
    """One database, and a site file that everything else follows from."""

    engine: sa.Engine
    folder: Path
    text: str
    source: Origin = field(default_factory=lambda: Origin(port=2575, address="10.1.2.3"))

    def __post_init__(self) -> None:
        path = self.folder / "site.yaml"
        path.write_text(self.text)
        self.settings = Settings(site_file=path)
        self.file: SiteFile = load_site(path)
        declare_feeds(self.engine, self.file)
        self._numbers = FeedNumbers()
        self._recognition = Recognition(self.file, self._numbers)
        self._reception = Reception(Urgency(), ControlIds(NOW, "T"))
        knowledge = site_knowledge(self.settings, self.file)
        self.worker = Worker(self.engine, knowledge, worker_site(self.file, self.settings), lambda: NOW)

    def receives(self, raw: bytes, source: Origin | None = None) -> str:
        """Keep one frame, process it, and give the answer that went back."""
        feeds = LinkFeeds(self._recognition, source or self.source)
        received = self._reception.receive(Frame(raw), feeds, NOW)
        saving = Saving(self.engine, self._numbers)
        saved = saving(received.arrivals)
        saving.close()
        process_messages(self.worker, [each.id for each in saved])
        return received.answer(saved, NOW)[1].decode()

    def messages(self) -> list[tuple[str, str, str | None]]:
        """Feed, state and reason of every message, oldest first."""
        message, feed = tables.message, tables.feed
        query = sa.select(feed.c.name, message.c.state, message.c.reason).join(feed, feed.c.id == message.c.feed_id)
        with self.engine.connect() as connection:
            return [(row.name, row.state, row.reason) for row in connection.execute(query.order_by(message.c.id))]

    def answers(self) -> list[dict[str, Any]]:
        """The conclusion of every answer, oldest first."""
        query = sa.select(tables.assessment.c.conclusion).order_by(tables.assessment.c.id)
        with self.engine.connect() as connection:
            return list(connection.scalars(query))

    def patients(self) -> list[str]:
        """Authority and number of every identity."""
        patient = tables.patient
        with self.engine.connect() as connection:
            query = sa.select(patient.c.authority, patient.c.value).order_by(patient.c.id)
            return [f"{row.authority}|{row.value}" for row in connection.execute(query)]


def a_message(*segments: str, kind: str = "ADT^A08", **msh: str) -> bytes:
    """A message of one patient; `sender`, `facility`, `processing`, `charset` and `control` change its MSH."""
    header = [
        "MSH",
        "^~\\&",
        msh.get("sender", "EPD"),
        msh.get("facility", "ZKHA"),
        "IVIGILANT",
        "ZKHA",
        "20261121120000",
        "",
        kind,
        msh.get("control", "C1"),
        msh.get("processing", "P"),
        "2.5",
        *["", "", msh.get("accept", ""), msh.get("application", ""), ""],
        msh.get("charset", "UNICODE UTF-8"),
    ]
    pid = msh.get("pid", "PID|1||1000001^^^ZKHA^PI||Jansen^Willem^^^^^L||19481103|M")
    lines = ["|".join(header), pid, *segments]
    return "".join(f"{line}\r" for line in lines).encode(msh.get("codec", "utf-8"))


def an_order(*segments: str, product: str = "J06BA02^IVIg^ATC", **msh: str) -> bytes:
    """An order for 40 g; `number`, `order_control`, `ordered` and `route` change it, the rest its MSH."""
    route = msh.pop("route", "IV^Intravenous^HL70162")
    ordered, order_control = msh.pop("ordered", "20261121110000"), msh.pop("order_control", "NW")
    return a_message(
        f"ORC|{order_control}|{msh.pop('number', '900001')}^EPD|||SC||||{ordered}",
        "TQ1|1||Once||||20261121130000||R",
        f"RXO|{product}|40||g^gram^UCUM",
        f"RXR|{route}",
        *segments,
        kind="OMP^O09",
        **({"control": "O1"} | msh),
    )
