"""The six characters that divide a message, as its MSH-1 and MSH-2 name them."""

from dataclasses import dataclass, replace

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
