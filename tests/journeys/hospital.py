"""A hospital in a test: its messages are received, processed and answered by the real parts, one call after another.

Only sockets and queues are left out; `tests/chaos` and `tests/deployment` have those.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from history.choices import Site
from inbox.acting import Act, Acting
from listener.acknowledge import ControlIds
from listener.feeds import FeedProfile, LinkFeeds, Origin, one_feed
from listener.framing import Frame
from listener.receive import Reception
from parsers.defaults import Defaults
from rules.knowledge import Knowledge
from rules.living import KnowledgeSource
from store import feeds
from store.dump import dump
from store.messages import save_batch
from tests.journeys.stories import Happening
from tests.journeys.stories import messages as messages_of
from worker.memory import HistoryMemory
from worker.raise_alerts import Effects
from worker.tasks import process_messages
from worker.worker import Worker

Given = TypeVar("Given")


@dataclass
class Clock:
    """Stands still until it is moved."""

    now: datetime = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **time: float) -> None:
        self.now += timedelta(**time)


class Hospital:
    """One database and everything that works on it."""

    def __init__(
        self, engine: sa.Engine, knowledge: Knowledge, site: Site | None = None, clock: Clock | None = None
    ) -> None:
        self.engine, self.knowledge, self.site, self.clock = engine, knowledge, site or Site(), clock or Clock()
        with self.engine.begin() as connection:
            feed_id = feeds.ids_of(connection, ["default"])["default"]
        feed = FeedProfile(id=feed_id, defaults=Defaults(zone=self.site.zone))
        self._feeds = LinkFeeds(one_feed(feed), Origin(port=2575, address="127.0.0.1"))
        self._reception = Reception(lambda _raw, header: header.type != "ADT", ControlIds(self.clock(), "T"))
        self.worker = Worker(self.engine, self.knowledge, self.site, self.clock)

    def uses(self, rulebook: KnowledgeSource) -> None:
        """Judge from now on with knowledge that may change."""
        self.worker = replace(self.worker, newest_knowledge=rulebook.current)

    def receives(self, *messages: bytes) -> list[int]:
        """Keep the messages; give their rows, of a duplicate the first one's."""
        received = [self._reception.receive(Frame(raw), self._feeds, self.clock()) for raw in messages]
        arrivals = [arrival for each in received for arrival in each.arrivals]
        with self.engine.begin() as connection:
            return [saved.id for saved in save_batch(connection, arrivals)]

    def processes(self, ids: Sequence[int], memory: HistoryMemory | None = None) -> Effects:
        """Do the work of one task; with a memory as the worker that remembers so much."""
        return process_messages(self.worker if memory is None else replace(self.worker, memory=memory), ids)

    def sends(self, *messages: bytes) -> Effects:
        """Receive the messages, and process them together."""
        return self.processes(self.receives(*messages))

    def does(self, act: Act[Given]) -> Given:
        """Let Els act as she does in the inbox; give what comes of it."""
        with self.engine.begin() as connection:
            return act.perform(Acting(connection, "els", self.clock(), lambda: self.knowledge)).result

    def waiting(self) -> list[int]:
        """The messages that nobody has processed yet."""
        return [row[0] for row in self.rows("SELECT id FROM message WHERE state = 'received' ORDER BY id")]

    def sends_one_by_one(self, messages: Iterable[bytes]) -> None:
        """Receive and process each before the next comes."""
        for message in messages:
            self.sends(message)

    def lives_through(self, *story: Happening) -> None:
        """Receive and process the messages of a story one by one."""
        self.sends_one_by_one(messages_of(story))

    def inbox(self, stream: str = "order") -> list[tuple[str, str, str]]:
        """Placer number, tier and priority of every alert of a stream that stands, by number."""
        rows = self.rows(
            "SELECT o.placer, a.tier, a.priority FROM alert a JOIN medication_order o ON o.id = a.order_id "
            f"WHERE a.status = 'open' AND a.stream = '{stream}' ORDER BY o.placer"
        )
        return [(row[0].rpartition("|")[2], row[1], row[2]) for row in rows]

    def answers(self) -> dict[str, str]:
        """The tier of the latest answer for each IVIg order, by placer number."""
        rows = self.rows(
            "SELECT o.placer, a.tier FROM medication_order o JOIN assessment a ON a.order_id = o.id "
            "WHERE a.stream = 'order' ORDER BY a.id"
        )
        return {row[0].rpartition("|")[2]: row[1] for row in rows}

    def alerts(self) -> list[dict[str, Any]]:
        """Every alert about an order, resolved ones too, with the key of its order; by that key."""
        rows = self.rows(
            "SELECT a.id, a.status, a.tier, a.badges, o.key FROM alert a JOIN medication_order o ON o.id = a.order_id "
            "WHERE a.stream = 'order' ORDER BY o.key"
        )
        return [dict(row._mapping) for row in rows]

    def badges(self) -> dict[str, list[str]]:
        """The badges of every alert that stands, by placer number."""
        standing = [row for row in self.alerts() if row["status"] != "resolved"]
        return {row["key"].rpartition("|")[2]: _json(row["badges"]) for row in standing}

    def reasons(self, key: str = "") -> list[str]:
        """Why alerts about orders were resolved, of one order or of all, first things first."""
        rows = self.rows(
            "SELECT e.reason, o.key FROM alert_event e JOIN alert a ON a.id = e.alert_id "
            "JOIN medication_order o ON o.id = a.order_id "
            "WHERE e.kind = 'resolved' AND a.stream = 'order' ORDER BY e.id"
        )
        return [row[0] for row in rows if not key or row[1] == key]

    def states(self) -> dict[str, str]:
        """How each message ended, by control id."""
        return {row[0]: row[1] for row in self.rows("SELECT control_id, state FROM message ORDER BY id")}

    def dump(self) -> list[bytes]:
        """Everything that must not depend on the order of arrival."""
        with self.engine.connect() as connection:
            return list(dump(connection))

    def rows(self, query: str) -> Sequence[sa.Row[*tuple[Any, ...]]]:
        """What a query gives."""
        with self.engine.connect() as connection:
            return connection.execute(sa.text(query)).all()


def _json(value: Any) -> Any:
    """A JSON column as a value: PostgreSQL gives it so, SQLite as text."""
    return msgspec.json.decode(value) if isinstance(value, str) else value
