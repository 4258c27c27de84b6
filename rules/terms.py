"""The compiled terms of the knowledge: value sets, measurements, doses, rates and named states."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from clinical.codes import Coding
from clinical.words import Language, Text
from rules.assessment import AdviceLine
from rules.codes import Codes, Remembered
from rules.facts import Fact
from rules.forms import AnticoagulationForm, Measurement, Phrases, RatesForm, RecognitionForm, SteroidForm, WeightForm
from rules.free_text import FreeText
from rules.recognition import Dosed, Product


class Outcome(NamedTuple):
    """The outcome of one condition: whether it holds, its facts, and what it saw, in words."""

    held: bool
    facts: tuple[Fact, ...] = ()
    saw: str = ""


class Mentions(NamedTuple):
    """The value sets that a fact belongs to."""

    bits: int
    own: tuple[str, ...]  # of the patient's, as far as is known
    others: tuple[tuple[str, str], ...]  # suspected, refuted or of the family, each with its certainty
    narrated: tuple[tuple[str, str], ...] = ()  # of a history in words: the sentence that speaks of each set
    years: tuple[tuple[str, int], ...] = ()  # the year that the words date a set to; below 0, how many years ago
    listed: tuple[tuple[str, int], ...] = ()  # the year beside a set in a list of the history


Check = Callable[[Any], Outcome]  # asked of a `rules.picture.Picture`, which is drawn with these terms


@dataclass(frozen=True, slots=True)
class ConditionTest:
    """One line under `when`, compiled."""

    text: str  # as written, on one line
    check: Check
    needs: int = 0  # bits of value sets (codes.py): without a fact of one of them it cannot hold; 0: ask it
    follows: bool = False  # it holds only where an event followed a dose: a diagnosis, a procedure or a treatment begun


@dataclass(frozen=True, slots=True)
class State:
    """A named state or a risk factor: it is so when any of its conditions holds."""

    name: str
    title: Text
    any: tuple[ConditionTest, ...]
    key: str  # a state and a risk factor may share a name
    needs: int = 0  # as of its conditions


@dataclass(frozen=True, slots=True)
class Weight:
    """The points of one risk factor of the patient."""

    points: int
    together: str = ""  # the group whose factors count once together


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One property of the plan that adds points."""

    name: str
    group: str  # the first line of a group that holds is counted
    points: int
    title: Text
    when: tuple[ConditionTest, ...]


@dataclass(frozen=True, slots=True)
class Weights:
    """`definitions/points.yaml`, compiled."""

    patient: Mapping[str, Weight]
    once: tuple[tuple[str, ...], ...]  # a condition that shows several of one line counts as the first
    plan: tuple[PlanLine, ...]


@dataclass(frozen=True, slots=True)
class GuardedLine:
    """A line of advice with the states it depends on."""

    text: Text
    does: frozenset[str]
    acts: tuple[str, ...]  # the same, in the order of the file
    only_if: State | None = None
    unless: State | None = None
    ready: AdviceLine | None = None  # as it is said, where nothing of the patient has to be filled in


@dataclass(frozen=True, slots=True)
class Guard:
    """What is not advised while this holds, and what is said instead."""

    name: str
    when: tuple[ConditionTest, ...]
    instead_of: frozenset[str]
    says: tuple[GuardedLine, ...]
    always: bool


@dataclass(frozen=True, slots=True)
class Memory:
    """A cache of look-ups in one set of codes; with other codes it starts empty."""

    mentions: Remembered[tuple[tuple[Coding, ...], str, str, str], Mentions] = field(default_factory=Remembered)
    ordered: Remembered[tuple[tuple[Coding, ...], str, str, str], Product] = field(default_factory=Remembered)
    recognised: Remembered[tuple[tuple[Coding, ...], str, tuple[Coding, ...], Dosed], Product] = field(
        default_factory=Remembered
    )
    kept: Remembered[tuple[tuple[Coding, ...], str], bool] = field(default_factory=Remembered)


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything that a condition may need besides the case."""

    codes: Codes
    words: FreeText
    measurements: dict[str, Measurement]
    phrases: dict[Language, Phrases]
    anticoagulation: AnticoagulationForm
    steroids: SteroidForm
    rates: RatesForm
    weight: WeightForm
    recognition: RecognitionForm
    states: dict[str, State] = field(default_factory=dict)
    risk_factors: dict[str, State] = field(default_factory=dict)
    guards: tuple[Guard, ...] = ()
    points: Weights = field(default_factory=lambda: Weights({}, (), ()))
    memory: Memory = field(default_factory=Memory)
