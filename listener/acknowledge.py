"""Acknowledgements, byte for byte: the code, the mode, and the form of the sender's version."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

from clinical.events import Header
from listener.feeds import AckMode, Refusal
from parsers.hl7.delimiters import NONE, USUAL, Delimiters
from parsers.hl7.header import HeaderLine

Verdict = Literal["A", "E", "R"]  # accepted, error in the content, rejected

TEXTS = {  # table 0357
    "100": "Segment sequence error",
    "101": "Required field missing",
    "102": "Data type error",
    "103": "Table value not found",
    "104": "Value too long",
    "200": "Unsupported message type",
    "201": "Unsupported event code",
    "202": "Unsupported processing id",
    "203": "Unsupported version id",
    "204": "Unknown key identifier",
    "207": "Application internal error",
}
_CONDITIONS = ("AL", "NE", "ER", "SU")
_PRINTABLE = bytes(byte if 0x20 <= byte < 0x7F else ord("?") for byte in range(256))
_USUAL_VERSION = (2, 5)


class ControlIds:
    """Our own MSH-10: unique across restarts and processes, at most 20 characters.

    Counting starts at the microsecond of the start and is slower than the clock, so a later start is always ahead;
    the tag distinguishes processes that run at the same time.
    """

    def __init__(self, started_at: datetime, tag: str) -> None:
        self._next = int(started_at.timestamp() * 1_000_000)
        self._prefix = f"IW{tag[:5]}".encode()

    def __call__(self) -> bytes:
        """Return the next one."""
        self._next += 1
        return b"%s%X" % (self._prefix, self._next)


def ack_code(verdict: Verdict, header: Header, mode: AckMode, *, answered_later: bool = False) -> str:
    """Return the code to answer with; "" if the sender wants no answer to success in either mode.

    With `answered_later` the application acknowledgement is sent over a route. A refusal is always answered: a sender
    without an answer believes that the message was accepted.
    """
    accept, application = header.accept_ack, header.application_ack
    if mode == "none":
        return ""
    if mode == "original" or (mode == "auto" and not _is_enhanced(accept, application)):
        return f"A{verdict}"
    if mode == "enhanced" or _wants(accept, verdict):
        return f"C{verdict}"
    only_application = accept in ("", "NE")
    if _wants(application, verdict) and (only_application or not answered_later):
        return f"A{verdict}"
    if verdict == "A":
        return ""
    return f"A{verdict}" if only_application and application in ("AL", "SU", "ER") else f"C{verdict}"


def positive(code: str) -> bool:
    """Return whether the code tells the sender that the message is accepted."""
    return code in ("AA", "CA", "")


@dataclass(frozen=True, slots=True)
class AckForm:
    """An answer without its time, control id and that of the request: the same for every message of a sender."""

    head: bytes
    after_time: bytes
    after_number: bytes
    end: bytes

    def filled(self, now: datetime, control_id: bytes, answered: bytes) -> bytes:
        """Return the answer; `answered` is MSA-2."""
        return b"".join(
            (self.head, _timestamp(now), self.after_time, control_id, self.after_number, answered, self.end)
        )


def ack_form(
    line: HeaderLine | None,
    header: Header,
    code: str,
    *,
    mode: AckMode = "auto",
    fault: Refusal | None = None,
    conditions: tuple[bytes, bytes] | None = None,
) -> AckForm:
    """Return MSH, MSA and, if negative, ERR; `conditions` are MSH-15 and 16 if not the usual ones."""
    if line is None:
        msa, error = b"|P|2.5\rMSA|%s|" % code.encode(), _error_segment(fault, _USUAL_VERSION, USUAL)
        return AckForm(b"MSH|^~\\&|||||", b"||ACK^^ACK|", msa, b"\r" + error)
    version = _version(header.version)
    separator = line.separator
    enhanced = code.startswith("C") or (mode == "auto" and _is_enhanced(header.accept_ack, header.application_ack))
    conditions = conditions or ((b"NE", b"NE") if enhanced else (b"", b""))
    sender = (_plain(line.raw(5)), _plain(line.raw(6)), _plain(line.raw(3)), _plain(line.raw(4)))
    before = separator.join((b"MSH", _encoding(line, version), *sender, b""))
    kind = separator.join((b"", b"", _type(header.event, version, _component(line.delimiters)), b""))
    rest = (_plain(line.raw(11)), _plain(line.raw(12)), b"", b"", *conditions, b"", _plain(line.raw(18)))
    after = (separator + separator.join(rest)).rstrip(separator)
    text = separator + TEXTS.get(fault.code, "").encode() if fault is not None and version < (2, 7) else b""
    return AckForm(
        before,
        kind,
        after + b"\r" + separator.join((b"MSA", code.encode(), b"")),
        text + b"\r" + _error_segment(fault, version, line.delimiters),
    )


def acknowledge(
    line: HeaderLine | None,
    header: Header,
    code: str,
    *,
    control_id: bytes,
    now: datetime,
    mode: AckMode = "auto",
    answered: bytes | None = None,
    fault: Refusal | None = None,
    conditions: tuple[bytes, bytes] | None = None,
) -> bytes:
    """Return the answer; `answered` is MSA-2 where it is not the request's own MSH-10."""
    if answered is None:
        answered = b"" if line is None else line.control_id
    form = ack_form(line, header, code, mode=mode, fault=fault, conditions=conditions)
    return form.filled(now, control_id, answered)


