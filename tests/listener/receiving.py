"""Frames read without a socket or a database."""

from datetime import UTC, datetime

from listener.acknowledge import ControlIds
from listener.feeds import FeedOf, FeedProfile, LinkFeeds, Origin, one_feed
from listener.framing import Frame, Oversized, Truncated
from listener.receive import Received, Reception
from parsers.defaults import Defaults
from store.messages import Arrival, Saved

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
USUAL = Defaults()


def receive(
    part: Frame | Oversized | Truncated | bytes, feed: FeedProfile | None = None, feed_of: FeedOf | None = None
) -> Received:
    reception = Reception(lambda _raw, header: header.type == "OMP", ControlIds(NOW, "TEST0"))
    feeds = LinkFeeds(feed_of or one_feed(feed or FeedProfile(1, defaults=USUAL)), Origin(2575, "10.0.0.1"))
    return reception.receive(Frame(part) if isinstance(part, bytes) else part, feeds, NOW)


def the_arrival(part: Frame | Oversized | Truncated | bytes, feed: FeedProfile | None = None) -> Arrival:
    (arrival,) = receive(part, feed).arrivals
    return arrival


def answer_of(received: Received) -> tuple[str, bytes]:
    saved = [Saved(number, False, arrival.ack_code) for number, arrival in enumerate(received.arrivals)]
    return received.answer(saved, NOW)
