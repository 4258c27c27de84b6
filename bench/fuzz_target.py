"""What must hold for any bytes: framed the same however they are cut, answered, and read or refused by name."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from clinical.events import AnyEvent
from listener.acknowledge import ControlIds
from listener.feeds import FeedProfile, LinkFeeds, Origin, one_feed
from listener.framing import Frame, Framer, Part
from listener.receive import Reception
from parsers.defaults import Defaults
from parsers.errors import ParserError, UnreadableMessage
from parsers.hl7.batches import split_batch
from parsers.hl7.header import read_header_line
from parsers.hl7.segments import join, split
from parsers.reading import read
from store.messages import Saved

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DEFAULTS = Defaults()
FEEDS = LinkFeeds(one_feed(FeedProfile(1)), Origin(2575, "127.0.0.1"))
RECEPTION = Reception(lambda _raw, _header: False, ControlIds(NOW, "FUZZ"))
EVENTS = msgspec.json.Decoder(tuple[AnyEvent, ...])


def check(data: bytes) -> None:
    """Take the first byte as how to cut, the rest as what came over a link; then the rest as one message."""
    cut, sent = data[:1], data[1:]
    parts = parts_of([sent])
    assert parts == parts_of(_cut(sent, cut[0] if cut else 1)), "other parts when cut otherwise"
    for part in parts:
        if isinstance(part, Frame):
            check_message(part.payload)
    if sent:
        check_message(sent)


def _cut(data: bytes, size: int) -> Sequence[bytes]:
    step = size % 17 + 1
    return [data[start : start + step] for start in range(0, len(data), step)]


def parts_of(chunks: Iterable[bytes]) -> list[Part]:
    """Return what a framer makes of these chunks and the end of the link."""
    framer = Framer()
    parts = [part for chunk in chunks for part in framer.feed(chunk, 0.0)]
    return parts + framer.end()


def check_message(raw: bytes) -> None:
    """It is answered, and what is read of it can be stored and read again; no byte of it is lost."""
    received = RECEPTION.receive(Frame(raw), FEEDS, NOW)
    code, answer = received.answer([Saved(1, False, each.ack_code) for each in received.arrivals], NOW)
    assert bool(code) == bool(answer)
    if answer.startswith(b"MSH"):
        read_header_line(answer)
    batch = split_batch(raw)
    for message in batch.messages if batch is not None else (raw,):
        _check_reading(message)


def _check_reading(raw: bytes) -> None:
    try:
        reading = read(raw, DEFAULTS)
    except UnreadableMessage as error:
        reading = error.reading
    except ParserError:
        return
    stored = msgspec.json.encode(reading.events)
    assert b"\\u0000" not in stored, "PostgreSQL keeps no NUL"
    assert EVENTS.decode(stored) == reading.events, "other events after they were stored"
    assert join(split(raw)) == raw, "bytes were lost"
