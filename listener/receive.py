"""The reading of one frame: what is saved, and what is answered once it is saved."""

import hashlib
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

import msgspec

from clinical.events import Header
from listener.acknowledge import AckForm, ControlIds, Verdict, ack_code, ack_form, positive
from listener.feeds import FeedOf, FeedProfile, IsOrder, LinkFeeds, Origin, Refusal
from listener.framing import Frame, Oversized, Truncated
from parsers.defaults import Defaults
from parsers.errors import UnreadableHeader
from parsers.hl7.batches import Batch, split_batch
from parsers.hl7.delimiters import USUAL
from parsers.hl7.header import HeaderLine, header_of, read_header_line
from parsers.hl7.times import moment
from store.message_queries import SLOW
from store.messages import Arrival, Saved

_UTF16 = (b"\xff\xfe", b"\xfe\xff", b"M\x00S\x00", b"\x00M\x00S")
_MSA = re.compile(rb"[\r\n]MSA[^A-Za-z0-9]").search
_MSA_WITHIN = 8192  # bytes: only SFT may come before it
_KEPT_OF_TOO_MANY = 64 * 1024  # bytes; no genuine batch is larger
QUICK_BYTES = 256 * 1024  # a larger message, or one with more segments, goes to the slow lane
QUICK_SEGMENTS = 1_000
ALWAYS_QUICK_BYTES = 4 * 1024
_VOLATILE = (7, 8, 13)  # the fields a sender may change when it repeats a message
_NOT_READ = Header()
_HEADERS_REMEMBERED = 200  # of one address and port
_ORIGINS_REMEMBERED = 100
_PLAIN_TIME = re.compile(rb"[0-9.+-]*").fullmatch
_PLAIN_NUMBER = re.compile(rb"[A-Za-z0-9._-]*").fullmatch
_ENCODINGS = (b"^~\\&", b"^~\\&#")  # before and since version 2.7
_UNKNOWN = Defaults()  # to read the name of a sender before its first message

_HeaderKey = tuple[bytes, ...]


class IncomingMessage(msgspec.Struct, frozen=True):
    """One message, read as far as its answer requires."""

    raw: bytes
    line: HeaderLine | None  # of a similar message if `known`: its time and number may differ
    header: Header
    feed: FeedProfile
    fault: Refusal | None = None
    reason: str | None = None  # why it is parked
    answers_us: bool = False  # it only acknowledges a message of ours
    control_id: bytes = b""  # MSH-10 as sent
    known: "_Known | None" = None
    end: int = 0  # of MSH, where it is known

    @property
    def verdict(self) -> Verdict:
        """The answer to the sender."""
        if self.fault is None:
            return "A"
        return "E" if self.fault.is_content and self.line is not None else "R"

    @property
    def code(self) -> str:
        """The code of its answer."""
        if self.answers_us:
            return ""  # an acknowledgement is never acknowledged
        return ack_code(self.verdict, self.header, self.feed.ack_mode, answered_later=self.feed.answered_later)

    def refused(self, fault: Refusal | None, reason: str | None) -> "IncomingMessage":
        """Return the same message with the reason it is rejected."""
        return msgspec.structs.replace(self, fault=fault, reason=reason)


class Received(msgspec.Struct, frozen=True):
    """A frame's messages, and the answer to send once they are saved."""

    arrivals: tuple[Arrival, ...]
    answer: Callable[[Sequence[Saved], datetime], tuple[str, bytes]]  # code and bytes; empty when no answer is wanted
    acknowledgements: int = 0  # its messages that are not answered


@dataclass(frozen=True, slots=True)
class _Known:
    """The constant part of a sender's MSH, without time and control id, and what follows from it."""

    like: IncomingMessage
    zone: tzinfo
    hashed_before: bytes  # of MSH, before and after its control id, as hashed with the body
    hashed_after: bytes
    forms: dict[str, AckForm]  # by code

    def message(self, raw: bytes, end: int, time: bytes, control_id: bytes) -> IncomingMessage:
        """Return another message of this kind."""
        like = self.like
        header = msgspec.structs.replace(
            like.header, sent_at=moment(time.decode(), self.zone), control_id=control_id.decode()
        )
        return IncomingMessage(
            raw,
            like.line,
            header,
            like.feed,
            like.fault,
            like.reason,
            False,
            control_id=control_id,
            known=self,
            end=end,
        )