def _is_enhanced(accept: str, application: str) -> bool:
    return accept in _CONDITIONS or application in _CONDITIONS


def _wants(condition: str, verdict: Verdict) -> bool:
    """Return whether this value of table 0155 asks for an answer to this verdict."""
    return condition == "AL" or condition == ("SU" if verdict == "A" else "ER")


@lru_cache(maxsize=64)
def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")) if text else _USUAL_VERSION


def _encoding(line: HeaderLine, version: tuple[int, ...]) -> bytes:
    """MSH-2 as sent; four characters where the version has no fifth, the usual ones if they were unusable."""
    delimiters = line.delimiters
    if delimiters.flags or not line.encoding:
        return b"^~\\&"
    codec = delimiters.codec or "ascii"
    text = line.encoding.decode(codec, "replace")
    if "\ufffd" in text or not text.isprintable():  # bytes that read as blank, and would end our frame
        return _component(delimiters)
    return line.encoding if version >= (2, 7) or len(text) < 5 else text[:4].encode(codec)


def _component(delimiters: Delimiters) -> bytes:
    return delimiters.component.encode(delimiters.codec or "ascii")


@lru_cache(maxsize=1000)
def _type(event: str, version: tuple[int, ...], component: bytes) -> bytes:
    name = re.sub(r"[^A-Z0-9]", "", event)[:3].encode()
    if version < (2, 3):
        return b"ACK"
    if version < (2, 4):
        return b"ACK" + component + name if name else b"ACK"
    return b"ACK" + component + name + component + b"ACK"


def _error_segment(fault: Refusal | None, version: tuple[int, ...], delimiters: Delimiters) -> bytes:
    """ERR as the version has it: one field until 2.4, its own fields from 2.5 on."""
    if fault is None:
        return b""
    component = delimiters.component
    condition = (fault.code, TEXTS.get(fault.code, ""), "HL70357")
    place = fault.location.replace("^", component)
    if version < (2, 5):
        subcomponent = delimiters.subcomponent if delimiters.subcomponent != NONE else "&"
        fields = ["ERR", component.join((place or component * 2, subcomponent.join(condition)))]
    else:
        fields = ["ERR", "", place, component.join(condition), "E"]
    return delimiters.field.join(fields).encode(delimiters.codec or "ascii") + b"\r"


def _plain(field: bytes) -> bytes:
    """Return a field to echo, in ASCII whatever it was."""
    return field.translate(_PRINTABLE)


def _timestamp(now: datetime) -> bytes:
    at = now if now.tzinfo is UTC else now.astimezone(UTC)
    return b"%04d%02d%02d%02d%02d%02d+0000" % (at.year, at.month, at.day, at.hour, at.minute, at.second)
