"""Typing errors in long medical words: one letter too many, too few, wrong or swapped."""

import re
from collections.abc import Iterable
from functools import lru_cache

_WORD = re.compile(r"[A-Za-z01|]{6,}")
_TORN = re.compile(r"([A-Za-z]{3,})-\s+([a-z]{3,})")  # a word that a line end tore: "longem- bolie"
_GLUED = re.compile(
    r"(?<=[a-z]{2})(?=(?:DVT|VTE|TVT|TVP|LE|PE|EP)\b)"  # "geenDVT"
    r"|(?<=\dx)(?=(?:[Dd][Vv][Tt]|[VvTt][Vv]?[TtEePp]|LE|PE|EP|LAE)\b)"  # "2xDVT"
    r"|(?<=\bDVT)(?=[a-rt-z][a-z])|(?<=\bdvt)(?=(?:links|rechts|been|re|li)\b)"  # "DVTlinks"
    r"|(?:(?<=\b[Dd][Vv][Tt])|(?<=\b[Vv][Tt][Ee])|(?<=\bTVT)|(?<=\bTVP)|(?<=\bLE)|(?<=\bPE)|(?<=\bEP))"
    r"(?=(?:x ?\d|\d ?x|(?:19|20)\d\d)\b)"  # "DVT2018", "dvtx2"
)
_SCANNED = str.maketrans("01|", "oll")  # digits that a scanner reads for letters
_STEMS = ("thrombo", "trombo", "thrombu", "trombu", "thrombi", "trombi", "embol", "phleb", "flebit")
_LONG = 10  # letters: a word with one of the stems is mended only where it can be no other word
_DOUBLED = re.compile(r"([a-z])\1")


class Spelling:
    """Words that are recognised with one wrong letter."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = tuple(dict.fromkeys(word.lower() for word in words))
        self._long = tuple(word for word in self._words if len(word) >= _LONG)
        self._mend = lru_cache(maxsize=16384)(self._mended)

    def mended(self, text: str) -> str:
        """Write the words with one slip as they should be, and apart or together what was not; the rest stays."""
        whole = _TORN.sub(self._joined, _GLUED.sub(" ", text))
        return _WORD.sub(lambda match: self._mend(match.group()), whole)

    def _joined(self, torn: re.Match[str]) -> str:
        word = torn[1] + torn[2]
        return word if word.lower() in self._words else torn[0]

    def _mended(self, word: str) -> str:
        written = word.lower().translate(_SCANNED)
        if not written.isalpha() or word.isdigit():
            return word
        meant = self._long if any(stem in written for stem in _STEMS) else self._words
        found = next((each for each in meant if is_one_slip(written, each) or each == written != word.lower()), None)
        if found is None and len(written) >= _LONG - 1:
            single = _DOUBLED.sub(r"\1", written)
            found = next((each for each in self._words if single == _DOUBLED.sub(r"\1", each)), None)
        return found or word


def is_one_slip(written: str, meant: str) -> bool:
    """Return whether two words differ by one letter left out, added, changed or swapped with the next."""
    if written == meant or abs(len(written) - len(meant)) > 1:
        return False
    same = next((at for at, (one, other) in enumerate(zip(written, meant, strict=False)) if one != other), None)
    if same is None:
        return True
    one, other = written[same:], meant[same:]
    swapped = one[1:2] + one[0:1] + one[2:]
    return other in (swapped, one[1:]) or one == other[1:] or one[1:] == other[1:]
