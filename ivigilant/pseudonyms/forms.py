"""The forms that a value must have to leave, and the words that tell who somebody is."""

import re
from collections.abc import Collection, Iterable
from typing import Final

from ivigilant.pseudonyms.vocabulary import plain
from parsers.hl7.codes import NORMALISED, system_named

WORD: Final = re.compile(r"[A-Z0-9+*-]{1,3}|[A-Za-z]{1,2}")
AMOUNT: Final = re.compile(
    r"[<>=≤≥+~-]{0,2}\s?\d{1,6}(?:[.,]\d{1,6})?(?:\s?-\s?\d{1,6}(?:[.,]\d{1,6})?)?(?:\.\d{1,3})?"
)
# A code has a digit and never four letters in a row, and is no date and no postcode; of digits alone it has at most
# eight, unless its check digit is right.
_CODE: Final = re.compile(
    r"(?=.*\d)(?!.*[A-Za-z]{4})(?!\d{9,}$)(?!(?:19|20)\d\d-?[01]\d-?[0-3]\d|[0-3]?\d-[01]?\d-(?:19|20)\d\d|\d{4}[A-Z]{2}$)"
    r"[A-Za-z0-9][A-Za-z0-9.*+/-]{0,17}|[A-Za-z]{1,3}"
)
_SNOMED: Final = re.compile(r"\d{6,18}")
LETTERS: Final = re.compile(r"[A-Za-z]{1,24}")
UNIT: Final = re.compile(r"(?!.*\d{4})[A-Za-z0-9µμ%./*^()\[\]{}_'+-]{1,20}")
INTERVAL: Final = re.compile(r"[A-Z]{1,3}\d{0,3}[A-Z]?|\d{0,3}[A-Z]{1,3}")
_SYSTEM: Final = re.compile(
    r"[A-Z0-9+]{1,4}|99[A-Za-z0-9]{1,6}|[0-2](?:\.\d{1,12}){2,20}|HL7\d{4}|[A-Z]{2}-[A-Z0-9]{2,4}"
)
_ADDRESS: Final = re.compile(  # of who publishes code systems, and object identifiers
    r"urn:oid:[0-9.]{5,64}|https?://(?:terminology\.hl7\.org|(?:www\.)?hl7\.org|snomed\.info|loinc\.org|unitsofmeasure\.org"
    r"|fhir\.nl/fhir/NamingSystem|www\.whocc\.no)(?:/[A-Za-z0-9._-]{1,40}){0,4}"
)
SHORT: Final = 3  # letters of a word that may stand for anybody
TELLING: Final = 4  # characters of a word that tells who somebody is
LONG: Final = 5  # and of a number
_MARKS: Final = re.compile(r"\w+")


def fitting(form: re.Pattern[str], text: str) -> str:
    """Return the text when it has this form, else ""."""
    return text if form.fullmatch(text) else ""


def is_code(text: str) -> bool:
    """Return whether a text has the form of a code, which no name, telephone number or citizen service number has."""
    return bool(_CODE.fullmatch(text)) or bool(_SNOMED.fullmatch(text) and _has_check_digit(text))


def system(text: str, known: Collection[str]) -> str:
    """Return the name of a code system, or of who gives out numbers, when it is known or has the form of one."""
    is_one = text in known or system_named(text) in NORMALISED or _SYSTEM.fullmatch(text) or _ADDRESS.fullmatch(text)
    return text if is_one else ""


_D5: Final = ("0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
              "5987604321", "6598710432", "7659821043", "8765932104", "9876543210")  # fmt: skip
_SHIFTS: Final = ("0123456789", "1576283094", "5803796142", "8916043527",
                  "9453126870", "4286573901", "2793806415", "7046913258")  # fmt: skip


def _has_check_digit(digits: str) -> bool:
    """Return whether the last digit is right by Verhoeff, as in every identifier of SNOMED CT."""
    held = 0
    for place, digit in enumerate(reversed(digits)):
        held = int(_D5[held][int(_SHIFTS[place % 8][int(digit)])])
    return held == 0


def words_in(written: str) -> frozenset[str]:
    """Return the words and numbers of a text, without case and accents."""
    return frozenset(map(plain, _MARKS.findall(written)))


def identifying_in(texts: Iterable[str], shortest: int = TELLING) -> set[str]:
    """Return these texts, and the words and numbers in them, that are long enough to tell who somebody is."""
    found = {each for text in texts for each in (text, *_MARKS.findall(text))}
    return {plain(each) for each in found if len(each) >= (LONG if each.isdecimal() else shortest)}
