"""HL7 escape sequences, decoded once, in a value that is already split."""

import re

from parsers.hl7.delimiters import NONE, Delimiters

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
        decoded = _decode(parts[index], delimiters, codec) if closed else None
        if decoded is None:
            read.append(mark + parts[index])
            index += 1
        else:
            read.append(decoded + parts[index + 1])
            index += 2
    return "".join(read)


def unknown_sequences(text: str, delimiters: Delimiters) -> bool:
    r"""Whether the text holds a \C..\, \M..\ or \Z..\ sequence, whose meaning is not ours to guess."""
    if delimiters.escape not in text or delimiters.escape == NONE:
        return False
    mark = re.escape(delimiters.escape)
    return re.search(f"{mark}[CMZ][0-9A-Fa-f]{{2,}}{mark}", text) is not None


def _decode(sequence: str, delimiters: Delimiters, codec: str) -> str | None:
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
