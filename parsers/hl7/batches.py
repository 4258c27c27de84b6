"""Several messages in one frame or file, with or without the FHS and BHS that say so."""

import re
from dataclasses import dataclass
from itertools import islice

from parsers.errors import UnreadableHeader
from parsers.hl7.delimiters import read_delimiters

MOST_SEGMENTS = 20_000  # MSH, BHS and the like in one frame or file
_BEGINS = re.compile(rb"(?:^|[\r\n])(?:\xef\xbb\xbf)?[ \t\x0b\x1c]*(MSH|FHS|BHS|BTS|FTS)(?=[^A-Za-z0-9\r\n]|\r|\n|$)")


@dataclass(frozen=True, slots=True)
class Batch:
    """The messages in the order they stood, each as it would have come alone."""

    messages: tuple[bytes, ...]
    control_id: bytes = b""  # BHS-11, else FHS-11: what one answer for all of them echoes
    header: bytes = b""  # the BHS line, else the FHS line
    flags: tuple[str, ...] = ()  # "batch_count" when BTS-1 says another number
    too_many: bool = False  # too many messages; then none is returned


def split_batch(raw: bytes) -> Batch | None:
    """Split a frame or file that holds more than one message or a batch header; None for a single message."""
    if not any(name in raw for name in (b"MSH", b"BHS", b"FHS")):
        return None
    marks = [(found[1], found.start(1)) for found in islice(_BEGINS.finditer(raw), MOST_SEGMENTS + 1)]
    if len(marks) > MOST_SEGMENTS:
        return Batch((), too_many=True)
    names = [name for name, _ in marks]
    if names.count(b"MSH") < 2 and b"BHS" not in names and b"FHS" not in names:
        return None
    ends = [start for _, start in marks[1:]] + [len(raw)]
    parts = [(name, raw[start:end]) for (name, start), end in zip(marks, ends, strict=True)]
    messages = tuple(part for name, part in parts if name == b"MSH")
    header = _first(parts, b"BHS") or _first(parts, b"FHS")
    counts = [_field(part, header or part, 1) for name, part in parts if name == b"BTS"]
    wrong = bool(counts) and all(count.isdigit() for count in counts) and sum(map(int, counts)) != len(messages)
    return Batch(
        messages=messages,
        control_id=_field(header, header, 10),
        header=header,
        flags=("batch_count",) if wrong else (),
    )


def _first(parts: list[tuple[bytes, bytes]], name: bytes) -> bytes:
    return next((part.rstrip(b"\r\n") for found, part in parts if found == name), b"")


def _field(line: bytes, header: bytes, number: int) -> bytes:
    """Return a field of BHS, FHS (whose first field is the separator) or BTS, or nothing when there is none."""
    if not line:
        return b""
    try:
        separator = read_delimiters(header).separator if header[:3] in (b"BHS", b"FHS") else b"|"
    except UnreadableHeader:
        return b""
    fields = line.rstrip(b"\r\n").split(separator)
    return fields[number].strip() if number < len(fields) else b""