class Reception:
    """Reads the frames of every link into messages to save and answers to send."""

    def __init__(self, is_order: IsOrder, control_ids: ControlIds) -> None:
        self._is_order = is_order
        self._control_ids = control_ids
        self._known: dict[Origin, dict[_HeaderKey, _Known]] = {}

    def feeds_of(self, feed_of: FeedOf, source: Origin) -> LinkFeeds:
        """Return the feeds of a new link; what a header of its sender means, it shares with other links from there."""
        if len(self._known) >= _ORIGINS_REMEMBERED and source not in self._known:
            self._known.clear()
        return LinkFeeds(feed_of, source, self._known.setdefault(source, {}))

    def receive(self, part: Frame | Oversized | Truncated, feeds: LinkFeeds, now: datetime) -> Received:
        """Read one frame, whatever it contains."""
        if isinstance(part, Frame):
            return self._whole(part, feeds, now)
        if isinstance(part, Oversized):
            message = self._too_large(part, feeds)
            return self._alone(message, self._arrival(message, now, detail=f"{part.size} bytes"))
        message = _read(part.payload, feeds)
        arrival = self._arrival(message, now, reason="truncated_frame", code="")
        return Received((arrival,), lambda _saved, _now: ("", b""))

    def _whole(self, part: Frame, feeds: LinkFeeds, now: datetime) -> Received:
        batch = _batch_in(part.payload)
        if batch is not None and batch.too_many:
            return self.receive(Oversized(part.payload[:_KEPT_OF_TOO_MANY], len(part.payload)), feeds, now)
        if batch is not None and batch.messages:
            return self._batch(batch, part.flags, feeds, now)
        message = _incoming(part.payload, feeds)
        return self._alone(message, self._arrival(message, now, flags=part.flags))

    def feed_of(self, raw: bytes, feeds: LinkFeeds) -> FeedProfile:
        """Return the feed of these bytes, as far as they show it."""
        return _read(raw, feeds).feed

    def _too_large(self, part: Oversized, feeds: LinkFeeds) -> IncomingMessage:
        return _read(part.prefix, feeds).refused(Refusal("207"), "too_large")

    def _alone(self, message: IncomingMessage, arrival: Arrival) -> Received:
        def answer(saved: Sequence[Saved], now: datetime) -> tuple[str, bytes]:
            return self._answer(message, saved[0].ack_code or message.code, now)

        return Received((arrival,), answer, int(message.answers_us))

    def _batch(self, batch: Batch, flags: tuple[str, ...], feeds: LinkFeeds, now: datetime) -> Received:
        incoming = [_incoming(raw, feeds) for raw in batch.messages]
        number = batch.control_id.decode("ascii", "replace")
        flags = (*flags, *batch.flags)
        arrivals = tuple(self._arrival(message, now, flags=flags, batch=number or None) for message in incoming)

        def answer(saved: Sequence[Saved], now: datetime) -> tuple[str, bytes]:
            codes = [each.ack_code or message.code for each, message in zip(saved, incoming, strict=True)]
            return self._answer_batch(batch, incoming, codes, now)

        return Received(arrivals, answer, sum(message.answers_us for message in incoming))

    def _answer_batch(
        self, batch: Batch, incoming: Sequence[IncomingMessage], codes: Sequence[str], now: datetime
    ) -> tuple[str, bytes]:
        """Return one answer for all of them, negative when one is; or one for each, where the feed wants that."""
        if incoming[0].feed.batch_ack:
            answers = [self._answer(message, code, now)[1] for message, code in zip(incoming, codes, strict=True)]
            head = self._batch_header(batch, incoming[0], now)
            return codes[0], head + b"".join(answers) + b"BTS|%d\r" % len(answers)
        refused = [at for at, code in enumerate(codes) if not positive(code)]
        which = refused[0] if refused else 0
        return self._answer(incoming[which], codes[which], now, answered=batch.control_id or None)

    def _batch_header(self, batch: Batch, message: IncomingMessage, now: datetime) -> bytes:
        control_id = self._control_ids()
        swapped = message.line.fields[3:7] if message.line else (b"", b"", b"", b"")
        fields = [b"BHS", b"^~\\&", *swapped[2:], *swapped[:2], now.strftime("%Y%m%d%H%M%S%z").encode()]
        return b"|".join([*fields, b"", b"", b"", control_id, batch.control_id]) + b"\r"

    def _answer(
        self, message: IncomingMessage, code: str, now: datetime, *, answered: bytes | None = None
    ) -> tuple[str, bytes]:
        if not code:
            return "", b""
        form = message.known.forms.get(code) if message.known is not None else None
        if form is None:
            fault = None if positive(code) else message.fault
            form = ack_form(message.line, message.header, code, mode=message.feed.ack_mode, fault=fault)
            if message.known is not None:
                message.known.forms[code] = form
        return code, form.filled(now, self._control_ids(), message.control_id if answered is None else answered)

    def _lane(self, message: IncomingMessage) -> str:
        """Return the lane of a message: how urgent it is, and whether others would have to wait for it."""
        if takes_long(message.raw):
            return SLOW
        return "orders" if self._is_order(message.raw, message.header) else "history"

    def _arrival(
        self,
        message: IncomingMessage,
        now: datetime,
        *,
        flags: tuple[str, ...] = (),
        batch: str | None = None,
        reason: str | None = None,
        code: str | None = None,
        detail: str | None = None,
    ) -> Arrival:
        header, feed = message.header, message.feed
        reason = reason or message.reason
        return Arrival(
            feed_id=feed.id,
            body_hash=_torn_hash(message) if reason == "truncated_frame" else _hash_of(message),
            raw=message.raw,
            received_at=now,
            ack_code=message.code if code is None else code,
            sending_application=header.sending_application,
            sending_facility=header.sending_facility,
            control_id=header.control_id,
            type=header.type,
            event=header.event,
            hl7_version=header.version,
            message_time=None if header.sent_at is None else header.sent_at.at,
            lane="history" if reason is not None else self._lane(message),
            state="received" if reason is None else "parked",
            reason=reason,
            detail=detail or (message.fault.location or None if message.fault else None),
            flags=_flags(message, flags),
            batch_control_id=batch,
            test=header.processing_id in ("T", "D"),
            patient_key=None if message.line is None else patient_key(message.raw, message.line),
        )


