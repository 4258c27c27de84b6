"""One FHIR resource, or a bundle of them, explained: what was read of each, with the elements it was read from."""

from dataclasses import replace
from functools import partial

from clinical.events import Header, Reading
from ivigilant.explain.conformance import SecondOpinion
from ivigilant.explain.messages import Known, Seen, ended_as, event_seen, explain_message
from ivigilant.explain.statements import doubts, statements
from ivigilant.explain.told import FieldSeen, MessageExplained, SegmentSeen, Statement
from parsers.errors import UnreadableMessage
from parsers.fhir.places import Placed, resources_in
from parsers.fhir.reading import TYPE, is_resource, read_resource, read_resource_header
from rules.knowledge import Knowledge

_NOT_READ = "nothing is read from this resource"


def explain_any(known: Known, knowledge: Knowledge, opinion: SecondOpinion | None) -> Seen:
    """Explain a message or a resource, whichever it is; the second opinion knows messages only."""
    return explain_resource(known, knowledge) if is_resource(known.raw) else explain_message(known, knowledge, opinion)


def explain_resource(known: Known, knowledge: Knowledge) -> Seen:
    """Read one line and tell everything about it; nothing is raised for what is wrong with it."""
    try:
        header = read_resource_header(known.raw, known.defaults)
        placed = resources_in(known.raw)
    except UnreadableMessage as error:
        ended = known if known.state == "parked" else replace(known, state="parked", reason=error.reason)
        return Seen(_explained(ended, Header(type=TYPE), None, (), knowledge), None)
    reading, ended = ended_as(partial(read_resource, known.raw, known.defaults), header, known, knowledge)
    return Seen(_explained(ended, header, reading, placed, knowledge), reading)


def _explained(
    known: Known, header: Header, reading: Reading | None, placed: tuple[Placed, ...], knowledge: Knowledge
) -> MessageExplained:
    events = reading.events if reading is not None else ()
    read = [statement for event in events for statement in statements(event)]
    segments = tuple(_segment(each, read) for each in placed)
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


def _segment(placed: Placed, read: list[Statement]) -> SegmentSeen:
    """A resource stands for a segment, its elements for fields."""
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
