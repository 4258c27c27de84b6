"""One HL7 message written anew for a test system, field by field from the list of what may leave."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from itertools import pairwise
from typing import Final

from clinical.identities import Name
from ivigilant.pseudonyms.fields import FIELDS, OF_PEOPLE, FieldKind
from ivigilant.pseudonyms.forms import (
    AMOUNT,
    INTERVAL,
    LETTERS,
    SHORT,
    UNIT,
    WORD,
    fitting,
    identifying_in,
    is_code,
    system,
    words_in,
)
from ivigilant.pseudonyms.keyed import Pseudonyms
from ivigilant.pseudonyms.vocabulary import Vocabulary, plain
from parsers.chart.patients import read_patient
from parsers.defaults import Defaults
from parsers.hl7.delimiters import unescape
from parsers.hl7.dictionary import field_name
from parsers.hl7.identifiers import is_bsn, make_identifier, usual_spelling, valid_bsn
from parsers.hl7.segments import Message, Segment, split

Outcome = str  # kept | moved | pseudonym | scrubbed | emptied | dropped
KEPT, MOVED, PSEUDONYM, SCRUBBED, EMPTIED, DROPPED = "kept", "moved", "pseudonym", "scrubbed", "emptied", "dropped"

_NUMBER_TYPE: Final = re.compile(r"[A-Z]{1,3}|NN[A-Z]{3}")  # table 0203
_NAME: Final = re.compile(r"[A-Z][A-Z0-9]{2}")
_ESCAPES: Final = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\", "\r": " ", "\n": " "}


@dataclass(frozen=True, slots=True)
class Asked:
    """What an export is asked for beside the messages."""

    pseudonyms: Pseudonyms
    vocabulary: Vocabulary
    today: date
    person_of: Callable[[Name], str]  # the same for every number of one person
    words_of: Callable[[str], frozenset[str]] = lambda _: (
        frozenset()
    )  # of a person: what the store knows to tell who it is
    systems: frozenset[str] = frozenset()  # names of who sends and gives out numbers, known to be those of no person
    texts: bool = False  # scrub long texts too; else they are emptied


@dataclass(slots=True)
class FieldCounts:
    """What became of each field: (PID-5, pseudonym) → how often."""

    of: Counter[tuple[str, Outcome]] = field(default_factory=Counter)


class Identifying(Exception):
    """Something that identifies somebody would have left; the message is withheld."""


def rewrite(raw: bytes, number: int, asked: Asked, defaults: Defaults, counts: FieldCounts) -> bytes:
    """Return the message as it may leave, in UTF-8 and the usual delimiters, with this number as its control id.

    Raises Identifying when a name, number, date or address of somebody in it is in what was written, and ParserError
    when it cannot be read.
    """
    message = split(raw, defaults.charset)
    found, groups = FieldCounts(), list(_groups(message, asked, defaults))
    written = "\r".join(line for group in groups for line in group.lines(found, number)) + "\r"
    if words_in(written) & groups[0].own:
        raise Identifying
    counts.of.update(found.of)
    return written.encode()


@dataclass
class _Group:
    """A patient's segments, or those before the first."""

    segments: Sequence[Segment]
    message: Message
    person: str
    asked: Asked
    defaults: Defaults
    own: frozenset[str]  # words that identify somebody in the message
    own_words: frozenset[str]  # the short ones as well, which no text may hold

    def lines(self, counts: FieldCounts, number: int) -> Iterator[str]:
        """Yield the segments as they may leave."""
        kinds = {segment.index: segment.text(2).strip() for segment in self.segments if segment.name == "OBX"}
        for segment in self.segments:
            wanted = FIELDS.get(segment.name)
            site = {each.field: each for each in self.defaults.fields if each.segment == segment.name}
            if wanted is None and not site:
                counts.of[_segment_name(segment.name), DROPPED] += 1
                continue
            if segment.name == "MSH":
                yield self._header(segment, counts, number)
                continue
            written = [""] * segment.size
            for place in range(1, segment.size + 1):
                value = segment.raw(place)
                if not value:
                    continue
                kind = (wanted or {}).get(place)
                if kind is None and place in site and site[place].what != "diagnosis":
                    kind = "amount"
                made, outcome = self._field(segment, place, kind, kinds.get(segment.index, ""))
                written[place - 1] = made
                path = f"{segment.name if wanted is not None else 'Z segment'}-{place}"
                counts.of[path, outcome if made else EMPTIED] += 1
            if segment.name != "NTE" or any(written[2:]):
                yield "|".join([segment.name, *written]).rstrip("|")

    def _header(self, segment: Segment, counts: FieldCounts, number: int) -> str:
        written = ["MSH", "^~\\&", *[""] * 16]
        for place, kind in FIELDS["MSH"].items():
            if segment.raw(place):
                made, outcome = self._field(segment, place, kind, "")
                written[place - 1] = made
                counts.of[f"MSH-{place}", outcome if made else EMPTIED] += 1
        written[9], written[17] = f"PSEUDO{number:010d}", "UNICODE UTF-8"
        counts.of["MSH-10", PSEUDONYM] += 1
        return "|".join(written)

    def _field(self, segment: Segment, place: int, kind: FieldKind | None, of_value: str) -> tuple[str, Outcome]:
        """Return the field as it may leave, and what was done to it."""
        if kind is None:
            return "", EMPTIED
        if kind == "value":
            kind = _KIND_OF_VALUE.get(of_value)
            if kind is None:  # a text, or an amount that is sent as one
                amount = self._each(segment, place, self._amount)
                if amount and "~" not in segment.raw(place):
                    return amount, KEPT
                kind = "text"
        writing = self._writing[kind]
        made = self._each(segment, place, writing)
        return made, _OUTCOMES.get(kind, KEPT)

    def _each(self, segment: Segment, place: int, write: "Callable[[_Parts], str]") -> str:
        repetitions = [write(parts) for parts in _repetitions(segment, place, self.message)]
        return "~".join(repetitions) if any(repetitions) else ""

    @cached_property
    def _writing(self) -> "Mapping[FieldKind, Callable[[_Parts], str]]":
        return {
            "word": lambda parts: fitting(WORD, parts.first),
            "set": lambda parts: fitting(re.compile(r"\d{1,4}"), parts.first),
            "amount": self._amount,
            "time": lambda parts: self._time(parts.first),
            "times": lambda parts: _joined([self._time(each) for each in parts.firsts[:2]]),
            "birth": lambda parts: self.asked.pseudonyms.birth_date(parts.first, self.person, self.asked.today),
            "code": self._code,
            "unit": self._unit,
            "words": lambda parts: _escaped(self._scrubbed(" ".join(parts.leaves))),
            "text": lambda parts: _escaped(self._scrubbed(" ".join(parts.leaves))) if self.asked.texts else "",
            "order": lambda parts: self._numbered("order", parts),
            "entry": lambda parts: self._numbered("entry", parts),
            "lot": lambda parts: self._numbered("lot", parts),
            "visit": lambda parts: self._numbered("visit", parts),
            "person": self._person,
            "name": self._name,
            "ward": lambda parts: fitting(re.compile(r"(?=.*\d)[A-Z0-9]{1,8}|[A-Z]{1,3}"), parts.first),
            "timing": self._timing,
            "type": lambda parts: _joined([fitting(re.compile(r"[A-Z0-9_]{1,7}"), each) for each in parts.firsts]),
            "system": lambda parts: _joined([self._system(each) for each in parts.firsts]),
        }

    def _amount(self, parts: "_Parts") -> str:
        """A number of at most six digits, with a unit."""
        number = fitting(AMOUNT, parts.first)
        if not number:
            # <^1.0 of a structured number
            compared = [each for each in parts.firsts if each]
            if parts.first in ("<", ">", "<=", ">=", "=", "<>", "") and all(
                re.fullmatch(r"[<>=]{1,2}|\d{1,6}(?:\.\d{1,6})?|[-+/.:]", each) for each in compared
            ):
                return _joined(parts.firsts)
            return ""
        return _joined([number, *([self._unit_leaf(parts.at(1))] if parts.at(1) else [])])

    def _time(self, text: str) -> str:
        return self.asked.pseudonyms.time(text.strip(), self.person)

    def _code(self, parts: "_Parts") -> str:
        """Two codes and their systems, each with the words beside it that are words of the knowledge."""
        written = []
        for start in (0, 3):
            code = self._code_leaf(parts.at(start))
            text = self._scrubbed(" ".join(parts.leaves_of(start + 1)))
            system = self._system(parts.at(start + 2))
            written += [_escaped(code), _escaped(text), _escaped(system)]
        original = self._scrubbed(" ".join(parts.leaves_of(8)))
        return "^".join([*written, "", "", _escaped(original)]).rstrip("^")

    def _code_leaf(self, code: str) -> str:
        if plain(code) in self.own:
            return ""
        if is_code(code):
            return code
        return code if LETTERS.fullmatch(code) and code in self._words else self._scrubbed(code)

    @property
    def _words(self) -> Vocabulary:
        return self.asked.vocabulary

    def _unit(self, parts: "_Parts") -> str:
        system = self._system(parts.at(2))
        return "^".join([_escaped(self._unit_leaf(parts.at(0))), "", _escaped(system)]).rstrip("^")

    def _unit_leaf(self, unit: str) -> str:
        if not UNIT.fullmatch(unit) or plain(unit) in self.own:
            return ""
        letters = re.findall(r"[^\W\d_]+", unit)
        return unit if all(len(each) <= SHORT or each in self._words for each in letters) else ""

    def _scrubbed(self, text: str) -> str:
        return self._words.scrubbed(text, self.own_words)

    def _system(self, text: str) -> str:
        return "" if plain(text) in self.own else system(text, self.asked.systems)

    def _numbered(self, kind: str, parts: "_Parts") -> str:
        """A number of the sender's, and who gave it. Of a parent's (ORC-8) the numbers are sub-components."""
        number, first = self.asked.pseudonyms.number, parts.components[0]
        if len(first) > 1 or (len(parts.components) > 1 and len(parts.components[1]) > 1):
            return "^".join(
                "&".join([number(kind, each[0].strip()), *(self._system(one) for one in each[1:])])
                for each in parts.components[:2]
            )
        value = parts.first.strip()
        rest = [self._system(each) for each in parts.firsts[1:4]]
        return _joined([number(kind, value), *rest]) if value else ""

    def _person(self, parts: "_Parts") -> str:
        """A number of the patient: of nobody, where it is a citizen service number."""
        value, authority, kind = parts.first.strip(), parts.leaves_of(3), parts.at(4).strip().upper()
        named = [self._system(each) for each in authority]
        given_by = next((each for each in authority if each), self.defaults.authority)
        if make_identifier(given_by, value, kind) is None:
            return ""
        if is_bsn(given_by, kind):
            number = self.asked.pseudonyms.citizen_number(valid_bsn(value))
        elif self.defaults.check_digits and value.isdecimal() and len(value) > 3:
            number = self.asked.pseudonyms.number("person", value[:-1]) + "0"
        else:
            number = self.asked.pseudonyms.number("person", value)
        return "^".join([number, "", "", "&".join(named), fitting(_NUMBER_TYPE, kind)]) if number else ""

    def _name(self, parts: "_Parts") -> str:
        return _joined([self.asked.pseudonyms.family(self.person), self.asked.pseudonyms.given(self.person)])

    def _timing(self, parts: "_Parts") -> str:
        """Quantity and timing in one field: amount, interval, duration, from, until, priority; not the texts."""
        quantity = [fitting(AMOUNT, parts.at(0)), *(self._unit_leaf(each) for each in parts.leaves_of(0)[1:2])]
        interval = [
            fitting(INTERVAL, parts.at(1)),
            *(fitting(re.compile(r"[\d,:]{1,40}"), each) for each in parts.leaves_of(1)[1:2]),
        ]
        duration = fitting(re.compile(r"[A-Z]\d{1,4}|INDEF"), parts.at(2))
        times = [self._time(parts.at(3)), self._time(parts.at(4))]
        written = ["&".join(quantity), "&".join(interval), duration, *times, fitting(WORD, parts.at(5))]
        text = [self._scrubbed(parts.at(place)) if self.asked.texts else "" for place in (6, 7)]
        return "^".join([*written, *map(_escaped, text)]).rstrip("^")


