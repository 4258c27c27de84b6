"""The rule book: every rule, and of each what fires it, what it says, on which evidence, and its examples."""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Template

from clinical.words import FOUND_TIERS
from inbox.http.pages import language_of, page
from inbox.http.parts import AnyRequest, parts_of
from inbox.rulebook.conditions import say_all, titles_of
from rules.knowledge import Rule
from store.assessments import TRIAL, fired, fired_by_tier
from store.engine import reading

WINDOWS = ("30", "365")  # days
_FILLING = re.compile(r"\{\w+\}")


@get("/rules", include_in_schema=False, sync_to_thread=True)
def show_rules(request: AnyRequest) -> Template:
    """Show every rule as it judges now, and how often each fired."""
    parts = parts_of(request)
    with reading(parts.engine) as connection:
        counts, looked_at = fired(connection)
    knowledge = parts.knowledge
    return page(
        request,
        "rules.html",
        rules=sorted(knowledge.rules, key=lambda rule: (-rule.tier, rule.id)),
        times={rule.id: _times(rule, counts) for rule in knowledge.rules},
        looked_at=looked_at,
        overdue={rule.id for rule in knowledge.rules if is_overdue(rule, parts.clock().date())},
        knowledge=knowledge.version,
        approval=parts.settings.approval,
    )


@get("/rules/{rule_id:str}", include_in_schema=False, sync_to_thread=True)
def show_rule(request: AnyRequest, rule_id: FromPath[str]) -> Template:
    """Show the rule as it judges now."""
    parts = parts_of(request)
    knowledge = parts.knowledge
    rule = next((rule for rule in knowledge.rules if rule.id == rule_id), None)
    if rule is None:
        raise NotFoundException("there is no such rule")
    with reading(parts.engine) as connection:
        counts, looked_at = fired(connection)
        by_tier = fired_by_tier(connection, rule_id, _windows(parts.clock()))
    header, rows = read_table(rule.form.examples)
    language = language_of(request)
    titles, words = titles_of(knowledge, language), parts.words[language]
    return page(
        request,
        "rule.html",
        rule=rule,
        when=say_all(rule.form.when, titles, words),
        raised=[(step.to, say_all(step.when, titles, words)) for step in rule.form.raised],
        plain=without_fillings,
        header=header,
        rows=rows,
        times=_times(rule, counts),
        by_tier=[(tier, [by_tier[days][tier] for days in WINDOWS]) for tier in _tiers(by_tier.values())],
        windows=WINDOWS,
        looked_at=looked_at,
        overdue=is_overdue(rule, parts.clock().date()),
        knowledge=knowledge.version,
        approval=parts.settings.approval,
    )


def _windows(now: datetime) -> dict[str, datetime]:
    return {days: now - timedelta(days=int(days)) for days in WINDOWS}


def _tiers(counts: Iterable[Counter[str]]) -> list[str]:
    seen = {tier for each in counts for tier in each}
    return [tier for tier in (*FOUND_TIERS, TRIAL) if tier in seen]


def is_overdue(rule: Rule, today: date) -> bool:
    """Return whether it should have been looked at again."""
    return rule.form.upkeep.review_by < today


def _times(rule: Rule, counts: dict[str, int]) -> int:
    """Return how often it fired; a rule on trial leaves only its trace."""
    return counts.get(rule.id if rule.is_live else f"trial:{rule.id}", 0)


def without_fillings(template: str) -> str:
    """Show a template as text: `{inr}` as …, and without the brackets of what may be left out."""
    return _FILLING.sub("…", template).replace("[[", "").replace("]]", "")


def read_table(text: str) -> tuple[list[str], list[list[str]]]:
    """Read the examples: their header, and their rows."""
    lines = [line.strip().strip("|") for line in text.splitlines() if line.strip()]
    cells = [[cell.strip() for cell in line.split("|")] for line in lines if set(line) - set("|-: ")]
    return (cells[0], cells[1:]) if cells else ([], [])
