"""The citizen service number (BSN), shown by its last three digits only."""

import re
from collections.abc import Callable, Collection
from functools import cache

from parsers.fhir.places import citizen_numbers
from parsers.fhir.reading import is_resource

DOT = "•"
_SHOWN = 3


def mask(number: str) -> str:
    """Hide all of a number but its end."""
    hidden = max(len(number) - _SHOWN, 0)
    return DOT * hidden + number[hidden:]


def mask_in_text(text: str, authorities: Collection[str]) -> str:
    """Hide every number in a message that one of these authorities gave: `999900018^^^NLMINBIZA^NNNLD`."""
    if not authorities:
        return text
    return _given_by(frozenset(authorities)).sub(lambda found: mask(found[0]), text)


def masker(raw: bytes, authorities: Collection[str]) -> Callable[[str], str]:
    """Hide the numbers of one message in any text that is taken from it; a FHIR line names them by their system."""
    if not authorities or not is_resource(raw):
        return lambda text: mask_in_text(text, authorities)
    numbers = citizen_numbers(raw)
    if not numbers:
        return lambda text: text
    known = re.compile("|".join(re.escape(number) for number in sorted(numbers, key=len, reverse=True)))
    return lambda text: known.sub(lambda found: mask(found[0]), text)


@cache
def _given_by(authorities: frozenset[str]) -> re.Pattern[str]:
    names = "|".join(re.escape(name) for name in sorted(authorities))
    # The number, then only what stands between it and its authority or type within one repetition of one field.
    return re.compile(rf"\b\d{{8,9}}(?=[^\w\s|~][^|~\r\n\d]{{0,40}}?(?:{names})\b)")
