"""Conditions of a rule as sentences, in the words of the catalogues."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from inbox.http.words import Words
from rules.knowledge import Knowledge

_COMPARISONS = ("below", "at_most", "above", "at_least")


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
    """Say conditions in sentences."""
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
