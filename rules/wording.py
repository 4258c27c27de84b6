"""The words of an alert: templates filled with what is known of this patient, in every language.

A template holds `{names}` from a closed list (`fillers.py`). Words between double square brackets are left out when a
name in them is unknown: "50 mg/kg/h[[ = {reference_g_per_h} g/h]]".
"""

import re
from dataclasses import dataclass
from functools import cache

from clinical.words import Text
from rules.facts import Fact
from rules.fillers import FILLERS, OF_THE_FINDING, Filling
from rules.picture import Picture

_NAME = re.compile(r"\{(\w+)\}")
_OPTIONAL = re.compile(r"\[\[(.*?)\]\]")


def fill(template: Text, picture: Picture, facts: tuple[Fact, ...]) -> Text:
    """Fill a template in every language it is written in."""
    for words in template.values():
        if "{" in words:
            break
    else:
        return template
    filled, phrases = Text(), picture.terms.phrases
    for language, words in template.items():
        filled[language] = _fill(words, Filling(picture, facts, language, phrases[language]))
    return filled


def names_in(template: str) -> list[str]:
    """Return the names a template uses."""
    return _NAME.findall(template)


@dataclass(frozen=True, slots=True)
class _TemplatePart:
    """A stretch of a template: words, then names each followed by words, and whether it may be left out."""

    words: str
    names: tuple[tuple[str, str], ...]
    optional: bool


@cache
def _parts(template: str) -> tuple[_TemplatePart, ...]:
    found = []
    for index, stretch in enumerate(_OPTIONAL.split(template)):
        pieces = _NAME.split(stretch)
        names = tuple(zip(pieces[1::2], pieces[2::2], strict=True))
        found.append(_TemplatePart(pieces[0], names, optional=bool(index % 2)))
    return tuple(found)


def _fill(template: str, filling: Filling) -> str:
    text = ""
    for part in _parts(template):
        stretch = part.words
        for name, words in part.names:
            value = _value(name, filling)
            if not value and part.optional:
                stretch = ""
                break
            stretch += (value or filling.phrases.unknown) + words
        text += stretch
    return text


def _value(name: str, filling: Filling) -> str:
    """Fill one name; what does not depend on the finding is written once for a picture."""
    if name in OF_THE_FINDING:
        return FILLERS[name](filling)
    written, key = filling.picture.written, (name, filling.language)
    value = written.get(key)
    if value is None:
        value = written[key] = FILLERS[name](filling)
    return value
