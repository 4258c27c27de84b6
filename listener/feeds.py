"""Where a message came from, which feed that is, and the number that feed has in the database."""

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

_SENDERS_REMEMBERED = 1000  # on one link; a sender that changes its name for ever costs no memory


@dataclass(frozen=True, slots=True)
class Origin:
    """What tells one sender from another."""

    port: int
    address: str
    certificate: tuple[str, ...] = ()  # common name and alternative names of its client certificate
    sending_application: str = ""
    sending_facility: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message is not accepted: a code of table 0357, where, and for whom to mend it."""

    code: str
    location: str = ""  # RXO^1^4: segment, sequence, field

    @property
    def is_content(self) -> bool:
        """Whether the content is at fault (AE), rather than the kind of message (AR)."""
        return self.code.startswith("1")


@dataclass(frozen=True, slots=True)
class FeedProfile:
    """One source as the site knows it, and in what it differs."""

    id: int
    name: str = "default"
    known: bool = True
    declared: bool = True  # its name is the site's; else a sender wrote it, and it stays out of logs
    parks: bool = False  # keep its messages out of the history until somebody maps it
    defaults: Defaults = field(default_factory=Defaults)
    ack_mode: AckMode = "auto"
    told_later: bool = False  # there is a way to tell it how its messages ended, beside the first answer
    processing_ids: frozenset[str] = frozenset("PTD")
    types: frozenset[str] | None = None  # {"ORM^O01"}: refuse every other; None: accept every type
    batch_ack: bool = False  # answer a batch with a batch
    accepts_unframed: bool = False  # take its messages without SB, where the port cuts them out
    check: Callable[[bytes, Header], Refusal | None] | None = None  # what must be right before a message is accepted

    @property
    def name_in_logs(self) -> str:
        """The name, unless it came out of a message: whatever stands in MSH-3 there, it stays out of logs."""
        return self.name if self.declared else "unknown"


FeedOf = Callable[[Origin], FeedProfile]
IsOrder = Callable[[bytes, Header], bool]


def one_feed(feed: FeedProfile) -> FeedOf:
    """Everything comes from the one feed there is."""
    return lambda _source: feed


class LinkFeeds:
    """The feeds of one link, found once for each MSH-3 and MSH-4 that it sends."""

    def __init__(self, feed_of: FeedOf, source: Origin) -> None:
        self._feed_of = feed_of
        self._source = source
        self._found: dict[tuple[str, str], FeedProfile] = {}
        self.latest: FeedProfile | None = None  # of the last message; nobody before the first
        self.known: dict[tuple[bytes, ...], Any] = {}  # headers that were read before, and what they meant

    def of(self, application: str, facility: str) -> FeedProfile:
        """The feed this sender is."""
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
