"""MSH alone, as the listener needs it: sender, message type, and what the acknowledgement repeats."""

import re
from dataclasses import dataclass

from clinical.events import Header
from parsers.defaults import Defaults
from parsers.errors import UnreadableHeader
from parsers.hl7.charsets import choose_charset, is_refused
from parsers.hl7.delimiters import Delimiters, read_delimiters, unescape
from parsers.hl7.segments import header_line
from parsers.hl7.times import moment

LONGEST_MSH = 64 * 1024  # bytes; anything longer is not a header, and is not echoed
_VERSION = re.compile(r"\s*[vV]?(2\.\d(?:\.\d)?)(?!\d)")
_EVENT = re.compile(rb"[\r\n][ \t]*EVN[^A-Za-z0-9]([A-Za-z0-9]{3})")
_ONLY_EVENT = {  # what a type means that is sent without its event
    "ADT": "A08",
    "ORU": "R01",
    "ORM": "O01",
    "OMP": "O09",
    "RDE": "O11",
    "RDS": "O13",
    "RGV": "O15",
    "RAS": "O17",
}
_GLUED = re.compile(
    rf"({'|'.join(_ONLY_EVENT)}|PPR|BAR)([A-Z][0-9]{{2}}(?![0-9]))?(?![A-Z])"
)  # `RDE20200101`, `ADTA08`
_UTF16 = (b"\xff\xfe", b"\xfe\xff", b"M\x00S\x00", b"\x00M\x00S")


@dataclass(frozen=True, slots=True)
class HeaderLine:
    """The bytes of MSH, field by field: an acknowledgement echoes bytes, not what we made of them."""

    fields: tuple[bytes, ...]  # fields[10] is MSH-10
    delimiters: Delimiters

    def raw(self, field: int) -> bytes:
        """Return the field byte for byte; empty when it is absent."""
        return self.fields[field] if field < len(self.fields) else b""

    @property
    def separator(self) -> bytes:
        """MSH-1."""
        return self.fields[1]

    @property
    def encoding(self) -> bytes:
        """MSH-2."""
        return self.fields[2]

    @property
    def control_id(self) -> bytes:
        """MSH-10 as sent, for MSA-2."""
        return self.raw(10)

    @property
    def names_another_version(self) -> bool:
        """Whether MSH-12 is filled with something that is not version 2."""
        version = self.raw(12).strip()
        return bool(version) and not re.match(rb"[vV]?2(\D|$)", version)


def read_header_line(raw: bytes) -> HeaderLine:
    """Find MSH and its fields, or raise UnreadableHeader."""
    if raw[:4].startswith(_UTF16):
        raise UnreadableHeader("the message is in UTF-16")
    if b"MSH" not in raw:
        raise UnreadableHeader("there is no MSH segment")
    line = header_line(raw)
    if len(line) > LONGEST_MSH:
        raise UnreadableHeader("MSH does not end")
    delimiters = read_delimiters(line)
    return HeaderLine((b"MSH", delimiters.separator, *line.split(delimiters.separator)[1:]), delimiters)


def read_header(raw: bytes, defaults: Defaults) -> Header:
    """Read MSH, or raise UnreadableHeader; only EVN-1 is looked at beside it, when an ADT leaves its event out."""
    return header_of(read_header_line(raw), raw, defaults)


def header_of(line: HeaderLine, raw: bytes, defaults: Defaults) -> Header:
    """Return what the fields of MSH mean."""
    plain = line.delimiters.codec or "ascii"  # of fields that hold codes; only a delimiter may be something else
    declared = _leaf(line, 18, plain)
    if is_refused(declared):
        raise UnreadableHeader("MSH-18 names UTF-16 or UTF-32")
    codec = line.delimiters.codec or choose_charset(b"".join(line.fields[3:]), declared, defaults.charset).codec
    version = _VERSION.match(line.raw(12).decode("ascii", "replace"))
    kind, event, structure = _kind(line, raw)
    return Header(
        sending_application=_leaf(line, 3, codec),
        sending_facility=_leaf(line, 4, codec),
        receiving_application=_leaf(line, 5, codec),
        receiving_facility=_leaf(line, 6, codec),
        sent_at=moment(_leaf(line, 7, plain), defaults.zone),
        type=kind,
        event=event,
        structure=structure,
        control_id=_whole(line, 10, codec),
        processing_id=_leaf(line, 11, plain).upper(),
        version=version[1] if version else "",
        accept_ack=_leaf(line, 15, plain).upper(),
        application_ack=_leaf(line, 16, plain).upper(),
        charset=declared,
    )


def _kind(line: HeaderLine, raw: bytes) -> tuple[str, str, str]:
    """Type, event and structure; `ADT_A08`, `ADTA08` and a missing event are made good where only one is meant."""
    whole = line.raw(9).decode(line.delimiters.codec or "ascii", "replace").split(line.delimiters.repetition)[0]
    parts = [part.strip().upper() for part in whole.split(line.delimiters.component)]
    kind, event, structure = (*(part.split(line.delimiters.subcomponent, 1)[0] for part in parts), "", "")[:3]
    if not event and "_" in kind:
        kind, event = kind.split("_", 1)
    if len(kind) > 3 and (glued := _GLUED.match(kind)):  # something stuck to the type must not cost an order
        kind, event = glued[1], event or glued[2] or ""
    if event[:1] == "0" and kind in _ONLY_EVENT:
        event = "O" + event[1:]  # "ORM^001": a nought for the letter
    if not event and kind == "ADT" and (found := _EVENT.search(raw)):
        event = found[1].decode("ascii").upper()
    return kind, event or _ONLY_EVENT.get(kind, ""), structure


def _whole(line: HeaderLine, field: int, codec: str) -> str:
    text = line.raw(field).decode(codec, "replace").strip().replace("\x00", "")
    return unescape(text, line.delimiters, codec)


def _leaf(line: HeaderLine, field: int, codec: str) -> str:
    """Return the first leaf of the first repetition, unescaped."""
    raw = line.raw(field)
    if not raw or raw == b'""':
        return ""
    text = raw.decode(codec, "replace").replace("\x00", "")
    delimiters = line.delimiters
    for character in (delimiters.repetition, delimiters.component, delimiters.subcomponent):
        if character in text:
            text = text.split(character, 1)[0]
    return unescape(text.strip(), delimiters, codec)
