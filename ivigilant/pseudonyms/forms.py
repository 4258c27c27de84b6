"""The forms that a value must have to leave, and the words that tell who somebody is."""

import re
from collections.abc import Iterable
from typing import Final

from ivigilant.pseudonyms.vocabulary import plain

WORD: Final = re.compile(r"[A-Z0-9+*-]{1,4}|[A-Za-z]{1,2}")
AMOUNT: Final = re.compile(
    r"[<>=≤≥+~-]{0,2}\s?\d{1,6}(?:[.,]\d{1,6})?(?:\s?-\s?\d{1,6}(?:[.,]\d{1,6})?)?(?:\.\d{1,3})?"
)
CODE: Final = re.compile(r"[A-Za-z]{0,6}\d[A-Za-z0-9.*+/-]{0,17}|[A-Za-z]{1,5}(?:[-/][A-Za-z]{1,5})?")
LETTERS: Final = re.compile(r"[A-Za-z]{1,24}")
SYSTEM: Final = re.compile(r"[A-Za-z][A-Za-z0-9._:/+-]{0,40}|[0-9.]{1,64}")
UNIT: Final = re.compile(r"[A-Za-z0-9µμ%./*^()\[\]{}'+-]{1,16}")
INTERVAL: Final = re.compile(r"[A-Z]{1,4}\d{0,3}[A-Z]?|\d{0,3}[A-Z]{1,5}")
TELLING: Final = 4  # characters of a word that tells who somebody is
LONG: Final = 5  # and of a number
_MARKS: Final = re.compile(r"\w+")


def fitting(form: re.Pattern[str], text: str) -> str:
    """Return the text when it has this form, else ""."""
    return text if form.fullmatch(text) else ""


def words_in(written: str) -> frozenset[str]:
    """Return the words and numbers of a text, without case and accents."""
    return frozenset(map(plain, _MARKS.findall(written)))


def identifying_in(texts: Iterable[str]) -> set[str]:
    """Return these texts, and the words and numbers in them, that are long enough to tell who somebody is."""
    found = {each for text in texts for each in (text, *_MARKS.findall(text))}
    return {plain(each) for each in found if len(each) >= (LONG if each.isdecimal() else TELLING)}
