"""The vocabulary of conditions: the parameters of each word, and its function."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from rules.terms import Check, ConditionTest


class Kind(StrEnum):
    """What may stand behind a word or one of its parameters."""

    SETS = "one value set or a list of them"
    NUMBER = "a number"
    ANSWER = "holds or fails"
    CHOICE = "one of a few words"
    CHOICES = "a list of some of a few words"
    STATE = "the name of a state in definitions/states.yaml"
    MEASUREMENT = "the name of a measurement in definitions/measurements.yaml"
    CONDITIONS = "a list of conditions"


@dataclass(frozen=True, slots=True)
class WrittenCondition:
    """One condition as it was written, its parts checked and typed."""

    word: str
    value: Any
    parts: Mapping[str, Any]

    @property
    def names(self) -> tuple[str, ...]:
        """The value sets, or the choices, behind the word."""
        names: tuple[str, ...] = self.value
        return names

    @property
    def name(self) -> str:
        """The single name behind the word."""
        return str(self.value)

    @property
    def conditions(self) -> tuple[ConditionTest, ...]:
        """The conditions behind the word."""
        conditions: tuple[ConditionTest, ...] = self.value
        return conditions

    def number(self, part: str) -> Decimal:
        """A parameter that is a number."""
        number: Decimal = self.parts[part]
        return number

    def holds(self, part: str) -> bool:
        """A parameter that answers an absence: `holds` or `fails`."""
        return bool(self.parts[part])

    @property
    def limit(self) -> tuple[str, Decimal]:
        """The comparison and its number."""
        return next((part, self.parts[part]) for part in COMPARISONS if part in self.parts)


Build = Callable[[WrittenCondition], Check]
COMPARISONS = ("below", "at_most", "above", "at_least")


@dataclass(frozen=True, slots=True)
class Word:
    """One word: what must and may follow it."""

    name: str
    value: Kind
    build: Build
    needs: Mapping[str, Kind] = field(default_factory=dict)
    may: Mapping[str, Kind] = field(default_factory=dict)
    compares: tuple[str, ...] = ()  # exactly one of these numbers must be there
    choices: tuple[str, ...] = ()
    part_choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    holds_without: bool = False  # it may hold although no fact is of its value sets
    follows: bool = False  # it holds only where an event followed a dose

    @property
    def parts(self) -> dict[str, Kind]:
        """Every parameter this word understands."""
        return {**self.needs, **self.may, **dict.fromkeys(self.compares, Kind.NUMBER)}


WORDS: dict[str, Word] = {}


def word(
    value: Kind,
    *,
    needs: Mapping[str, Kind] | None = None,
    may: Mapping[str, Kind] | None = None,
    compares: tuple[str, ...] = (),
    choices: tuple[str, ...] = (),
    part_choices: Mapping[str, tuple[str, ...]] | None = None,
    holds_without: bool = False,
    follows: bool = False,
) -> Callable[[Build], Build]:
    """Make a function a word of the vocabulary, under its own name."""

    def register(build: Build) -> Build:
        name = build.__name__.rstrip("_")
        WORDS[name] = Word(
            name, value, build, needs or {}, may or {}, compares, choices, part_choices or {}, holds_without, follows
        )
        return build

    return register


def compare(comparison: str, low: Decimal, high: Decimal, limit: Decimal) -> bool:
    """Compare a value that lies between two, at the end that is riskier for this comparison."""
    match comparison:
        case "below":
            return low < limit
        case "at_most":
            return low <= limit
        case "above":
            return high > limit
        case _:
            return high >= limit
