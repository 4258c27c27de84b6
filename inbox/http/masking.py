"""The citizen service number (BSN), shown by its last three digits only, but to a program that may read it whole."""

import re
from collections.abc import Callable, Collection, Iterable
from functools import cache

import sqlalchemy as sa

from clinical.identities import mask, without_citizen_numbers
from inbox.http.parts import AnyRequest, parts_of
from inbox.people.permissions import Permission
from parsers.errors import ParserError
from parsers.fhir.places import citizen_numbers
from parsers.fhir.reading import is_resource
from parsers.hl7.identifiers import numbers_given_by
from parsers.hl7.segments import split
from store.patients import numbers_of

_PART = re.compile(r'[^|^~&"\r\n]*(?:\s|bsn)[^|^~&"\r\n]*', re.IGNORECASE)  # of a message, with words in it
_ALONE = r"(?<!\w)(?:{})(?!\w)"  # not within a longer number


def shown_number(authority: str, value: str, authorities: Collection[str]) -> str:
    """Return a number as it is shown: its end only when one of these authorities gave it."""
    return mask(value) if authority in authorities else value


def masked_for(request: AnyRequest) -> frozenset[str]:
    """Return the authorities whose numbers the API masks for who asks: none where they may be read whole."""
    if request.user.may(Permission.CITIZEN_NUMBERS_READ):
        return frozenset()
    return parts_of(request).settings.masked_authorities


def mask_in_text(text: str, authorities: Collection[str]) -> str:
    """Hide every number in a message that one of these authorities gave: `999900018^^^NLMINBIZA^NNNLD`."""
    if not authorities:
        return text
    return _given_by(frozenset(authorities)).sub(lambda found: mask(found[0]), text)


def numbers_masked(
    connection: sa.Connection, patients: Iterable[int | None], authorities: Collection[str]
) -> frozenset[str]:
    """Return the numbers of these patients that one of these authorities gave."""
    ids = {each for each in patients if each is not None}
    found = numbers_of(connection, ids) if ids and authorities else []
    return frozenset(each.value for each in found if each.authority in authorities)


def masker(raw: bytes, authorities: Collection[str], known: Collection[str] = ()) -> Callable[[str], str]:
    """Hide the numbers of one message in any text that is taken from it; a FHIR line names them by their system.

    Those that are known of its patients are hidden as well: in a field of its own no authority stands beside a number;
    and those that somebody typed in a sentence, of whomever they are.
    """
    if not authorities:
        return lambda text: text
    if is_resource(raw):
        in_line, in_chart = _hiding(citizen_numbers(raw)), _hiding(known, _ALONE)
        return lambda text: _in_sentences(in_chart(in_line(text)))
    try:
        numbers = numbers_given_by(split(raw), authorities)
    except ParserError:
        numbers = frozenset()
    hide = _hiding({*numbers, *known}, _ALONE)
    return lambda text: _in_sentences(mask_in_text(hide(text), authorities))


def _in_sentences(text: str) -> str:
    """Hide numbers where words stand beside them; nine digits that are all of a field may be those of an order."""
    return _PART.sub(lambda part: without_citizen_numbers(part[0]), text)


def _hiding(numbers: Collection[str], where: str = "{}") -> Callable[[str], str]:
    """Hide these numbers, also where nothing beside them says whose they are."""
    if not numbers:
        return lambda text: text
    found = "|".join(re.escape(number) for number in sorted(numbers, key=len, reverse=True))
    pattern = re.compile(where.format(found))
    return lambda text: pattern.sub(lambda found: mask(found[0]), text)


@cache
def _given_by(authorities: frozenset[str]) -> re.Pattern[str]:
    names = "|".join(re.escape(name) for name in sorted(authorities))
    # The number, then only what stands between it and its authority or type within one repetition of one field.
    return re.compile(rf"\b\d{{8,9}}(?=[^\w\s|~][^|~\r\n\d]{{0,40}}?(?:{names})\b)")