_KIND_OF_VALUE: Final[Mapping[str, FieldKind]] = {
    "NM": "amount",
    "SN": "amount",
    "CQ": "amount",
    "CE": "code",
    "CWE": "code",
    "CNE": "code",
    "CF": "code",
    "ID": "code",
    "IS": "code",
    "DT": "time",
    "TS": "time",
    "DTM": "time",
}
_OUTCOMES: Final[Mapping[FieldKind, Outcome]] = {
    "time": MOVED,
    "times": MOVED,
    "birth": MOVED,
    "words": SCRUBBED,
    "text": SCRUBBED,
    "code": "kept, words scrubbed",
    "order": PSEUDONYM,
    "entry": PSEUDONYM,
    "lot": PSEUDONYM,
    "visit": PSEUDONYM,
    "person": PSEUDONYM,
    "name": PSEUDONYM,
    "timing": "kept, times moved",
}


@dataclass(frozen=True, slots=True)
class _Parts:
    """One repetition, unescaped: components of sub-components."""

    components: Sequence[Sequence[str]]

    @property
    def first(self) -> str:
        return self.components[0][0]

    @property
    def firsts(self) -> list[str]:
        """The first sub-component of each component."""
        return [each[0] for each in self.components]

    @property
    def leaves(self) -> list[str]:
        return [leaf for each in self.components for leaf in each]

    def at(self, place: int) -> str:
        return self.components[place][0] if place < len(self.components) else ""

    def leaves_of(self, place: int) -> list[str]:
        return list(self.components[place]) if place < len(self.components) else []


