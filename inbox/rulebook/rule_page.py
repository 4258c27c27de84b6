"""The rule book: every rule, and of each what fires it, what it says, on which evidence, and its examples."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Template

from clinical.words import FOUND_TIERS
from inbox.http.pages import language_of, page
from inbox.http.parts import AnyRequest, parts_of
from inbox.http.words import Words
from inbox.people.permissions import Permission, needs
from rules.knowledge import Knowledge, Rule
from store.assessments import TRIAL, fired, fired_by_tier
from store.engine import reading

_COMPARISONS = ("below", "at_most", "above", "at_least")

WINDOWS = ("30", "365")  # days
_FILLING = re.compile(r"\{\w+\}")


@get("/rules", opt=needs(Permission.RULES_READ), include_in_schema=False, sync_to_thread=True)
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
        on_trial=sum(rule.form.status == "trial" for rule in knowledge.rules),
        overdue={rule.id for rule in knowledge.rules if is_overdue(rule, parts.clock().date())},
        knowledge=knowledge.version,
        approval=parts.settings.approval,
    )


@get("/rules/{rule_id:str}", opt=needs(Permission.RULES_READ), include_in_schema=False, sync_to_thread=True)
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


@dataclass(frozen=True, slots=True)
class ConditionSentence:
    """One condition in words, and the conditions it is made of."""

    words: str
    parts: tuple["ConditionSentence", ...] = ()


def titles_of(knowledge: Knowledge, language: str) -> dict[str, str]:
    """Return the titles of value sets, measurements and states by the names that rules use."""
    terms = knowledge.terms
    titled = {name: each.title.text for name, each in terms.measurements.items()}
    titled |= {name: each.title for name, each in (terms.states | terms.risk_factors).items()}
    return {name: title[language] for name, title in (terms.codes.titles | titled).items()}


def say_all(
    conditions: Iterable[Mapping[str, Any]], titles: Mapping[str, str], words: Words
) -> tuple[ConditionSentence, ...]:
    """Return conditions as sentences."""
    return tuple(_say(condition, titles, words) for condition in conditions)


def _say(condition: Mapping[str, Any], titles: Mapping[str, str], words: Words) -> ConditionSentence:
    word = next(iter(condition))
    value = condition[word]
    template = words(f"condition.sentence.{word}")
    if isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        return ConditionSentence(template, say_all(value, titles, words))
    given = {name: _number(each, words) for name, each in condition.items() if name != word}
    said = template.format(it=_names(value, titles, words), limit=_limit(condition, words), **given)
    return ConditionSentence(", ".join([said, *_remarks(condition, words)]))


def _names(value: Any, titles: Mapping[str, str], words: Words) -> str:
    if isinstance(value, list):
        either = words("condition.choice.or")
        names = [_names(each, titles, words) for each in value]
        return f" {either} ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
    choice = words.words.get(f"condition.choice.{value}")
    if str(value) in titles and (choice is None or str(value) != "intravenous-immunoglobulin"):
        return titles[str(value)]
    return choice if choice else _number(value, words)


def _limit(condition: Mapping[str, Any], words: Words) -> str:
    for name in _COMPARISONS:
        if name in condition:
            return words(f"condition.limit.{name}", number=_number(condition[name], words))
    return ""


def _remarks(condition: Mapping[str, Any], words: Words) -> list[str]:
    """Return what a parameter adds to the sentence: `remark.route`, or by its value `remark.if_missing.holds`."""
    found = []
    for name, value in condition.items():
        for key in (f"condition.remark.{name}", f"condition.remark.{name}.{value}"):
            if key in words.words:
                found.append(words(key, value=value))
    return found


def _number(value: Any, words: Words) -> str:
    return str(value).replace(".", words("decimal"))
