"""An explanation as values: the terminal and `--json` show the same."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rules.knowledge import Knowledge

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A flag of the parser, and its meaning in words where there is one."""

    flag: str
    nl: str = ""
    en: str = ""


@dataclass(frozen=True, slots=True)
class StatementRead:
    """One statement that was read, in words, and the fields it was read from."""

    what: str  # "dose", "timing", "diagnosis"
    says: str
    path: str
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldSeen:
    """A field with a value, and whether a parser reads it."""

    path: str
    name: str
    text: str  # as sent
    asked: bool


@dataclass(frozen=True, slots=True)
class SegmentSeen:
    """One segment: its filled fields, and what was read from it."""

    path: str
    fields: tuple[FieldSeen, ...]
    read: tuple[StatementRead, ...]
    remark: str = ""  # "local segment", "no parser reads this segment"


@dataclass(frozen=True, slots=True)
class EventSeen:
    """One event, as it would enter the history."""

    event: Json
    kept: bool
    why: str  # why it is stored or not: the value sets that hold it, or how a product was recognised


@dataclass(frozen=True, slots=True)
class Conformance:
    """hl7apy's check of the message against the standard. It is a second opinion: no message is refused for it."""

    version: str = ""  # the version whose tables it was checked against
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    failed: str = ""  # why there is no report

    @property
    def is_clean(self) -> bool:
        """Return whether nothing was found."""
        return not (self.errors or self.warnings or self.failed)


@dataclass(frozen=True, slots=True)
class MessageExplained:
    """One message, from its bytes to what it adds to the history."""

    name: str  # where it stands: order.hl7, batch.hl7 message 3, message 17
    control_id: str
    type: str
    version: str
    charset: str
    feed: str
    answer: str  # MSA-1 of the answer; "" for no answer
    state: str  # processed | ignored | parked | received
    reason: str
    detail: str
    flags: tuple[Doubt, ...]
    segments: tuple[SegmentSeen, ...]
    events: tuple[EventSeen, ...]
    not_understood: tuple[tuple[str, str], ...]  # path, remark
    conformance: Conformance | None = None


@dataclass(frozen=True, slots=True)
class ConditionAsked:
    """One condition of a rule, and what it evaluated to."""

    condition: str
    held: bool
    saw: str


@dataclass(frozen=True, slots=True)
class RuleAsked:
    """One rule: whether it fired, and if not, the first condition that did not hold."""

    rule: str
    title: str
    status: str  # live | trial
    tier: str
    fired: bool
    failed: ConditionAsked | None
    conditions: tuple[ConditionAsked, ...]


@dataclass(frozen=True, slots=True)
class OrderExplained:
    """One IVIg order: the answer, and every rule that was evaluated."""

    tier: str
    priority: str
    knowledge: str
    as_of: datetime
    concluded_at: datetime | None  # None for a dry run
    conclusion: Json  # as docs/api.md describes it
    rules: tuple[RuleAsked, ...]
    stream: str = "order"  # or pharmacovigilance: what came after the infusion


@dataclass(frozen=True, slots=True)
class Explained:
    """The whole explanation."""

    messages: tuple[MessageExplained, ...] = ()
    history: int = 0  # messages that were read only as history
    orders: tuple[OrderExplained, ...] = ()


def explain_answer(
    conclusion: Json,
    knowledge: Knowledge,
    *,
    tier: str,
    priority: str,
    version: str,
    as_of: datetime,
    concluded_at: datetime | None = None,
    stream: str = "order",
) -> OrderExplained:
    """Return one conclusion with every rule that was evaluated for it."""
    return OrderExplained(
        tier=tier,
        priority=priority,
        knowledge=version,
        as_of=as_of,
        concluded_at=concluded_at,
        conclusion=conclusion,
        rules=tuple(_rules(conclusion, knowledge)),
        stream=stream,
    )


def _rules(conclusion: Json, knowledge: Knowledge) -> Iterable[RuleAsked]:
    fired = {finding["rule"]: finding for finding in conclusion["findings"]}
    asked: dict[str, list[ConditionAsked]] = {}
    for step in conclusion["trace"]:
        asked.setdefault(step["rule"], []).append(ConditionAsked(step["condition"], step["held"], step["saw"]))
    known = {rule.id: rule for rule in knowledge.rules}
    for name, conditions in asked.items():
        rule = known.get(name)
        finding: Mapping[str, Any] = fired.get(name, {})
        title = finding.get("title", {}).get("en", "") or (rule.title["en"] if rule else "")
        failed = None if finding else next((each for each in conditions if not each.held), None)
        yield RuleAsked(
            rule=name,
            title=title,
            status=rule.form.status if rule else "",
            tier=finding.get("tier", "") or (rule.tier.word if rule else ""),
            fired=bool(finding),
            failed=failed,
            conditions=tuple(conditions),
        )
