"""Units as hospitals write them, each with the one it is counted in: `mg/kg/min` counts as 0.06 `g/kg/h`."""

import re
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import lru_cache

from parsers.medication.decimals import Span, unique

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

_WORDS = {
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
        " zakken infuuszak bag bags bottle bottles ea each piece pieces tab tabl tablet tabletten tablets caps capsule"
        " capsules spuit wwsp syringe verp verpakking pen patr {vial} {bottle} {bag} {tbl}",
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
_IN_DENOMINATOR = {"u": "h", "m": "min", "24h": "d", "24u": "d", "24uur": "d", "24hr": "d"}
_EXACT = Context(prec=15)  # 1/60 of an hour and back again is one hour
_POWER = re.compile(r"[.*·]\s*([a-zA-Z]+)\s*\^?(?:-1|⁻¹)")
_COUNTED = re.compile(r"([0-9]{1,3})([a-z]+)")
_DEVICE = "MDC_DIM_"  # ISO/IEEE 11073-10101
_PREFIXES = {"X": "", "KILO": "k", "DECI": "d", "CENTI": "c", "MILLI": "m", "MICRO": "u", "NANO": "n"}
_PREFIX = re.compile(rf"^({'|'.join(_PREFIXES)})_")
_TAIL = re.compile(r"(?<=kg)(?:lichaams\w*|lg|bw|lich\w*|gew\w*)$")


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: its tidy name, the unit it counts in (itself when there is none) and how many of those it is."""

    name: str
    base: str
    factor: Decimal = _ONE
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit."""

    value: Span
    unit: Unit

    @property
    def counted(self) -> Span:
        """The value in the unit it counts in: 400 mg as 0.4 (g)."""
        return self.value * self.unit.factor

    @property
    def flags(self) -> tuple[str, ...]:
        """What was doubtful about the number and about the unit."""
        return unique(self.value.flags + self.unit.flags)


@lru_cache(maxsize=4096)
def read_unit(text: str) -> Unit | None:
    """Read a unit, or None when it is none of ours."""
    text = text.strip()
    if not text or len(text) > 60:
        return None
    if text.upper().startswith(_DEVICE):
        text = _of_device(text.upper().removeprefix(_DEVICE))
    flags = _misread(text)
    parts = _parts(text)
    numerator = _WORDS.get(parts[0])
    if numerator is None:
        return _package_with_size(text)
    if len(parts) == 1:
        return _single(numerator, flags)
    if parts[0] == "%":
        return None
    return _ratio(numerator, parts[1:], flags)


def _of_device(name: str) -> str:
    """What infusion pumps call a unit: `MILLI_G_PER_KG_PER_HR` as `mg/kg/hr`."""
    return "/".join(_PREFIX.sub(lambda found: _PREFIXES[found[1]], part) for part in name.split("_PER_")).lower()


def _misread(text: str) -> tuple[str, ...]:
    """UCUM's `G` is gauss and its `[gr]` grain; whoever writes them of a drug means grams."""
    if text == "G" or text.startswith("G/"):
        return ("unit_gauss",)
    return ("unit_grain",) if "[gr]" in text else ()


def _parts(text: str) -> list[str]:
    text = _POWER.sub(r"/\1", text).lower()
    text = re.sub(r"\s+(?:per|p/|p\.)\s*|\bper\s+", "/", text.replace("(", "").replace(")", ""))
    if "/" in text:
        text = re.sub(r"(?<=[a-z])[.*·](?=[a-z])", "/", text)  # mg/(kg.h)
    return [_TAIL.sub("", re.sub(r"\s+", "", part)) for part in text.split("/")]


def _package_with_size(text: str) -> Unit | None:
    """`flacon 100 mL` is a package; its size is read from the same text by who needs it."""
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
    """The unit below the line and how many of it: `24h` is one day, `8h` is eight hours."""
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
