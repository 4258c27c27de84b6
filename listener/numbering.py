"""The numbers of feeds, asked of the database by the thread that saves and never by the one that reads senders."""

import threading
from collections.abc import Mapping, Sequence

import msgspec
import sqlalchemy as sa

from store import feeds
from store.messages import Arrival


class FeedNumbers:
    """Gives a feed its number at once: that of its row, or a stand-in below zero until its first message is saved."""

    def __init__(self, known: Mapping[str, int] | None = None) -> None:
        self._numbers: dict[str, int] = dict(known or {})
        self._stand_ins: dict[int, str] = {}
        self._lock = threading.Lock()

    def __call__(self, name: str) -> int:
        """The number to write on messages of this feed; this never waits for the database."""
        with self._lock:
            number = self._numbers.get(name)
            if number is None:
                number = self._numbers[name] = -1 - len(self._stand_ins)
                self._stand_ins[number] = name
            return number

    def of_rows(self, engine: sa.Engine, arrivals: Sequence[Arrival]) -> Sequence[Arrival]:
        """The messages with the numbers that their feeds have in the database; a feed that is new is made."""
        if all(each.feed_id > 0 for each in arrivals):
            return arrivals
        with self._lock:
            names = {
                each.feed_id: self._stand_ins[each.feed_id] for each in arrivals if each.feed_id in self._stand_ins
            }
            known = {stand_in: self._numbers[name] for stand_in, name in names.items()}
        unknown = {stand_in: name for stand_in, name in names.items() if known[stand_in] < 0}
        if unknown:
            with engine.begin() as connection:
                rows = feeds.ids_of(connection, list(unknown.values()))
            known |= {stand_in: rows[name] for stand_in, name in unknown.items()}
            with self._lock:
                self._numbers |= rows
        return [
            msgspec.structs.replace(each, feed_id=known[each.feed_id]) if each.feed_id in known else each
            for each in arrivals
        ]
