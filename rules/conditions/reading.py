"""Compiles the lines under `when`: every part is checked against the vocabulary, every fault has its line."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from rules.conditions import WORDS
from rules.conditions.vocabulary import Kind, Word, WrittenCondition
from rules.terms import ConditionTest, Terms
from rules.yaml_lines import Document, Loc

_ANSWERS = {"holds": True, "fails": False}


class _Wrong(Exception):
    """A part of a condition is not what the word needs; the reader turns it into a fault."""


@dataclass(slots=True)
class ConditionReader:
    """Reads conditions of one file, and remembers which numbers and states they name."""

    document: Document
    terms: Terms
    states: frozenset[str]
    numbers: list[tuple[Loc, Decimal]] = field(default_factory=list)
    named: list[str] = field(default_factory=list)  # states that are referred to

    def read(self, lines: Any, where: Loc) -> tuple[ConditionTest, ...]:
        """Read a list of conditions; what is wrong becomes a fault and is left out."""
        found = []
        for index, line in enumerate(lines):
            condition = self._one(line, (*where, index))
            if condition is not None:
                found.append(condition)
        return tuple(found)

    def _one(self, line: Any, where: Loc) -> ConditionTest | None:
        if not isinstance(line, dict) or not line:
            self.document.fault(where, "this is not a condition", "write a word, a colon and what it is about")
            return None
        name = next(iter(line))
        word = WORDS.get(name)
        if word is None:
            self.document.fault(where, f"no such condition word: {name}", f"use one of: {', '.join(sorted(WORDS))}")
            return None
        before = len(self.document.faults)
        self._look_over(word, line, where)
        value = self._value(word, line[name], (*where, name))
        parts = {
            part: self._part(word, part, given, (*where, part))
            for part, given in line.items()
            if part != name and part in word.parts
        }
        if len(self.document.faults) > before:
            return None
        check = word.build(WrittenCondition(name, value, parts))
        return ConditionTest(_canonical(line), check, self._needs(word, value), self._follows(word, value))

    def _needs(self, word: Word, value: Any) -> int:
        """The value sets of which there must be a fact, or 0 when the condition may hold without."""
        if word.value is Kind.SETS and not word.holds_without:
            return self.terms.codes.bits_of(value)
        if word.name == "all":  # one that cannot hold is enough
            return next((each.needs for each in value if each.needs), 0)
        return any_needed(value) if word.name == "any" else 0

    def _follows(self, word: Word, value: Any) -> bool:
        """Whether it can hold only where an event followed a dose."""
        if word.name == "any":
            return all(each.follows for each in value)
        if word.name == "all":
            return any(each.follows for each in value)
        if word.name == "is":
            state = self.terms.states.get(value)  # one that is read later counts as any other condition
            return state is not None and all(each.follows for each in state.any)
        return word.follows

    def _look_over(self, word: Word, line: dict[str, Any], where: Loc) -> None:
        """Refuse unknown parts, missing parts, and none or two comparisons."""
        for part in line:
            if part != word.name and part not in word.parts:
                self.document.fault((*where, part), f"{word.name} does not know {part!r}", _understood(word))
        for part in word.needs:
            if part not in line:
                self.document.fault(where, f"{word.name} without {part}", f"add {part}: {word.needs[part].value}")
        if word.compares and sum(part in line for part in word.compares) != 1:
            self.document.fault(where, f"{word.name} needs one comparison", f"one of: {', '.join(word.compares)}")

    def _value(self, word: Word, given: Any, where: Loc) -> Any:
        if word.value is Kind.CONDITIONS:
            if isinstance(given, list) and given:
                return self.read(given, where)
            self.document.fault(where, f"{word.name} without conditions", "write them as a list")
            return ()
        return self._typed(word.value, given, where, word.choices)

    def _part(self, word: Word, part: str, given: Any, where: Loc) -> Any:
        return self._typed(word.parts[part], given, where, word.part_choices.get(part, ()))

    def _typed(self, kind: Kind, given: Any, where: Loc, choices: tuple[str, ...]) -> Any:
        try:
            return self._checked(kind, given, where, choices)
        except _Wrong as wrong:
            self.document.fault(where, str(wrong), f"here stands {kind.value}")
            return None

    def _checked(self, kind: Kind, given: Any, where: Loc, choices: tuple[str, ...]) -> Any:
        match kind:
            case Kind.NUMBER:
                return self._number(given, where)
            case Kind.ANSWER:
                return _ANSWERS[_among(given, tuple(_ANSWERS))]
            case Kind.CHOICE:
                return _among(given, choices)
            case Kind.CHOICES:
                return tuple(_among(each, choices) for each in _listed(given))
            case Kind.SETS:
                return tuple(self._value_set(each) for each in _listed(given))
            case Kind.MEASUREMENT:
                return _among(given, tuple(self.terms.measurements))
            case _:
                self.named.append(_among(given, tuple(self.states)))
                return given

    def _number(self, given: Any, where: Loc) -> Decimal:
        if not isinstance(given, Decimal):
            raise _Wrong(f"{given!r} is not a number")
        self.numbers.append((where, given))
        return given

    def _value_set(self, name: Any) -> str:
        if name not in self.terms.codes.names:
            raise _Wrong(f"no such value set: {name}")
        return str(name)


def any_needed(conditions: Iterable[ConditionTest]) -> int:
    """The value sets of which there must be a fact before any of these conditions can hold; 0: it may without."""
    bits = 0
    for condition in conditions:
        if not condition.needs:
            return 0
        bits |= condition.needs
    return bits


def _among(given: Any, choices: tuple[str, ...]) -> str:
    if given not in choices:
        raise _Wrong(f"{given!r} is not one of: {', '.join(choices)}")
    return str(given)


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _understood(word: Word) -> str:
    return f"it knows: {', '.join(word.parts)}" if word.parts else "it takes nothing more"


def _canonical(value: Any) -> str:
    """Write a condition on one line, the same however the file was laid out."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_canonical(each)}" for key, each in value.items())
    if isinstance(value, list):
        return "[" + "; ".join(_canonical(each) for each in value) + "]"
    return str(value)
