"""Conditions of a rule as sentences, in Dutch and in English."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from rules.knowledge import Knowledge

SENTENCES = Path(__file__).parent.parent / "words" / "conditions.yaml"
_COMPARISONS = ("below", "at_most", "above", "at_least")


@dataclass(frozen=True, slots=True)
class Said:
    """One condition in words, and the conditions it is made of."""

    words: str
    parts: tuple["Said", ...] = ()


@cache
def _catalogue() -> dict[str, Any]:
    catalogue: dict[str, Any] = yaml.safe_load(SENTENCES.read_text(encoding="utf-8"))
    return catalogue


def titles_of(knowledge: Knowledge, language: str) -> dict[str, str]:
    """Give the titles of value sets, measurements and states by the names that rules use."""
    terms = knowledge.terms
    titled = {name: each.title.text for name, each in terms.measurements.items()}
    titled |= {name: each.title for name, each in (terms.states | terms.risk_factors).items()}
    return {name: title[language] for name, title in (terms.codes.titles | titled).items()}


def say_all(conditions: Iterable[Mapping[str, Any]], titles: Mapping[str, str], language: str) -> tuple[Said, ...]:
    """Say conditions in sentences."""
    return tuple(_say(condition, titles, language) for condition in conditions)


def _say(condition: Mapping[str, Any], titles: Mapping[str, str], language: str) -> Said:
    word = next(iter(condition))
    value = condition[word]
    template = _catalogue()["sentence"][word][language]
    if isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        return Said(template, say_all(value, titles, language))
    given = {name: _number(each, language) for name, each in condition.items() if name != word}
    said = template.format(it=_names(value, titles, language), limit=_limit(condition, language), **given)
    return Said(", ".join([said, *_remarks(condition, language)]))


def _names(value: Any, titles: Mapping[str, str], language: str) -> str:
    if isinstance(value, list):
        either = _catalogue()["choice"]["or"][language]
        names = [_names(each, titles, language) for each in value]
        return f" {either} ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
    choice = _catalogue()["choice"].get(str(value))
    if str(value) in titles and (choice is None or str(value) != "intravenous-immunoglobulin"):
        return titles[str(value)]
    return str(choice[language]) if choice else _number(value, language)


def _limit(condition: Mapping[str, Any], language: str) -> str:
    for name in _COMPARISONS:
        if name in condition:
            return str(_catalogue()["limit"][name][language].format(number=_number(condition[name], language)))
    return ""


def _remarks(condition: Mapping[str, Any], language: str) -> list[str]:
    found = []
    for name, words in _catalogue()["remark"].items():
        if name in condition:
            chosen = words.get(condition[name], words)
            found.append(chosen[language].format(value=condition[name]))
    return [words for words in found if words]


def _number(value: Any, language: str) -> str:
    return str(value).replace(".", ",") if language == "nl" else str(value)
