"""The knowledge: value sets, definitions, rules and policy, compiled once and used for every order."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from clinical.codes import Coding
from clinical.words import AFTER_INFUSION, STREAMS, Channel, Language, Priority, Stream, Text, Tier
from rules.assessment import Step
from rules.codes import coding_of_words
from rules.forms import PolicyForm, RuleForm
from rules.naranjo import Naranjo
from rules.recognition import Dosed, Product, recognise
from rules.terms import ConditionTest, GuardedLine, Memory, Terms

_NOT_HISTORY = frozenset({"route-intravenous", "route-subcutaneous", "route-intramuscular"})


class Asked(NamedTuple):
    """A condition with its two most frequent steps of the trace, made in advance."""

    needs: int  # of the condition, and its text: looked at first, for every rule of every order
    text: str
    condition: ConditionTest
    held: Step
    not_held: Step


@dataclass(frozen=True, slots=True)
class Higher:
    """A higher tier, and the conditions it needs."""

    tier: Tier
    when: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the library, compiled."""

    id: str
    form: RuleForm
    title: Text
    tier: Tier
    because: Text
    when: tuple[Asked, ...]
    raised: tuple[Higher, ...]
    evidence: tuple[str, ...]
    advice: tuple[GuardedLine, ...]
    cited: Mapping[str, Text] = field(default_factory=dict, compare=False)  # its evidence by language
    chosen: bool = True  # a rule that is evaluated only where a hospital chose it (rules/choices.py)

    @property
    def stream(self) -> Stream:
        """Whether it judges orders, or watches what comes after the infusion."""
        return self.form.stream

    @property
    def is_live(self) -> bool:
        """Whether its findings are shown."""
        return self.form.status == "live"

    @property
    def is_asked(self) -> bool:
        """Whether it is asked at all: live, or on trial and only in the trace."""
        return self.chosen and self.form.status in ("live", "trial")


@dataclass(frozen=True, slots=True)
class PriorityRule:
    """One way to a priority."""

    to: Priority
    fired: frozenset[str]
    when: tuple[ConditionTest, ...]
    none_of_tier: frozenset[Tier]


@dataclass(frozen=True, slots=True)
class Remark:
    """Words that are added when their conditions hold."""

    when: tuple[ConditionTest, ...]
    says: Text


