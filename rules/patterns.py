"""The patterns that cue files are written in: the text they are compared with, and how they are joined and compiled."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

_LETTER = re.compile(r"\\.|[^\W\d_]")  # or a backslash with what it escapes
NEVER = r"(?!)"
Language = Mapping[str, Sequence[str]]  # one file of `cues/`: its words by kind
_PLAIN = str.maketrans(
    {
        "ß": "ss",
        "œ": "oe",
        "Œ": "OE",
        "æ": "ae",
        "ø": "o",
        "_": " ",
        "ł": "l",
        "Ł": "L",
        "’": "'",
        "`": "'",
        "´": "'",
        "–": "-",
        "—": "-",
    }
)


@lru_cache(maxsize=8192)
def plain(text: str) -> str:
    """Return a text without accents, with plain quotes, and with a letter typed three times reduced to one."""
    spelled = unicodedata.normalize("NFKD", text.translate(_PLAIN).replace("\u00a0", " "))
    bare = "".join(letter for letter in spelled if not unicodedata.combining(letter))
    return re.sub(r"([a-zA-Z])\1\1+", r"\1\1", bare)


@lru_cache(maxsize=8192)
def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern without regard to case; when the rules are read anew, few patterns are others than before."""
    return re.compile(pattern, re.IGNORECASE)


@lru_cache(maxsize=8192)
def compiled_small(pattern: str) -> re.Pattern[str]:
    """Compile a pattern for texts in small letters, which takes a third less time than to disregard case."""
    return re.compile(_LETTER.sub(lambda found: found[0] if found[0][0] == "\\" else found[0].lower(), pattern))


def choice_of(languages: Iterable[Language], *kinds: str) -> str:
    """Return the words of these kinds in every language as one choice, without the group around it."""
    words = [word for language in languages for kind in kinds for word in language.get(kind, ())]
    return "|".join(dict.fromkeys(words)) or NEVER
