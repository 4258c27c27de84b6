"""Free text, read with care: "geen DVT" is no thrombosis, "vader trombosebeen" is somebody else's."""

import re
from collections.abc import Mapping

from rules.codes import Codes
from rules.forms import Cues
from rules.remembered import Remembered

Mention = tuple[str, str]  # value set, certainty
_CLAUSE = re.compile(
    r"(?<!\bfam)(?<!\bsusp)(?<!\bst)(?<!\bst\.n)(?<!\bz\.n)(?<!\bv\.a)[,;.\n]+\s|[;\n]|\b(?:maar|but|wel)\b",
    re.IGNORECASE,
)
_SUREST = ("confirmed", "suspected", "family", "refuted")


class FreeText:
    """Finds value sets in words, each with the certainty the words around it give."""

    def __init__(self, codes: Codes, cues: Cues, past_of: Mapping[str, str]) -> None:
        self._patterns = codes.patterns
        self._past_of = past_of
        self._not_meant = _any_of(cues.not_meant)
        self._negated, self._negated_after = _any_of(cues.negated), _any_of(cues.negated_after)
        self._beyond = _any_of(cues.beyond)
        self._family, self._suspected = _any_of(cues.family), _any_of(cues.suspected)
        self._past = _any_of(cues.past)
        self._positive, self._negative = _any_of(cues.positive), _any_of(cues.negative)
        self._cache: Remembered[str, tuple[Mention, ...]] = Remembered()
        self._named: Remembered[str, frozenset[str]] = Remembered()

    def mentions(self, text: str) -> tuple[Mention, ...]:
        """Return each value set the text speaks of; remembered per text."""
        found = self._cache.get(text)
        if found is None:
            read = (mention for clause in _CLAUSE.split(text) for mention in self._read(clause))
            found = self._cache.keep(text, tuple(dict.fromkeys(read)))
        return found

    def surest(self, text: str) -> dict[str, str]:
        """Return each value set with the surest the text says of it: "geen DVT, wel longembolie" is a thrombosis."""
        mentions = sorted(self.mentions(text), key=lambda mention: _SUREST.index(mention[1]), reverse=True)
        return dict(mentions)

    def sets_named(self, text: str) -> frozenset[str]:
        """Return the value sets whose patterns occur, whatever is said of them: for names of medicines."""
        found = self._named.get(text)
        if found is None:
            named = frozenset(each.set for each in self._patterns if each.pattern.search(text))
            found = self._named.keep(text, named)
        return found

    def may_say(self, text: str, certainty: str) -> bool:
        """Tell whether the text holds a word that denies, doubts, or names a relative: it may be why a fact does."""
        cues = {
            "refuted": (self._negated, self._negated_after),
            "family": (self._family,),
            "suspected": (self._suspected,),
        }
        return any(cue.search(text) for cue in cues.get(certainty, ()))

    def is_positive(self, text: str) -> bool:
        """Tell whether a result in words says that something was found."""
        return bool(self._positive.search(text)) and not self._negative.search(text)

    def _read(self, clause: str) -> list[Mention]:
        clause = self._not_meant.sub(" ", clause)
        if not clause.strip():
            return []
        mentions: list[Mention] = []
        for each in self._patterns:
            found = list(each.pattern.finditer(clause))
            if found:
                certainty = self._certainty(clause, found)
                past = certainty == "confirmed" and self._past.search(clause)
                mentions.append((self._past_of.get(each.set, each.set) if past else each.set, certainty))
        return mentions

    def _certainty(self, clause: str, found: list[re.Match[str]]) -> str:
        """How sure the clause is of its finds; of several, one that is not denied counts."""
        if all(self._is_denied(clause, each) for each in found):
            return "refuted"
        if self._family.search(clause):
            return "family"
        return "suspected" if self._suspected.search(clause) else "confirmed"

    def _is_denied(self, clause: str, find: re.Match[str]) -> bool:
        if self._negated_after.search(clause[find.end() :]):
            return True
        before = clause[: find.end()]  # some patterns begin before the word they look for
        denials = list(self._negated.finditer(before))
        return bool(denials) and not self._beyond.search(before, denials[-1].end())


def _any_of(words: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{word})" for word in words) or r"(?!)", re.IGNORECASE)
