"""One message explained: its answer, what was read from each segment, and what the history would store."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from clinical.events import AnyEvent, Header, MedicationGiven, MedicationOrdered, PatientMerged, PatientSeen, Reading
from history.messages import is_kept, own_name, rescue, too_long
from history.products import named_product, product_of
from ivigilant.explain.conformance import SecondOpinion
from ivigilant.explain.explained import Conformance, EventSeen, FieldSeen, MessageExplained, SegmentSeen, StatementRead
from ivigilant.explain.statements import doubts, statements
from parsers.defaults import Defaults
from parsers.errors import TooManySegments, UnreadableHeader, UnreadableMessage
from parsers.fhir.places import Placed, resources_in
from parsers.fhir.reading import TYPE, is_resource, read_resource, read_resource_header
from parsers.hl7.dictionary import field_name
from parsers.hl7.header import read_header
from parsers.hl7.segments import Message, Segment, split
from parsers.reading import read_message, refuse_too_many_segments
from rules.knowledge import Knowledge


@dataclass(frozen=True, slots=True)
class ReceivedText:
    """What is known about a message before it is read: from the listener, or from its row."""

    name: str
    raw: bytes
    feed: str
    defaults: Defaults
    answer: str = ""
    state: str = "received"
    reason: str = ""
    detail: str = ""
    flags: tuple[str, ...] = ()
    body_hash: bytes = b""


@dataclass(frozen=True, slots=True)
class Seen:
    """A message explained, with its reading if it could be read."""

    explained: MessageExplained
    reading: Reading | None


def explain_message(known: ReceivedText, knowledge: Knowledge, opinion: SecondOpinion | None) -> Seen:
    """Read and explain one message; faults in it are part of the explanation, not raised."""
    try:
        refuse_too_many_segments(known.raw)
        header = read_header(known.raw, known.defaults)
        message = split(known.raw, known.defaults.charset, WatchedSegment)
    except (UnreadableHeader, TooManySegments) as error:
        reason = "no_msh" if isinstance(error, UnreadableHeader) else "too_many_segments"
        ended = known if known.state == "parked" else replace(known, state="parked", reason=reason, detail=str(error))
        return Seen(_explained(ended, Header(), None, (), (), None), None)
    reading, ended = ended_as(partial(read_message, message, header, known.defaults), header, known, knowledge)
    read = [statement for event in reading.events for statement in statements(event)]
    segments = segments_seen(message, header.version, read)
    seen = tuple(event_seen(event, knowledge) for event in reading.events)
    report = opinion.of(message) if opinion is not None else None
    explained = _explained(ended, header, message, segments, seen, report)
    explained = replace(
        explained,
        flags=doubts(dict.fromkeys((*ended.flags, *reading.flags))),
        not_understood=_not_understood(reading, segments),
    )
    return Seen(explained, reading)


def ended_as(
    read: Callable[[], Reading], header: Header, known: ReceivedText, knowledge: Knowledge
) -> tuple[Reading, ReceivedText]:
    """Return the reading, also of a parked message, and its end state."""
    try:
        reading = read()
    except UnreadableMessage as error:
        found = rescue(error, own_name(header.control_id, known.body_hash), knowledge)
        if found is None and known.state == "received":
            return error.reading, replace(known, state="parked", reason=error.reason, detail=error.path)
        reading = found or error.reading
    if known.state != "received":
        return reading, known
    refused = too_long(reading, knowledge)
    if refused is not None:
        return reading, replace(known, state=refused.state, reason=refused.reason, detail=refused.detail or "")
    return reading, replace(known, state="ignored" if reading.ignored else "processed", reason=reading.ignored)


def _explained(
    known: ReceivedText,
    header: Header,
    message: Message | None,
    segments: tuple[SegmentSeen, ...],
    events: tuple[EventSeen, ...],
    report: Conformance | None,
) -> MessageExplained:
    return MessageExplained(
        name=known.name,
        control_id=header.control_id,
        type="^".join(part for part in (header.type, header.event) if part),
        version=header.version,
        charset=message.charset.codec if message is not None else "",
        feed=known.feed,
        answer=known.answer,
        state=known.state,
        reason=known.reason,
        detail=known.detail,
        flags=doubts(known.flags),
        segments=segments,
        events=events,
        not_understood=(),
        conformance=report,
    )


def _not_understood(reading: Reading, segments: Sequence[SegmentSeen]) -> tuple[tuple[str, str], ...]:
    """Return what the parsers did not understand, and the segments and fields that they do not read."""
    remarks = dict(reading.not_understood)
    if reading.ignored:
        return tuple(remarks.items())
    remarks |= {segment.path: segment.remark for segment in segments if segment.remark}
    for segment in segments:
        if segment.path not in remarks:
            remarks |= {
                field.path: field.name or "a field that no version has"
                for field in segment.fields
                if not field.asked and not field.name.startswith("Set ID")
            }
    return tuple(remarks.items())


def event_seen(event: AnyEvent, knowledge: Knowledge) -> EventSeen:
    """Return one event, and whether the history would store it."""
    plain: dict[str, Any] = msgspec.to_builtins(event, builtin_types=(datetime,), str_keys=True)
    if isinstance(event, PatientSeen | PatientMerged):
        return EventSeen(plain, True, "the patient")
    is_stored = is_kept(event, knowledge)
    return EventSeen(plain, is_stored, _why(event, knowledge, is_stored))


def _why(event: AnyEvent, knowledge: Knowledge, is_stored: bool) -> str:
    if isinstance(event, MedicationOrdered | MedicationGiven):
        if isinstance(event, MedicationOrdered) and event.source == "control" and not event.codings:
            return "kept for its order: it names no product"
        product = named_product(knowledge, event)
        mixed = product_of(knowledge, event)
        if mixed.is_ivig and not product.is_ivig:
            return f"{mixed.product_class}: an ingredient of the mixture is immunoglobulin"
        reason = f"{product.product_class}: {product.why}"
        if product.is_ivig or not is_stored:
            return reason
        sets = _sets(event, knowledge)
        return f"{reason}; {sets}" if sets else reason
    sets = _sets(event, knowledge)
    if is_stored:
        return sets
    return f"{sets}, but without a value" if sets else "in no value set: no rule can use it"


def _sets(event: Any, knowledge: Knowledge) -> str:
    """Return the value sets that hold its codes or match its words."""
    coded = (*event.codings, *getattr(event, "value_codings", ()))
    names = {name for coding in coded for name in knowledge.sets_of(coding)}
    words = " ".join([event.text, *(coding.display for coding in coded)]).strip()
    named = knowledge.terms.words.sets_named(words) - names if words else frozenset()
    reasons = [f"by code in {', '.join(sorted(names))}"] if names else []
    if named:
        reasons.append(f"by its words in {', '.join(sorted(named))}")
    return "; ".join(reasons)


# The fields that `parsers.hl7.header` reads from the bytes of MSH, without asking a segment.
_HEADER = frozenset({1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 15, 16, 18})


class WatchedSegment(Segment):
    """A segment that records which fields are read."""

    __slots__ = ("asked",)

    def __init__(self, line: str, name: str, occurrence: int, index: int, message: Message) -> None:
        super().__init__(line, name, occurrence, index, message)
        self.asked: set[int] = set(_HEADER) if name == "MSH" else set()

    def raw(self, field: int) -> str:
        """Return the whole field as sent, and record it as read."""
        self.asked.add(field)
        return super().raw(field)

    def text(self, field: int, component: int = 1, subcomponent: int = 1, repetition: int = 1) -> str:
        """Return one leaf, and record its field as read."""
        self.asked.add(field)
        return super().text(field, component, subcomponent, repetition)


def segments_seen(message: Message, version: str, read: Sequence[StatementRead]) -> tuple[SegmentSeen, ...]:
    """Return every segment with its filled fields and what was read from it."""
    by_segment: dict[str, list[StatementRead]] = {}
    for statement in read:
        by_segment.setdefault(statement.path.split("-")[0].split(" ")[0], []).append(statement)
    return tuple(
        _seen(segment, version, tuple(by_segment.get(segment.path(), ())))
        for segment in message.segments
        if isinstance(segment, WatchedSegment)
    )


def _seen(segment: WatchedSegment, version: str, read: tuple[StatementRead, ...]) -> SegmentSeen:
    asked = frozenset(segment.asked)
    fields = tuple(_filled_fields(segment, version, asked))
    return SegmentSeen(segment.path(), fields, read, _remark(segment, asked))


def _filled_fields(segment: WatchedSegment, version: str, asked: frozenset[int]) -> Iterator[FieldSeen]:
    for number in range(1, segment.size + 1):
        text = segment.raw(number)
        if text:
            yield FieldSeen(segment.path(number), field_name(segment.name, number, version), text, number in asked)


def _remark(segment: WatchedSegment, asked: frozenset[int]) -> str:
    if segment.name.startswith("Z"):
        return "a segment of this sender's own"
    return "" if asked else "nothing is read from this segment"


_NOT_READ = "nothing is read from this resource"


def explain_any(known: ReceivedText, knowledge: Knowledge, opinion: SecondOpinion | None) -> Seen:
    """Explain a message or a resource; the second opinion covers messages only."""
    return explain_resource(known, knowledge) if is_resource(known.raw) else explain_message(known, knowledge, opinion)


def explain_resource(known: ReceivedText, knowledge: Knowledge) -> Seen:
    """Read and explain one line; faults in it are part of the explanation, not raised."""
    try:
        header = read_resource_header(known.raw, known.defaults)
        placed = resources_in(known.raw)
    except UnreadableMessage as error:
        ended = known if known.state == "parked" else replace(known, state="parked", reason=error.reason)
        return Seen(_resource_explained(ended, Header(type=TYPE), None, (), knowledge), None)
    reading, ended = ended_as(partial(read_resource, known.raw, known.defaults), header, known, knowledge)
    return Seen(_resource_explained(ended, header, reading, placed, knowledge), reading)


def _resource_explained(
    known: ReceivedText, header: Header, reading: Reading | None, placed: tuple[Placed, ...], knowledge: Knowledge
) -> MessageExplained:
    events = reading.events if reading is not None else ()
    read = [statement for event in events for statement in statements(event)]
    segments = tuple(_resource(each, read) for each in placed)
    flags = (*known.flags, *(reading.flags if reading is not None else ()))
    return MessageExplained(
        name=known.name,
        control_id=header.control_id,
        type="^".join(part for part in (header.type, header.event) if part),
        version=header.version,
        charset="utf-8",
        feed=known.feed,
        answer=known.answer,
        state=known.state,
        reason=known.reason,
        detail=known.detail,
        flags=doubts(dict.fromkeys(flags)),
        segments=segments,
        events=tuple(event_seen(event, knowledge) for event in events),
        not_understood=tuple((each.path, each.remark) for each in segments if each.remark),
        conformance=None,
    )


def _resource(placed: Placed, read: list[StatementRead]) -> SegmentSeen:
    """Show a resource as a segment, and its elements as fields."""
    here = tuple(each for each in read if _within(each.path, placed.path))
    places = [place for each in here for place in each.path.split()]
    fields = (
        FieldSeen(each.path, each.name, each.value, any(_within(each.path, place) for place in places))
        for each in placed.elements
    )
    is_head = placed.path == placed.kind == "Bundle"
    return SegmentSeen(placed.path, tuple(fields), here, "" if here or is_head else _NOT_READ)


def _within(path: str, place: str) -> bool:
    first = path.split(" ", maxsplit=1)[0]
    return first == place or first.startswith((f"{place}.", f"{place}["))
