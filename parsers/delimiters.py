"""The six characters that divide a message, as its MSH-1 and MSH-2 name them."""

from dataclasses import dataclass

from parsers.errors import UnreadableHeader

NONE = "\x00"  # stands for a delimiter the message does not have: NUL never reaches the text


@dataclass(frozen=True, slots=True)
class Delimiters:
    """What separates fields, components, repetitions and sub-components, and what escapes."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    truncation: str = NONE
    flags: tuple[str, ...] = ()


USUAL = Delimiters()


def read_delimiters(line: bytes) -> Delimiters:
    """Read them from a line that begins with MSH, FHS or BHS, or raise UnreadableHeader."""
    if line.startswith((b"MSH|^~\\&|", b"FHS|^~\\&|", b"BHS|^~\\&|")):
        return USUAL
    separator = line[3:4].decode("ascii", "replace")
    if not separator.isascii() or not separator.isprintable() or separator.isalnum() or separator in ("", " "):
        raise UnreadableHeader("the field separator in MSH-1 cannot be one")
    encoding = line[4:].split(separator.encode(), 1)[0].strip().decode("ascii", "replace")
    return _read_encoding(separator, encoding)


def _read_encoding(separator: str, encoding: str) -> Delimiters:
    """Characters that are missing are the usual ones; ones that cannot be right make all of them the usual ones."""
    flags: tuple[str, ...] = ()
    if len(encoding) > 5:
        encoding, flags = encoding[:4], ("encoding_characters",)
    if not encoding or len(set(encoding)) < len(encoding) or any(not _can_divide(each) for each in encoding):
        encoding, flags = "^~\\&", ("encoding_characters",)
    if len(encoding) == 3 and encoding[2] == "&":
        encoding = encoding[:2] + NONE + "&"  # "^~&": the escape character was left out, not the sub-component's
    characters = list(encoding) + ["^", "~", NONE, "&", NONE][len(encoding) :]
    component, repetition, escape, subcomponent, truncation = _without(separator, characters)
    return Delimiters(separator, component, repetition, escape, subcomponent, truncation, flags)


def _can_divide(character: str) -> bool:
    return character.isascii() and character.isprintable() and not character.isalnum() and character != " "


def _without(separator: str, characters: list[str]) -> list[str]:
    """No character divides twice: what the separator, or an earlier one, took is not there."""
    seen = {separator}
    distinct = []
    for character in characters:
        distinct.append(NONE if character in seen else character)
        seen.add(character)
    return distinct
