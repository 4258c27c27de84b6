"""Free text, read with care: "geen DVT" is no thrombosis, "vader trombosebeen" is somebody else's."""

import re
from collections.abc import Mapping

from rules.codes import Codes
from rules.forms import Cues

Mention = tuple[str, str]  # value set, certainty
_CLAUSE = re.compile(r"[,;.\n]+\s|[;\n]|\b(?:maar|but|wel)\b", re.IGNORECASE)
_CACHE_LIMIT = 4_096


class FreeText:
    """Finds value sets in words, each with the certainty the words around it give."""

    def __init__(self, codes: Codes, cues: Cues, past_of: Mapping[str, str]) -> None:
        self._patterns = codes.patterns
        self._past_of = past_of
        self._not_meant = _any_of(cues.not_meant)
        self._cues = (
            ("refuted", _any_of(cues.negated)),
            ("family", _any_of(cues.family)),
            ("suspected", _any_of(cues.suspected)),
        )
        self._past = _any_of(cues.past)
        self._positive, self._negative = _any_of(cues.positive), _any_of(cues.negative)
        self._cache: dict[str, tuple[Mention, ...]] = {}
        self._named: dict[str, frozenset[str]] = {}

    def mentions(self, text: str) -> tuple[Mention, ...]:
        """Return each value set the text speaks of; remembered per text."""
        found = self._cache.get(text)
        if found is None:
            found = tuple(dict.fromkeys(mention for clause in _CLAUSE.split(text) for mention in self._read(clause)))
            if len(self._cache) >= _CACHE_LIMIT:
                self._cache.clear()
            self._cache[text] = found
        return found

    def sets_named(self, text: str) -> frozenset[str]:
        """Return the value sets whose patterns occur, whatever is said of them: for names of medicines."""
        found = self._named.get(text)
        if found is None:
            found = frozenset(each.set for each in self._patterns if each.pattern.search(text))
            if len(self._named) >= _CACHE_LIMIT:
                self._named.clear()
            self._named[text] = found
        return found

    def is_positive(self, text: str) -> bool:
        """Tell whether a result in words says that something was found."""
        return bool(self._positive.search(text)) and not self._negative.search(text)

    def _read(self, clause: str) -> list[Mention]:
        if not clause.strip() or self._not_meant.search(clause):
            return []
        certainty = next((name for name, cue in self._cues if cue.search(clause)), "confirmed")
        sets = [each.set for each in self._patterns if each.pattern.search(clause)]
        if certainty == "confirmed" and self._past.search(clause):
            sets = [self._past_of.get(name, name) for name in sets]
        return [(name, certainty) for name in sets]


def _any_of(words: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{word})" for word in words) or r"(?!)", re.IGNORECASE)
