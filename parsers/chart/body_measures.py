"""Weights and heights as hospitals send them: under names of their own, in words, without a unit, in pounds."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache

from clinical.codes import Coding
from parsers.medication.units import read_number

WEIGHT = Coding(system="LOINC", code="29463-7", display="body weight")
HEIGHT = Coding(system="LOINC", code="8302-2", display="body height")
UNIT_ASSUMED = "unit_assumed"

_KG, _G, _LB, _OZ, _STONE = "kg", "g", "[lb_av]", "[oz_av]", "[stone_av]"
_POUNDS_IN = {_LB: Decimal(1), _OZ: Decimal(1) / 16, _STONE: Decimal(14)}
_SPELLED = {
    word: unit
    for unit, words in {
        _KG: "kg kgs kilo kilos kilogram kilograms kilogramm kilogramme kilogrammes kilogramos kilogrammi кг",
        _G: "g gr gram grams gramm grammes gramos grammi",
        _LB: "lb lbs pound pounds",
        _OZ: "oz ounce ounces",
        _STONE: "st stone stones",
    }.items()
    for word in words.split()
}
MEASURED_IN = dict.fromkeys((*_POUNDS_IN, _KG, _G), WEIGHT) | dict.fromkeys(("cm", "m", "[in_i]"), HEIGHT)
_WEIGHTS = frozenset({"29463-7", "3141-9", "3142-7", "8341-0", "68063"})  # of the value set body-weight
_AMERICAN = frozenset({_LB, _OZ, "[in_i]", "in", "ft", "[ft_i]", "[degf]", "degf", "°f", "f"})

_QUALIFIERS = re.compile(
    r"\b(?:patients?|pati[eë]nte?|actueel|actuele|actual|aktuell\w*|current|huidige?|measured|gemeten|gemessen|mesur[ée]|today"
    r"|vandaag|admission|opname|daily|of|van|the|het|stated|in|kg|kilo(?:gram\w*)?|gram(?:s|m)?|g|lbs?|pounds?|oz|cm|scales?|real"
    r"|reale?|nu)\b|[():,.\-_\[\]/]"
)
_NAMES = {
    WEIGHT.code: re.compile(
        r"(?:body ?)?weight|wt|bw|body ?wt|pt wt|(?:lichaams ?)?gewicht|lg|(?:k[öo]rper)?gewicht|poids(?: corporel)?"
        r"|peso(?: corpor\w+)?|(?:kropps ?)?vikt|kroppsvekt|vekt|(?:krops)?v[æa]gt|paino|kehon paino|masa cia[łl]a"
        r"|waga|tests[úu]ly|greutate(?: corporal[ăa])?"
        r"|βάρος(?: σώματος)?|βαρος(?: σωματος)?|svoris|вага|маса тіла"
        r"|(?:t[ěe]lesn[áa] )?hmotnost|v[áa]ha|(?:v[üu]cut )?a[ğg][ıi]rl[ıi][ğg][ıi]|kilo|gew|вес|масса тела"
        r"|mdc attr pt weight"
    ),
    HEIGHT.code: re.compile(
        r"(?:body ?)?height|ht|(?:lichaams ?)?lengte|(?:k[öo]rper)?gr[öo](?:ß|ss)e|taille|talla|altezza"
        r"|altura|estatura|l[äa]ngd"
        r"|h[øo]yde|h[øo]jde|pituus|wzrost|v[ýy][šs]ka|boy|рост|mdc attr pt height"
    ),
}


@lru_cache(maxsize=1024)
def measure_named(codings: tuple[Coding, ...], text: str, unit: str) -> Coding | None:
    """Return weight or height by its name, where the sender has a code of its own for it."""
    if unit not in MEASURED_IN or any(coding.system == "LOINC" for coding in codings):
        return None
    measure = MEASURED_IN[unit]
    return measure if _is_named(measure, codings, text) else None


def _is_named(measure: Coding, codings: tuple[Coding, ...], text: str) -> bool:
    names = [text, *(coding.code for coding in codings)]
    return any(_NAMES[measure.code].fullmatch(_plain(name)) for name in names)


def _plain(name: str) -> str:
    return " ".join(_QUALIFIERS.sub(" ", name.lower()).split())


@lru_cache(maxsize=1024)
def is_weight(codings: tuple[Coding, ...], text: str) -> bool:
    """Return whether this is what somebody weighs, by its code or its name."""
    coded = [coding.code for coding in codings if coding.system in ("LOINC", "MDC")]
    return any(code in _WEIGHTS for code in coded) if coded else _is_named(WEIGHT, codings, text)


@dataclass(frozen=True, slots=True)
class ReadWeight:
    """A weight of which the number, the unit or both had to be looked for; no unit where nothing tells it."""

    number: Decimal | None
    unit: str = ""
    flags: tuple[str, ...] = ()


_UNIT = "|".join(sorted(_SPELLED, key=len, reverse=True))
_PAIR = re.compile(rf"(?<![\w.,])([0-9]+(?:[.,][0-9]+)?)[\s^]*({_UNIT})(?![^\W\d_])")
_UNIT_IN_NAME = re.compile(rf"(?<![^\W\d_])(?!kilo\b|st\b)({_UNIT})(?![^\W\d_])")
_BARE = re.compile(r"[^\d]{0,12}?([0-9]+(?:[.,][0-9]+)?)[^\d]{0,3}")
_AS_KILOGRAMS = (Decimal(20), Decimal(150))  # of a bare number: fewer may be a child's, more rather pounds
_AS_GRAMS = (Decimal(1000), Decimal(350_000))


def read_weight(name: str, value: str, number: Decimal | None, *, in_pounds: bool) -> ReadWeight:
    """Return the weight of a result without a unit: from its words, from its name, else by what can be meant.

    A bare number of a feed that measures in inches, or that may as well be pounds, stays without a unit.
    """
    if found := _in_words(value.lower()):
        return found
    number = number if number is not None else _bare(value)
    named = _UNIT_IN_NAME.search(name.lower())
    if named is not None:
        return ReadWeight(number, _SPELLED[named[1]])
    if number is None or in_pounds:
        return ReadWeight(number)
    if _AS_KILOGRAMS[0] <= number <= _AS_KILOGRAMS[1]:
        return ReadWeight(number, _KG, (UNIT_ASSUMED,))
    if _AS_GRAMS[0] <= number <= _AS_GRAMS[1]:
        return ReadWeight(number, _G, (UNIT_ASSUMED,))
    return ReadWeight(number)


def _bare(value: str) -> Decimal | None:
    found = _BARE.fullmatch(value.strip())
    read = read_number(found[1]) if found is not None else None
    return read.low if read is not None and read.low == read.high else None


def _in_words(value: str) -> ReadWeight | None:
    """Return `ca. 80 kg`, `176 lb 6 oz`, `12st 8lb`, `176 lb (80 kg)`; nothing where it names two weights."""
    found = [(number, _SPELLED[word]) for text, word in _PAIR.findall(value) if (number := _bare(text)) is not None]
    metric = {(number, unit) for number, unit in found if unit in (_KG, _G)}
    if metric:
        number, unit = next(iter(metric))
        return ReadWeight(number, unit) if len(metric) == 1 else None
    if not found or len({unit for _, unit in found}) < len(found):
        return None
    if len(found) == 1:
        return ReadWeight(*found[0])
    return ReadWeight(sum((number * _POUNDS_IN[unit] for number, unit in found), Decimal(0)), _LB)


def weighs_in_pounds(units: Iterable[str], zone: tzinfo) -> bool:
    """Return whether a hospital may mean pounds: by the units beside the weight, or because its clock is American."""
    offset = datetime(2026, 1, 1, tzinfo=zone).utcoffset()
    is_american = offset is not None and _WEST <= offset <= _EAST
    return is_american or any(unit.lower() in _AMERICAN for unit in units)


_WEST, _EAST = timedelta(hours=-10), timedelta(hours=-3)
