"""One answer as a card of CDS Hooks: what decides in one line, then what to do, why, and what is not known."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import msgspec

from clinical.conclusions import StoredConclusion, StoredFinding
from clinical.words import Channel, Tier, in_language
from history.conclusion import channel_of
from history.order_answers import OrderAnswer
from inbox.alerts.reason import reason_of, title_of
from inbox.alerts.settling import REASONS
from inbox.http.notation import Notation

REASON_SYSTEM = "urn:ivigilant:override-reason"
RULE_SYSTEM = "urn:ivigilant:rule"
LONGEST_SUMMARY = 139  # the standard: fewer than 140 characters
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|!~&])")
_BLANKS = re.compile(r"\s+")


class CodingShape(msgspec.Struct, frozen=True, omit_defaults=True):
    """A code, its system, and what people read."""

    system: str
    code: str
    display: str = ""


class SourceShape(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the guidance comes from."""

    label: str
    url: str = ""
    topic: CodingShape | None = None


class SuggestionShape(msgspec.Struct, frozen=True):
    """What the prescriber may accept; it changes nothing by itself."""

    label: str
    uuid: str


class LinkShape(msgspec.Struct, frozen=True):
    """A page to open."""

    label: str
    url: str
    type: str = "absolute"


class CardShape(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A card, as the standard names its fields."""

    uuid: str
    summary: str
    detail: str
    indicator: str
    source: SourceShape
    suggestions: list[SuggestionShape] = []
    selection_behavior: str = ""
    override_reasons: list[CodingShape] = []
    links: list[LinkShape] = []


@dataclass(frozen=True, slots=True)
class CardStyle:
    """For whom a card is written, and where the inbox is."""

    notation: Notation
    address: str
    site_name: str
    now: datetime


def card_of(answer: OrderAnswer, style: CardStyle, *, alert: int | None = None, is_unclear: bool = False) -> CardShape:
    """Return the card for an answer; `alert` is what stands in the inbox about the same order."""
    conclusion = msgspec.convert(answer.conclusion.content, StoredConclusion)
    words, lead = style.notation.words, _lead(conclusion, answer.tier.word)
    link = [LinkShape(words("hooks.open"), f"{style.address}/alerts/{alert}")] if alert is not None else []
    return CardShape(
        uuid=str(uuid4()),
        summary=_summary(conclusion, answer, style),
        detail="\n".join(_detail(conclusion, style, is_unclear=is_unclear)),
        indicator=indicator_of(answer.assessment.channel, answer.tier),
        source=_source(lead, style),
        suggestions=[SuggestionShape(words("hooks.follow"), str(uuid4()))],
        selection_behavior="at-most-one",
        override_reasons=[CodingShape(REASON_SYSTEM, each, words(f"reason.{each}")) for each in REASONS],
        links=link,
    )


def indicator_of(channel: Channel, tier: Tier) -> str:
    """Return how loudly it is said: only what interrupts a pharmacist interrupts a prescriber."""
    if channel < Channel.INTERRUPT:
        return "info"
    return "critical" if tier == Tier.CONTRAINDICATION else "warning"


def _summary(conclusion: StoredConclusion, answer: OrderAnswer, style: CardStyle) -> str:
    words = style.notation.words
    reason = reason_of(conclusion, answer.tier.word, style.notation, style.now)
    fact = reason.fact or words("alert.untitled")
    protection = f"; {reason.protection}" if reason.protection else ""
    summary = _plain(f"{words.code('tier', answer.tier.word)}: {fact}{protection}")
    return summary if len(summary) <= LONGEST_SUMMARY else f"{summary[: LONGEST_SUMMARY - 1]}…"


def _detail(conclusion: StoredConclusion, style: CardStyle, *, is_unclear: bool) -> Iterator[str]:
    words, language = style.notation.words, style.notation.words.language
    yield f"{_escaped(style.notation.product(conclusion.order.product))} {_dose(conclusion, style.notation)}".strip()
    if is_unclear:
        yield f"\n**{_escaped(words('hooks.unclear'))}**"
    if text := in_language(conclusion.text, language):
        yield f"\n{_escaped(text)}"
    if conclusion.advice:
        yield f"\n**{words('alert.advice')}**\n"
        yield from (
            f"{number}. {_escaped(in_language(line, language))}" for number, line in enumerate(conclusion.advice, 1)
        )
    findings = _shown(conclusion)
    if findings:
        yield f"\n**{words('alert.findings')}**\n"
        for each in findings:
            yield f"- **{_escaped(title_of(each, language))}**: {_escaped(in_language(each.because, language))}"
    if conclusion.missing:
        yield f"\n**{words('alert.missing')}**\n"
        yield from (f"- {_escaped(in_language(line, language))}" for line in conclusion.missing)
    evidence = dict.fromkeys(line for each in findings for line in each.evidence)
    if evidence:
        yield f"\n**{words('alert.evidence')}**\n"
        yield from (f"- {_escaped(line)}" for line in evidence)


def _dose(conclusion: StoredConclusion, notation: Notation) -> str:
    parts = (notation.range(conclusion.order.dose_g, "g"), notation.range(conclusion.order.dose_g_per_kg, "g/kg"))
    return ", ".join(part for part in parts if part)


def _shown(conclusion: StoredConclusion) -> list[StoredFinding]:
    """Return the findings that may be shown with an order, the gravest first."""
    return [each for each in conclusion.findings if channel_of(each.channel, each.tier) >= Channel.WITH_ORDER]


def _lead(conclusion: StoredConclusion, tier: str) -> StoredFinding | None:
    return next((each for each in conclusion.findings if each.tier == tier), None) or next(
        iter(conclusion.findings), None
    )


def _source(lead: StoredFinding | None, style: CardStyle) -> SourceShape:
    """Return the rule that decides, with its page, which shows its evidence."""
    if lead is None:
        return SourceShape(style.site_name)
    topic = CodingShape(RULE_SYSTEM, lead.rule, title_of(lead, style.notation.words.language))
    return SourceShape(f"{style.site_name}, {lead.rule}", f"{style.address}/rules/{lead.rule}", topic)


def _plain(text: str) -> str:
    return _BLANKS.sub(" ", text).strip()


def _escaped(text: str) -> str:
    """Return a text that Markdown shows as it is: what a sender wrote opens no link and no tag."""
    return _MARKDOWN.sub(r"\\\1", _plain(text))
