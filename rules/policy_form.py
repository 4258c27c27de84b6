"""What policy.yaml must hold: how findings become one answer, and what a hospital may choose otherwise."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from clinical.words import FoundChannel, FoundPriority, FoundTier
from rules.forms import Advice, Conditions, Evidence, Form, Words


class Family(Form):
    """Rules that look at the same thing, so that one dose is not counted twice."""

    name: str
    rules: list[str]


class PriorityLine(Form):
    """One way to a priority; the first that fits is taken."""

    to: FoundPriority
    fired: list[str] = Field(default_factory=list)
    when: Conditions = Field(default_factory=list)
    none_of_tier: list[FoundTier] = Field(default_factory=list)


class Escalation(Form):
    """Several moderate signals together."""

    id: str
    title: Words
    because: Words
    advice: list[Advice]
    of_tier: FoundTier
    rules: int
    families: int
    to: FoundTier
    version: int
    evidence: list[Evidence]


class RemarkForm(Form):
    """Words that are added when these conditions hold."""

    when: Conditions = Field(min_length=1)
    says: Words


class Surveillance(Form):
    """How soon a pharmacist should look at an event after infusion."""

    priority: dict[FoundTier, list[PriorityLine]]


def _off(value: Any) -> Any:
    """YAML reads the word off as no."""
    return "off" if value is False else value


class Choices(Form):
    """What a hospital may choose otherwise."""

    at_risk_from: int = Field(ge=1, le=6)
    at_risk_always: Conditions
    moderate_from_points: int = Field(ge=1, le=9)
    high_from_points: int = Field(ge=1, le=20)
    channels: dict[FoundTier, FoundChannel]
    rule_channels: dict[str, FoundChannel] = Field(default_factory=dict)
    scig_prior_vte: Annotated[Literal["off", "information"], BeforeValidator(_off)]


class PolicyForm(Form):
    """`policy.yaml`: how findings become one tier, one priority and one text."""

    number: int
    choices: Choices
    priority: dict[FoundTier, list[PriorityLine]]
    surveillance: Surveillance
    families: list[Family]
    escalation: Escalation
    missing: list[RemarkForm]
    mitigating: list[RemarkForm]
    checklist_from: FoundTier
    checklist: list[Advice]
    evidence: list[Evidence] = Field(default_factory=list)
