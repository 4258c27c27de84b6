"""Reading a message into message events: `read` is the entry point of the parsers."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import msgspec

from clinical.events import Allergy, AnyEvent, Condition, Header, Procedure, Reading
from clinical.identities import Identifier
from parsers.chart.allergies import read_allergies
from parsers.chart.conditions import read_conditions
from parsers.chart.narratives import read_narratives
from parsers.chart.observations import read_observations
from parsers.chart.patients import read_merges, read_patient, read_patients
from parsers.chart.procedures import read_procedures
from parsers.chart.questions import read_answers
from parsers.chart.reasons import read_reasons
from parsers.chart.site_fields import read_site_fields
from parsers.defaults import Defaults
from parsers.errors import TooManySegments, UnreadableMessage
from parsers.fhir.reading import is_resource, read_resource
from parsers.hl7 import message_types
from parsers.hl7.delimiters import unknown_sequences
from parsers.hl7.header import read_header
from parsers.hl7.segments import Message, Segment, split
from parsers.hl7.times import zone_of
from parsers.medication.administrations import read_administrations
from parsers.medication.order_groups import DRUGS
from parsers.medication.orders import read_orders

MOST_SEGMENTS = 100_000  # line ends; the largest real message that we know has some thousands
ORDER_UNREAD = "order_unread"  # the chart was read, the orders beside it were not: the type is of no use to us
_FUTURE = timedelta(hours=24)


def read(raw: bytes, defaults: Defaults) -> Reading:
    """Read one message.

    Raises UnreadableHeader without MSH, TooManySegments, and UnreadableMessage when it names no patient.
    """
    if is_resource(raw):
        return read_resource(raw, defaults)
    refuse_too_many_segments(raw)
    header = read_header(raw, defaults)
    return read_message(split(raw, defaults.charset), header, defaults)


def refuse_too_many_segments(raw: bytes) -> None:
    """Raise TooManySegments before minutes are spent on them."""
    if raw.count(b"\r") + raw.count(b"\n") > MOST_SEGMENTS:
        raise TooManySegments(f"more than {MOST_SEGMENTS:,} segments")


def read_message(message: Message, header: Header, defaults: Defaults) -> Reading:
    """Read a message that was split before, or raise UnreadableMessage."""
    if not header.type:
        header = _typed_by_content(message, header)
    msh = message.first("MSH")
    zone = zone_of(msh.text(7) if msh else "", defaults.zone)
    if zone is not defaults.zone:
        defaults = replace(defaults, zone=zone)
    if (header.type, header.event) not in message_types.READ or (message.first("MSA") and not message.first("PID")):
        return _read_other(message, header, defaults)
    events: list[AnyEvent] = []
    nameless = ""  # where the number of the first patient without one should stand
    for pid, segments in _per_patient(message):
        patient = read_patient(pid, defaults) if pid is not None else ()
        if not patient and not nameless:
            nameless = pid.path(3) if pid is not None else "PID"
        for event in _read_one_patient(message, patient, header, segments, defaults):
            events.append(_not_in_the_future(event, header))
    reading = Reading(
        header=header,
        events=tuple(events),
        flags=message.flags + _doubts(message),
        not_understood=tuple(_not_understood(message, defaults)),
    )
    if nameless:
        raise UnreadableMessage("no_patient", nameless, reading)
    return reading


def _read_other(message: Message, header: Header, defaults: Defaults) -> Reading:
    """Read the chart that comes with a type of no use to us: an appointment or an answer may state a diagnosis."""
    acknowledges = header.type == "ACK" or message.first("MSA") is not None
    ignored = Reading(header=header, events=(), ignored="acknowledgement" if acknowledges else "unknown_type")
    if not _names_chart(message) or (header.type, header.event) in message_types.RECORD_REMOVED:
        return ignored
    events: list[AnyEvent] = []
    for pid, segments in _per_patient(message):
        patient = read_patient(pid, defaults) if pid is not None else ()
        chart = list(_read_chart(message, patient, header, segments, defaults)) if patient else []
        if any(isinstance(event, Condition | Procedure | Allergy) for event in chart):
            events += [*read_patients(message, patient, header, segments, defaults), *chart]
    if not events:
        return ignored
    dated = tuple(_not_in_the_future(event, header) for event in events)
    lost = (ORDER_UNREAD,) if any(segment.name in DRUGS for segment in message.segments) else ()
    return Reading(header=header, events=dated, flags=message.flags + _doubts(message) + lost)


_OF_A_CHART = frozenset({"DG1", "FT1", "PRB", "PR1", "AL1", "IAM", "OBX", "PV2", "OBR", "NTE"})


def _names_chart(message: Message) -> bool:
    names = {segment.name for segment in message.segments}
    return "PID" in names and not names.isdisjoint(_OF_A_CHART)


def _typed_by_content(message: Message, header: Header) -> Header:
    """Derive an empty MSH-9 from the segments of the message, so that no order is lost."""
    names = {segment.name for segment in message.segments}
    if "PID" not in names:
        return header
    kinds = (kind for name, kind in message_types.BY_SEGMENT.items() if name in names)
    kind, event = next(kinds, ("", ""))
    return msgspec.structs.replace(header, type=kind, event=event)


def _per_patient(message: Message) -> Iterator[tuple[Segment | None, tuple[Segment, ...]]]:
    """Yield each PID with what belongs to it; segments before the first belong to the first."""
    starts = [index for index, segment in enumerate(message.segments) if segment.name == "PID"]
    if not starts:
        yield None, message.segments
        return
    ends = [*starts[1:], len(message.segments)]
    for start, begin, end in zip(starts, [0, *starts[1:]], ends, strict=True):
        yield message.segments[start], message.segments[begin:end]


def _read_one_patient(
    message: Message,
    patient: tuple[Identifier, ...],
    header: Header,
    segments: Sequence[Segment],
    defaults: Defaults,
) -> Iterator[AnyEvent]:
    yield from read_patients(message, patient, header, segments, defaults)
    if patient:
        yield from read_merges(message, patient, header, segments, defaults)
    yield from _read_chart(message, patient, header, segments, defaults)
    yield from _read_medication(message, patient, header, segments, defaults)
    if defaults.fields:
        yield from read_site_fields(message, patient, header, segments, defaults)


def _read_chart(
    message: Message,
    patient: tuple[Identifier, ...],
    header: Header,
    segments: Sequence[Segment],
    defaults: Defaults,
) -> Iterator[AnyEvent]:
    yield from read_conditions(message, patient, header, segments, defaults)
    yield from read_reasons(message, patient, segments, defaults)
    yield from read_answers(message, patient, header, segments, defaults)
    yield from read_narratives(message, patient, header, segments, defaults)
    yield from read_procedures(message, patient, header, segments, defaults)
    yield from read_allergies(message, patient, header, segments, defaults)
    yield from read_observations(message, patient, header, segments, defaults)


def _read_medication(
    message: Message,
    patient: tuple[Identifier, ...],
    header: Header,
    segments: Sequence[Segment],
    defaults: Defaults,
) -> Iterator[AnyEvent]:
    kind = (header.type, header.event)
    if kind in message_types.WITH_ORDERS:
        yield from read_orders(message, patient, header, segments, defaults)
    elif kind in message_types.ADMINISTRATIONS:
        yield from read_administrations(message, patient, header, segments, defaults)


def _not_in_the_future(event: AnyEvent, header: Header) -> AnyEvent:
    """Date an event at its message if it lies more than a day later: it would outrank everything that follows."""
    if event.at is None or header.sent_at is None or event.at <= header.sent_at.at + _FUTURE:
        return event
    return msgspec.structs.replace(event, at=header.sent_at.at, flags=(*event.flags, "future_time"))


def _doubts(message: Message) -> tuple[str, ...]:
    flags = []
    if any(unknown_sequences(segment.line, message.delimiters) for segment in message.segments[1:]):
        flags.append("unknown_escape")
    if len(message.all("MSH")) > 1:
        flags.append("several_messages")
    if message.first("DSC") or message.first("ADD"):
        flags.append("fragmented")
    return tuple(flags)


def _not_understood(message: Message, defaults: Defaults) -> Iterator[tuple[str, str]]:
    """Segments that only this sender knows, unless the site file explains them."""
    explained = {place.segment for place in defaults.fields}
    for segment in message.segments:
        if segment.name.startswith("Z") and segment.name not in explained:
            yield segment.path(), "local_segment"
