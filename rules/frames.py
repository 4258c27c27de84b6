"""What a sentence as a whole says of the diseases in it, whatever stands beside each of them.

A disease that a talk with the patient is about is nobody's; an entry that was made by mistake says that there was none;
where something else was found it was that; a test that is awaited leaves it open; a box that nobody ticked says nothing.
The words stand in `cues/`, a file for each language, and are looked at in all languages together, as the cues are.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from rules.assertions import Certainty, Span, compiled, plain

KINDS = (
    "topics", "talks", "warns", "affirms", "wrong", "wrong_of", "turns", "points", "instead", "besides", "acted_on",
    "tests", "awaits", "looks_for", "checks_on", "weighs",
)  # fmt: skip  # a list of words
_BOX = re.compile(r"(?P<empty>\[\s*_?\s*\]|\(\s\s?\)|[☐□▢❏◻○])|(?P<ticked>\[\s*[xX✓✔☒vV]\s*\]|\([xX✓✔]\)|[☑☒■✓✔◼●])")
_ANSWER = re.compile(r"\W{0,3}(ja|j|yes|y|oui|o|nee|neen|no|n|nein|non|onbekend|unknown|unbekannt|inconnu)\b", re.IGNORECASE)
_EITHER = re.compile(
    r"[\s:?]*\(?\s*(ja|j|yes|y|oui|o)\s*[/|]\s*(nee|neen|n|no|nein|non)\b\s*\)?(?!\s*[:=]?\s*\w)", re.IGNORECASE
)
_YEAR = re.compile(r"(?<![\d.,/-])(?:19|20)\d\d(?![\d.,])|'\d\d\b")
_CLAUSE = re.compile(r"[,;()]|\s[-–]\s|\. ")
_NEAR = 60  # characters between the words of a turn and what was found instead


class Frames:
    """The words of every language that frame a sentence."""

    def __init__(self, languages: Iterable[Mapping[str, Sequence[str]]]) -> None:
        told = list(languages)
        every = {kind: [each for language in told for each in language.get(kind, ())] for kind in KINDS}
        words = {kind: _joined(patterns) for kind, patterns in every.items()}
        self._topics, self._talks, self._warns = words["topics"], words["talks"], words["warns"]
        self._affirms, self._wrong, self._wrong_of = words["affirms"], words["wrong"], words["wrong_of"]
        self._turned = _found_instead(every["turns"], every["instead"])
        self._pointed = _found_instead(every["points"], every["instead"])
        self._besides, self._acted_on = words["besides"], words["acted_on"]
        self._tests, self._awaits, self._weighs = words["tests"], words["awaits"], words["weighs"]
        self._looks_for, self._checks_on = words["looks_for"], words["checks_on"]
        self._frames = lru_cache(maxsize=64)(self._framed)

    def qualified(self, sentence: str, span: Span, certainty: Certainty | None) -> Certainty | None:
        """Return how certain a sentence is of a disease in it, with what frames it; None if it is only mentioned."""
        if certainty in ("refuted", "family"):
            return certainty
        frames = self._frames(sentence)
        if "box" in frames and (ticked := _is_ticked(sentence, span)) is not None:
            return certainty if ticked else None
        if _EITHER.match(sentence, span[1]):
            return None
        if certainty is None:
            return "suspected" if "weighed" in frames and "awaited" in frames else None
        if "wrong" in frames and self._is_wrong(sentence, span):
            return "refuted"
        if ("turned" in frames or "pointed" in frames) and self._is_another(sentence, span, certainty):
            return "refuted"
        if "talk" in frames and self._is_talk(sentence, span):
            return None
        if "awaited" in frames and self._is_awaited(sentence, span):
            return "suspected"
        return certainty

    def finds_another(self, sentence: str) -> bool:
        """Return whether a sentence says what was found instead."""
        return bool(self._turned.search(sentence) or self._pointed.search(sentence))

    def is_acted_on(self, sentence: str) -> bool:
        """Return whether a sentence says that something was treated, or that a diagnosis was changed."""
        return self._acted_on.search(sentence) is not None

    def _framed(self, sentence: str) -> frozenset[str]:
        """Return the frames that a sentence may have."""
        found = set()
        if _BOX.search(sentence):
            found.add("box")
        if self._wrong.search(sentence):
            found.add("wrong")
        if self._turned.search(sentence):
            found.add("turned")
        if self._pointed.search(sentence):
            found.add("pointed")
        if self._warns.search(sentence) or (self._topics.search(sentence) and self._talks.search(sentence)):
            found.add("talk")
        if self._awaits.search(sentence) and not self._checks_on.search(sentence):
            is_weighed = self._weighs.search(sentence) is not None
            found.update({"weighed"} if is_weighed else ())
            found.update({"awaited"} if is_weighed or self._tests.search(sentence) else ())
        return frozenset(found)

    def _has_happened(self, sentence: str, span: Span) -> bool:
        """Whether the clause around it says that it was there: a year, "gehad", "in VG"."""
        begins, ends = _clause(sentence, span)
        clause = sentence[begins : span[0]] + " ¤ " + sentence[span[1] : ends]
        return bool(_YEAR.search(clause) or self._affirms.search(clause))

    def _is_wrong(self, sentence: str, span: Span) -> bool:
        """Whether it was written down by mistake; not its date or side alone."""
        return not self._wrong_of.search(sentence[: span[0]] + " ¤ " + sentence[span[1] :])

    def _is_another(self, sentence: str, span: Span, certainty: Certainty) -> bool:
        """Whether the sentence goes on to what was found instead."""
        is_doubted = certainty == "suspected" or "?" in (sentence[span[0] - 1 : span[0]], sentence[span[1] : span[1] + 1])
        turns = [self._turned, self._pointed] if is_doubted else [self._turned]
        found = next((match for turn in turns if (match := turn.search(sentence, span[1]))), None)
        if found is None or self.is_acted_on(sentence):
            return False
        if self._besides.search(sentence, span[1], found.end() + 20):
            return False
        return is_doubted or not self._has_happened(sentence, span)

    def _is_talk(self, sentence: str, span: Span) -> bool:
        """Whether it stands behind the subject of a talk, or behind the warning itself."""
        begins = [match.start() for match in self._warns.finditer(sentence)]
        if self._talks.search(sentence):
            begins += [match.start() for match in self._topics.finditer(sentence)]
        return any(begin < span[0] for begin in begins) and not self._has_happened(sentence, span)

    def _is_awaited(self, sentence: str, span: Span) -> bool:
        """Whether a test that is still to come is for it, or its probability was weighed."""
        if self._has_happened(sentence, span):
            return False
        before = sentence[: span[0]]
        return bool(self._weighs.search(sentence) or (self._tests.search(before) and self._looks_for.search(before)))


def _is_ticked(sentence: str, span: Span) -> bool | None:
    """Whether the box beside it is ticked; None where there is none, or where the boxes are for yes and no."""
    boxes = list(_BOX.finditer(sentence))
    if any(_ANSWER.match(sentence, box.end()) for box in boxes):
        return None
    leads = not sentence[: boxes[0].start()].strip() or sentence[: boxes[0].start()].rstrip().endswith((":", ")", "-"))
    if leads:
        box = next((each for each in reversed(boxes) if each.end() <= span[0]), None)
    else:
        box = next((each for each in boxes if each.start() >= span[1]), None)
    return None if box is None else box["ticked"] is not None


def _clause(sentence: str, span: Span) -> Span:
    begins = max((match.end() for match in _CLAUSE.finditer(sentence, 0, span[0])), default=0)
    ends = _CLAUSE.search(sentence, span[1])
    return begins, ends.start() if ends else len(sentence)


def _joined(patterns: Sequence[str]) -> re.Pattern[str]:
    if not patterns:
        return compiled(r"(?!)")
    return compiled(rf"(?<!\w)(?:{'|'.join(map(plain, patterns))})(?!\w)")


def _found_instead(turns: Sequence[str], instead: Sequence[str]) -> re.Pattern[str]:
    """Return the pattern of a turn and, few words further, something that is no thrombosis."""
    if not turns or not instead:
        return compiled(r"(?!)")
    found, other = "|".join(map(plain, turns)), "|".join(map(plain, instead))
    return compiled(rf"(?:(?<!\w)(?:{found}))(?=\W)[^.;]{{0,{_NEAR}}}?(?<!\w)(?:{other})(?!\w)")
