"""How strong a product is: mg in a mL, as sent, as mixed, as named, or as usual."""

from dataclasses import dataclass
from decimal import Decimal

from clinical.events import Amount
from parsers.medication.amounts import between, counted
from parsers.medication.decimals import span
from parsers.medication.medication_text import find_concentration
from parsers.medication.units import CONCENTRATION, MASS, VOLUME, Quantity

ASSUMED = "assumed_conc"


@dataclass(frozen=True, slots=True)
class Product:
    """What is known of one package and its strength."""

    name: str = ""
    strength: Quantity | None = None
    volume: Quantity | None = None  # in which the strength is
    package: Quantity | None = None  # how much one package holds
    assumed: tuple[Decimal, Decimal] | None = None  # mg/mL, when nothing says it
    mixed: Amount | None = None  # mg/mL of a mixture, from its ingredients
    basis: str = ""


def concentration(product: Product) -> tuple[Amount | None, tuple[str, ...]]:
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
        return between(span(*product.assumed), CONCENTRATION, product.basis, (ASSUMED, *flags)), flags
    return None, flags


def _sent_concentration(product: Product) -> tuple[Amount | None, tuple[str, ...]]:
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
    return between(per_ml, CONCENTRATION, product.basis, strength.flags + volume.flags), ()
