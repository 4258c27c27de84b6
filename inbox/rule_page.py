"""The page of one rule: when it fires, what it says, on which evidence, and the examples it is held to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Template

from inbox.pages import page
from inbox.parts import AnyRequest, parts_of


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
    return page(
        request,
        "rule.html",
        rule=rule,
        when=say_all(rule.form.when),
        raised=[(step.to, say_all(step.when)) for step in rule.form.raised],
        header=header,
        rows=rows,
        knowledge=knowledge.version,
    )


def say_all(conditions: Iterable[Mapping[str, Any]]) -> tuple[Said, ...]:
    """Say conditions in the words of the rule file, which are chosen to be read."""
    return tuple(_say(condition) for condition in conditions)


def _say(condition: Mapping[str, Any]) -> Said:
    words: list[str] = []
    parts: list[Said] = []
    for name, value in condition.items():
        if isinstance(value, list) and value and all(isinstance(part, Mapping) for part in value):
            words.append(_plain(name))
            parts += say_all(value)
        else:
            words.append(f"{_plain(name)} {_value(value)}".strip())
    return Said(", ".join(words), tuple(parts))


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_value(part) for part in value)
    if isinstance(value, Mapping):
        return _say(value).words
    return "" if value is True else str(value)


def _plain(name: str) -> str:
    return name.replace("_", " ")


def read_table(text: str) -> tuple[list[str], list[list[str]]]:
    """Read the examples: their header, and their rows."""
    lines = [line.strip().strip("|") for line in text.splitlines() if line.strip()]
    cells = [[cell.strip() for cell in line.split("|")] for line in lines if set(line) - set("|-: ")]
    return (cells[0], cells[1:]) if cells else ([], [])