@dataclass(frozen=True, slots=True)
class Policy:
    """How findings become one answer."""

    form: PolicyForm
    priority: dict[Tier, tuple[PriorityRule, ...]]
    surveillance: dict[Tier, tuple[PriorityRule, ...]]  # the same for events after infusion
    family_of: dict[str, str]
    escalation_evidence: Mapping[str, Text]  # by language, by the English line
    missing: tuple[Remark, ...]
    mitigating: tuple[Remark, ...]
    channels: Mapping[Tier, Channel]
    rule_channels: Mapping[str, Channel]  # of rules that a hospital moved against their tier
    quieter: frozenset[str]  # the rules that are one channel quieter while `quieter_when` holds
    quieter_when: tuple[ConditionTest, ...]
    escalation_advice: tuple[GuardedLine, ...]
    checklist: tuple[GuardedLine, ...]
    led_by: Mapping[str, frozenset[str]]  # of a general rule: those that name the same more exactly, and lead it
    replaced_by: Mapping[str, frozenset[str]]  # of these, those whose diagnoses the general rule leaves out
    first: Mapping[str, int]  # the rules whose advice comes before that of others, with their place

    def channel_of(self, rule: str, tier: Tier, *, quieter: bool = False) -> Channel:
        """The channel of a finding; where it may be quieter, one less, but never for a contra-indication."""
        moved = self.rule_channels.get(rule)
        if moved:
            return moved
        channel = self.channels[tier]
        is_quieter = quieter and rule in self.quieter and tier < Tier.CONTRAINDICATION
        return Channel(channel - 1) if is_quieter and channel > Channel.WITH_ORDER else channel


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Everything an evaluation needs. It is immutable; a new version is a new object."""

    version: str  # number of the policy, and a short hash over every file
    terms: Terms
    rules: tuple[Rule, ...]
    policy: Policy
    naranjo: Naranjo
    asked: Mapping[Stream, tuple[Rule, ...]] = field(init=False, repr=False, compare=False)  # of each stream

    def __post_init__(self) -> None:
        """Sort the rules by stream once."""
        asked = [rule for rule in self.rules if rule.is_asked]
        by_stream = {stream: tuple(rule for rule in asked if rule.stream == stream) for stream in STREAMS}
        object.__setattr__(self, "asked", by_stream)

    @property
    def watches_events_only(self) -> bool:
        """Whether every rule that looks at what came after an infusion needs an event that followed a dose."""
        rules = self.asked[AFTER_INFUSION]
        return all(any(asked.condition.follows for asked in rule.when) for rule in rules)

    @property
    def languages(self) -> tuple[Language, ...]:
        """The languages its texts are written in, in the order in which the policy writes them."""
        return tuple(self.policy.form.escalation.title.text)

    @property
    def asks_of_scig(self) -> bool:
        """Whether the hospital chose alerts on VTE with immunoglobulin that is not intravenous."""
        return self.policy.form.choices.scig_prior_vte != "off"

    def classify(
        self, codings: Iterable[Coding], text: str = "", routes: Iterable[Coding] = (), dosed: Dosed = ""
    ) -> Product:
        """Return the class of the product: ivig, possible_ivig, scig, lookalike or other."""
        question = (tuple(codings), text, tuple(routes), dosed)
        found = self.terms.memory.recognised.get(question)
        if found is None:
            found = recognise(self.terms.codes, self.terms.words, *question)
            self.terms.memory.recognised.keep(question, found)
        return found

    def sets_of(self, coding: Coding) -> frozenset[str]:
        """Return the value sets that hold a code."""
        return self.terms.codes.sets_of(coding)

    def speaks(self, kind: Literal["product", "diagnosis"], coding: Coding) -> bool:
        """Return whether the value sets use this code system: then a code of it that is in none is irrelevant."""
        return self.terms.codes.system_of(coding.system) in self.terms.recognition.spoken.get(kind, ())

    def stands_for_nothing(self, coding: Coding) -> bool:
        """Return whether a sender writes this where it has no code."""
        code = coding.code.strip().upper()
        return code in self.terms.recognition.placeholders or not code.strip("0")

    def with_local_codes(self, local: Mapping[str, Iterable[Coding]]) -> "Knowledge":
        """Return this knowledge with a hospital's own codes, by value set, as members; its version says so.

        A value set that this release no longer has is left out.
        """
        members = {name: tuple(codings) for name, codings in local.items() if name in self.terms.codes.names}
        lines = sorted(f"{name} {each.system} {each.code}" for name, codings in members.items() for each in codings)
        if not lines:
            return self
        terms = replace(self.terms, codes=self.terms.codes.with_local(members), memory=Memory())
        added = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:6]
        return replace(self, version=f"{self.version}+{added}", terms=terms)

    def keeps(self, codings: Iterable[Coding], text: str = "") -> bool:
        """Return whether a rule can use this: any of its codes or words is in a value set."""
        question = (tuple(codings), text)
        found = self.terms.memory.kept.get(question)
        return self.terms.memory.kept.keep(question, self._keeps(*question)) if found is None else found

    def _keeps(self, codings: tuple[Coding, ...], text: str) -> bool:
        if any(self.sets_of(coding) - _NOT_HISTORY for coding in (*codings, coding_of_words(text))):
            return True
        words = " ".join([text, *(coding.display for coding in codings)]).strip()
        return bool(words) and bool(self.terms.words.sets_named(words) - _NOT_HISTORY)
