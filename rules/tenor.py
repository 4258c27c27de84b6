"""What a sentence as a whole says of the diseases in it, whatever stands beside each of them.

A disease that a talk with the patient is about is nobody's; an entry made by mistake says that there was none; where
something else was found it was that; a test that is awaited leaves it open; a box that nobody ticked says nothing.
The words stand in `cues/`, a file for each language, and are looked at in all languages together, as the cues are.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from rules.assertions import Certainty, Span
from rules.patterns import Language, choice_of, compiled, compiled_small, plain

KINDS = (
    "topics", "talks", "warns", "affirms", "wrong", "wrong_of", "unmade", "turns", "points", "instead", "besides",
    "acted_on",
    "tests", "awaits", "looks_for", "checks_on", "weighs", "reports", "unsure", "criteria", "claims",
    "after_words", "determiners", "boxed_yes", "boxed_unknown",
)  # fmt: skip  # a list of words
_BOX = re.compile(r"(?P<empty>\[\s*_?\s*\]|\(\s\s?\)|[☐□▢❏◻○])|(?P<ticked>\[\s*[xX✓✔☒vV]\s*\]|\([xX✓✔]\)|[☑☒■✓✔◼●])")
_ANSWERS: Mapping[str, Certainty | None] = {"yes": "confirmed", "no": "refuted", "neither": None}
_YEAR = re.compile(r"(?<![\d.,/-])(?:19|20)\d\d(?![\d.,])|'\d\d\b")
_CLAUSE = re.compile(r"[,;()]|\s[-–]\s|\. ")
_NEAR, _CLOSE = 60, 25  # characters between the words of a turn and what was found instead: of a doubt, and of any


class Tenors:
    """The words of every language that set the tenor of a sentence; sentences are in small letters."""

    def __init__(self, languages: Iterable[Language]) -> None:
        of_all = list(languages)
        self._boxes = _Boxes(of_all)
        self._after = compiled(  # "counselled after a DVT"
            rf"(?<!\w)({choice_of(of_all, 'after_words')})( ({choice_of(of_all, 'determiners')}))*\W+$"
        )
        every = {kind: [each for language in of_all for each in language.get(kind, ())] for kind in KINDS}
        words = {kind: _joined(patterns) for kind, patterns in every.items()}
        self._topics, self._talks, self._warns = words["topics"], words["talks"], words["warns"]
        self._affirms, self._wrong, self._wrong_of = words["affirms"], words["wrong"], words["wrong_of"]
        self._instead, self._unmade = words["instead"], _behind(every["unmade"])
        self._turned = _found_instead(every["turns"], every["instead"], _CLOSE)
        self._pointed = _found_instead([*every["turns"], *every["points"]], every["instead"], _NEAR)
        self._besides, self._acted_on = words["besides"], words["acted_on"]
        self._tests, self._awaits, self._weighs = words["tests"], words["awaits"], words["weighs"]
        self._reports, self._unsure = words["reports"], words["unsure"]
        self._looks_for, self._checks_on = words["looks_for"], words["checks_on"]
        self._criteria, self._claims = words["criteria"], words["claims"]
        self._tenors = lru_cache(maxsize=64)(self._found)

    def qualified(self, sentence: str, span: Span, certainty: Certainty | None) -> Certainty | None:
        """Return how certain a sentence is of a disease in it, by its tenor too; None if it is only mentioned."""
        tenors = self._tenors(sentence)
        if "box" in tenors and (answer := self._boxes.answered(sentence, span)) is not None:
            return _ANSWERS[answer] if certainty != "family" else certainty
        if "criteria" in tenors and self._is_criterion(sentence, span):
            return None
        if certainty in ("refuted", "family"):
            return certainty
        if "box" in tenors and (ticked := _is_ticked(sentence, span)) is not None:
            return certainty if ticked else None
        if self._boxes.either.match(sentence, span[1]):
            return None
        if certainty is None:
            return "suspected" if "weighed" in tenors and "awaited" in tenors else None
        if "wrong" in tenors and self._is_wrong(sentence, span):
            return "refuted"
        if "turned" in tenors and self._is_another(sentence, span, certainty):
            return "refuted"
        if "talk" in tenors and self._is_talk(sentence, span):
            return None
        if "awaited" in tenors and self._is_awaited(sentence, span):
            return "suspected"
        if "unsure" in tenors and not self._wrong_of.search(sentence) and not self._is_dated(sentence, span):
            return "suspected"
        return certainty

    def finds_another(self, sentence: str) -> bool:
        """Return whether a sentence says what was found instead."""
        return self._pointed.search(sentence) is not None

    def reports(self, sentence: str) -> bool:
        """Return whether a sentence reports what an examination showed."""
        return self._reports.search(sentence) is not None

    def is_mistaken(self, sentence: str) -> bool:
        """Return whether a sentence says that something was written down by mistake."""
        return self._says_wrong(sentence) and self._wrong_of.search(sentence) is None

    def checks_on(self, sentence: str) -> bool:
        """Return whether a sentence tells of a check of what is known: "controle", "repeat scan"."""
        return self._checks_on.search(sentence) is not None

    def is_acted_on(self, sentence: str) -> bool:
        """Return whether a sentence says that something was treated, or that a diagnosis was changed."""
        return self._acted_on.search(sentence) is not None

    def _found(self, sentence: str) -> frozenset[str]:
        """Return the tenors that a sentence may have."""
        found = set()
        if _BOX.search(sentence):
            found.add("box")
        if self._criteria.search(sentence):
            found.add("criteria")
        if self._says_wrong(sentence):
            found.add("wrong")
        if self._pointed.search(sentence):
            found.add("turned")
        if self._unsure.search(sentence):
            found.add("unsure")
        if self._warns.search(sentence) or (self._topics.search(sentence) and self._talks.search(sentence)):
            found.add("talk")
        if self._awaits.search(sentence) and not self._checks_on.search(sentence):
            is_weighed = self._weighs.search(sentence) is not None
            found.update({"weighed"} if is_weighed else ())
            found.update({"awaited"} if is_weighed or self._tests.search(sentence) else ())
        return frozenset(found)

    def _is_criterion(self, sentence: str, span: Span) -> bool:
        """Whether it stands in the text of a protocol: behind "exclusiecriteria:", and without a year of its own."""
        found = self._criteria.search(sentence, 0, span[0])
        return found is not None and not self._is_dated(sentence, span)

    def _is_dated(self, sentence: str, span: Span) -> bool:
        return _YEAR.search(sentence[slice(*_clause(sentence, span))]) is not None

    def _has_happened(self, sentence: str, span: Span) -> bool:
        """Whether the clause around it says that it was there: a year, "gehad", "in VG"."""
        begins, ends = _clause(sentence, span)
        clause = sentence[begins : span[0]] + " ¤ " + sentence[span[1] : ends]
        return bool(_YEAR.search(clause) or self._affirms.search(clause))

    def _says_wrong(self, sentence: str) -> bool:
        """Whether something was written down by mistake, no other disease: "vervalt", not "vervalt niet".

        That it is wrong to say that there was none says that there was one.
        """
        return any(
            not self._unmade.match(sentence, found.end())
            and not self._instead.search(found.group())
            and not self._claims.search(sentence, 0, found.start())
            for found in self._wrong.finditer(sentence)
        )

    def _is_wrong(self, sentence: str, span: Span) -> bool:
        """Whether it was written down by mistake; not its date or side alone, nor what was there instead."""
        begins, _ = _clause(sentence, span)
        is_told_behind = all(found.end() < begins for found in self._wrong.finditer(sentence))
        if is_told_behind and self._has_happened(sentence, span):
            return False  # "dat klopt niet, zij had LE in 2014"
        return not self._wrong_of.search(sentence[: span[0]] + " ¤ " + sentence[span[1] :])

    def _is_another(self, sentence: str, span: Span, certainty: Certainty) -> bool:
        """Whether the sentence goes on to what was found instead."""
        is_doubted = certainty == "suspected" or "?" in (
            sentence[span[0] - 1 : span[0]],
            sentence[span[1] : span[1] + 1],
        )
        found = (self._pointed if is_doubted else self._turned).search(sentence, span[1])
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
        if not any(begin < span[0] for begin in begins) or self._after.search(sentence, 0, span[0]):
            return False
        return not self._has_happened(sentence, span)

    def _is_awaited(self, sentence: str, span: Span) -> bool:
        """Whether a test that is still to come is for it, or its probability was weighed."""
        if self._has_happened(sentence, span):
            return False
        before = sentence[: span[0]]
        return bool(self._weighs.search(sentence) or (self._tests.search(before) and self._looks_for.search(before)))


class _Boxes:
    """The answers that stand beside boxes, in every language."""

    def __init__(self, languages: Sequence[Language]) -> None:
        yes = plain(choice_of(languages, "yes_words", "yes_initials", "boxed_yes"))
        self._no = plain(choice_of(languages, "no_words", "no_initials"))
        unknown = plain(choice_of(languages, "boxed_unknown"))
        self._answer = compiled(rf"\W{{0,3}}({yes}|{self._no}|{unknown})\b")
        self._label = compiled(rf"\b({yes}|{self._no})\W{{0,2}}$")
        self.either = compiled(rf"[\s:?]*\(?\s*({yes})\s*[/|]\s*({self._no})\b\s*\)?(?!\s*[:=]?\s*\w)")

    def answered(self, sentence: str, span: Span) -> str | None:
        """Return which of the boxes for yes and no behind it is ticked: "yes", "no", "neither"; None without them."""
        boxes = list(_BOX.finditer(sentence, span[1]))[:2]
        behind = [self._answer.match(sentence, box.end()) for box in boxes]
        before = [self._label.search(sentence, 0, box.start()) for box in boxes]
        for words in (behind, before):
            if len(boxes) == 2 and all(words):
                ticked = [word[1] for word, box in zip(words, boxes, strict=True) if word and box["ticked"]]
                return "neither" if len(ticked) != 1 else "no" if compiled(self._no).fullmatch(ticked[0]) else "yes"
        return None


def _is_ticked(sentence: str, span: Span) -> bool | None:
    """Whether the box beside it is ticked; None where there is none."""
    boxes = list(_BOX.finditer(sentence))
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
        return compiled_small(r"(?!)")
    return compiled_small(rf"(?<!\w)(?:{'|'.join(map(plain, patterns))})(?!\w)")


def _behind(patterns: Sequence[str]) -> re.Pattern[str]:
    """Return the pattern of words that stand directly behind something."""
    return compiled_small(rf"[ ,]*(?:{'|'.join(map(plain, patterns))})(?!\w)") if patterns else compiled_small(r"(?!)")


def _found_instead(turns: Sequence[str], instead: Sequence[str], near: int) -> re.Pattern[str]:
    """Return the pattern of a turn and, few words further, something that is no thrombosis."""
    if not turns or not instead:
        return compiled_small(r"(?!)")
    found, other = "|".join(map(plain, turns)), "|".join(map(plain, instead))
    return compiled_small(rf"(?:(?<!\w)(?:{found}))(?=\W)[^.;]{{0,{near}}}?(?<!\w)(?:{other})(?!\w)")
