"""Amounts, and the arithmetic from pieces, volumes and strengths to grams, with source fields and doubts."""

from dataclasses import dataclass
from decimal import Decimal

from clinical.quantities import Quantity, interval, unique
from parsers.medication.medication_text import find_concentration, find_package_mass, find_package_volume
from parsers.medication.units import CONCENTRATION, MASS, ML_PER_KG, PACKAGE, PER_KG, VOLUME, SentAmount, plausible


def amount_of(quantity: SentAmount, basis: str = "", *flags: str) -> Quantity:
    """Return a quantity in the unit it was sent in."""
    return quantity.value.stated(quantity.unit.name, basis, *quantity.flags, *flags)


def counted(quantity: SentAmount, basis: str = "", *flags: str) -> Quantity:
    """Return a quantity in the unit it counts in: 400 mg as 0.4 g."""
    return quantity.counted.stated(quantity.unit.base, basis, *quantity.flags, *flags)


def rescale(amount: Quantity, by: Quantity | Decimal | int, unit: str, *flags: str) -> Quantity:
    """Return an amount times something, in another unit."""
    return (amount * by).stated(unit, amount.basis, *flags)


def flagged(amount: Quantity, *flags: str) -> Quantity:
    """Return the same amount with more doubt."""
    return amount.stated(amount.unit, amount.basis, *flags)


def widened(amount: Quantity, other: Quantity, *flags: str) -> Quantity:
    """Return an interval that holds both; they must be in one unit."""
    both = interval(min(amount.low, other.low), max(amount.high, other.high), *amount.flags, *other.flags, *flags)
    return both.stated(amount.unit, joined(amount.basis, other.basis))


def joined(*bases: str) -> str:
    """Two places in one line, each once."""
    return " ".join(unique(bases))


def differ(one: Quantity, other: Quantity, by: Decimal) -> bool:
    """Return whether two amounts in one unit are more than a fraction of the larger apart, at their nearest ends."""
    if one.low <= other.high and other.low <= one.high:
        return False
    near, far = (one.high, other.low) if one.high < other.low else (other.high, one.low)
    return far - near > by * far


def divided(amount: Quantity, parts: int, *flags: str) -> Quantity:
    """From one of so many parts up to all of it at once."""
    return interval(amount.low / max(parts, 1), amount.high).stated(amount.unit, amount.basis, *amount.flags, *flags)


COURSE_LIMIT = Decimal("1.2")  # g/kg: a higher single dose is probably a whole course
DAY_LIMIT = Decimal(3)  # g/kg/day: a higher dose is probably a typing error


def in_grams(dose: Quantity, weight: Quantity | None) -> Quantity | None:
    """g of g, g/kg of g/kg by a weight in kg (also per hour); None without the weight that it takes."""
    unit = dose.unit.replace("/kg", "")
    if unit == dose.unit:
        return dose
    kilograms = _kilograms(weight)
    if kilograms is None:
        return None
    return (dose * kilograms).stated(unit, joined(dose.basis, weight.basis if weight else ""))


def per_kg(dose: Quantity, weight: Quantity | None) -> Quantity | None:
    """g/kg of g by a weight in kg (also per hour); None without the weight that it takes."""
    if "/kg" in dose.unit:
        return dose
    kilograms = _kilograms(weight)
    if kilograms is None:
        return None
    unit = dose.unit.replace("g", PER_KG, 1)
    return (dose / kilograms).stated(unit, joined(dose.basis, weight.basis if weight else ""))


def _kilograms(weight: Quantity | None) -> Quantity | None:
    if weight is None or weight.unit != "kg" or weight.low <= 0:
        return None
    return weight


def maybe_course_total(dose: Quantity, weight: Quantity | None, days: int) -> Quantity:
    """Return the dose, down to its part of one day when it is more than 1.2 g/kg and would be given on several days."""
    relative = per_kg(dose, weight)
    if days <= 1 or relative is None or relative.high <= COURSE_LIMIT or "maybe_course_total" in dose.flags:
        return dose
    return divided(dose, days, "maybe_course_total")


def is_implausible(per_day: Quantity, weight: Quantity | None) -> bool:
    """Return whether a day's grams come to more than 3 g/kg: still evaluated, but somebody has to look."""
    relative = per_kg(per_day, weight)
    return relative is not None and relative.high > DAY_LIMIT


ASSUMED = "assumed_conc"


@dataclass(frozen=True, slots=True)
class Package:
    """What is known of one package and its strength."""

    name: str = ""
    strength: SentAmount | None = None
    volume: SentAmount | None = None  # in which the strength is
    package: SentAmount | None = None  # how much one package holds
    assumed: tuple[Decimal, Decimal] | None = None  # mg/mL, when nothing says it
    mixed: Quantity | None = None  # mg/mL of a mixture, from its ingredients
    basis: str = ""


def concentration(product: Package) -> tuple[Quantity | None, tuple[str, ...]]:
    """mg/mL from the strength and its volume, else from a mixture's ingredients, the name, or what is usual.

    A plain mass without a volume is what one package holds: no concentration follows from it.
    """
    sent, flags = _sent_concentration(product)
    if sent is not None:
        return sent, ()
    if product.mixed is not None:
        return product.mixed, flags
    named = find_concentration(product.name)
    if named is not None:
        return counted(named, product.basis, "conc_from_name", *flags), flags
    if product.assumed is not None:
        return interval(*product.assumed).stated(CONCENTRATION, product.basis, ASSUMED, *flags), flags
    return None, flags


