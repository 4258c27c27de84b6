"""The words of an alert: templates filled with what is known of this patient, in every language.

A template holds `{names}` from a closed list (`fillers.py`). Words between double square brackets are left out when a
name in them is unknown: "50 mg/kg/h[[ = {reference_g_per_h} g/h]]".
"""

import re
from functools import cache
from typing import NamedTuple

from clinical.words import Text
from rules.facts import Fact
from rules.fillers import FILLERS, OF_THE_FINDING, Filler, Filling
from rules.picture import Picture

_NAME = re.compile(r"\{(\w+)\}")
_OPTIONAL = re.compile(r"\[\[(.*?)\]\]")


def is_template(text: Text) -> bool:
    """Whether a name has to be filled in, in any language."""
    return "{" in "".join(text.values())


def fill(template: Text, picture: Picture, facts: tuple[Fact, ...]) -> Text:
    """Fill a template in every language it is written in."""
    if not is_template(template):
        return template
    filled, phrases = Text(), picture.terms.phrases
    for language, words in template.items():
        filled[language] = _fill(words, Filling(picture, facts, language, phrases[language]))
    return filled


def names_in(template: str) -> list[str]:
    """Return the names a template uses."""
    return _NAME.findall(template)


class _TemplatePart(NamedTuple):
    """A stretch of a template: words, then names each followed by words, and whether it may be left out."""

    words: str
    names: tuple[tuple[str, Filler, str], ...]
    optional: bool


@cache
def _parts(template: str) -> tuple[_TemplatePart, ...]:
    found = []
    for index, stretch in enumerate(_OPTIONAL.split(template)):
        pieces = _NAME.split(stretch)
        names = tuple((name, FILLERS[name], words) for name, words in zip(pieces[1::2], pieces[2::2], strict=True))
        found.append(_TemplatePart(pieces[0], names, optional=bool(index % 2)))
    return tuple(found)


def _fill(template: str, filling: Filling) -> str:
    """Fill one text; what does not depend on the finding is written once for a picture."""
    text, written, language = "", filling.picture.written, filling.language
    for stretch, names, optional in _parts(template):
        for name, filler, words in names:
            if name in OF_THE_FINDING:
                value = filler(filling)
            else:
                found = written.get((name, language))
                value = written[name, language] = filler(filling) if found is None else found
            if not value and optional:
                stretch = ""
                break
            stretch += (value or filling.phrases.unknown) + words
        text += stretch
    return text
