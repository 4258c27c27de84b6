"""Where senders put the drug of a segment, its frequency and its route when not in the fields that are theirs."""

import re

from parsers.hl7.segments import Segment
from parsers.medication.amount_fields import read_number_and_unit
from parsers.medication.decimals import read_range
from parsers.medication.patterns import read_pattern
from parsers.medication.units import read_unit

_FURTHEST_BACK = 2
_SHORTEST_NAME = 3  # letters
_NO_AMOUNT = 10_000  # a number from here on is a code

_REACH = 8  # fields after the units
_FREQUENCY = re.compile(
    r"Q[0-9]{0,2}[HDW]|Q[0-9]{1,2}L|QD|QOD|OD|BID|BD|TID|TDS|QID|QDS|[1-4]DD|DAILY|WEEKLY|MONTHLY", re.IGNORECASE
)
_ROUTE = re.compile(
    r"IV|I\.V\.|IVPB|IVP|IVI|INTRAVEN\w+|SC|S\.C\.|SUBQ|SUBCUT\w*|SQ|IM|I\.M\.|INTRAMUSC\w+", re.IGNORECASE
)


def stray_frequency(segment: Segment, units: int) -> tuple[str, str]:
    """A code of how often in one of the fields after the units, and that field; nothing when there is none."""
    return _first(segment, units + 1, _FREQUENCY)


def stray_route(segment: Segment, units: int) -> tuple[str, str]:
    """A code for into a vein, under the skin or into a muscle from the field of the units on, and that field."""
    return _first(segment, units, _ROUTE)


def _first(segment: Segment, begin: int, codes: re.Pattern[str]) -> tuple[str, str]:
    for field in range(begin, begin + _REACH):
        code = segment.text(field).strip()
        if codes.fullmatch(code):
            return code, segment.path(field)
    return "", ""


def shift_of(segment: Segment, drug: int, amount: int) -> int:
    """By how many fields the drug, and all that follows it, stands from its place."""
    if segment.name == "RXC":
        return 0
    if _is_one_further(segment, drug, amount):
        return 1
    for back in range(1, min(_FURTHEST_BACK, drug - 1) + 1):
        if _is_earlier(segment, drug, drug - back):
            return -back
    return 0


def _is_one_further(segment: Segment, drug: int, amount: int) -> bool:
    """No drug but words where the amount should be; some senders number their segments where the drug should be."""
    parts = [part for part in (part.strip() for part in segment.components(amount)) if part]
    if segment.raw(drug):
        is_number = segment.raw(drug).strip().isdecimal() and len(segment.raw(drug).strip()) < 3
        return is_number and len(parts) > 1 and _is_name(parts[1])
    if len(parts) > 1 and read_range(parts[0]) is None:
        return True
    # A drug with a number for a code, or without any: its words are no amount and no unit, and its amount follows.
    words = "".join(parts[:1] if len(parts) == 1 else parts[1:2])
    is_amount = not words or _is_amount(words)
    return not is_amount and read_number_and_unit(segment.text(amount + 1).strip())[0] is not None


def _is_earlier(segment: Segment, drug: int, field: int) -> bool:
    """A code, its name and its system in an earlier field, an amount behind it, and no name at the drug's place."""
    parts = [part.strip() for part in segment.components(field)]
    is_coded = len(parts) > 2 and _is_name(parts[1]) and _letters(parts[2]) > 1
    is_taken = any(_is_name(part.strip()) for part in segment.components(drug)[:2])
    number = read_number_and_unit(segment.text(field + 1).strip())[0]
    return is_coded and not is_taken and number is not None and number.high < _NO_AMOUNT


def _is_name(words: str) -> bool:
    """Words that can be a drug: no amount, no unit and no frequency."""
    return _letters(words) >= _SHORTEST_NAME and not _is_amount(words) and not read_pattern(words).is_known


def _is_amount(words: str) -> bool:
    return read_unit(words) is not None or read_number_and_unit(words)[0] is not None


def _letters(words: str) -> int:
    return sum(character.isalpha() for character in words)
