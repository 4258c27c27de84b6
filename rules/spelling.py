"""Slips of typing in long medical words: one letter too many, too few, wrong or swapped."""

import re
from collections.abc import Iterable
from functools import lru_cache

_WORD = re.compile(r"[A-Za-z]{6,}")


class Spelling:
    """Words worth recognising when one letter of them is wrong."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = tuple(dict.fromkeys(word.lower() for word in words))
        self._stems = ("thrombo", "trombo", "thrombu", "trombu", "thrombi", "trombi", "embol", "phleb", "flebit")
        self._mend = lru_cache(maxsize=16384)(self._mended)

    def mended(self, text: str) -> str:
        """Write the words with one slip as they should be; whatever holds a stem already, or is no slip, stays."""
        return _WORD.sub(lambda match: self._mend(match.group()), text)

    def _mended(self, word: str) -> str:
        written = word.lower()
        if any(stem in written for stem in self._stems):
            return word
        return next((meant for meant in self._words if is_one_slip(written, meant)), word)


def is_one_slip(written: str, meant: str) -> bool:
    """Tell whether one letter was left out, added, changed, or swapped with the next."""
    if written == meant or abs(len(written) - len(meant)) > 1:
        return False
    same = next((at for at, (one, other) in enumerate(zip(written, meant, strict=False)) if one != other), None)
    if same is None:
        return True
    one, other = written[same:], meant[same:]
    swapped = one[1:2] + one[0:1] + one[2:]
    return other in (swapped, one[1:]) or one == other[1:] or one[1:] == other[1:]
