"""What the sentences of one text say of each other: a doubt that is answered, a diagnosis that is taken back.

"Verdenking DVT. Echo: schoon" had none; an addendum speaks last; what a letter states is wrong when an enquiry says so;
"no PE today. She had one in March" had one. The words stand in `cues/`, a file for each language.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rules.assertions import Span
from rules.patterns import Language, compiled_small, plain

KINDS = (
    "amends",
    "cites",
    "enquires",
    "had_one",
    "bears_out",
    "partly",
    "misquotes",
    "reads_as",
    "corrects",
    "presumes",
)  # lists of words
_TAKES_BACK = ("amends", "enquired")
_WORD = re.compile(r"\S+")
_BESIDE = 20  # characters
_QUOTE = re.compile(r"""(?<!\w)['"‘’“„«]\s?([^'"‘’“”„«»\n](?:[^\n"“”„«»]{0,80}?[^\s'"‘’“”„«»])?)\s?['"’‘”“»](?!\w)""")


class Told(NamedTuple):
    """What a sentence says about a value set."""

    set: str
    certainty: str
    sentence: str  # as it was written
    part: str = ""  # lung, vein, or "" for either
    looked: bool = False  # the sentence says how it was looked for
    ago: int | None = None  # the year it names, or, below 0, how many years ago
    active: bool = False  # the sentence says that it is one of today
    listed: bool = False  # over only by the heading of its list, and with a year
    at: int = 0  # its place in the text, in characters of the sentences before it
    standing: str = ""  # "cited", "dated" or "presumed"; of a denial: "amends", "enquired", "ended", "checked"


class Statements:
    """The words of every language by which a text comes back to what it said; sentences are in small letters."""

    def __init__(self, languages: Iterable[Language]) -> None:
        of_all = list(languages)
        words = {kind: _any_word([each for one in of_all for each in one.get(kind, ())]) for kind in KINDS}
        self._amends, self._cites, self._enquires = words["amends"], words["cites"], words["enquires"]
        self._bears_out, self._partly = words["bears_out"], words["partly"]
        self._had_one, self._misquotes = words["had_one"], compiled_small(rf"(?:{words['misquotes'].pattern})\W*$")
        self._reads_as, self._corrects = words["reads_as"], words["corrects"]
        self._presumes = words["presumes"]

    def without_misquotes(self, text: str) -> str:
        """Leave out what is quoted only to be corrected: "waar staat 'geen trombus' moet gelezen worden 'trombus'"."""
        quotes = list(_QUOTE.finditer(text))
        if not quotes:
            return text
        words = plain(text).lower()
        if self._reads_as.search(words):
            starts = [0, *(quote.end() for quote in quotes)]
            wrong = [self._misquote(text, at, each) for each, at in zip(quotes, starts, strict=False)]
        else:
            wrong = [quotes[0].span()] if self._corrects.search(words) else []
        for begin, end in reversed([each for each in wrong if each]):
            text = f"{text[:begin]}{text[end:]}"
        return text

    def _misquote(self, text: str, begin: int, quote: re.Match[str]) -> Span | None:
        """Return the place of a quotation with the words that call it wrong, if they stand before it."""
        before = text[begin : quote.start()]
        found = self._misquotes.search(plain(before).lower())
        if found is None:
            return None
        words = list(_WORD.finditer(before))[-len(found.group().split()) :]
        return begin + words[0].start(), quote.end()

    def amends(self, sentence: str) -> bool:
        """Return whether a sentence begins an addendum, or says that a diagnosis was changed."""
        return self._amends.search(sentence) is not None

    def is_partial(self, sentence: str, span: Span) -> bool:
        """Return whether a denial is of a side or a degree alone: "geen DVT rechts", "geen massale longembolie"."""
        before, behind = sentence[max(0, span[0] - _BESIDE) : span[0]], sentence[span[1] : span[1] + _BESIDE]
        return bool(self._partly.search(before) or self._partly.search(behind))

    def enquires(self, sentence: str) -> bool:
        """Return whether a sentence tells of an enquiry: with the patient, the practice, another hospital."""
        return self._enquires.search(sentence) is not None

    def cites(self, sentence: str) -> bool:
        """Return whether a sentence repeats what stands elsewhere."""
        return self._cites.search(sentence) is not None

    def presumes(self, sentence: str) -> bool:
        """Return whether a sentence says that something was treated before it was looked for: "treated as PE"."""
        return self._presumes.search(sentence) is not None

    def recalls(self, sentence: str) -> bool:
        """Return whether a sentence says that what was just denied was there another time: "she had one in March"."""
        return self._had_one.search(sentence) is not None

    def bears_out(self, sentence: str) -> bool:
        """Return whether a sentence says that a doubt before it was right: "CT bevestigde dit"."""
        return self._bears_out.search(sentence) is not None


def in_the_end(read: Sequence[Told]) -> tuple[Told, ...]:
    """Return what a text says once all of it was read: doubts answered, and what it takes back denied."""
    told = (_answered(each, read) for each in read if each.set and not _is_settled(each, read))
    return tuple(
        dict.fromkeys(each._replace(certainty="refuted") if _is_taken_back(each, read) else each for each in told)
    )


def _is_settled(told: Told, read: Sequence[Told]) -> bool:
    """Whether a doubt is answered further on by an examination: "verdenking DVT; duplex: geen trombose"."""
    return told.certainty == "suspected" and any(
        each.certainty == "refuted" and each.looked and each.at > told.at and _is_of_same(told, each) for each in read
    )


def _answered(told: Told, read: Sequence[Told]) -> Told:
    """Turn a doubt into what a later sentence without a name makes of it: "verdenking DVT. Echo: schoon"."""
    if told.standing == "presumed" and told.certainty in ("confirmed", "suspected"):
        unnamed = [each for each in _unnamed(told, read) if each.standing in ("", "ended")]
        was_none = any(each.certainty == "refuted" and each.part in ("", told.part) for each in unnamed)
        return told._replace(certainty="refuted") if was_none else told
    if told.certainty != "suspected":
        return told
    open_to = [each for each in _unnamed(told, read) if each.standing in ("", "checked")]
    answers = (each.certainty for each in open_to if each.part in ("", told.part))
    return told._replace(certainty=next(answers, told.certainty))


def _is_taken_back(told: Told, read: Sequence[Told]) -> bool:
    """Whether a later sentence takes a diagnosis back: an addendum, or an enquiry after what was only cited."""
    if told.certainty not in ("confirmed", "suspected"):
        return False
    behind = [each for each in read if each.certainty == "refuted" and each.at > told.at and _is_of_same(told, each)]
    if told.standing == "cited" and any(each.standing in _TAKES_BACK for each in (*behind, *_unnamed(told, read))):
        return True
    return told.standing != "dated" and any(each.standing == "amends" for each in behind)


def _unnamed(told: Told, read: Sequence[Told]) -> list[Told]:
    """Return what later sentences without a name say: "entry removed"."""
    return [each for each in read if not each.set and each.at > told.at]


def _is_of_same(told: Told, denied: Told) -> bool:
    """Whether a denial is of this: of the same part of the body, or of none in particular ("kein Thrombus")."""
    if not denied.set or denied.part not in ("", told.part):
        return False
    return told.set.startswith(denied.set) or (
        denied.set.startswith(told.set) and (told.part == "vein" or denied.part in ("", told.part))
    )


def _any_word(patterns: Sequence[str]) -> re.Pattern[str]:
    if not patterns:
        return compiled_small(r"(?!)")
    return compiled_small(rf"(?<!\w)(?:{'|'.join(map(plain, patterns))})(?!\w)")
