"""The arithmetic of doses: grams of one administration from an amount as it was ordered; None when nobody can know."""

from decimal import Decimal

from clinical.events import Amount
from parsers.medication.amounts import as_span, between, flagged, joined, widened
from parsers.medication.decimals import Span, unique
from parsers.medication.medication_text import find_package_mass, find_package_volume
from parsers.medication.strengths import Product, concentration
from parsers.medication.units import MASS, ML_PER_KG, PACKAGE, PER_KG, VOLUME, Quantity

_PER_DAY = "/d"
_PER_COURSE = "/course"
_LEAST_PACKAGE = Decimal(10)  # mL: the volume a strength is stated in is a package from here on, and a unit below
_LEAST_STRENGTH = Decimal("0.5")  # g: no flask of immunoglobulin holds less


def per_administration(
    amount: Quantity, product: Product, basis: str, per_day: Decimal = Decimal(1)
) -> tuple[Amount | None, tuple[str, ...]]:
    """Grams (or g/kg) of one administration, or None and why not; `per_day` splits an amount that is per day."""
    flags: tuple[str, ...] = ()
    base = amount.unit.base
    if base.endswith(_PER_DAY):
        base = base.removesuffix(_PER_DAY)
        flags = ("per_day_unit",)
        amount = Quantity(amount.counted / max(per_day, Decimal(1)), amount.unit)
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


def is_per_course(amount: Quantity) -> bool:
    """Whether the unit itself says that this is the whole course."""
    return amount.unit.base.endswith(_PER_COURSE)


def _grams(value: Span, base: str, product: Product, basis: str) -> tuple[Amount | None, tuple[str, ...]]:
    if base in (MASS, PER_KG):
        return between(value, base, basis), ()
    if base in (VOLUME, ML_PER_KG):
        strength, why = concentration(product)
        if strength is None:
            return None, unique((*why, "conc_unknown"))
        return _volume_in_grams(value, MASS if base == VOLUME else PER_KG, strength, basis), ()
    if base == PACKAGE:
        return _packages(value, product, basis)
    return None, ("unit_unusable",)


def _volume_in_grams(value: Span, unit: str, strength: Amount, basis: str) -> Amount:
    return between(value * as_span(strength) / 1000, unit, joined(basis, strength.basis))


def _packages(value: Span, product: Product, basis: str) -> tuple[Amount | None, tuple[str, ...]]:
    """Packages times what one holds: a mass that was sent, a volume that was sent, or either from the name."""
    strength, package = product.strength, product.package
    if package is not None and package.unit.base == MASS:
        return between(value * package.counted, MASS, basis, package.flags), ()
    if strength is not None and strength.unit.base == MASS and product.volume is None:
        return _by_plain_strength(value, strength, product, basis), ()
    size, flags = _package_volume(product)
    per_ml, _ = concentration(product)
    if size is not None and per_ml is not None:
        return between(value * size * as_span(per_ml) / 1000, MASS, joined(basis, per_ml.basis), flags), ()
    mass = find_package_mass(product.name)
    if mass is not None:
        return between(value * mass, MASS, basis, ("package_from_name",)), ()
    return None, ("package_unknown",)


def _by_plain_strength(value: Span, strength: Quantity, product: Product, basis: str) -> Amount:
    """`100 mg` without a volume is what a package holds; so little in a package of 50 mL may as well be per mL."""
    by_package = between(value * strength.counted, MASS, basis, ("strength_per_package",))
    size, flags = _package_volume(product)
    if size is None or strength.counted.high >= _LEAST_STRENGTH:
        return by_package
    by_volume = between(value * size * strength.counted, MASS, basis, flags)
    return widened(by_package, by_volume, "strength_ambiguous")


def _package_volume(product: Product) -> tuple[Span | None, tuple[str, ...]]:
    package, volume = product.package, product.volume
    if package is not None and package.unit.base == VOLUME:
        return package.counted, package.flags
    if volume is not None and volume.unit.base == VOLUME and volume.counted.low >= _LEAST_PACKAGE:
        return volume.counted, ("package_assumed",)
    named = find_package_volume(product.name)
    return (named, ("package_from_name",)) if named is not None else (None, ())
