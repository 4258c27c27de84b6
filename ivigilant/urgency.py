"""Which messages go before others: those that may order or give IVIg, and all that leave a doubt.

The rest of the orders and administrations is history: it waits with other history, and an IVIg order of the same
patient takes it along. A message is history only where each of its orders names a drug that the knowledge knows to be
another one, in the place of a drug, replaces nothing, and nothing in it names an immunoglobulin. The fields of a feed
are alike, so what is worked out about a field is remembered.
"""

import re
import threading
from collections.abc import Callable, Mapping
from typing import Final

import sqlalchemy as sa
import structlog

from clinical.codes import Coding
from clinical.events import Header
from ivigilant.errors import IvigilantError
from parsers.defaults import Defaults
from parsers.hl7.charsets import Charset
from parsers.hl7.codes import read_all_codings, read_words
from parsers.hl7.delimiters import Delimiters
from parsers.hl7.message_types import ADMINISTRATIONS, ORDERS
from parsers.hl7.segments import Message
from parsers.medication.drug_lines import PLACES
from parsers.medication.immunoglobulins import is_care, is_service, looks_like_immunoglobulin, says_elsewhere
from rules.knowledge import Knowledge
from rules.living import KnowledgeSource
from store import local_codes
from store.engine import reading

log = structlog.get_logger()

MAY_BE_URGENT: Final = ORDERS | ADMINISTRATIONS  # the others order nothing and give nothing
LOOK_EVERY_S: Final = 10.0  # for codes that people mapped
_MOST: Final = 20_000  # fields that are remembered
_LONGEST: Final = 200  # bytes of one that is remembered
_MOST_READ: Final = 16 * 1024  # bytes of a message that is looked into: while it is, no other is received
_MOST_NAMED: Final = 1_000  # bytes of a field that can be the name of a drug or a service

_USUAL: Final = Delimiters()
_UTF8: Final = Charset("utf-8", "replace")
_PLAIN_CHARSETS: Final = frozenset({"", "ASCII", "UNICODE UTF-8", "UTF-8"})
_ABOUT_THE_PATIENT: Final = frozenset({b"EVN", b"SFT", b"PID", b"PD1", b"NK1", b"PV1", b"PV2", b"IN1", b"IN2"})
_DRUGS: Final = {name.encode(): PLACES[name].drug for name in ("RXO", "RXE", "RXG", "RXD", "RXA", "RXC")}
_SERVICE: Final = (4, 44, 46)  # of OBR
_BLOOD_BANK: Final = frozenset({b"BPO", b"BPX", b"BTX"})
_SEGMENT: Final = re.compile(rb"[A-Z][A-Z0-9]{2}(?:\||$)")
_MOMENT: Final = re.compile(rb"(?<![0-9A-Za-z])[0-9]{12,14}(?:[+-][0-9]{4})?(?![0-9A-Za-z])")
_TOO_SHORT: Final = 2  # bytes of a field that cannot name a drug
_CODE: Final = re.compile(r"J06B|J1[45]\d\d|90283", re.IGNORECASE)  # of immunoglobulins: ATC, HCPCS and CPT
_IN_PLACE_OF_ANOTHER: Final = frozenset(b"RP RQ RO RU XO XX XR".split())  # ORC-1: what it changes may be IVIg
_HARMLESS: Final = frozenset({"other", "lookalike"})


