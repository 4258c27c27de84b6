"""A message as segments and fields, read by position; its bytes can be restored exactly."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from parsers.errors import UnreadableHeader
from parsers.hl7.charsets import Charset, choose_charset
from parsers.hl7.delimiters import USUAL, Delimiters, read_delimiters, unescape

NULL = '""'  # HL7's "delete what you have", which is not the same as empty
_BOM = b"\xef\xbb\xbf"
_HEADERS = ("MSH", "FHS", "BHS")
_FREQUENT = frozenset({"MSH", "PID", "PV1", "OBX", "OBR", "ORC", "NTE", "DG1", "RXE", "RXO", "RXR", "RXC", "TQ1"})
_DIVIDES = re.compile("[~^&]")  # of the usual delimiters
_LONGEST_KNOWN = 120  # characters: what is longer does not come again
_MSH_LINE = re.compile(rb"(?:^|[\r\n])(?:\xef\xbb\xbf)?[ \t\x0b]*MSH[^A-Za-z0-9\s]")


class Segment:
    """One segment. It is split at first use, and no more deeply than needed."""

    __slots__ = ("_codec", "_delimiters", "_fields", "index", "line", "name", "occurrence")

    def __init__(self, line: str, name: str, occurrence: int, index: int, message: "Message") -> None:
        self.line = line  # decoded, not unescaped
        self.name = name
        self.occurrence = occurrence  # among the segments of this name, from 1
        self.index = index  # in the message, from 0
        self._delimiters = message.delimiters
        self._codec = message.charset.codec
        self._fields: list[str] | None = None

    def __repr__(self) -> str:
        """Name the place and nothing of the patient."""
        return f"<Segment {self.name}[{self.occurrence}]>"

    @property
    def size(self) -> int:
        """The number of the last field."""
        return len(self._split()) - 1

    def _split(self) -> list[str]:
        fields = self._fields
        if fields is None:
            fields = self.line.split(self._delimiters.field)
            if self.name in _HEADERS:
                fields.insert(1, self._delimiters.field)  # MSH-1 is the separator itself
            self._fields = fields
        return fields

    def raw(self, field: int) -> str:
        """Return the whole field as sent: repetitions, delimiters and escapes still in it."""
        fields = self._fields or self._split()
        return fields[field] if field < len(fields) else ""

    def plain(self, field: int) -> str:
        """Return the whole field when nothing divides it and nothing in it is escaped, else ""."""
        value, marks = self.raw(field), self._delimiters
        if value.isalnum():
            return value
        if marks is USUAL and field > 2:
            is_one = "^" not in value and "\\" not in value and "~" not in value and "&" not in value and value != NULL
            return value if is_one else ""
        divided = marks.repetition in value or marks.component in value or marks.subcomponent in value
        return "" if divided or marks.escape in value or value == NULL or self._is_whole(field) else value

    def usual(self, field: int) -> str:
        """Return the field as sent when it is one repetition in the usual delimiters, with nothing escaped or null.

        Then the same text always means the same, and what is read of it can be remembered by it. Else "".
        """
        value = self.raw(field)
        if (
            self._delimiters is not USUAL
            or len(value) > _LONGEST_KNOWN
            or "~" in value
            or "\\" in value
            or NULL in value
        ):
            return ""
        return value

    def repetitions(self, field: int) -> int:
        """Return how many times the field is sent; 0 when it is empty."""
        value = self.raw(field)
        if not value:
            return 0
        return 1 if self._is_whole(field) else value.count(self._delimiters.repetition) + 1

    def _is_whole(self, field: int) -> bool:
        return field < 3 and self.name in _HEADERS

    def _repetition(self, field: int, repetition: int) -> str:
        value = self.raw(field)
        if value and self._delimiters.repetition in value and not self._is_whole(field):
            return _part(value, self._delimiters.repetition, repetition)
        return value if repetition == 1 else ""

    def _component(self, field: int, component: int, repetition: int) -> str:
        value = self._repetition(field, repetition)
        if value and self._delimiters.component in value and not self._is_whole(field):
            return _part(value, self._delimiters.component, component)
        return value if component == 1 else ""

    def text(self, field: int, component: int = 1, subcomponent: int = 1, repetition: int = 1) -> str:
        """One leaf, unescaped; "" when it is empty, absent or null."""
        fields = self._fields or self._split()
        value = fields[field] if field < len(fields) else ""
        if not value:
            return ""
        if value.isalnum() and repetition == component == subcomponent == 1:
            return value  # no letter and no digit can divide or escape
        is_first = field > 2 and repetition == component == subcomponent == 1
        if is_first and self._delimiters is USUAL and len(value) <= _LONGEST_KNOWN and "\\" not in value:
            return _first_leaf(value)
        if field < 3 and self.name in _HEADERS:
            return value if repetition == component == subcomponent == 1 else ""
        marks = self._delimiters
        if marks.repetition in value or repetition != 1:
            value = _part(value, marks.repetition, repetition)
        if marks.component in value or component != 1:
            value = _part(value, marks.component, component)
        if marks.subcomponent in value or subcomponent != 1:
            value = _part(value, marks.subcomponent, subcomponent)
        if marks.escape in value:
            return unescape(value, marks, self._codec)
        return "" if value == NULL else value

    def component(self, field: int, component: int = 1, repetition: int = 1) -> str:
        """One component with its sub-components left together, unescaped: for text with a bare `&` in it."""
        return self._leaf(self._component(field, component, repetition), field)

    def components(self, field: int, repetition: int = 1) -> tuple[str, ...]:
        """Return every component of one repetition, unescaped, sub-components left together."""
        value, marks = self.raw(field), self._delimiters
        if not value:
            return ()
        if marks.repetition in value or repetition != 1:
            value = self._repetition(field, repetition)
            if not value:
                return ()
        if field < 3 and self._is_whole(field):
            return (value,)
        parts = value.split(marks.component)
        if marks.escape not in value and NULL not in value:
            return tuple(parts)
        return tuple(self._leaf(part, field) for part in parts)

    def whole(self, field: int, repetition: int = 1) -> str:
        """One repetition as running text, unescaped: for a text whose sender did not escape."""
        value, marks = self.raw(field), self._delimiters
        if repetition == 1 and marks.escape not in value and marks.repetition not in value and value != NULL:
            return value
        return self._leaf(self._repetition(field, repetition), field)

    def texts(self, field: int, component: int = 1) -> Iterator[str]:
        """Yield the same leaf of every repetition that has it."""
        for repetition in range(1, self.repetitions(field) + 1):
            if value := self.text(field, component, repetition=repetition):
                yield value

    def is_null(self, field: int, component: int | None = None, repetition: int = 1) -> bool:
        """Return whether the sender asks to delete the value: the field or the component is two double quotes."""
        if NULL not in self.raw(field):
            return False
        if component is None:
            return self._repetition(field, repetition).strip() == NULL
        return self._component(field, component, repetition).strip() == NULL

    def _leaf(self, value: str, field: int) -> str:
        if value == NULL:
            return ""
        if self._delimiters.escape in value and not self._is_whole(field):
            return unescape(value, self._delimiters, self._codec)
        return value

    def path(self, field: int | None = None, component: int | None = None, repetition: int | None = None) -> str:
        """Name a place for people: `PRB[1]`, `PRB[1]-3`, `PID[1]-3(2).1`."""
        if repetition is None and component is None and field is not None:
            return f"{self.name}[{self.occurrence}]-{field}"
        place = f"{self.name}[{self.occurrence}]"
        if field is not None:
            place += f"-{field}"
        if repetition is not None:
            place += f"({repetition})"
        return f"{place}.{component}" if component is not None else place


class Message:
    """The segments of one message, in the order they were sent, and the lines they were made of."""

    __slots__ = ("charset", "delimiters", "flags", "lines", "segments")

    def __init__(
        self, lines: Sequence[bytes], delimiters: Delimiters, charset: Charset, kind: type[Segment] = Segment
    ) -> None:
        self.lines = lines  # as received, each with its line end
        self.delimiters = delimiters
        self.charset = charset
        self.flags: tuple[str, ...] = delimiters.flags + charset.flags
        self.segments: tuple[Segment, ...] = tuple(self._read_segments(kind))

    def _read_segments(self, kind: type[Segment]) -> Iterator[Segment]:
        seen: dict[str, int] = {}
        for index, (name, line) in enumerate(self._read_lines()):
            seen[name] = occurrence = seen.get(name, 0) + 1
            yield kind(line, name, occurrence, index, self)

    def _read_lines(self) -> Iterator[tuple[str, str]]:
        """Decode line by line. A line that does not begin like a segment belongs to the text of the one before it."""
        codec, errors, separator = self.charset.codec, self.charset.errors, self.delimiters.field
        current: tuple[str, str] | None = None
        for raw in self.lines:
            line = raw.decode(codec, errors).strip("\r\n\x00\ufeff").lstrip(" \t\x0b")
            if "\x00" in line:
                line = line.replace("\x00", "")
            if not line:
                continue
            name = line[:3]
            if not ((name in _FREQUENT and line[3:4] == separator) or _begins_segment(line, name, separator)):
                if current is not None:
                    current = (current[0], current[1] + "\n" + line)
                    self.flags = self.flags if "broken_line" in self.flags else (*self.flags, "broken_line")
                continue
            if current is not None:
                yield current
            current = (name.upper(), line)
        if current is not None:
            yield current

    def all(self, name: str) -> tuple[Segment, ...]:
        """Return every segment of this name."""
        return tuple(segment for segment in self.segments if segment.name == name)

    def first(self, name: str) -> Segment | None:
        """Return the first segment of this name."""
        for segment in self.segments:
            if segment.name == name:
                return segment
        return None


@lru_cache(maxsize=4096)  # times, numbers with a point and units come again and again
def _first_leaf(value: str) -> str:
    first = _DIVIDES.split(value, maxsplit=1)[0]
    return "" if first == NULL else first


def _part(value: str, mark: str, number: int) -> str:
    """Return the part of this number, from 1; "" when there are fewer."""
    parts = value.split(mark)
    return parts[number - 1] if number <= len(parts) else ""


def _begins_segment(line: str, name: str, separator: str) -> bool:
    if len(name) < 3 or not name.isalnum() or not name.isascii() or not name[0].isalpha():
        return False
    return line[3:4] == separator or (len(line) == 3 and name.isupper())


def header_line(raw: bytes) -> bytes:
    """Return the MSH line, from its first letter to before its line end, or raise UnreadableHeader."""
    if raw.startswith(b"MSH"):
        start = 0
    else:
        found = _MSH_LINE.search(raw)
        if found is None:
            raise UnreadableHeader("there is no MSH segment")
        start = found.end() - 4
    end = raw.find(b"\r", start)
    if end < 0 or b"\n" in raw[start:end]:
        end = raw.find(b"\n", start)
    return raw[start:] if end < 0 else raw[start:end]


def split(raw: bytes, charset: str = "", kind: type[Segment] = Segment) -> Message:
    """Split a message that holds an MSH; `charset` is the feed's own, for when MSH-18 does not tell.

    `kind` is the class of the segments, for whoever wants to know which fields were asked for.
    """
    line = header_line(raw)
    delimiters = read_delimiters(line)
    if delimiters.codec:
        chosen = Charset(delimiters.codec, "replace")
    else:
        chosen = choose_charset(raw, _declared(line, delimiters), charset)
    return Message(raw.splitlines(keepends=True), delimiters, chosen, kind)


def _declared(line: bytes, delimiters: Delimiters) -> str:
    """MSH-18: the first repetition names the set of the whole message."""
    fields = line.split(delimiters.separator, 18)
    declared = fields[17].decode("ascii", "replace") if len(fields) > 17 else ""
    return declared.split(delimiters.repetition, 1)[0].split(delimiters.component, 1)[0]


def join(message: Message) -> bytes:
    """Put the message together again, byte for byte."""
    return b"".join(message.lines)
