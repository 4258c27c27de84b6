"""Notices sent over MLLP as HL7 v2.5.1: a result (ORU^R01) or a document (MDM^T02).

The control id follows from the idempotency key, so a receiver knows a notice that is sent again by MSH-10. Nothing in
it tells of a patient: a result leaves the group of the patient out, and a document, which cannot, has an anonymous one.
"""

import asyncio
import base64
import hashlib
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from forwarding.certificates import UnusableChain, load_chain
from forwarding.contract import DestinationForm, ProcessSettings
from forwarding.deadline import DEADLINE_S, within
from forwarding.errors import OddDestination, Refused, Unreachable
from forwarding.notice import CALLS, AnyNotice, FaultNotice, Notice
from forwarding.wording import WORDS, NoticeWords, subject, text, words_in

MessageKind = Literal["ORU^R01", "MDM^T02"]
SYSTEM: Final = "99IVIG"  # our own codes
SENDER: Final = "IVIGILANT"

_SB, _EB, _CR = b"\x0b", b"\x1c", b"\r"
_MOST = 65536  # bytes of an answer
_NEXT_ADDRESS_S = 0.25  # of a host with several, the next is tried beside one that is silent for this long (RFC 8305)
_ESCAPES = str.maketrans({"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "~": "\\R\\", "&": "\\T\\"})
_Name = Annotated[str, Field(pattern=r"^[^|^~\\&\x00-\x1f]{0,60}$")]


class Hl7Form(DestinationForm):
    """A receiver of HL7 v2 messages, such as an integration engine."""

    kind: Literal["hl7"]
    deadline_s: ClassVar[float] = DEADLINE_S
    host: str
    port: int = Field(ge=1, le=65535)
    message: MessageKind = "ORU^R01"
    security: Literal["tls", "none"] = "tls"
    ca_file: Path | None = None  # who signs the receiver's certificate; else whom this machine trusts
    certificate_file: Path | None = None  # our own, with its key, for a receiver that asks for one
    receiving_application: _Name = ""
    receiving_facility: _Name = ""
    sending_facility: _Name = ""

    def open(self, settings: ProcessSettings) -> "Hl7Receiver":
        """Return the receiver, with the certificates that the files hold now."""
        parties = Parties(self.sending_facility, self.receiving_application, self.receiving_facility)
        return Hl7Receiver(self.name, self.host, self.port, self.message, parties, tls=self._tls())

    def _tls(self) -> ssl.SSLContext | None:
        if self.security == "none":
            if self.ca_file or self.certificate_file:
                raise OddDestination(f"hl7 {self.name}: ca_file and certificate_file need security: tls")
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:  # also ssl.SSLError
            raise OddDestination(f"hl7 {self.name}: ca_file cannot be read ({type(error).__name__})") from None
        if self.certificate_file:
            try:
                load_chain(context, self.certificate_file)
            except UnusableChain as error:
                raise OddDestination(f"hl7 {self.name}: certificate_file cannot be used: {error}") from None
        return context


@dataclass(frozen=True, slots=True)
class Parties:
    """Names in the header by which an engine routes a message."""

    sending_facility: str = ""
    receiving_application: str = ""
    receiving_facility: str = ""


@dataclass(frozen=True, slots=True)
class Hl7Receiver:
    """One receiver of HL7 v2 messages."""

    name: str
    host: str
    port: int
    message: MessageKind = "ORU^R01"
    parties: Parties = Parties()
    timeout_s: float = DEADLINE_S
    word_files: Path = WORDS
    tls: ssl.SSLContext | None = field(default=None, repr=False, compare=False)

    def forward(self, notice: AnyNotice) -> None:
        """Send one message and judge its answer."""
        message = self._write(notice)
        try:
            answer = within(self.timeout_s, self._exchange(message))
        except OSError as error:  # also a link that ends, and certificates
            raise Unreachable(f"no answer: {type(error).__name__}") from error
        _judge(answer, control_id(notice))

    def _write(self, notice: AnyNotice) -> bytes:
        body = _result(notice, self.word_files) if self.message == "ORU^R01" else _document(notice, self.word_files)
        segments = [_header(notice, self.message, self.parties), *body]
        return "".join(f"{segment}\r" for segment in segments).encode()

    async def _exchange(self, message: bytes) -> bytes:
        """Return the first frame that comes back; a commit block (MLLP release 2) is not an answer."""
        source, link = await asyncio.open_connection(
            self.host, self.port, ssl=self.tls, happy_eyeballs_delay=_NEXT_ADDRESS_S
        )
        try:
            link.write(_SB + message + _EB + _CR)
            await link.drain()
            heard = b""
            while _EB not in (rest := _after_commit_block(heard)):
                more = await source.read(_MOST)
                if not more or len(heard) > _MOST:
                    raise ConnectionResetError
                heard += more
        finally:
            link.transport.abort()  # nothing more is said
        return rest.partition(_EB)[0].lstrip(_SB)


def control_id(notice: AnyNotice) -> str:
    """Return MSH-10: the same for the same notice, in the 20 characters that version 2.5.1 allows."""
    return base64.b32encode(hashlib.sha256(notice.idempotency_key.encode()).digest())[:20].decode()


def _after_commit_block(heard: bytes) -> bytes:
    for block in (b"\x06", b"\x15"):
        heard = heard.removeprefix(_SB + block + _EB + _CR)
    return heard


def _judge(answer: bytes, sent: str) -> None:
    """Read MSA-1 and MSA-2. The text of an answer is left out of errors: it may quote.

    AR is also the answer of an application that is down, which may take the same message later (HL7 2.5.1, 2.9.2.2);
    CR is given for a message type, version or processing id that the receiver does not take (2.9.3).
    """
    lines = answer.replace(b"\n", b"\r").split(b"\r")
    separator = lines[0][3:4] or b"|"
    fields = next((line.split(separator) for line in lines if line.startswith(b"MSA" + separator)), [])
    code, of = (fields[at].decode("ascii", "replace").strip() if len(fields) > at else "" for at in (1, 2))
    if not code:
        raise Unreachable("the answer is not an acknowledgement")
    if of != sent:
        raise Unreachable("the answer is to another message")
    if code in {"AA", "CA"}:
        return
    if code == "CR":
        raise Refused("MSA-1 CR")
    raise Unreachable(f"MSA-1 {code}" if code in {"AE", "AR", "CE"} else "MSA-1 holds no known code")


def _header(notice: AnyNotice, message: MessageKind, parties: Parties) -> str:
    fields = {
        2: "^~\\&",
        3: SENDER,
        4: parties.sending_facility,
        5: parties.receiving_application,
        6: parties.receiving_facility,
        7: _time(notice.occurred_at),
        9: f"{message}^{message.replace('^', '_')}",
        10: control_id(notice),
        11: "P",
        12: "2.5.1",
        18: "UNICODE UTF-8",
    }
    return _segment("MSH", {at - 1: value for at, value in fields.items()})  # MSH-1 is the separator itself


def _result(notice: AnyNotice, word_files: Path) -> Iterator[str]:
    """Yield a result for each alert, so that a receiver finds the one it is about by OBR-3; the text with the first."""
    at = _time(notice.occurred_at)
    for number, (thread, stands, coded) in enumerate(_subjects(notice, words_in(notice.language, word_files)), 1):
        status = "P" if stands else "F"
        yield _segment(
            "OBR",
            {
                1: str(number),
                3: _component(thread, SENDER),
                4: _component(thread.partition(":")[0], "IVIgilant", SYSTEM),
                7: at,
                22: at,
                25: status,
            },
        )
        rows = [*coded, *(_texts(notice, word_files) if number == 1 else ())]
        yield from (row.segment(place, "1", status, at) for place, row in enumerate(rows, 1))


def _document(notice: AnyNotice, word_files: Path) -> Iterator[str]:
    at = _time(notice.occurred_at)
    subjects = list(_subjects(notice, words_in(notice.language, word_files)))
    ward = "" if isinstance(notice, FaultNotice) else notice.ward
    yield _segment("EVN", {1: "T02", 2: at})
    yield _segment("PID", {1: "1", 3: _component(notice.thread, "", "", SENDER, "ANON"), 5: "^^^^^^S"})
    yield _segment("PV1", {1: "1", 2: "N", 3: _component(ward)})
    number = _component(notice.idempotency_key, SENDER)
    yield _segment("TXA", {1: "1", 2: "IVIG", 3: "TX", 4: at, 12: number, 17: "DO", 19: "AV"})
    rows = [("1", row) for row in _texts(notice, word_files)]
    rows += [(str(part), row) for part, (_, _, coded) in enumerate(subjects, 1) for row in coded]
    status = "P" if any(stands for _, stands, _ in subjects) else "F"
    yield from (row.segment(place, part, status, at) for place, (part, row) in enumerate(rows, 1))


@dataclass(frozen=True, slots=True)
class ObservationLine:
    """One observation of a notice."""

    code: str
    label: str
    type: Literal["CWE", "ST", "TX", "NM", "TS"]
    value: str  # as it is sent

    def segment(self, place: int, part: str, status: str, at: str) -> str:
        name = _component(self.code, self.label, SYSTEM)
        return _segment("OBX", {1: str(place), 2: self.type, 3: name, 4: part, 5: self.value, 11: status, 14: at})


def _subjects(notice: AnyNotice, words: NoticeWords) -> Iterator[tuple[str, bool, list[ObservationLine]]]:
    """Yield what the notice is about, whether somebody still must act, and what is said of it in codes."""
    if isinstance(notice, FaultNotice):
        rows = [
            _coded("event", notice.kind, notice.kind),
            _coded("fault", notice.fault, notice.fault),
            ObservationLine("subject", "subject", "ST", _escaped(notice.subject)),
            ObservationLine("link", "link", "TX", _escaped(notice.link)),
        ]
        yield notice.thread, notice.kind == "began", rows
        return
    for each in notice.alerts:
        rows = [
            _coded("event", each.kind, words.kind[each.kind]),
            _coded("tier", each.tier, words.tier[each.tier]),
            ObservationLine("link", "link", "TX", _escaped(each.link)),
            ObservationLine("sequence", "sequence", "NM", str(each.sequence)),
        ]
        if each.alert == notice.alert:
            rows += _of_the_gravest(notice, words)
        yield f"alert:{each.alert}", each.kind in (*CALLS, "taken_on"), rows


def _of_the_gravest(notice: Notice, words: NoticeWords) -> Iterator[ObservationLine]:
    yield _coded("priority", notice.priority, words.priority[notice.priority])
    yield _coded("stream", notice.stream, words.stream[notice.stream])
    if notice.ward:
        yield ObservationLine("ward", words.labels.ward, "ST", _escaped(notice.ward))
    if notice.starts_at is not None:
        yield ObservationLine("start", words.labels.start, "TS", _time(notice.starts_at))
    if notice.runs_since is not None:
        yield ObservationLine("runs", words.labels.runs, "TS", _time(notice.runs_since))
    if notice.reply:
        yield ObservationLine("reply", "reply", "TX", _escaped(notice.reply))


def _texts(notice: AnyNotice, word_files: Path) -> Iterator[ObservationLine]:
    lines = [line for line in text(notice, word_files).splitlines() if line.strip()]
    yield ObservationLine("title", "title", "ST", _escaped(subject(notice, word_files)))
    yield ObservationLine("text", "text", "TX", "~".join(_escaped(line) for line in lines))


def _coded(code: str, value: str, meaning: str) -> ObservationLine:
    return ObservationLine(code, code, "CWE", _component(value, meaning, SYSTEM))


def _segment(name: str, fields: Mapping[int, str]) -> str:
    return "|".join([name, *(fields.get(at, "") for at in range(1, max(fields) + 1))])


def _component(*parts: str) -> str:
    return "^".join(_escaped(part) for part in parts).rstrip("^")


def _escaped(value: str) -> str:
    return value.translate(_ESCAPES)


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%d%H%M%S}+0000"