def takes_long(raw: bytes) -> bool:
    """Return whether reading the message would keep others waiting."""
    if len(raw) <= ALWAYS_QUICK_BYTES:
        return False
    return len(raw) > QUICK_BYTES or raw.count(b"\r") + raw.count(b"\n") > QUICK_SEGMENTS


def patient_key(raw: bytes, line: HeaderLine) -> int | None:
    """Return a checksum of the first patient number a message names, None without one; two patients may share one."""
    start = raw.find(b"\rPID" + line.separator)
    if start < 0:
        start = raw.find(b"\nPID" + line.separator)
    if start < 0:
        return None
    fields = raw[start + 1 : start + 512].split(b"\r", 1)[0].split(line.separator, 4)
    number = fields[3] if len(fields) > 3 else b""
    if line.delimiters is USUAL:
        number = number.split(b"~", 1)[0].split(b"^", 1)[0].strip()
        return zlib.crc32(number) if number else None
    for mark in (line.delimiters.repetition, line.delimiters.component):
        number = number.split(mark.encode(line.delimiters.codec or "ascii"), 1)[0]
    return zlib.crc32(number.strip()) if number.strip() else None


def body_hash(raw: bytes, line: HeaderLine | None) -> bytes:
    """Return SHA-256 of what stays the same when a message is repeated; of every byte if it has no control id.

    Without a control id only the time distinguishes a repeat from a new message with the same content.
    """
    if line is None or not line.control_id.strip():
        return hashlib.sha256(raw).digest()
    separator = line.separator
    fields = list(line.fields)
    del fields[1]  # the separator itself
    sent = separator.join(fields)
    start = 0 if raw.startswith(sent) else raw.index(sent)
    for number in _VOLATILE:
        if number <= len(fields):
            fields[number - 1] = b""
    hashed = hashlib.sha256(raw[:start] + separator.join(fields))
    hashed.update(memoryview(raw)[start + len(sent) :])
    return hashed.digest()


def _hash_of(message: IncomingMessage) -> bytes:
    """Return the hash of its body, of which a known header gives most."""
    known = message.known
    if known is None:
        return body_hash(message.raw, message.line)
    body = message.raw[message.end :]
    return hashlib.sha256(b"".join((known.hashed_before, message.control_id, known.hashed_after, body))).digest()


def _torn_hash(message: IncomingMessage) -> bytes:
    """Return another hash than that of the complete message: a frame torn just before its end contains all of it."""
    return hashlib.sha256(b"truncated\0" + body_hash(message.raw, message.line)).digest()


def _batch_in(raw: bytes) -> Batch | None:
    """Return the batch, if it is one; most frames are recognised at a glance."""
    if raw.startswith(b"MSH") and raw.find(b"MSH", 3) < 0:
        return None
    return split_batch(raw)


def _incoming(raw: bytes, feeds: LinkFeeds) -> IncomingMessage:
    """Read and judge one message.

    A sender's MSH is always the same but for time and control id. Reading it every time is a third of what a message
    costs before its answer; so one that is plainly the same is looked up, and any other is read.
    """
    plain = _plain_header(raw)
    if plain is None or raw.find(b"MSA", 0, _MSA_WITHIN) >= 0:
        return _judged(_read(raw, feeds))
    key, end, time, control_id = plain
    known: _Known | None = feeds.known.get(key)
    if known is not None:
        feeds.latest = known.like.feed
        return known.message(raw, end, time, control_id)
    message = _judged(_read(raw, feeds))
    if _says_all(message, raw[:end]):
        if len(feeds.known) >= _HEADERS_REMEMBERED:
            feeds.known.clear()
        feeds.known[key] = _remembered(message, key)
    return message