def _repetitions(segment: Segment, place: int, message: Message) -> Iterator[_Parts]:
    marks = message.delimiters
    for repetition in segment.raw(place).split(marks.repetition):
        yield _Parts(
            [
                [unescape(leaf, marks, message.charset.codec).strip() for leaf in component.split(marks.subcomponent)]
                for component in repetition.split(marks.component)
            ]
        )


def _groups(message: Message, asked: Asked, defaults: Defaults) -> Iterator[_Group]:
    starts = [segment.index for segment in message.segments if segment.name == "PID"]
    first = next((segment for segment in message.segments if segment.name == "PID"), None)
    people = {_person_in(each, asked, defaults) for each in message.segments if each.name == "PID"}
    stored = frozenset[str]().union(*map(asked.words_of, people))
    own, short = _identifying(message) | stored, frozenset(identifying_in(_told(message), 2)) | stored
    whole = _Group((), message, _person_in(first, asked, defaults), asked, defaults, own, short)
    bounds = [0, *starts, len(message.segments)]
    for start, end in pairwise(bounds):
        segments = [segment for segment in message.segments if start <= segment.index < end]
        pid = segments[0] if segments and segments[0].name == "PID" else None
        person = whole.person if pid is None else _person_in(pid, asked, defaults)
        if segments:
            yield replace(whole, segments=segments, person=person)


