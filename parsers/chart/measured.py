"""What OBX-5 says: a number with its comparator, a code, or words."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from clinical.events import Coding
from parsers.chart.lab_units import ucum_of
from parsers.defaults import Defaults
from parsers.hl7.codes import read_all_codings, read_words
from parsers.hl7.segments import Segment
from parsers.medication.decimals import read_number

_CODED = frozenset({"CE", "CWE", "CNE", "CF"})
_ATTACHED = frozenset({"ED", "RP"})
_NUMBER = re.compile(r"\s*(<=|>=|=<|=>|<|>|≤|≥|=)?\s*([+-]?)\s*([0-9][0-9.,]*)\s*(?:[A-Za-z%µ/{\[*^·].*)?", re.DOTALL)
_PLAIN = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,2})?", re.ASCII)
_COMPARATORS = {"≤": "<=", "≥": ">=", "=<": "<=", "=>": ">=", "=": ""}
_COUNTS = frozenset({"NM", "SN", "ST", "TX", "", "NA", "FT"})


@dataclass(frozen=True, slots=True)
class Measured:
    """One value: as sent, and as far as it is a number or a code."""

    value: str = ""
    comparator: str = ""
    number: Decimal | None = None
    codings: tuple[Coding, ...] = ()
    flags: tuple[str, ...] = ()


_NOTHING = Measured()


def read_measured(obx: Segment, defaults: Defaults) -> Measured:
    """Read OBX-5 by its type in OBX-2; two double quotes and empty are no value."""
    kind = obx.text(2).strip().upper()
    if not obx.raw(5) or obx.is_null(5):
        return _NOTHING
    if kind in _ATTACHED:
        return Measured(flags=("attachment",))
    if kind in _CODED:
        words = "\n".join(read_words(obx, 5, repetition) for repetition in range(1, obx.repetitions(5) + 1))
        codings = read_all_codings(obx, 5, defaults)
        return Measured(value=words or " ".join(coding.code for coding in codings), codings=codings)
    if kind == "SN":
        return _read_structured(obx)
    if not (value := obx.plain(5)):
        value = "\n".join(obx.whole(5, each) for each in range(1, obx.repetitions(5) + 1))
    return _plainly(value.strip(), kind)


@lru_cache(maxsize=2048)  # most results are one of few numbers
def _plainly(value: str, kind: str) -> Measured:
    if kind not in _COUNTS:
        return Measured(value=value)
    comparator, number, flags = read_figure(value, is_numeric=kind == "NM")
    return Measured(value=value, comparator=comparator, number=number, flags=flags)


def _read_structured(obx: Segment) -> Measured:
    """SN: comparator, number, separator, number. A range has no single number; `100^+` is 100 or more."""
    comparator, first, separator, second = (obx.text(5, component).strip() for component in (1, 2, 3, 4))
    value = f"{comparator}{first}{separator}{second}"
    if not first:
        inner, number, flags = read_figure(comparator, is_numeric=True)
        return Measured(value=value, comparator=inner, number=number, flags=flags)
    if separator and second:
        return Measured(value=value, flags=("value_range",))
    inner, number, flags = read_figure(first, is_numeric=True)
    comparator = _COMPARATORS.get(comparator, comparator) or inner or (">=" if separator == "+" else "")
    return Measured(value=value, comparator=comparator, number=number, flags=flags)


def read_figure(text: str, *, is_numeric: bool) -> tuple[str, Decimal | None, tuple[str, ...]]:
    """Comparator and number of `>5000`, `2,6` or `2.6 H`; a lone point before three digits is a decimal one in NM."""
    if _PLAIN.fullmatch(text):
        return "", Decimal(text), ()
    found = _NUMBER.fullmatch(text)
    if found is None:
        return "", None, ("not_a_number",) if is_numeric else ()
    read = read_number(found[3].rstrip(".,"))
    if read is None:
        return "", None, ("not_a_number",) if is_numeric else ()
    number = -read.low if found[2] == "-" else read.low
    certain = read.low == read.high or (is_numeric and "." in found[3])
    comparator = found[1] or ""
    return _COMPARATORS.get(comparator, comparator), number, () if certain else read.flags


def read_unit(obx: Segment) -> str:
    """OBX-6 in UCUM: the triplet that says it is, else the first; `10^9/L` that nobody escaped is put together."""
    return _unit(obx.components(6))


@lru_cache(maxsize=512)
def _unit(parts: tuple[str, ...]) -> str:
    if not parts:
        return ""
    if parts[0].lower().replace(" ", "") in ("10", "x10") and len(parts) > 1 and parts[1][:1].isdigit():
        return ucum_of(f"10^{parts[1].strip()}")
    if len(parts) > 5 and parts[5].strip().upper() == "UCUM" and parts[3].strip():
        return ucum_of(parts[3])
    return ucum_of(parts[0]) or (ucum_of(parts[1]) if len(parts) > 1 else "")