class Urgency:
    """Decides it for one site. Without knowledge, every order and administration is urgent."""

    def __init__(self, code_systems: Mapping[str, str] | None = None) -> None:
        self._defaults = Defaults(code_systems=dict(code_systems or {}))
        self._knowledge: Knowledge | None = None
        self._drugs: dict[bytes, bool] = {}  # field → whether it names another drug
        self._silent: set[bytes] = set()  # fields that name no immunoglobulin
        self._services: dict[bytes, bool] = {}  # field → whether the service is something else

    def use(self, knowledge: Knowledge) -> None:
        """Decide by this knowledge from now on."""
        self._knowledge = knowledge  # first: whoever is reading a field just now remembers it with what goes
        self._drugs, self._silent, self._services = {}, set(), {}

    def forget(self) -> None:
        """Every order and administration is urgent from now on."""
        self._knowledge = None

    def __call__(self, raw: bytes, header: Header) -> bool:
        """Return whether a message goes before history."""
        if (header.type, header.event) not in MAY_BE_URGENT:
            return False
        if self._knowledge is None or len(raw) > _MOST_READ:
            return True
        try:
            return not self._is_of_other_drugs(raw, header)
        except Exception as error:  # noqa: BLE001  # whatever we cannot read is a doubt, and never a reason not to receive it
            log.error("urgency.unreadable", error=type(error).__name__)
            return True

    def _is_of_other_drugs(self, raw: bytes, header: Header) -> bool:
        if b"\x1b" in raw or (header.charset.upper() not in _PLAIN_CHARSETS and not raw.isascii()):
            return False
        first, *lines = raw.replace(b"\r\n", b"\r").replace(b"\n", b"\r").split(b"\r")
        if first[:9] not in (b"MSH|^~\\&|", b"MSH|^~\\&#"):
            return False
        drugs = 0
        waits = False  # an order control that no drug has followed yet
        written: set[bytes] = set()  # the fields
        for line in lines:
            name = line[:3]
            if not line or name in _ABOUT_THE_PATIENT:
                continue
            if not _SEGMENT.match(line) or name in _BLOOD_BANK:
                return False
            fields = line.split(b"|")
            if name == b"ORC":
                if waits or b"".join(fields[1:2]).strip().upper() in _IN_PLACE_OF_ANOTHER:
                    return False
                waits = True
            elif name in _DRUGS or name == b"OBR":
                if not self._is_another(name, fields):
                    return False
                waits, drugs = False, drugs + 1
            written.update(fields[1:])
        return drugs > 0 and not waits and self._name_none(written)

    def _is_another(self, name: bytes, fields: list[bytes]) -> bool:
        """Return whether a segment is sure to be about another drug, or another service than to give one."""
        if name == b"OBR":
            asked = [fields[place] for place in _SERVICE if place < len(fields) and fields[place]]
            return bool(asked) and all(_once(self._services, each, self._is_other_service) for each in asked)
        place = _DRUGS[name]
        return place < len(fields) and _once(self._drugs, fields[place], self._is_another_drug)

    def _is_another_drug(self, field: bytes) -> bool:
        knowledge = self._knowledge  # it may be forgotten meanwhile
        if knowledge is None or _is_unreadable(field):
            return False
        codings, words = self._read(field)
        if says_elsewhere((), words) or looks_like_immunoglobulin(codings, words):
            return False
        return knowledge.classify(codings, words).product_class in _HARMLESS

    def _is_other_service(self, field: bytes) -> bool:
        if _is_unreadable(field):
            return False
        codings, words = self._read(field)
        return not (is_service(codings, words) or is_care(words) or says_elsewhere((), words))

    def _read(self, field: bytes) -> tuple[tuple[Coding, ...], str]:
        segment = Message([b"OBR|" + field], _USUAL, _UTF8).segments[0]
        return read_all_codings(segment, 1, self._defaults), read_words(segment, 1)

    def _name_none(self, written: set[bytes]) -> bool:
        """Return whether none of these fields names an immunoglobulin; times, which are always new, are left out."""
        silent = self._silent
        for field in written - silent:
            field = _MOMENT.sub(b"0", field)
            if len(field) <= _TOO_SHORT or field.isdigit() or field in silent:
                continue
            if not self._is_silent(field):
                return False
            if len(field) <= _LONGEST:
                if len(silent) >= _MOST:
                    silent.clear()
                silent.add(field)
        return True

    def _is_silent(self, field: bytes) -> bool:
        """Return whether no code and no word of a field says immunoglobulin, as far as it can be read."""
        text = field.decode("utf-8", "replace")
        if "\N{REPLACEMENT CHARACTER}" in text or "\\X" in text.upper() or _CODE.search(text):
            return False
        whole = re.sub(r"\\[^\\]{0,8}\\", "", text)
        return not any(looks_like_immunoglobulin((), each) for each in (text, whole, *re.split(r"[\^~&]", whole)))


class Learning:
    """Lets an Urgency know what people map and what is changed in the rules, from a thread of its own.

    Until the knowledge is read, and where it cannot be, every order and administration is urgent.
    """

    def __init__(self, urgency: Urgency, load: Callable[[], KnowledgeSource], engine: sa.Engine) -> None:
        self._urgency, self._load, self._engine = urgency, load, engine
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener-urgency", daemon=True)

    def start(self) -> None:
        """Begin to read; nobody waits for it."""
        self._thread.start()

    def stop(self) -> None:
        """End, without waiting for what is being read."""
        self._ends.set()

    def _run(self) -> None:
        try:
            source = self._load()
        except IvigilantError as error:
            log.error("urgency.no_knowledge", error=type(error).__name__)
            return
        used: tuple[str, int] | None = None
        while True:
            try:
                used = self._look(source.current(), used)
            except sa.exc.SQLAlchemyError as error:
                log.warning("urgency.no_database", error=type(error).__name__)
            except Exception as error:  # noqa: BLE001  # whatever is wrong with the rules, no order waits for it
                log.error("urgency.no_knowledge", error=type(error).__name__)
                self._urgency.forget()
                used = None
            if self._ends.wait(LOOK_EVERY_S):
                return

    def _look(self, knowledge: Knowledge, used: tuple[str, int] | None) -> tuple[str, int]:
        with reading(self._engine) as connection:
            now = knowledge.version, local_codes.version(connection)
            if now != used:
                mapped = local_codes.mapped(connection)
                codes = {name: [Coding(*each) for each in several] for name, several in mapped.items()}
                self._urgency.use(knowledge.with_local_codes(codes))
        return now


def _is_unreadable(field: bytes) -> bool:
    """Return whether a field says more than its bytes show, by an escape or in another character set, or too much."""
    return len(field) > _MOST_NAMED or b"\\" in field or "\N{REPLACEMENT CHARACTER}" in field.decode("utf-8", "replace")


def _once(answers: dict[bytes, bool], field: bytes, ask: Callable[[bytes], bool]) -> bool:
    """Return the answer about a field, which is worked out once."""
    known = answers.get(field)
    if known is None:
        known = ask(field)
        if len(field) <= _LONGEST:
            if len(answers) >= _MOST:
                answers.clear()
            answers[field] = known
    return known
