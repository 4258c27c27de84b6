"""Which passwords are refused: the short ones, and those that everybody tries first.

Those are the 30,000 most used passwords and the first names in the lists of zxcvbn (MIT licence), which names each word
in one list only, and the words that a hospital in the Netherlands tempts to.
"""

import re
from functools import cache
from pathlib import Path
from typing import Final

SHORTEST: Final = 10
LONGEST: Final = 200
_FEWEST_CHARACTERS: Final = 5  # different ones
_SHORTEST_ROW: Final = 4
_SHORTEST_WORD: Final = 4  # of the most used ones: two letters over and over are a row of digits with something between
_AROUND: Final = "0123456789 !?.,;:@#$%^&*()_-+=/"
_LEET: Final = str.maketrans("013457@$!€", "oieastasie")
_ROWS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertyuiopasdfghjklzxcvbnm",
    "1q2w3e4r5t6y7u8i9o0p",
    "qazwsxedcrfvtgbyhnujm",
    "1qaz2wsx3edc4rfv5tgb6yhn",
)
_LISTS: Final = ("passwords", "female_names", "male_names")
_WORDS_FILE: Final = Path(__file__).parent / "common_passwords.txt"


def fault_of(password: str, *own: str) -> str | None:
    """Return why a password is refused, None when it is not; `own`: what is known of whoever will use it."""
    if len(password) < SHORTEST:
        return "too_short"
    if len(password) > LONGEST:
        return "too_long"
    return "common" if _is_common(password.lower(), {_letters(each.lower()) for each in own}) else None


@cache
def _common_words() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # imported here: it is large, and few commands need it

    lines = _WORDS_FILE.read_text(encoding="utf-8").splitlines()
    ours = (word for line in lines if not line.startswith("#") for word in line.split())
    most_used = (word for name in _LISTS for word in FREQUENCY_LISTS[name] if len(word) >= _SHORTEST_WORD)
    return frozenset((*ours, *most_used))


def _is_common(password: str, own: set[str]) -> bool:
    if len(set(password)) < _FEWEST_CHARACTERS or _is_of_a_row(password):
        return True
    core = password.strip(_AROUND).translate(_LEET)
    texts = {password, _letters(password), _letters(core)}
    return any(_is_of_a_row(text) or _is_made_of(text, own) or _is_made_of(text, _common_words()) for text in texts)


def _is_of_a_row(password: str) -> bool:
    plain = re.sub(r"[^a-z0-9]", "", password)
    return len(plain) >= _SHORTEST_ROW and any(plain in row * 2 or plain in (row * 2)[::-1] for row in _ROWS)


def _is_made_of(text: str, words: set[str] | frozenset[str]) -> bool:
    """Return whether the text is one such word, or it over and over."""
    lengths = (length for length in range(1, len(text) + 1) if len(text) % length == 0)
    return any(text[:length] in words and text == text[:length] * (len(text) // length) for length in lengths)


def _letters(text: str) -> str:
    return re.sub(r"[^a-zà-ÿ]", "", text)