def _sent_concentration(product: Package) -> tuple[Quantity | None, tuple[str, ...]]:
    strength, volume = product.strength, product.volume
    if strength is None or strength.value.high == 0:
        return None, ()
    if strength.unit.base == CONCENTRATION:
        return counted(strength, product.basis), ()
    if strength.unit.base != MASS:
        return None, ("strength_unusable",)
    if volume is None or volume.unit.base != VOLUME or volume.value.low == 0:
        return None, ("strength_ambiguous",)
    per_ml = strength.counted * 1000 / volume.counted
    return per_ml.stated(CONCENTRATION, product.basis, *strength.flags + volume.flags), ()


_PER_DAY = "/d"
_PER_COURSE = "/course"
_LEAST_PACKAGE = Decimal(10)  # mL: the volume a strength is stated in is a package from here on, and a unit below
_LEAST_STRENGTH = Decimal("0.5")  # g: no flask of immunoglobulin holds less


def per_administration(
    amount: SentAmount, product: Package, basis: str, per_day: Decimal = Decimal(1)
) -> tuple[Quantity | None, tuple[str, ...]]:
    """Grams (or g/kg) of one administration, or None and why not; `per_day` splits an amount that is per day."""
    flags: tuple[str, ...] = ()
    amount = plausible(amount, immunoglobulin=product.assumed is not None)
    base = amount.unit.base
    if base.endswith(_PER_DAY):
        base = base.removesuffix(_PER_DAY)
        flags = ("per_day_unit",)
        amount = SentAmount(amount.counted / max(per_day, Decimal(1)), amount.unit)
        grams, why = _grams(amount.value, base, product, basis)
    else:
        base, flags = _without_period(base)
        grams, why = _grams(amount.counted, base, product, basis)
    if grams is None:
        return None, unique(flags + why)
    return flagged(grams, *amount.flags, *flags, *why), ()


def _without_period(base: str) -> tuple[str, tuple[str, ...]]:
    """`g/kg/4wk` is what is given each time, `g/kg/course` what all the times together may be."""
    head, _, tail = base.rpartition("/")
    if tail == "course":
        return head, ("maybe_course_total",)
    if head and tail.endswith(("wk", "mo", "d")):
        return head, ("per_period_unit",)
    return base, ()


def is_per_course(amount: SentAmount) -> bool:
    """Return whether the unit itself says that this is the whole course."""
    return amount.unit.base.endswith(_PER_COURSE)


def _grams(value: Quantity, base: str, product: Package, basis: str) -> tuple[Quantity | None, tuple[str, ...]]:
    if base in (MASS, PER_KG):
        return value.stated(base, basis), ()
    if base in (VOLUME, ML_PER_KG):
        strength, why = concentration(product)
        if strength is None:
            return None, unique((*why, "conc_unknown"))
        return _volume_in_grams(value, MASS if base == VOLUME else PER_KG, strength, basis), ()
    if base == PACKAGE:
        return _packages(value, product, basis)
    return None, ("unit_unusable",)


def _volume_in_grams(value: Quantity, unit: str, strength: Quantity, basis: str) -> Quantity:
    return (value * strength / 1000).stated(unit, joined(basis, strength.basis))


def _packages(value: Quantity, product: Package, basis: str) -> tuple[Quantity | None, tuple[str, ...]]:
    """Packages times what one holds: a mass that was sent, a volume that was sent, or either from the name."""
    strength, package = product.strength, product.package
    if package is not None and package.unit.base == MASS:
        return (value * package.counted).stated(MASS, basis, *package.flags), ()
    if strength is not None and strength.unit.base == MASS and product.volume is None:
        return _by_plain_strength(value, strength, product, basis), ()
    size, flags = _package_volume(product)
    per_ml, _ = concentration(product)
    if size is not None and per_ml is not None:
        return (value * size * per_ml / 1000).stated(MASS, joined(basis, per_ml.basis), *flags), ()
    mass = find_package_mass(product.name)
    if mass is not None:
        return (value * mass).stated(MASS, basis, "package_from_name"), ()
    return None, ("package_unknown",)


def _by_plain_strength(value: Quantity, strength: SentAmount, product: Package, basis: str) -> Quantity:
    """`100 mg` without a volume is what a package holds; so little in a package of 50 mL may as well be per mL."""
    by_package = (value * strength.counted).stated(MASS, basis, "strength_per_package")
    size, flags = _package_volume(product)
    if size is None or strength.counted.high >= _LEAST_STRENGTH:
        return by_package
    by_volume = (value * size * strength.counted).stated(MASS, basis, *flags)
    return widened(by_package, by_volume, "strength_ambiguous")


def _package_volume(product: Package) -> tuple[Quantity | None, tuple[str, ...]]:
    package, volume = product.package, product.volume
    if package is not None and package.unit.base == VOLUME:
        return package.counted, package.flags
    if volume is not None and volume.unit.base == VOLUME and volume.counted.low >= _LEAST_PACKAGE:
        return volume.counted, ("package_assumed",)
    named = find_package_volume(product.name)
    return (named, ("package_from_name",)) if named is not None else (None, ())
