"""The answer of the rules: one assessment per case, whose findings name their rule and facts."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from clinical.words import Channel, Language, Priority, Text, Tier
from rules.facts import Fact


class AdviceLine(Text):
    """One line of advice, and its acts (rules/README.md)."""

    __slots__ = ("does",)

    def __init__(self, words: Mapping[Language, str], does: tuple[str, ...] = ()) -> None:
        super().__init__(words)
        self.does = does


class Finding(Struct, frozen=True, gc=False):
    """One rule that fired, and why."""

    rule: str
    version: int
    tier: Tier
    title: Text
    because: Text
    facts: tuple[Fact, ...]
    advice: tuple[AdviceLine, ...] = ()
    evidence: tuple[str, ...] = ()  # "Paran D et al. 2005, ..." as the rule names its sources
    channel: Channel = Channel.NONE  # as policy.yaml and the hospital say


class Point(Struct, frozen=True, gc=False):
    """One risk factor, or one property of the plan, and its points."""

    name: str
    title: Text
    points: int
    of: Literal["patient", "plan"]


class Points(Struct, frozen=True, gc=False):
    """The points of the risk factors and the plan together (definitions/points.yaml)."""

    patient: int
    total: int
    factors: int  # different risk factors they come from
    counted: tuple[Point, ...]


NO_POINTS = Points(0, 0, 0, ())
NO_TEXT = Text()


class Step(Struct, frozen=True, gc=False):
    """One condition of one rule, and its outcome: the answer to "why was there no alert?"."""

    rule: str
    condition: str
    held: bool
    saw: str = ""


class Prefilled(Struct, frozen=True, gc=False):
    """The answer to one Naranjo question as far as the record gives it, with its facts."""

    number: int
    reply: Literal["yes", "no", "unknown"]
    because: Text
    facts: tuple[Fact, ...] = ()


class Assessment(Struct, frozen=True, gc=False):
    """The answer for one version of one order."""

    tier: Tier
    priority: Priority
    findings: tuple[Finding, ...]
    text: Text  # at most 600 characters each
    advice: tuple[AdviceLine, ...]  # the first `now` of them are what to do now
    missing: tuple[Text, ...]  # what was not known, in words
    mitigating: tuple[Text, ...]  # what speaks for safety, in words
    knowledge: str  # version of the knowledge that judged
    trace: tuple[Step, ...] = ()
    naranjo: tuple[Prefilled, ...] = ()  # of an event after infusion
    channel: Channel = Channel.NONE  # the loudest of its findings
    points: Points = NO_POINTS
    now: int = 0  # how many lines of advice are to be done now, three at most
    protection: Text = NO_TEXT  # the anticoagulant in use and how well it protects
