"""The words of an alert: templates filled with what is known of this patient, in Dutch and in English.

A template holds `{names}` from a closed list (`fillers.py`). Words between double square brackets are left out when a
name in them is unknown: "50 mg/kg/h[[ = {reference_g_per_h} g/h]]".
"""

import re
from dataclasses import dataclass
from functools import cache

from rules.assessment import Text
from rules.facts import Fact
from rules.fillers import FILLERS, OF_THE_FINDING, UNKNOWN, Filling
from rules.picture import Picture

_NAME = re.compile(r"\{(\w+)\}")
_OPTIONAL = re.compile(r"\[\[(.*?)\]\]")


def fill(template: Text, picture: Picture, facts: tuple[Fact, ...]) -> Text:
    """Fill a template in both languages."""
    if "{" not in template.en:
        return template
    return Text(_fill(template.nl, Filling(picture, facts, "nl")), _fill(template.en, Filling(picture, facts, "en")))


def names_in(template: str) -> list[str]:
    """Return the names a template uses."""
    return _NAME.findall(template)


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of a template: words, then names each followed by words, and whether it may be left out."""

    words: str
    names: tuple[tuple[str, str], ...]
    optional: bool


@cache
def _parts(template: str) -> tuple[_Part, ...]:
    found = []
    for index, stretch in enumerate(_OPTIONAL.split(template)):
        pieces = _NAME.split(stretch)
        names = tuple(zip(pieces[1::2], pieces[2::2], strict=True))
        found.append(_Part(pieces[0], names, optional=bool(index % 2)))
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
            stretch += (value or UNKNOWN[filling.language]) + words
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
