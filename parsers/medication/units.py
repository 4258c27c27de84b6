"""Numbers and units as hospitals write them: `1.000,5`, `G^Grams`, `75 mg`.

What can be read in two ways is an interval. Each unit counts in another: `mg/kg/min` is 0.06 `g/kg/h`.
"""

import re
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import lru_cache

from clinical.quantities import Quantity, interval, unique
from parsers.hl7.segments import Segment
from parsers.medication.languages import UNITS

_NUMBER = re.compile(r"[0-9]{1,12}(?:[.,][0-9]{1,9}){0,3}", re.ASCII)
_RANGE = re.compile(r"(.+?)\s*(?:-|–|—|\btot(?: en met)?\b|\bto\b|\bt/m\b|\bà\b)\s*(.+)", re.IGNORECASE)
_SPACED_THOUSANDS = re.compile(r"(?<=[0-9])[\s\u00a0\u202f'](?=[0-9]{3}(?![0-9]))")

AMBIGUOUS = "ambiguous_separator"


@lru_cache(maxsize=4096)
def read_number(text: str) -> Quantity | None:
    """Read one number that is zero or more, or None.

    A single separator before exactly three digits is a decimal mark or a thousand: `1.000` is 1 or 1000.
    """
    text = _SPACED_THOUSANDS.sub("", text.strip())
    text = ("0" + text) if text[:1] in {".", ","} else text.removeprefix("+")
    if _NUMBER.fullmatch(text) is None:
        return None
    marks = [character for character in text if character in ".,"]
    if not marks:
        return interval(Decimal(text), Decimal(text))
    groups = re.split("[.,]", text)
    if len(set(marks)) == 1 and len(marks) > 1:
        return _thousands(groups) if all(len(group) == 3 for group in groups[1:]) else None
    if len(marks) > 1:
        whole, fraction = groups[:-1], groups[-1]
        return _decimal("".join(whole), fraction) if _are_thousands(whole) and marks[-1] not in marks[:-1] else None
    if len(groups[1]) == 3 and len(groups[0]) <= 3 and not groups[0].startswith("0"):
        return interval(Decimal(f"{groups[0]}.{groups[1]}"), Decimal("".join(groups)), AMBIGUOUS)
    return _decimal(groups[0], groups[1])


def _are_thousands(groups: list[str]) -> bool:
    return all(len(group) == 3 for group in groups[1:]) and 0 < len(groups[0]) <= 3


def _thousands(groups: list[str]) -> Quantity | None:
    if not _are_thousands(groups):
        return None
    value = Decimal("".join(groups))
    return interval(value, value)


def _decimal(whole: str, fraction: str) -> Quantity:
    value = Decimal(f"{whole}.{fraction}")
    return interval(value, value)


@lru_cache(maxsize=4096)
def read_range(text: str) -> Quantity | None:
    """Read one number, or two with a dash or a word between them, or None."""
    single = read_number(text)
    if single is not None:
        return single
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        return None
    first, second = read_number(found[1]), read_number(found[2])
    if first is None or second is None:
        return None
    return interval(min(first.low, second.low), max(first.high, second.high), *first.flags, *second.flags)


MASS, VOLUME, PER_KG, ML_PER_KG = "g", "mL", "g/kg", "mL/kg"
CONCENTRATION, PACKAGE, DOSE, ACTIVITY, BODY_WEIGHT, HOURS = "mg/mL", "package", "dose", "IU", "kg", "h"
RATES = frozenset({"g/h", "g/kg/h", "mL/h", "mL/kg/h"})

_D = Decimal
_ONE = Decimal(1)
_MASSES = {"g": _D(1), "mg": _D("0.001"), "ug": _D("0.000001"), "ng": _D("0.000000001")}
_VOLUMES = {"mL": _D(1), "L": _D(1000), "dL": _D(100), "cL": _D(10), "uL": _D("0.001")}
_WEIGHTS = {"kg": _D(1), "lb": _D("0.45359237")}
_TIMES = {"s": _D(1) / 3600, "min": _D(1) / 60, "h": _D(1), "d": _D(24), "wk": _D(168), "mo": _D(720)}
_LONG = {"d": "d", "wk": "wk", "mo": "mo", "course": "course"}

