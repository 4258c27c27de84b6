"""What hl7apy reads of a message, and why it is not what we read where it is not.

hl7apy is given the text with CR line ends and without blank lines, segment by segment: it takes no others, and one
segment it refuses would cost all the rest of the message. `python -m tests.parsers.oracle` writes the table of
disagreements anew.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.exceptions import HL7apyException
from hl7apy.parser import get_message_info, parse_segment

from parsers.hl7.charsets import choose_charset
from parsers.hl7.segments import NULL, Message, Segment, split
from tests.corpus import messages_of, sources

TABLE = Path(__file__).with_name("oracle_disagreements.csv")

REASONS = {
    "delimiters": "hl7apy refuses an MSH-2 of fewer than four characters, of five before 2.7, or with one repeated.",
    "version": "hl7apy refuses a version it has no tables for; we read by position in any version.",
    "segment": "hl7apy refuses a segment that its version does not have.",
    "line": "A line that begins like no segment belongs, for us, to the text before it; hl7apy got the first line.",
    "escape": "hl7apy leaves escape sequences in, and doubles some; we read what they stand for.",
    "beyond": "hl7apy gives no number to a field that its version does not have; we count it where it stands.",
    "component": "hl7apy gives no number to a component its version does not have, and drops the empty ones before.",
    "xtn26": "hl7apy's table of the 2.6 telephone number has its components in another order.",
    "number": "hl7apy writes numbers anew: 0001 becomes 1.",
    "trailing": "hl7apy trims the end of a line and empty sub-components at the end of a component.",
}
_ITS_ERRORS = (HL7apyException, ValueError, TypeError, AttributeError, KeyError, IndexError)


class Disagreement(NamedTuple):
    """One place where hl7apy reads something else, or nothing."""

    message: str
    place: str
    reason: str  # of REASONS; "" when nobody knows
    ours: str
    theirs: str


class Compared(NamedTuple):
    """Everything two readers said of one message."""

    fields: int
    disagreements: list[Disagreement]


def compare(name: str, raw: bytes) -> Compared:
    """Hold our reading of every filled field beside hl7apy's."""
    ours = split(raw, "8859/1")
    codec = ours.delimiters.codec or choose_charset(raw, "", "8859/1").codec
    text = raw.decode(codec, "replace").replace("\r\n", "\r").replace("\n", "\r").strip("\ufeff\r\x0b \x00")
    lines = [line.strip() for line in text.split("\r") if line.strip()]
    try:
        characters, _, version = get_message_info(lines[0])
    except _ITS_ERRORS as error:
        return Compared(0, [Disagreement(name, "MSH[1]-2", _refusal(error), "", _words(error))])
    theirs = _segments(lines, version or "2.5", tuple(characters.items()))
    fields, found = 0, []
    said = {line.strip() for segment in ours.segments for line in segment.line.split("\n")}
    found += [Disagreement(name, line[:3], "", "", line) for line in lines if line not in said]
    for segment in ours.segments:
        line = segment.line.split("\n")[0].strip()
        parsed = next(theirs[number] for number in range(len(lines)) if lines[number] == line)
        if isinstance(parsed, str):
            found.append(Disagreement(name, segment.path(), parsed, line, "refused"))
            continue
        for place, reason, mine, its in _fields(ours, segment, parsed, version or "2.5"):
            fields += 1
            if reason is not None:
                found.append(Disagreement(name, place, reason, mine, its))
    return Compared(fields, found)


def _segments(lines: Iterable[str], version: str, characters: tuple[tuple[str, Any], ...]) -> list[Any]:
    return [_segment(line, version, characters) for line in lines]


@lru_cache(maxsize=4000)
def _segment(line: str, version: str, characters: tuple[tuple[str, Any], ...]) -> Any:
    """hl7apy's segment, or the reason why there is none."""
    try:
        return parse_segment(line, version, dict(characters), VALIDATION_LEVEL.TOLERANT)
    except _ITS_ERRORS as error:
        return _refusal(error)


