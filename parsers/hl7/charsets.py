"""The character set of a message: MSH-18, and what to do when it is wrong."""

import codecs
import re
from dataclasses import dataclass

# Table 0211, and what senders write for it. ISO 8859-1 is read as its superset, which real senders mean.
_TABLE = {
    "ASCII": "ascii",
    "ISO IR6": "ascii",
    "8859/1": "cp1252",
    "ISO IR100": "cp1252",
    "ISO-8859-1": "cp1252",
    "LATIN1": "cp1252",
    "WINDOWS-1252": "cp1252",
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "ISO IR14": "shift_jis",
    "ISO IR87": "iso2022_jp",
    "ISO IR159": "iso2022_jp_1",
    "GB 18030-2000": "gb18030",
    "KS X 1001": "euc_kr",
    "CNS 11643-1992": "big5",
    "BIG-5": "big5",
}
_NUMBERED = re.compile(r"(?:ISO[ -]?)?8859[/-]([1-9][0-9]?)|(?:CP|WINDOWS-?)(125[0-8])", re.ASCII)
_REFUSED = ("UTF-16", "UTF-32", "UCS-2", "UNICODE UTF-16", "UNICODE UTF-32")


@dataclass(frozen=True, slots=True)
class Charset:
    """A Python codec, how it treats bytes it does not know, and what was doubtful about choosing it."""

    codec: str
    errors: str = "strict"
    flags: tuple[str, ...] = ()


_UTF8 = Charset("utf-8")
_ONE_BYTE = ("cp1252", "iso8859")  # any bytes are valid text in it


def is_refused(declared: str) -> bool:
    """Return whether MSH-18 names a set whose bytes collide with the MLLP frame."""
    return declared.strip().upper().startswith(_REFUSED)


def codec_of(declared: str) -> str | None:
    """Name the Python codec for a value of table 0211, or None: other codecs of Python's are not character sets."""
    name = declared.strip().upper()
    if name in _TABLE:
        return _TABLE[name]
    found = _NUMBERED.fullmatch(name)
    if found is None:
        return None
    codec = f"iso8859-{found[1]}" if found[1] else f"cp{found[2]}"
    try:
        return codecs.lookup(codec).name
    except LookupError:
        return None


def choose_charset(raw: bytes, declared: str, default: str) -> Charset:
    """Choose the set the bytes can be read in: as declared, else UTF-8, else the feed's own with replacements."""
    is_utf8 = _fits(raw, "utf-8")
    if not declared:
        return _UTF8 if is_utf8 else _fall_back(raw, default, ())
    codec = codec_of(declared)
    if is_utf8 and not raw.isascii() and (codec is None or codec.startswith(_ONE_BYTE)):
        return Charset("utf-8", flags=("charset",))  # Latin-1 text is almost never valid UTF-8: MSH-18 is a template's
    if codec is not None and _fits(raw, codec):
        return Charset(codec)
    return Charset("utf-8", flags=("charset",)) if is_utf8 else _fall_back(raw, default, ("charset",))


def _fall_back(raw: bytes, default: str, flags: tuple[str, ...]) -> Charset:
    """Replace undecodable bytes by U+FFFD: a text with half a character could not be stored."""
    codec = codec_of(default) or "cp1252"
    return Charset(codec, flags=flags) if _fits(raw, codec) else Charset(codec, "replace", ("charset",))


def _fits(raw: bytes, codec: str) -> bool:
    try:
        raw.decode(codec)
    except UnicodeError:
        return False
    return True
