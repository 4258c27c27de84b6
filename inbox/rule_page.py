"""The page of one rule: when it fires, what it says, on which evidence, and the examples it is held to."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Template

from inbox.pages import language_of, page
from inbox.parts import AnyRequest, parts_of
from rules.knowledge import Knowledge

_FILLING = re.compile(r"\{\w+\}")


@dataclass(frozen=True, slots=True)
class Said:
    """One condition in words, and the conditions it is made of."""

    words: str
    parts: tuple["Said", ...] = ()


@get("/rules/{rule_id:str}", include_in_schema=False, sync_to_thread=False)
def show_rule(request: AnyRequest, rule_id: FromPath[str]) -> Template:
    """Show the rule as it judges now."""
    knowledge = parts_of(request).knowledge
    rule = next((rule for rule in knowledge.rules if rule.id == rule_id), None)
    if rule is None:
        raise NotFoundException("there is no such rule")
    header, rows = read_table(rule.form.examples)
    titles = titles_of(knowledge, language_of(request))
    return page(
        request,
        "rule.html",
        rule=rule,
        when=say_all(rule.form.when, titles),
        raised=[(step.to, say_all(step.when, titles)) for step in rule.form.raised],
        plain=without_fillings,
        header=header,
        rows=rows,
        knowledge=knowledge.version,
    )


def titles_of(knowledge: Knowledge, language: str) -> dict[str, str]:
    """Give the titles of value sets, measurements and states by the names that rules use."""
    terms = knowledge.terms
    titles = {name: nl if language == "nl" else en for name, (nl, en) in terms.codes.titles.items()}
    titled = {name: each.title for name, each in terms.measurements.items()}
    states = {name: each.title for name, each in (terms.states | terms.risk_factors).items()}
    return titles | {name: title.nl if language == "nl" else title.en for name, title in (titled | states).items()}


def say_all(conditions: Iterable[Mapping[str, Any]], titles: Mapping[str, str]) -> tuple[Said, ...]:
    """Say conditions in the words of the rule file, which are chosen to be read."""
    return tuple(_say(condition, titles) for condition in conditions)


def _say(condition: Mapping[str, Any], titles: Mapping[str, str]) -> Said:
    words: list[str] = []
    parts: list[Said] = []
    for name, value in condition.items():
        if isinstance(value, list) and value and all(isinstance(part, Mapping) for part in value):
            words.append(f"{_plain(name)}:")
            parts += say_all(value, titles)
        else:
            words.append(f"{_plain(name)}: {_value(value, titles)}".removesuffix(": "))
    return Said(", ".join(words), tuple(parts))


def _value(value: Any, titles: Mapping[str, str]) -> str:
    if isinstance(value, list):
        return ", ".join(_value(part, titles) for part in value)
    if isinstance(value, Mapping):
        return _say(value, titles).words
    return "" if value is True else titles.get(str(value), str(value))


def _plain(name: str) -> str:
    return name.replace("_", " ")


def without_fillings(template: str) -> str:
    """Show a template as text: `{inr}` as …, and without the brackets of what may be left out."""
    return _FILLING.sub("…", template).replace("[[", "").replace("]]", "")


def read_table(text: str) -> tuple[list[str], list[list[str]]]:
    """Read the examples: their header, and their rows."""
    lines = [line.strip().strip("|") for line in text.splitlines() if line.strip()]
    cells = [[cell.strip() for cell in line.split("|")] for line in lines if set(line) - set("|-: ")]
    return (cells[0], cells[1:]) if cells else ([], [])
