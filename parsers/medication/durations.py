"""For how long: `D5`, `X6`, `5^d`, `x 5 dagen` → hours, or a number of times."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from parsers.medication.decimals import read_number
from parsers.medication.medication_text import with_digits
from parsers.medication.units import HOURS, read_unit


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time, or a number of occurrences, or an amount after which to stop."""

    hours: Decimal | None = None
    occurrences: int | None = None
    until: Decimal | None = None  # Tn: until this much has been given
    flags: tuple[str, ...] = ()


NONE = Duration()
_A_TABLE = re.compile(r"HL7[0-9]{3,5}", re.IGNORECASE)  # `1^QD^HL70335`: the table of the pattern, and no duration
_LETTERS = {"S": "s", "M": "min", "H": "h", "D": "d", "W": "wk", "L": "mo"}
_PREFIXED = re.compile(r"([SMHDWLXT])\s*([0-9]{1,5}(?:[.,][0-9]{1,2})?)", re.IGNORECASE)
_SUFFIXED = re.compile(r"([0-9]{1,5}(?:[.,][0-9]{1,2})?)\s*([a-z.]{0,9})", re.IGNORECASE)
_IN_TEXT = re.compile(
    r"(?<![\w.,/])(?<!\bover )(?<!\bin )(?<!\bper )(?<!\bp )(?<!\belke )(?<!\bom de )(?<!\bevery )(?<!\bna )"
    r"(?<!\biedere )"
    r"(?:x\s*)?(?P<count>[0-9]{1,3})\s*(?P<unit>d|dagen|dgn|days?|wk|wkn|weken|weeks?|mnd|maanden|months?)\b"
)
_TIMES_IN_TEXT = re.compile(r"\b(?P<count>[0-9]{1,2})\s*(?:giften|gift|doses|infusies|infusions|toedieningen|kuren)\b")


@lru_cache(maxsize=4096)
def read_duration(text: str, unit: str = "") -> Duration:
    """Read a duration as HL7 (`D5`) or as people (`5 dagen`) write it; a number needs its unit."""
    text = text.strip().replace("(s)", "s").replace("(S)", "S")  # Cerner writes `5 dose(s)`
    if not text or text.upper() == "INDEF" or _A_TABLE.fullmatch(text):
        return NONE
    if found := _PREFIXED.fullmatch(text):
        return _prefixed(found[1].upper(), found[2])
    if found := _SUFFIXED.fullmatch(with_digits(text)):
        return _counted(found[1], found[2] or unit)
    return Duration(flags=("duration_unread",))


def _prefixed(letter: str, digits: str) -> Duration:
    number = read_number(digits)
    if number is None:
        return Duration(flags=("duration_unread",))
    if letter == "X":
        return Duration(occurrences=int(number.high)) if number.high >= 1 else NONE
    if letter == "T":
        return Duration(until=number.high, flags=("until_amount",))
    return _counted(digits, _LETTERS[letter])


def _counted(digits: str, unit_text: str) -> Duration:
    number, unit = read_number(digits), read_unit(unit_text)
    if number is None or number.high == 0:
        return NONE
    if unit_text.lower() in ("x", "keer", "maal", "times", "dose", "doses", "giften", "infusions"):
        return Duration(occurrences=int(number.high))
    if unit is None or unit.base != HOURS:
        return Duration(flags=("duration_unread",))
    return Duration(hours=(number * unit.factor).high, flags=number.flags)


@lru_cache(maxsize=512)
def duration_in(text: str) -> Duration:
    """Find for how long in running text: `gedurende 5 dagen`, `po bid x 5d`, `6 giften`."""
    text = with_digits(text.lower())
    if found := _TIMES_IN_TEXT.search(text):
        return Duration(occurrences=int(found["count"]))
    if found := _IN_TEXT.search(text):
        return _counted(found["count"], found["unit"])
    return NONE
