"""A stored message, field by field, for a person to read."""

import re
from dataclasses import dataclass

from parsers.errors import ParserError
from parsers.fhir.places import Placed, resources_in
from parsers.fhir.reading import is_resource
from parsers.hl7.dictionary import field_name
from parsers.hl7.segments import Segment, split

_PLACE = re.compile(r"(?P<segment>[A-Z][A-Z0-9]{2})(?:\[(?P<occurrence>\d+)\])?(?:-(?P<field>\d+))?")


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One field that holds something."""

    path: str
    number: int
    name: str
    value: str
    marked: bool


@dataclass(frozen=True, slots=True)
class SegmentLines:
    """One segment and its fields."""

    name: str
    path: str
    fields: tuple[FieldLine, ...]
    marked: bool


def as_text(raw: bytes) -> str:
    """Return a message as text, one segment per line, whatever is wrong with it; a resource as it came."""
    if is_resource(raw):
        return raw.decode("utf-8", "replace")
    try:
        return "\n".join(segment.line for segment in split(raw).segments)
    except ParserError:
        return raw.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")


def read_segments(raw: bytes, version: str, place: str = "") -> tuple[SegmentLines, ...]:
    """Return the segments, the field at `place` marked; nothing when the message cannot even be split.

    In a FHIR line, resources take the place of segments, and elements that of fields.
    """
    try:
        if is_resource(raw):
            return tuple(_read_resource(each, place) for each in resources_in(raw))
        message = split(raw)
    except ParserError:
        return ()
    wanted = _PLACE.match(place)
    return tuple(_read_segment(segment, version, wanted) for segment in message.segments)


def _read_segment(segment: Segment, version: str, wanted: re.Match[str] | None) -> SegmentLines:
    here = (
        wanted is not None
        and wanted["segment"] == segment.name
        and int(wanted["occurrence"] or 1) == segment.occurrence
    )
    field = int(wanted["field"]) if here and wanted and wanted["field"] else None
    lines = tuple(
        FieldLine(
            path=segment.path(number),
            number=number,
            name=field_name(segment.name, number, version),
            value=segment.raw(number),
            marked=number == field,
        )
        for number in range(1, segment.size + 1)
        if segment.raw(number)
    )
    return SegmentLines(segment.name, segment.path(), lines, marked=here)


def _read_resource(resource: Placed, place: str) -> SegmentLines:
    marked = _marked([each.path for each in resource.elements], place) if place else ""
    lines = tuple(
        FieldLine(path=each.path, number=number, name=each.name, value=each.value, marked=each.path == marked)
        for number, each in enumerate(resource.elements, 1)
    )
    return SegmentLines(resource.kind, resource.path, lines, marked=bool(marked))


def _marked(paths: list[str], place: str) -> str:
    """Return the path to mark at `place`: the code of a coding, the number of a quantity, else the first inside."""
    for wanted in (place, f"{place}.code", f"{place}.value"):
        if wanted in paths:
            return wanted
    return next((path for path in paths if path.startswith((f"{place}.", f"{place}["))), "")