def _refusal(error: Exception) -> str:
    reasons = {"InvalidEncodingChars": "delimiters", "UnsupportedVersion": "version", "InvalidName": "segment"}
    return reasons.get(type(error).__name__, "")


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:80]


def _fields(message: Message, ours: Segment, theirs: Any, version: str) -> Iterator[tuple[str, str | None, str, str]]:
    """Place, reason to differ (None: they agree), ours and theirs, of every field or component hl7apy found."""
    seen: dict[int, int] = {}
    for field in theirs.children:
        number = _number(field.name)
        if number is None:
            yield ours.path(), "beyond", "", field.to_er7()
            continue
        if ours.name == "MSH" and number < 3:
            continue
        seen[number] = repetition = seen.get(number, 0) + 1
        parts = [(_number(part.name), part.to_er7()) for part in field.children]
        numbers = [part for part, _ in parts]
        if None in numbers or len(set(numbers)) < len(numbers):
            mine = message.delimiters.component.join(_as_sent(ours, number, repetition))
            its = field.to_er7()
            yield ours.path(number, None, repetition), _why(message, mine, its, field, version), mine, its
            continue
        for component, its in parts:
            assert component is not None
            mine = ours.component(number, component, repetition)
            yield ours.path(number, component, repetition), _why(message, mine, its, field, version), mine, its


def _as_sent(segment: Segment, field: int, repetition: int) -> list[str]:
    """The components without any unescaping; hl7apy keeps theirs."""
    return [
        segment.component(field, number, repetition)
        for number in range(1, len(segment.components(field, repetition)) + 1)
    ]


def _number(name: str | None) -> int | None:
    last = (name or "").rpartition("_")[2]
    return int(last) if "_" in (name or "") and last.isdigit() else None


def _why(message: Message, mine: str, its: str, field: Any, version: str) -> str | None:
    """None where they agree, else the reason, or "" when there is none we know."""
    delimiters = message.delimiters
    if mine == ("" if its == NULL else its):
        return None
    first, line_end, _ = mine.partition("\n")
    if line_end and first.strip() == its.strip():
        return "line"
    if delimiters.escape in its or "\\" in its:
        return "escape"
    if mine.rstrip(delimiters.subcomponent + delimiters.component + " \t") == its.rstrip():
        return "trailing"
    if version == "2.6" and field.datatype == "XTN" and _letters(mine, delimiters) == _letters(its, delimiters):
        return "xtn26"
    if re.sub(re.escape(delimiters.component), "", mine).rstrip() == re.sub(re.escape(delimiters.component), "", its):
        return "component"
    with suppress(InvalidOperation):
        if Decimal(mine.strip()) == Decimal(its):
            return "number"
    return ""


def _letters(text: str, delimiters: Any) -> list[str]:
    return sorted(part for part in text.split(delimiters.component) if part)


def corpus_messages() -> Iterator[tuple[str, bytes]]:
    """Every message of the samples and of the corpus, with its name."""
    for source in sources():
        yield from messages_of(source)


def listed() -> dict[tuple[str, str], str]:
    """The disagreements that are known, by message and place, with their reason."""
    with TABLE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {(row["message"], place): row["reason"] for row in rows for place in row["places"].split(" ")}


def write_table() -> None:
    """Compare everything, and write what disagrees."""
    rows: dict[tuple[str, str], list[str]] = {}
    for name, raw in corpus_messages():
        for each in compare(name, raw).disagreements:
            places = rows.setdefault((name, each.reason), [])
            if each.place not in places:
                places.append(each.place)
            if not each.reason:
                print(each)
    with TABLE.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("message", "reason", "places"))
        writer.writerows((name, reason, " ".join(places)) for (name, reason), places in sorted(rows.items()))


if __name__ == "__main__":
    write_table()
