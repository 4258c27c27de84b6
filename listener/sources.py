"""Where a message came from, and which feed that is."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from clinical.events import Header
from parsers.defaults import Defaults

AckMode = Literal["auto", "original", "enhanced", "none"]

_SENDERS_REMEMBERED = 1000  # on one link; a sender that changes its name for ever costs no memory


@dataclass(frozen=True, slots=True)
class Source:
    """What tells one sender from another."""

    port: int
    address: str
    certificate: tuple[str, ...] = ()  # common name and alternative names of its client certificate
    sending_application: str = ""
    sending_facility: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a message is not accepted: a code of table 0357, where, and for whom to mend it."""

    code: str
    location: str = ""  # RXO^1^4: segment, sequence, field

    @property
    def is_content(self) -> bool:
        """Whether the content is at fault (AE), rather than the kind of message (AR)."""
        return self.code.startswith("1")


@dataclass(frozen=True, slots=True)
class Feed:
    """One source as the site knows it, and in what it differs."""

    id: int
    name: str = "default"
    known: bool = True
    declared: bool = True  # its name is the site's; else a sender wrote it, and it stays out of logs
    parks: bool = False  # keep its messages out of the history until somebody maps it
    defaults: Defaults = field(default_factory=Defaults)
    ack_mode: AckMode = "auto"
    processing_ids: frozenset[str] = frozenset("PTD")
    types: frozenset[str] | None = None  # {"ORM^O01"}: refuse every other; None: accept every type
    batch_ack: bool = False  # answer a batch with a batch
    accepts_unframed: bool = False  # take its messages without SB, where the port cuts them out
    check: Callable[[bytes, Header], Fault | None] | None = None  # what must be right before a message is accepted

    @property
    def name_in_logs(self) -> str:
        """The name, unless it came out of a message: whatever stands in MSH-3 there, it stays out of logs."""
        return self.name if self.declared else "unknown"


FeedOf = Callable[[Source], Feed]
IsOrder = Callable[[bytes, Header], bool]


def one_feed(feed: Feed) -> FeedOf:
    """Everything comes from the one feed there is."""
    return lambda _source: feed


class LinkFeeds:
    """The feeds of one link, found once for each MSH-3 and MSH-4 that it sends."""

    def __init__(self, feed_of: FeedOf, source: Source) -> None:
        self._feed_of = feed_of
        self._source = source
        self._found: dict[tuple[str, str], Feed] = {}
        self.latest: Feed | None = None  # of the last message; nobody before the first

    def of(self, application: str, facility: str) -> Feed:
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
