"""Reading a message while noting which of its fields the parsers ask for."""

from collections.abc import Iterator, Sequence

from ivigilant.explain.told import FieldSeen, SegmentSeen, Statement
from parsers.hl7.dictionary import field_name
from parsers.hl7.segments import Message, Segment

# What `parsers.header` reads; it takes MSH from its bytes, so no segment is asked.
_HEADER = frozenset({1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 15, 16, 18})


class WatchedSegment(Segment):
    """A segment that remembers what it was asked for."""

    __slots__ = ("asked",)

    def __init__(self, line: str, name: str, occurrence: int, index: int, message: Message) -> None:
        super().__init__(line, name, occurrence, index, message)
        self.asked: set[int] = set(_HEADER) if name == "MSH" else set()

    def raw(self, field: int) -> str:
        """The whole field as sent; from now on it has been asked for."""
        self.asked.add(field)
        return super().raw(field)

    def text(self, field: int, component: int = 1, subcomponent: int = 1, repetition: int = 1) -> str:
        """One leaf; from now on its field has been asked for."""
        self.asked.add(field)
        return super().text(field, component, subcomponent, repetition)


def segments_seen(message: Message, version: str, read: Sequence[Statement]) -> tuple[SegmentSeen, ...]:
    """Every segment with its filled fields and what was read that stands in it."""
    by_segment: dict[str, list[Statement]] = {}
    for statement in read:
        by_segment.setdefault(statement.path.split("-")[0].split(" ")[0], []).append(statement)
    return tuple(
        _seen(segment, version, tuple(by_segment.get(segment.path(), ())))
        for segment in message.segments
        if isinstance(segment, WatchedSegment)
    )


def _seen(segment: WatchedSegment, version: str, read: tuple[Statement, ...]) -> SegmentSeen:
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
        return "a segment that only this sender knows"
    return "" if asked else "nothing is read from this segment"
