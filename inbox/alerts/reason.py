"""The deciding fact of an alert in one line: what happened, when, and what protects."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from clinical.conclusions import StoredConclusion, StoredFact, StoredFinding
from clinical.words import Channel, Tier, in_language
from history.conclusion import channel_of
from inbox.http.notation import Notation
from rules.facts import HISTORY

_AS_SENT = re.compile(r"\b([A-Z]{4,}) [^;(]*?(\d[\d.,]* \w+/\w+)")
USUAL_WEIGHT_KG = 80  # of the sum that shows what a weight would change
MOST_FACTORS = 4  # in one line; the others are counted


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an alert was raised, in one line."""

    fact: str
    protection: str = ""  # how the patient is anticoagulated, where that matters
    others: int = 0  # findings that the line does not name


def reason_of(conclusion: StoredConclusion, tier: str, notation: Notation, now: datetime) -> Reason:
    """Return what decides: the newest diagnosis of the gravest finding, else the risk factors, else its title."""
    findings = told_findings(conclusion)
    lead = next((each for each in findings if each.tier == tier), None) or next(iter(findings), None)
    if lead is None:
        return Reason("")
    facts = history_facts(lead)
    counted = conclusion.points.counted if conclusion.points else []
    if lead.tier != Tier.CONTRAINDICATION.word and conclusion.case is None and counted and len(facts) != 1:
        titles = [in_language(each.title, notation.words.language) for each in counted]
        fact = _listed(titles, notation)
    elif facts:
        fact = dated(facts[0], notation, now)
    else:
        fact = title_of(lead, notation.words.language)
    protects = bool(facts) and conclusion.case is None
    protection = _in_brief(in_language(conclusion.protection, notation.words.language)) if protects else ""
    return Reason(fact[:1].upper() + fact[1:], protection, len(findings) - 1)


def certainty_of(conclusion: StoredConclusion, tier: str, notation: Notation) -> str:
    """Return how sure the deciding fact is: confirmed or suspected, by code or in words, of when; "" without one."""
    lead = next((each for each in told_findings(conclusion) if each.tier == tier), None)
    facts = history_facts(lead) if lead else []
    if not facts:
        return ""
    fact, words = facts[0], notation.words
    sure = words.code("sure", fact.certainty or "confirmed")
    source = words("sure.coded", code=f"{fact.system} {fact.code}".strip()) if fact.code else words("sure.in_words")
    when = notation.known(fact.at, fact.precision) or words("moment.undated")
    return words("sure.sentence", fact=fact.display or fact.code, sure=sure, source=source, when=when)


def with_a_weight(conclusion: StoredConclusion, notation: Notation) -> str:
    """Return what the dose per kg would be at a usual weight, where the weight is missing and the dose is not."""
    order = conclusion.order
    if order.weight_kg or not order.dose_g or order.dose_g_per_kg:
        return ""
    per_kg = notation.figure(order.dose_g[1] / USUAL_WEIGHT_KG, "g/kg")
    return notation.words("sure.with_weight", kg=USUAL_WEIGHT_KG, dose=per_kg)


def told_findings(conclusion: StoredConclusion) -> list[StoredFinding]:
    """Return the findings that reach the inbox, the gravest first."""
    return [each for each in conclusion.findings if channel_of(each.channel, each.tier) >= Channel.WORKLIST]


def history_facts(finding: StoredFinding) -> list[StoredFact]:
    """Return what the patient has or had, each once, the newest first; what has no date last."""
    found = {(fact.display or fact.code, fact.at): fact for fact in finding.facts if fact.kind in HISTORY}
    return sorted(found.values(), key=lambda fact: fact.at or "", reverse=True)


def title_of(finding: StoredFinding, language: str) -> str:
    """Return the title of a finding, without the number of the guideline that may stand behind it in brackets."""
    return in_language(finding.title, language).partition(" (KNMP")[0]


def dated(fact: StoredFact, notation: Notation, now: datetime) -> str:
    """Name a fact and say when: `DVT been, jun 2024`; a doubt is said."""
    when = notation.about(fact.at, fact.precision, now) or notation.words("moment.undated")
    doubt = notation.words.code("certainty", fact.certainty) if fact.certainty not in ("confirmed", "") else ""
    return ", ".join(part for part in (fact.display or fact.code, when, doubt) if part)


def _in_brief(protection: str) -> str:
    """Write a medicine as people do: `RIVAROXABAN TABLET 20MG 20 mg/day (treatment dose)` is rivaroxaban 20 mg/day."""
    return _AS_SENT.sub(lambda found: f"{found[1].lower()} {found[2]}", protection)


def _listed(titles: Sequence[str], notation: Notation) -> str:
    shown = ", ".join(titles[:MOST_FACTORS])
    more = len(titles) - MOST_FACTORS
    return f"{shown} {notation.words('moment.more', number=more)}" if more > 0 else shown
