"""The dose of an order, by precedence: ingredients, then the amount that was sent, then what was written in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from clinical.quantities import Quantity, unique
from parsers.medication.amounts import (
    Package,
    counted,
    differ,
    divided,
    flagged,
    is_per_course,
    per_administration,
    rescale,
    widened,
)
from parsers.medication.medication_text import COUNTED, FROM_VOLUME, days_divided_over, find_doses
from parsers.medication.schedules import ASSUMED_DAYS, Sent
from parsers.medication.units import MASS, PACKAGE, PER_KG, RATES, SentAmount, Unit

_TEXT_APART = Decimal("0.20")
_DAILY_APART = Decimal("0.10")
_PREMEDICATION = Decimal(1)  # g: less than this in a text about immunoglobulin is another drug's dose
_MOST_TIMES = 10


@dataclass(frozen=True, slots=True)
class OrderedDose:
    """One administration, the course when the amount is or may be that, and why it is unknown."""

    each: Quantity | None = None
    course: Quantity | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DoseSources:
    """What an order says about its dose."""

    amount: SentAmount | None
    product: Package
    basis: str
    mixture: Quantity | None = None  # grams of its ingredients
    daily: SentAmount | None = None
    daily_basis: str = ""
    instructions: str = ""
    name: str = ""
    package: str = ""  # a name that names a package: its grams are what that holds, its g/kg still a dose
    is_immunoglobulin: bool = False
    per_day: Decimal = Decimal(1)
    times: int | None = None
    hours: Decimal | None = None  # one infusion, for an amount that is a rate
    sent: Sequence[Sent] = ()


def dose_of(sources: DoseSources) -> OrderedDose:
    """Grams (or g/kg) of one administration."""
    each, flags = _as_sent(sources)
    course: Quantity | None = None
    if sources.amount is not None and is_per_course(sources.amount) and each is not None:
        course = each
        each = divided(each, sources.times or 1, "maybe_course_total")
    each = _in_words(sources) if each is None else _held_against_text(each, sources)
    if each is not None and course is None:
        each = _times_the_quantity(each, sources)
    each = _held_against_daily(each, sources)
    days = days_divided_over(f"{sources.instructions}; {sources.name}")
    if each is not None and course is None and days is not None:
        course, each = flagged(each, "maybe_course_total"), divided(each, days[1], "maybe_course_total")
    return OrderedDose(each, course, () if each is not None else unique(flags))


ISSUED = "dose_from_issue"


def dose_of_issue(amount: SentAmount, product: Package, basis: str) -> tuple[Quantity | None, tuple[str, ...]]:
    """Return the dose where only what was issued is known: from one package, or one day of some, up to all of it."""
    if not amount.unit.base:  # `3` of `Privigen 10 g`: packages
        amount = SentAmount(amount.value, Unit(PACKAGE, PACKAGE))
    whole, why = per_administration(amount, product, basis)
    if whole is None or whole.unit != MASS or whole.high == 0:
        return None, why
    pieces = amount.value.high if amount.unit.base == PACKAGE else Decimal(ASSUMED_DAYS)
    return divided(whole, int(pieces), ISSUED), ()


def _as_sent(sources: DoseSources) -> tuple[Quantity | None, tuple[str, ...]]:
    if sources.mixture is not None:
        return _mixture(sources), ()
    amount = sources.amount
    if amount is None:
        return _from_quantity(sources)
    if amount.value.high == 0:
        return None, ("amount_zero",)
    if amount.unit.base in RATES:
        return _from_rate(amount, sources)
    if not amount.unit.base:
        return None, ()  # the drug line already has a flag that says why
    return per_administration(amount, sources.product, sources.basis, sources.per_day)


def _mixture(sources: DoseSources) -> Quantity | None:
    """Return the ingredients; a larger mass sent for the whole keeps the higher end open."""
    mixture, amount = sources.mixture, sources.amount
    if mixture is None or amount is None or amount.unit.base != mixture.unit or amount.value.high == 0:
        return mixture
    whole = counted(amount, sources.basis)
    return widened(mixture, whole, "component_mismatch") if differ(mixture, whole, _TEXT_APART) else mixture


def _from_rate(amount: SentAmount, sources: DoseSources) -> tuple[Quantity | None, tuple[str, ...]]:
    """`43 mg/hr` is how fast: the dose is that for as long as it lasts, or for a day."""
    hours = sources.hours or Decimal(24)
    unit = amount.unit
    whole = SentAmount(amount.counted * hours, type(unit)(unit.base, unit.base.removesuffix("/h")))
    grams, why = per_administration(whole, sources.product, sources.basis)
    if grams is None:
        return None, why
    return flagged(grams, "rate_as_amount", "" if sources.hours else "per_day_unit"), ()


def _from_quantity(sources: DoseSources) -> tuple[Quantity | None, tuple[str, ...]]:
    """Some senders put the dose itself into the quantity of the timing."""
    for sent in sources.sent:
        if sent.quantity is not None and sent.quantity.value.high > 0:
            return per_administration(sent.quantity, sources.product, sent.path, sources.per_day)
    return None, ("amount_missing",)


def _times_the_quantity(each: Quantity, sources: DoseSources) -> Quantity:
    """TQ-1 counts give amounts; from 2 to 10 without a unit it may do that, or repeat what is known."""
    for sent in sources.sent:
        bare = sent.bare_quantity
        if bare is None or bare != bare.to_integral_value() or not 2 <= bare <= _MOST_TIMES:
            continue
        if sources.amount is None or not sources.amount.value.low <= bare <= sources.amount.value.high:
            return widened(each, rescale(each, bare, each.unit), "quantity_ambiguous")
    return each


def _candidates(text: str, sources: DoseSources) -> list[Quantity]:
    """Return the doses in a text; of an immunoglobulin's text, without the premedication."""
    found = []
    for quantity in find_doses(text):
        small = quantity.unit.base == MASS and quantity.counted.high <= _PREMEDICATION
        if sources.is_immunoglobulin and small:
            continue
        amount, _ = per_administration(quantity, sources.product, sources.basis, sources.per_day)
        if amount is not None:
            found.append(amount)
    return found