def _person_in(pid: Segment | None, asked: Asked, defaults: Defaults) -> str:
    numbers = read_patient(pid, defaults) if pid is not None else ()
    if not numbers:
        return ""
    usual = usual_spelling(numbers[0], defaults)
    return asked.person_of((usual.authority, usual.value))


def _identifying(message: Message) -> frozenset[str]:
    """Return the words and numbers of a message that tell who somebody in it is, without case and accents."""
    return frozenset(identifying_in(_told(message)))


def _told(message: Message) -> Iterator[str]:
    for segment in message.segments:
        places = OF_PEOPLE.get(segment.name, ())
        for place in range(1, segment.size + 1) if places is None else places:
            for parts in _repetitions(segment, place, message) if segment.raw(place) else ():
                yield from _telling(segment.name, place, parts)


def _telling(segment: str, place: int, parts: _Parts) -> Sequence[str]:
    if (segment, place) in _NUMBERS:
        return parts.components[0][:1]
    # Of staff the number and the name; behind them stands who gave the number.
    return [leaf for each in parts.components[:_OF_STAFF] for leaf in each] if segment in _WITH_STAFF else parts.leaves


_OF_STAFF: Final = 7
_WITH_STAFF: Final = frozenset(
    {"EVN", "PV1", "ORC", "OBR", "DG1", "PR1", "RXA", "RXE", "RXO", "OBX", "ROL", "PRT", "TXA"}
)
# Fields in which only the number tells: beside it stand who gave it and of which kind it is.
_NUMBERS: Final = {
    *(("PID", place) for place in (2, 3, 4, 18, 21)),
    *(("MRG", place) for place in range(1, 8)),
    *(("PV1", place) for place in (5, 19, 50)),
}


def _segment_name(name: str) -> str:
    """Return the name of a segment as the report may say it: a line that was broken may begin with anything."""
    if name.startswith("Z") and _NAME.fullmatch(name):
        return "Z segment"
    return name if _NAME.fullmatch(name) and field_name(name, 1) else "other line"


def _joined(parts: Sequence[str]) -> str:
    return "^".join(map(_escaped, parts)).rstrip("^")


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in text)