def _plain_header(raw: bytes) -> tuple[_HeaderKey, int, bytes, bytes] | None:
    """Return the constant part of MSH, its end, its time and its control id; None if it is not a plain one."""
    end = raw.find(b"\r")
    fields = raw[:end].split(b"|", 10)
    if end < 0 or len(fields) < 11 or fields[0] != b"MSH" or fields[1] not in _ENCODINGS:
        return None
    time, control_id = fields[6], fields[9]
    if not control_id or not _PLAIN_TIME(time) or not _PLAIN_NUMBER(control_id):
        return None
    fields[6] = fields[9] = b""
    return tuple(fields), end, time, control_id


def _says_all(message: IncomingMessage, line: bytes) -> bool:
    """Return whether MSH alone decides everything: an event read from EVN may differ next time."""
    event = message.header.event.encode()
    return (
        message.line is not None
        and b"|".join((b"MSH", *message.line.fields[2:])) == line
        and line.isascii()
        and message.feed.check is None
        and not message.answers_us
        and message.reason != "utf16"
        and bool(event)
        and event in message.line.fields[9].upper()
    )


def _remembered(message: IncomingMessage, key: _HeaderKey) -> _Known:
    """Return the part of this message that also holds for the next."""
    fields = [*key[:10], *key[10].split(b"|")]
    for number in _VOLATILE:
        if number <= len(fields):
            fields[number - 1] = b""
    return _Known(
        msgspec.structs.replace(message, raw=b""),  # a link must not hold on to a large one
        message.feed.defaults.zone,
        b"|".join(fields[:9]) + b"|",
        b"|" + b"|".join(fields[10:]),
        {},
    )


def _read(raw: bytes, feeds: LinkFeeds) -> IncomingMessage:
    """Read MSH and the feed, as far as possible."""
    try:
        line = read_header_line(raw)
    except UnreadableHeader:
        fault, reason = (Refusal("207"), "utf16") if raw.startswith(_UTF16) else (Refusal("100"), "no_msh")
        return IncomingMessage(raw, None, _NOT_READ, feeds.of("", ""), fault, reason)
    defaults = feeds.latest.defaults if feeds.latest else _UNKNOWN
    try:
        header = header_of(line, raw, defaults)
        feed = feeds.of(header.sending_application, header.sending_facility)
        if feed.defaults is not defaults:  # a sender's own zone and character set are known once its name is
            header = header_of(line, raw, feed.defaults)
    except UnreadableHeader:
        return IncomingMessage(
            raw, line, _NOT_READ, feeds.of("", ""), Refusal("207", "MSH^1^18"), "utf16", False, line.control_id
        )
    return IncomingMessage(raw, line, header, feed, answers_us=_answers_us(raw, header), control_id=line.control_id)


def _answers_us(raw: bytes, header: Header) -> bool:
    """Return whether there is an MSA, near the beginning as required, and no patient.

    An answer with a patient says what became of an order: who copies it to us waits until we have it.
    """
    if header.type == "ACK":
        return True
    if raw.find(b"MSA", 0, _MSA_WITHIN) < 0 or _MSA(raw, 0, _MSA_WITHIN) is None:
        return False
    return b"\rPID" not in raw and b"\nPID" not in raw


def _judged(message: IncomingMessage) -> IncomingMessage:
    """Decide whether it is accepted, and whether it is parked for a person."""
    line, header, feed = message.line, message.header, message.feed
    if message.fault is not None or line is None or message.answers_us:
        return message
    if line.names_another_version:
        return message.refused(Refusal("203", "MSH^1^12"), "unsupported_version")
    if header.processing_id in ("T", "D") and header.processing_id not in feed.processing_ids:
        return message.refused(Refusal("202", "MSH^1^11"), "processing_id")
    if feed.types is not None and f"{header.type}^{header.event}" not in feed.types:
        known = any(each.startswith(f"{header.type}^") for each in feed.types)
        return message.refused(Refusal("201" if known else "200", "MSH^1^9"), "unknown_type")
    if feed.check is not None and (fault := feed.check(message.raw, header)) is not None:
        return message.refused(fault, None)
    return message.refused(None, "unknown_source") if feed.parks else message


def _flags(message: IncomingMessage, flags: tuple[str, ...]) -> tuple[str, ...]:
    """Return the doubts about the frame and its header."""
    if message.line is not None:
        flags += message.line.delimiters.flags
        if not message.header.control_id:
            flags += ("no_control_id",)
    return flags if message.feed.known else (*flags, "unknown_source")
