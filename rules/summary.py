"""The text of an answer: what was found, what speaks for safety, what is missing and what to do, in every language.

Each language holds the same parts. Findings that do not fit are counted.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from clinical.words import FALLBACK, Text
from rules.assessment import Finding
from rules.facts import HISTORY
from rules.picture import Picture
from rules.wording import fill

LONGEST = 600  # characters of the text, in each language
_PARTS = re.compile("[:;] ")


class _TextPart(NamedTuple):
    """A part of the text, and its place in it."""

    place: int
    words: Text


def summarize(
    found: Sequence[Finding],
    advice: Sequence[Text],
    mitigating: Sequence[Text],
    missing: Sequence[Text],
    picture: Picture,
) -> Text:
    """Write the text of findings, the gravest first, of at most `LONGEST` characters in each language."""
    gravest = found[0]
    same = [_said_once(each, gravest, picture) for each in found if each.tier == gravest.tier]
    others = [each for each in found if each.tier != gravest.tier and not _is_named(each, gravest)]
    may_be_cut = len(same) > 1 or bool(others)
    room = LONGEST - (_length(_also([], len(found), picture)) if may_be_cut else 0)
    by_weight = [  # the most important first
        _TextPart(0, _shortened(same[0], room)),
        *([_TextPart(3, _after("in_favour", mitigating, picture))] if mitigating else ()),
        *([_TextPart(4, _after("missing", missing, picture))] if missing else ()),
        *(_TextPart(5, _advised(line, picture)) for line in advice[:1]),
        *(_TextPart(1, _spaced(each)) for each in same[1:]),
        *(_TextPart(5, _spaced(line)) for line in advice[1:]),
    ]
    kept = _that_fit(by_weight, room)
    room -= sum(_length(part.words) for part in kept)
    left_out = len(same) - sum(part.place <= 1 for part in kept)
    named = _that_are_named(others, room)
    if others or left_out:
        described = describe(named, room - length_of_titles(named), _whole(kept))
        kept.append(_TextPart(2, _also(described, left_out + len(others) - len(named), picture)))
    return _whole(kept)


def describe(findings: Sequence[Finding], room: int, told: Text | None = None) -> list[Text]:
    """Return the first sentence of each finding as far as there is room beyond the titles, and what was not told yet;
    else its title."""
    said: list[Text] = []
    for each in findings:
        sentence = first_sentence(each)
        longer = _length(sentence) - _length(each.title)
        before = " ".join(each[FALLBACK] for each in ([told] if told else []) + said)
        repeats = any(part in before for part in _PARTS.split(sentence[FALLBACK])[1:])
        if longer <= room and not repeats:
            said.append(sentence)
            room -= longer
        else:
            said.append(each.title)
    return said


def first_sentence(finding: Finding) -> Text:
    """Return the first sentence of why a rule fired, without its full stop."""
    return Text({language: words.split(". ")[0].rstrip(".") for language, words in finding.because.items()})


def _said_once(finding: Finding, gravest: Finding, picture: Picture) -> Text:
    """Return why a rule fired, without the diagnoses that the gravest finding names."""
    rest = tuple(fact for fact in finding.facts if fact not in gravest.facts)
    if finding is gravest or rest == finding.facts:
        return finding.because
    template = Text(dict.fromkeys(finding.because, "{found}"))
    ours, others = fill(template, picture, finding.facts), fill(template, picture, rest)
    if not ours[FALLBACK]:
        return finding.because
    has_others = any(fact.kind in HISTORY for fact in rest)
    return Text(
        {
            language: words.replace(f": {ours[language]}", f": {others[language]}" if has_others else "", 1)
            for language, words in finding.because.items()
        }
    )


def _is_named(finding: Finding, gravest: Finding) -> bool:
    """Whether the gravest finding names this one: several moderate findings that are one together do."""
    told = gravest.because[FALLBACK]
    return finding.title[FALLBACK] in told or first_sentence(finding)[FALLBACK] in told


def _that_fit(parts: Iterable[_TextPart], room: int) -> list[_TextPart]:
    kept = []
    for part in parts:
        if (length := _length(part.words)) <= room:
            kept.append(part)
            room -= length
    return kept


def _that_are_named(others: Sequence[Finding], room: int) -> list[Finding]:
    """Return the first of these findings, as many as there is room for their titles."""
    named = list(others)
    while named and length_of_titles(named) > room:
        named.pop()
    return named


def length_of_titles(findings: Iterable[Finding]) -> int:
    """Return the characters that the titles of findings take in a list, in the language where they are longest."""
    return sum(_length(each.title) + len("; ") for each in findings)


def _also(described: Sequence[Text], left_out: int, picture: Picture) -> Text:
    """Return what else was found, and how many findings more."""
    words = {}
    for language, phrases in picture.terms.phrases.items():
        more = phrases.one_finding if left_out == 1 else phrases.findings.format(number=left_out)
        listed = [*(each[language] for each in described), *([more] if left_out else [])]
        words[language] = f" {phrases.also} {'; '.join(listed)}."
    return Text(words)


def _after(label: str, lines: Sequence[Text], picture: Picture) -> Text:
    return Text(
        {
            language: f" {getattr(phrases, label)} {'; '.join(line[language] for line in lines)}."
            for language, phrases in picture.terms.phrases.items()
        }
    )


def _advised(line: Text, picture: Picture) -> Text:
    return Text(
        {language: f" {phrases.advice} {line[language]}" for language, phrases in picture.terms.phrases.items()}
    )


def _spaced(words: Text) -> Text:
    return Text({language: f" {each}" for language, each in words.items()})


def _whole(parts: Sequence[_TextPart]) -> Text:
    ordered = sorted(parts, key=lambda part: part.place)
    return Text({language: "".join(part.words[language] for part in ordered) for language in parts[0].words})


def _length(words: Text) -> int:
    """Return the length of a text in the language where it is longest."""
    return max(map(len, words.values()))


def _shortened(words: Text, room: int) -> Text:
    """Cut a text to the room there is in each language, at a word boundary."""
    return Text(
        {
            language: each if len(each) <= room else each[: room - 1].rsplit(" ", 1)[0].rstrip(" ,;:.") + "…"
            for language, each in words.items()
        }
    )
