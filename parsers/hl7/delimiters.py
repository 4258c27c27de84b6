"""The delimiters of a message, and their escape sequences."""

import re
from dataclasses import dataclass, replace

from parsers.errors import UnreadableHeader

NONE = "\x00"  # stands for a delimiter the message does not have: NUL never reaches the text


@dataclass(frozen=True, slots=True)
class Delimiters:
    """The separators of fields, components, repetitions and sub-components, and the escape character."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    truncation: str = NONE
    codec: str = ""  # in which one of them was read that is not ASCII (`¥`): the message is in it too
    flags: tuple[str, ...] = ()

    @property
    def separator(self) -> bytes:
        """The field separator as it stands in the bytes."""
        return self.field.encode(self.codec or "ascii")


USUAL = Delimiters()
_DOUBTED = Delimiters(flags=("encoding_characters",))


def read_delimiters(line: bytes) -> Delimiters:
    """Read them from a line that begins with MSH, FHS or BHS, or raise UnreadableHeader."""
    if line.startswith((b"MSH|^~\\&|", b"FHS|^~\\&|", b"BHS|^~\\&|")):
        return USUAL
    text, codec = _decode(line[3:])
    separator, rest = text[:1], text[1:]
    if not _can_divide(separator):
        raise UnreadableHeader("the field separator in MSH-1 cannot be one")
    encoding = rest.split(separator, 1)[0].strip()
    delimiters = _read_encoding(separator, encoding)
    return delimiters if (separator + encoding).isascii() else replace(delimiters, codec=codec)


def _decode(line: bytes) -> tuple[str, str]:
    try:
        return line.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return line.decode("latin-1"), "latin-1"


def _read_encoding(separator: str, encoding: str) -> Delimiters:
    """Characters that are missing are the usual ones; ones that cannot be right make all of them the usual ones."""
    flags: tuple[str, ...] = ()
    if len(encoding) > 5:
        encoding, flags = encoding[:4], _DOUBTED.flags
    if not _is_plausible(encoding):
        encoding, flags = "^~\\&", _DOUBTED.flags
    if len(encoding) == 3 and encoding[2] == "&":
        encoding = encoding[:2] + NONE + "&"  # "^~&": the escape character was left out, not the sub-component's
    characters = list(encoding) + ["^", "~", NONE, "&", NONE][len(encoding) :]
    component, repetition, escape, subcomponent, truncation = _without(separator, characters)
    return Delimiters(separator, component, repetition, escape, subcomponent, truncation, flags=flags)


def _is_plausible(encoding: str) -> bool:
    """Four or five different marks, of which one may be a letter; `~\\&` has lost its first."""
    if not encoding or encoding == "~\\&" or " " in encoding or len(set(encoding)) < len(encoding):
        return False
    return _can_divide(encoding[0]) and sum(map(_can_divide, encoding)) >= len(encoding) - 1


def _can_divide(character: str) -> bool:
    if len(character) != 1 or character in " \ufffd":
        return False
    return character.isprintable() and not character.isalnum()


def _without(separator: str, characters: list[str]) -> list[str]:
    """No character divides twice: what the separator, or an earlier one, took is not there."""
    seen = {separator}
    distinct = []
    for character in characters:
        distinct.append(NONE if character in seen else character)
        seen.add(character)
    return distinct


_BREAKS = (".br", ".sp", ".fi", ".nf", ".ce")
_SPACES = (".in", ".ti", ".sk")
_SEQUENCE = re.compile(r"\.(br|fi|nf|ce|(sp|in|ti|sk)\s?[+-]?\d{0,3})|[FSTREPHN]|X[0-9A-Fa-f]{2,}")


def unescape(text: str, delimiters: Delimiters, codec: str = "utf-8") -> str:
    r"""Decode the sequences we know; a lone escape character and unknown sequences stay as they are sent.

    `C:\new\folder` is a path and not two escapes, so a sequence counts only in the forms HL7 gives it.
    """
    mark = delimiters.escape
    if mark not in text or mark == NONE:
        return text
    parts = text.split(mark)
    read = [parts[0]]
    index = 1
    while index < len(parts):
        closed = index + 1 < len(parts)
        decoded = _decode_sequence(parts[index], delimiters, codec) if closed else None
        if decoded is None:
            read.append(mark + parts[index])
            index += 1
        else:
            read.append(decoded + parts[index + 1])
            index += 2
    return "".join(read)


def unknown_sequences(text: str, delimiters: Delimiters) -> bool:
    r"""Return whether the text holds a \C..\, \M..\ or \Z..\ sequence, whose meaning is not ours to guess."""
    if delimiters.escape not in text or delimiters.escape == NONE:
        return False
    mark = re.escape(delimiters.escape)
    return re.search(f"{mark}[CMZ][0-9A-Fa-f]{{2,}}{mark}", text) is not None


def _decode_sequence(sequence: str, delimiters: Delimiters, codec: str) -> str | None:
    if not _SEQUENCE.fullmatch(sequence):
        return None
    match sequence[0]:
        case "F":
            return delimiters.field
        case "S":
            return delimiters.component
        case "T":
            return delimiters.subcomponent
        case "R":
            return delimiters.repetition
        case "E":
            return delimiters.escape
        case "P":
            return delimiters.truncation if delimiters.truncation != NONE else None
        case "H" | "N":
            return ""
        case "X":
            return _decode_hex(sequence[1:], codec)
    return "\n" * _lines(sequence) if sequence.startswith(_BREAKS) else " "


def _lines(sequence: str) -> int:
    digits = sequence[3:].strip().lstrip("+-")
    return min(int(digits), 20) if digits.isdigit() else 1


def _decode_hex(digits: str, codec: str) -> str | None:
    if len(digits) % 2:
        return None
    decoded = bytes.fromhex(digits).decode(codec, "replace")
    return decoded.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n")