_WORDS = {word: name for name, words in UNITS.items() for word in words.split()} | {
    word: name
    for name, words in {
        "g": "g gr gram grams gramm gramme grammes gm gms gram(s) grm [gr]",
        "mg": "mg milligram milligrams mgr mgs",
        "ug": "ug mcg µg μg microgram micrograms mikrogram",
        "ng": "ng nanogram",
        "mL": "ml milliliter milliliters millilitre millilitres cc mls mltr cm3",
        "L": "l liter liters litre ltr",
        "dL": "dl deciliter",
        "cL": "cl centiliter",
        "uL": "ul µl μl microliter",
        "kg": "kg kilo kilogram kilograms kgs kglg kgbw kglichaamsgewicht kilogramlichaamsgewicht",
        "lb": "lb lbs pound pounds [lb_av] lb_av",
        "%": "% procent percent %w/v",
        "IU": "iu ie i.e. i.u. eh eenh eenheden eenheid [iu] [iu'u] u units internationaleeenheden ku mie miu kie",
        "package": "fl fles flessen flesje flac flacon flacons vial vials stuk stuks st amp ampul ampullen ampoule zak"
        " zakken infuuszak durchstechfl bag bags bottle bottles ea each piece pieces tab tabl tablet tabletten tablets"
        " caps capsule capsules spuit wwsp syringe verp verpakking pen patr {vial} {bottle} {bag} {tbl}",
        "dose": "dose doses dosis doses gift giften keer maal x toediening toedieningen infusie infusies infuus"
        " {dose} administration [x]",
        "s": "s sec secs second seconde seconden seconds",
        "min": "min mins minuut minuten minute minutes minuut(en)",
        "h": "h hr hrs uur uren hour hours std",
        "d": "d dag dagen day days dgn etmaal da",
        "wk": "wk wks week weken weeks w wkn",
        "mo": "mo mnd maand maanden month months mon",
        "course": "kuur kuren course courses cyclus cycle",
    }.items()
    for word in words.split()
}
_IN_DENOMINATOR = {
    "u": "h",
    "m": "min",
    "j": "d",
    "die": "d",
    "etm": "d",
    "24h": "d",
    "24u": "d",
    "24uur": "d",
    "24hr": "d",
}
_EXACT = Context(prec=15)  # exact: 1/60 of an hour times 60 is one hour
_POWER = re.compile(r"[.*·]\s*([a-zA-Z]+)\s*\^?(?:-1|⁻¹)")
_COUNTED = re.compile(r"([0-9]{1,3})([a-z]+)")
_DEVICE = "MDC_DIM_"  # ISO/IEEE 11073-10101
_PREFIXES = {"X": "", "KILO": "k", "DECI": "d", "CENTI": "c", "MILLI": "m", "MICRO": "u", "NANO": "n"}
_PREFIX = re.compile(rf"^({'|'.join(_PREFIXES)})_")
_TAIL = re.compile(
    r"(?<=kg)\W*(?:lichaams\w*|lg|bw|lich\w*|gew\w*|kg|[iaelt]bw|(?:ideal|ideaal|adj|act|lean|dry|total)\w*|body\w*|wt|k[öo]rper\w*"
    r"|poids\w*|peso\w*|pc|pv|kropps?\w*|krops\w*|vikt\w*|paino\w*|hmotnosti|t[ěe]lesn\w*|m\.?c\.?|v[üu]cut\w*)$"
)
_OF_IDEAL = re.compile(r"\bibw|\babw\b|\blbw|ideal|ideaal|adjusted|lean", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: its tidy name, the unit it counts in (itself when there is none) and how many of those it is."""

    name: str
    base: str
    factor: Decimal = _ONE
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SentAmount:
    """An amount as it was sent: a number, and the unit it was written in."""

    value: Quantity
    unit: Unit

    @property
    def counted(self) -> Quantity:
        """The value in the unit it counts in: 400 mg as 0.4 (g)."""
        return self.value * self.unit.factor

    @property
    def flags(self) -> tuple[str, ...]:
        """What was doubtful about the number and about the unit."""
        return unique(self.value.flags + self.unit.flags)


# No single dose and no pump rate is higher (and no dose of immunoglobulin lower): then `1.333` is read the other way.
_MOST = {MASS: 500, PER_KG: 10, VOLUME: 10_000, ML_PER_KG: 200, PACKAGE: 500}
_MOST |= {"g/h": 200, "g/kg/h": 3, "mL/h": 5_000, "mL/kg/h": 60}
_LEAST_IMMUNOGLOBULIN = {MASS: _D("0.1"), PER_KG: _D("0.005")}


def plausible(amount: SentAmount, *, immunoglobulin: bool = False) -> SentAmount:
    """Return the amount in the one way that can be meant, where its mark reads as a decimal and as a thousand."""
    value, base = amount.counted, amount.unit.base
    if AMBIGUOUS not in value.flags or value.high < value.low * 1000:
        return amount
    too_much = base in _MOST and value.high > _MOST[base]
    too_little = immunoglobulin and value.low < _LEAST_IMMUNOGLOBULIN.get(base, 0)
    if too_much == too_little:
        return amount
    low, high = amount.value.low, amount.value.high
    flags = ("separator_by_amount" if flag == AMBIGUOUS else flag for flag in amount.value.flags)
    return SentAmount(interval(*((low, high / 1000) if too_much else (low * 1000, high)), *flags), amount.unit)


@lru_cache(maxsize=4096)
def read_unit(text: str) -> Unit | None:
    """Read a unit, or None when it is not one we know."""
    text = text.strip()
    if not text or len(text) > 60:
        return None
    if text.upper().startswith(_DEVICE):
        text = _of_device(text.upper().removeprefix(_DEVICE))
    flags = _misread(text)
    parts = _parts(text)
    numerator = _WORDS.get(parts[0]) or _WORDS.get(parts[0].rstrip("."))
    if numerator is None:
        return _package_with_size(text)
    if len(parts) == 1:
        return _single(numerator, flags)
    if parts[0] == "%":
        return None
    return _ratio(numerator, parts[1:], flags)


def _of_device(name: str) -> str:
    """Return what infusion pumps call a unit: `MILLI_G_PER_KG_PER_HR` as `mg/kg/hr`."""
    return "/".join(_PREFIX.sub(lambda found: _PREFIXES[found[1]], part) for part in name.split("_PER_")).lower()


def _misread(text: str) -> tuple[str, ...]:
    """UCUM's `G` is gauss and its `[gr]` grain; whoever writes them of a drug means grams."""
    if text == "G" or text.startswith("G/"):
        return ("unit_gauss",)
    if "kg" in text and _OF_IDEAL.search(text):
        return ("per_kg_ideal",)
    return ("unit_grain",) if "[gr]" in text else ()


def _parts(text: str) -> list[str]:
    text = _POWER.sub(r"/\1", text).lower()
    text = re.sub(
        r"\s+(?:per|p/|p\.|pro|par|por|al|alla|à|pr|om|na|za)\s*(?=\w)|\bper\s+",
        "/",
        text.replace("(", "").replace(")", ""),
    )
    if "/" in text:
        text = re.sub(r"(?<=[a-z])[.*·](?=[a-z])", "/", text)  # mg/(kg.h)
    return [_TAIL.sub("", re.sub(r"\s+", "", part)) for part in text.split("/")]


def _package_with_size(text: str) -> Unit | None:
    """`flacon 100 mL` is a package; its size is read from the same text where it is needed."""
    first = re.split(r"[\s(à]", text.lower(), maxsplit=1)[0]
    return Unit(PACKAGE, PACKAGE) if _WORDS.get(first) == PACKAGE else None


def _single(name: str, flags: tuple[str, ...]) -> Unit | None:
    if name in _MASSES:
        return Unit(name, MASS, _MASSES[name], flags)
    if name in _VOLUMES:
        return Unit(name, VOLUME, _VOLUMES[name], flags)
    if name in _WEIGHTS:
        return Unit(name, BODY_WEIGHT, _WEIGHTS[name], flags)
    if name in _TIMES:
        return Unit(name, HOURS, _TIMES[name], flags)
    if name == "%":
        return Unit("%", CONCENTRATION, _D(10), flags)
    return Unit(name, name, _D(1), flags)


def _denominator(part: str) -> tuple[str, Decimal] | None:
    """Return the unit below the line and how many of it: `24h` is one day, `8h` is eight hours."""
    name = _IN_DENOMINATOR.get(part) or _WORDS.get(part)
    if name is not None:
        return name, _D(1)
    counted = _COUNTED.fullmatch(part)
    if counted is None or int(counted[1]) == 0:
        return None
    name = _IN_DENOMINATOR.get(counted[2]) or _WORDS.get(counted[2])
    return (name, _D(counted[1])) if name is not None else None


def _ratio(numerator: str, denominators: list[str], flags: tuple[str, ...]) -> Unit | None:
    base, factor = _numerator(numerator)
    names, bases = [numerator], [base]
    for part in denominators:
        below = _denominator(part)
        if below is None:
            return None
        name, count = below
        shown = name if count == 1 else f"{count}{name}"
        if name in _WEIGHTS:
            bases, factor = [*bases, "kg"], factor / (count * _WEIGHTS[name])
        elif name in _VOLUMES:
            bases, factor = [*bases, "mL"], factor / (count * _VOLUMES[name])
        elif name in _LONG and (count == 1 or name != "d"):
            bases = [*bases, shown]
        elif name in _TIMES:
            bases, factor = [*bases, "h"], factor / (count * _TIMES[name])
        elif name in (DOSE, PACKAGE):
            if name == PACKAGE:
                bases = [*bases, PACKAGE]
        else:
            return None
        if name != DOSE:
            names.append(shown)
    return _finish(names, bases, factor, flags)


def _numerator(name: str) -> tuple[str, Decimal]:
    if name in _MASSES:
        return MASS, _MASSES[name]
    if name in _VOLUMES:
        return VOLUME, _VOLUMES[name]
    return name, _D(1)


def _finish(names: list[str], bases: list[str], factor: Decimal, flags: tuple[str, ...]) -> Unit:
    name, base, factor = "/".join(names), "/".join(bases), factor.normalize(_EXACT)
    if base == "g/mL":
        return Unit(name, CONCENTRATION, factor * 1000, flags)
    if base == "mL/mL":
        return Unit(name, name, _D(1), flags)
    return Unit(name, base, factor, flags)


_CODES_FROM = 100_000


@dataclass(frozen=True, slots=True)
class UnitField:
    """A field of units: what it says, and the number some senders put into it."""

    unit: Unit | None
    text: str
    value: Quantity | None = None


def read_number_and_unit(text: str) -> tuple[Quantity | None, Unit | None, tuple[str, ...]]:
    """Return a number, with the unit that some senders add to it."""
    if not text:
        return None, None, ()
    value = read_range(text)
    if value is not None:
        return value, None, ()
    number, unit = split_value(text)
    return (number, unit, ("unit_in_value",)) if number is not None else (None, None, ("amount_unread",))


def split_value(text: str) -> tuple[Quantity | None, Unit | None]:
    """`75 mg` as a number and a unit; neither when it is something else."""
    text = text.strip()
    cut = next((index for index, character in enumerate(text) if character.isalpha() or character in "%[{"), len(text))
    number, unit = read_range(text[:cut].strip()), read_unit(text[cut:])
    return (number, unit) if number is not None and unit is not None else (None, None)


def from_to(low: Quantity | None, high: Quantity | None) -> Quantity | None:
    """From the minimum to the maximum; a maximum of zero is a field that was not filled in."""
    if low is None or (low.high == 0 and high is not None):
        return high
    if high is None or high.high == 0:
        return low
    return interval(min(low.low, high.low), max(low.high, high.high), *low.flags, *high.flags)


def _no_code(number: Quantity | None) -> Quantity | None:
    """Return the number, unless it is so large that it is the code of the unit: `263762^MDC_DIM_MILLI_L^MDC`."""
    return number if number is not None and number.high < _CODES_FROM else None


def read_units(segment: Segment, field: int, number_sent: bool = True) -> UnitField:
    """Units from the code, else its text, else the alternate code; `75 mg` and `43^mg/hr` hold the number too."""
    if not field:
        return UnitField(None, "")
    parts = [part.strip() for part in segment.components(field)]
    words = [parts[index] for index in (0, 1, 3, 4, 8) if index < len(parts) and parts[index]]
    if not words:
        return UnitField(None, "")
    first = read_unit(words[0])
    if first is not None:
        return UnitField(first, words[0])
    value, unit = split_value(words[0])
    if unit is not None:
        return UnitField(unit, words[0], value)
    unit = next((found for word in words[1:] if (found := read_unit(word)) is not None), None)
    number = _no_code(read_range(words[0]))
    if unit is not None and number is not None and (not number_sent or unit.base.endswith("/h")):
        return UnitField(unit, words[0], number)
    if unit is None:
        value, unit = next((pair for word in words[1:] if (pair := split_value(word))[1] is not None), (None, None))
        return UnitField(unit, words[0], value if not number_sent else None)
    return UnitField(unit, words[0])
