"""Imported messages and resources as rows, the same as the listener makes."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from clinical.events import Header
from ivigilant.importing.files import Found
from ivigilant.urgency import Urgency
from listener.acknowledge import ControlIds
from listener.feeds import FeedProfile, LinkFeeds, Origin, one_feed
from listener.framing import Frame
from listener.receive import Reception
from parsers.defaults import Defaults
from parsers.errors import UnreadableMessage
from parsers.fhir.medicines import reference_of
from parsers.fhir.reading import BUNDLE, MEDICATION, OF_MEDICINES, ORDERS, READ, read_resource_header
from store.messages import Arrival

_POINTS_AWAY = b"medicationReference"
_LONGEST_ID = 64  # characters, by the standard


@dataclass(frozen=True, slots=True)
class Rejected:
    """The reason why something is not stored."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unread:
    """A resource of a kind that is not read, and so not stored."""

    kind: str


class Arrivals:
    """Makes the rows of one feed."""

    def __init__(self, feed: FeedProfile, now: datetime, medications: Mapping[str, bytes]) -> None:
        self._feed, self._now, self._medications = feed, now, medications
        self._feeds = LinkFeeds(one_feed(feed), Origin(port=0, address="127.0.0.1"))
        self._reception = Reception(Urgency(), ControlIds(now, "IMPORT"))

    def of(self, found: Found) -> list[Arrival] | Rejected | Unread:
        """Return what is stored of it."""
        if not found.is_resource:
            return list(self._reception.receive(Frame(found.raw), self._feeds, self._now).arrivals)
        try:
            header = read_resource_header(found.raw, self._feed.defaults)
        except UnreadableMessage:
            return Rejected("this is not a JSON object")
        if header.event not in READ:
            return Unread(header.event) if header.event else Rejected("resourceType is missing")
        raw = found.raw
        if header.event in OF_MEDICINES and _POINTS_AWAY in raw:
            reference = reference_of(msgspec.json.decode(raw))
            if reference and reference in self._medications:
                raw = _with_medication(raw, header.control_id, self._medications[reference])
                header = read_resource_header(raw, self._feed.defaults)
        return [resource_arrival(raw, header, self._feed.id, self._now)]


def resource_arrival(raw: bytes, header: Header | None, feed_id: int, now: datetime) -> Arrival:
    """Return a resource as it is stored; without its header when that cannot be read. A file gets no answer."""
    if header is None:
        return Arrival(feed_id=feed_id, body_hash=hashlib.sha256(raw).digest(), raw=raw, received_at=now, ack_code="")
    return Arrival(
        feed_id=feed_id,
        body_hash=hashlib.sha256(raw).digest(),
        raw=raw,
        received_at=now,
        ack_code="",
        control_id=header.control_id,
        type=header.type,
        event=header.event,
        hl7_version=header.version,
        message_time=header.sent_at.at if header.sent_at is not None else None,
        lane="orders" if header.event in (*ORDERS, BUNDLE) else "history",
    )


def feed_named(name: str, number: int, defaults: Defaults) -> FeedProfile:
    """Return the feed of a first load."""
    return FeedProfile(id=number, name=name, defaults=defaults)


def medication_in(found: Found) -> tuple[str, bytes] | None:
    """Return the reference by which others point to this Medication; None when it is not one."""
    if b'"Medication"' not in found.raw or not found.is_resource:
        return None
    try:
        header = read_resource_header(found.raw, Defaults())
    except UnreadableMessage:
        return None
    return (header.control_id, found.raw) if header.event == MEDICATION and header.control_id else None


def _with_medication(raw: bytes, control_id: str, medication: bytes) -> bytes:
    """Bundle both with their bytes unchanged: a stored message must be readable by itself."""
    body = msgspec.json.decode(raw)
    number = f"{control_id.partition('/')[0]}-{control_id.partition('/')[2]}"[:_LONGEST_ID]
    changed = (body.get("meta") or {}).get("lastUpdated")
    head = {"resourceType": BUNDLE, "id": number} | ({"meta": {"lastUpdated": changed}} if changed else {})
    begin = msgspec.json.encode(head | {"type": "collection"})[:-1]
    return b"".join((begin, b',"entry":[{"resource":', raw, b'},{"resource":', medication, b"}]}"))
