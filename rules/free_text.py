"""Free text: "geen DVT" is not a thrombosis, "vader trombosebeen" is of a relative."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rules.assertions import Reader, Span, plain
from rules.codes import Codes, Remembered, TextPattern
from rules.forms import Cues
from rules.spelling import Spelling

Mention = tuple[str, str]  # value set, certainty
_SUREST = ("confirmed", "suspected", "family", "refuted")
_OF_EITHER = re.compile(r"^[vm]tev?$|tromb(o|us|en)-?embol|thromb(o|us)-?embol", re.IGNORECASE)
_OF_THE_LUNG = re.compile(r"^(pe|le|ep|lae)\b|\b(long|lung|pulmo)\w*", re.IGNORECASE)
_CLAUSE_END = re.compile(r"[,;()]")


class Named(NamedTuple):
    """One term in a sentence: its value set and place."""

    set: str
    span: Span


class Told(NamedTuple):
    """What a sentence says about a value set."""

    set: str
    certainty: str
    sentence: str  # as it was written
    part: str = ""  # lung, vein, or "" for either
    looked: bool = False  # the sentence says how it was looked for


class FreeText:
    """Finds value sets in text, with the certainty given by the words around each term."""

    def __init__(
        self, codes: Codes, reader: Reader, spelling: Spelling, cues: Cues, past_of: Mapping[str, str],
        hidden_by: Mapping[str, Sequence[str]],
    ) -> None:  # fmt: skip  # what it is made of, in two lines
        self._patterns = codes.patterns
        self._reader, self._spelling, self._past_of = reader, spelling, past_of
        self._hides = {name: frozenset(hidden) for name, hidden in hidden_by.items()}
        self._not_meant, self._past = _any_of(cues.not_meant), _any_of(cues.past)
        self._positive, self._negative = _any_of(cues.positive), _any_of(cues.negative)
        self._cache: Remembered[str, tuple[Told, ...]] = Remembered()
        self._named: Remembered[str, frozenset[str]] = Remembered()

    def mentions(self, text: str) -> tuple[Mention, ...]:
        """Return each value set in the text, with its certainty."""
        return tuple(dict.fromkeys((each.set, each.certainty) for each in self._told(text)))

    def surest(self, text: str) -> dict[str, str]:
        """Return each value set with its highest certainty: "geen DVT, wel longembolie" is a thrombosis."""
        told = sorted(self._told(text), key=lambda each: _SUREST.index(each.certainty), reverse=True)
        return {each.set: each.certainty for each in told}

    def excerpts(self, text: str) -> dict[str, str]:
        """Return for each value set the sentence with the highest certainty, as written."""
        told = sorted(self._told(text), key=lambda each: _SUREST.index(each.certainty))
        return {each.set: each.sentence for each in reversed(told)}

    def _told(self, text: str) -> tuple[Told, ...]:
        """Return what the text says, sentence by sentence; remembered per text."""
        found = self._cache.get(text)
        if found is None:
            read = list(self._read(text))
            told = [each for place, each in enumerate(read) if not _is_settled(each, read[place + 1 :])]
            found = self._cache.keep(text, tuple(dict.fromkeys(told)))
        return found

    def sets_named(self, text: str) -> frozenset[str]:
        """Return the value sets whose patterns occur, whatever is said of them: for names of medicines."""
        found = self._named.get(text)
        if found is None:
            words = self._spelling.mended(plain(text))
            named = frozenset(each.set for each in self._patterns if each.pattern.search(words))
            found = self._named.keep(text, named)
        return found

    def rules_out(self, text: str) -> bool:
        """Return whether a text says that something was looked for and not found, rather than that it is absent."""
        return self._reader.rules_out(plain(text))

    def is_positive(self, text: str) -> bool:
        """Return whether a result in words says that something was found."""
        words = plain(text)
        return bool(self._positive.search(words)) and not self._negative.search(words)

    def _read(self, text: str) -> Iterator[Told]:
        for written in self._reader.sentences(text):
            sentence = self._not_meant.sub(" ", self._spelling.mended(plain(written)))
            named = self._names(sentence)
            if not named:
                continue
            read = self._reader.read(sentence, [each.span for each in named])
            for each in named:
                certainty = read.says(each.span)
                if certainty is not None:
                    part = _part_of(sentence[slice(*each.span)])
                    yield Told(self._dated(each, certainty, sentence), certainty, written, part, read.is_looked_for)

    def _names(self, sentence: str) -> list[Named]:
        """Return the terms in the sentence, without those hidden in another: "retinal vein thrombosis" is not a VTE."""
        found = [
            Named(each.set, _span(match, each)) for each in self._patterns for match in each.pattern.finditer(sentence)
        ]
        return [each for each in found if not any(self._is_hidden(each, other) for other in found)]

    def _is_hidden(self, named: Named, other: Named) -> bool:
        return (
            named.set in self._hides.get(other.set, ())
            and named.span[0] < other.span[1]
            and other.span[0] < named.span[1]
        )

    def _dated(self, named: Named, certainty: str, sentence: str) -> str:
        """Return the set it belongs to: that of the past, when its clause says so."""
        if certainty != "confirmed" or named.set not in self._past_of:
            return named.set
        begins = max((match.end() for match in _CLAUSE_END.finditer(sentence, 0, named.span[0])), default=0)
        ends = _CLAUSE_END.search(sentence, named.span[1])
        clause = sentence[begins : ends.start() if ends else len(sentence)]
        return self._past_of[named.set] if self._past.search(clause) else named.set


def _is_settled(told: Told, later: Sequence[Told]) -> bool:
    """Whether a doubt is answered further on by an examination: "verdenking DVT; duplex: geen trombose"."""
    return told.certainty == "suspected" and any(
        each.certainty == "refuted" and each.looked and each.sentence != told.sentence and each.part in ("", told.part)
        for each in later
        if each.set == told.set
    )


def _part_of(name: str) -> str:
    """The part of the body that a name of a thrombosis speaks of."""
    return "lung" if _OF_THE_LUNG.search(name) else "" if _OF_EITHER.search(name) else "vein"


def _span(match: re.Match[str], pattern: TextPattern) -> Span:
    """Return where the name itself stands: some patterns begin before it, to look around."""
    if "it" in pattern.pattern.groupindex:
        return match.span("it")
    if pattern.pattern.pattern.startswith("^"):
        return match.end() - len(match.group().split()[-1]), match.end()
    start, end = match.span()
    while start > 0 and match.string[start - 1].isalpha():  # the name ends a longer word: "mammacarcinoom"
        start -= 1
    return start, end


def _any_of(words: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{plain(word)})" for word in words) or r"(?!)", re.IGNORECASE)