def _in_words(sources: DoseSources) -> Quantity | None:
    """Return the dose from the instructions, else the name; several make an interval, and grams outweigh g/kg."""
    for text in (sources.instructions, sources.name, sources.package):
        found = [each for each in _candidates(text, sources) if text is not sources.package or _is_no_content(each)]
        for unit in (MASS, PER_KG):
            alike = [amount for amount in found if amount.unit == unit]
            if alike:
                together = alike[0]
                for other in alike[1:]:
                    together = widened(together, other)
                return flagged(_so_many(together, sources) if text is sources.name else together, "dose_from_text")
    return None


def _is_no_content(each: Quantity) -> bool:
    """Return whether an amount beside the name of a package is a dose: `3 flacons van 10 g`, not `flacon 10 g`."""
    return each.unit == PER_KG or COUNTED in each.flags


def _so_many(named: Quantity, sources: DoseSources) -> Quantity:
    """Some of what a name holds, in a unit nobody knows: `3 chai` of `Privigen 10 g` are 10 g, and rather 30."""
    amount = sources.amount
    if amount is None or amount.unit.base or not 1 < amount.value.high <= _MOST_TIMES:
        return named
    return widened(named, rescale(named, amount.value.high, named.unit), "quantity_ambiguous")


def _held_against_text(each: Quantity, sources: DoseSources) -> Quantity:
    """Return a dose in the instructions that is more than a fifth off, and is not the whole course either."""
    found = [amount for amount in _candidates(sources.instructions, sources) if amount.unit == each.unit]
    courses = [rescale(each, sources.times, each.unit)] if sources.times is not None and sources.times > 1 else []
    if not found or any(not differ(known, amount, _TEXT_APART) for amount in found for known in (each, *courses)):
        return each
    larger = [amount for amount in found if amount.high > each.high]
    if not larger and all(FROM_VOLUME in amount.flags for amount in found):
        return each  # millilitres beside a strength may as well be what one package holds
    return widened(each, larger[0], "text_mismatch") if larger else flagged(each, "text_mismatch")


def _held_against_daily(each: Quantity | None, sources: DoseSources) -> Quantity | None:
    """Return the total daily dose against dose times frequency; the larger counts. Alone, it is the dose."""
    if sources.daily is None:
        return each
    base = sources.daily.unit.base.removesuffix("/d")
    if base not in (MASS, PER_KG):
        return each
    daily = rescale(counted(sources.daily, sources.daily_basis), 1 / max(sources.per_day, Decimal(1)), base)
    if each is None:
        return flagged(daily, "dose_from_daily")
    if each.unit != daily.unit or not differ(each, daily, _DAILY_APART):
        return each
    return widened(each, daily, "daily_dose_mismatch")
