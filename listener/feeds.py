"""Feeds of messages: where a message came from, its feed, and the feed's number in the database."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from clinical.events import Header
from parsers.defaults import Defaults
from store import feeds
from store.messages import Arrival

AckMode = Literal["auto", "original", "enhanced", "none"]

_SENDERS_REMEMBERED = 1000  # per link; a sender that keeps changing its name costs no memory


@dataclass(frozen=True, slots=True)
class Origin:
    """What distinguishes one sender from another."""

    port: int
    address: str
    certificate: tuple[str, ...] = ()  # common name and alternative names of its client certificate
    sending_application: str = ""
    sending_facility: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message is rejected: a code of table 0357, where, and who should correct it."""

    code: str
    location: str = ""  # RXO^1^4: segment, sequence, field

    @property
    def is_content(self) -> bool:
        """Whether the content is at fault (AE), rather than the kind of message (AR)."""
        return self.code.startswith("1")


@dataclass(frozen=True, slots=True)
class FeedProfile:
    """One source as configured for the site, with its settings."""

    id: int
    name: str = "default"
    known: bool = True
    declared: bool = True  # the site file gives its name; else a sender wrote it, and it stays out of logs
    parks: bool = False  # keep its messages out of the history until somebody maps it
    defaults: Defaults = field(default_factory=Defaults)
    ack_mode: AckMode = "auto"
    answered_later: bool = False  # it has a route for application acknowledgements
    processing_ids: frozenset[str] = frozenset("PTD")
    types: frozenset[str] | None = None  # {"ORM^O01"}: reject all others; None: accept every type
    batch_ack: bool = False  # answer a batch with a batch
    accepts_unframed: bool = False  # accept its messages without SB, where the port extracts them
    check: Callable[[bytes, Header], Refusal | None] | None = None  # what is checked before a message is accepted

    @property
    def name_in_logs(self) -> str:
        """The name, unless it came from a message: a name in MSH-3 stays out of logs."""
        return self.name if self.declared else "unknown"


FeedOf = Callable[[Origin], FeedProfile]
IsOrder = Callable[[bytes, Header], bool]


def one_feed(feed: FeedProfile) -> FeedOf:
    """Assign everything to the only feed."""
    return lambda _source: feed


class LinkFeeds:
    """The feeds of one link, found once for each MSH-3 and MSH-4 that it sends."""

    def __init__(self, feed_of: FeedOf, source: Origin, known: dict[tuple[bytes, ...], Any] | None = None) -> None:
        """Begin with the headers that other links from there have sent; `known` is shared with them."""
        self._feed_of = feed_of
        self._source = source
        self._found: dict[tuple[str, str], FeedProfile] = {}
        self.latest: FeedProfile | None = None  # of the last message; none before the first
        # Headers that were read before, and what they meant.
        self.known: dict[tuple[bytes, ...], Any] = {} if known is None else known

    @property
    def names(self) -> set[str]:
        """The feeds that have sent over it; before the first message the one that the link itself shows, if any."""
        if self.latest is None:
            first = self._feed_of(self._source)
            return {first.name} if first.known and first.declared else set()
        return {self.latest.name, *(each.name for each in self._found.values())}

    def of(self, application: str, facility: str) -> FeedProfile:
        """Return the feed of this sender."""
        key = (application, facility)
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= _SENDERS_REMEMBERED:
                self._found.clear()
            found = self._found[key] = self._feed_of(
                replace(self._source, sending_application=application, sending_facility=facility)
            )
        self.latest = found
        return found


class FeedNumbers:
    """The numbers of feeds, given at once: that of its row, or a negative stand-in until its first message is saved."""

    def __init__(self, known: Mapping[str, int] | None = None) -> None:
        self._numbers: dict[str, int] = dict(known or {})
        self._stand_ins: dict[int, str] = {}
        self._lock = threading.Lock()

    def __call__(self, name: str) -> int:
        """Return the number to write on messages of this feed; this never waits for the database."""
        with self._lock:
            number = self._numbers.get(name)
            if number is None:
                number = self._numbers[name] = -1 - len(self._stand_ins)
                self._stand_ins[number] = name
            return number

    def of_rows(self, engine: sa.Engine, arrivals: Sequence[Arrival]) -> Sequence[Arrival]:
        """Return the messages with the numbers that their feeds have in the database; a new feed is added."""
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
