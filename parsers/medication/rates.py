"""Infusion rates: as sent, from an amount and its time, or from text; the peak and the mean of an infusion."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from clinical.quantities import Quantity, interval
from parsers.medication.amounts import counted, differ, in_grams, joined, per_kg, rescale, widened
from parsers.medication.frequencies import read_duration
from parsers.medication.units import HOURS, RATES, SentAmount, Unit, plausible, read_unit

_CONFLICT = Decimal("0.10")
_LONGEST_HOURS = Decimal(240)  # no single infusion lasts longer than ten days


@dataclass(frozen=True, slots=True)
class Rate:
    """The highest and the mean rate of one administration."""

    peak: Quantity | None = None
    mean: Quantity | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GivePer:
    """RXE-22 or RXA-12: the time an amount is given in."""

    hours: Decimal | None = None
    is_coded: bool = False  # `H8`, rather than `1 hr` or a bare unit
    flags: tuple[str, ...] = ()


def rate_of(value: Quantity, unit: Unit | None, unit_text: str, strength: Quantity | None, basis: str) -> Rate:
    """Return a rate as sent, in grams where the concentration allows it."""
    flags: tuple[str, ...] = unit.flags if unit is not None else ()
    if unit is None:
        if unit_text.strip():
            return Rate(flags=("rate_unit_unusable",))
        unit, flags = Unit("mL/h", "mL/h"), ("rate_unit_missing",)
    elif unit.base.endswith("/d"):
        base = unit.base.removesuffix("/d") + "/h"
        unit = Unit(base, base, unit.factor / 24)
    elif unit.base + "/h" in RATES:
        unit, flags = Unit(unit.name, unit.base + "/h", unit.factor), (*unit.flags, "rate_unit_without_time")
    if unit.base not in RATES:
        return Rate(flags=("rate_unit_unusable",))
    if value.high == 0:
        return Rate()
    return Rate(peak=normalised(SentAmount(value, unit), strength, basis, *flags))


def normalised(quantity: SentAmount, strength: Quantity | None, basis: str, *flags: str) -> Quantity:
    """In g/h or g/kg/h, also what was in mg/kg/min; in mL where no concentration is known."""
    amount = counted(plausible(quantity), basis, *flags)
    if not amount.unit.startswith("mL") or strength is None:
        return amount
    grams = amount * strength / 1000
    return grams.stated(amount.unit.replace("mL", "g"), joined(basis, strength.basis))


def read_give_per(text: str) -> GivePer:
    """`H8` is in eight hours, `M175` in 175 minutes; senders also write `1 hr` or only `uur`."""
    text = text.strip()
    if not text:
        return GivePer()
    duration = read_duration(text)
    if duration.hours is not None and 0 < duration.hours <= _LONGEST_HOURS:
        return GivePer(duration.hours, is_coded=text[0].isalpha(), flags=duration.flags)
    unit = read_unit(text)
    if unit is not None and unit.base == HOURS:
        return GivePer(interval(unit.factor, unit.factor).high)
    return GivePer(flags=("give_per_unread",))


def over_hours(dose: Quantity | None, hours: Decimal | None, *flags: str) -> Quantity | None:
    """Return the mean rate of an amount given in so many hours."""
    if dose is None or hours is None or hours <= 0:
        return None
    return rescale(dose, 1 / hours, f"{dose.unit}/h", *flags)


def combine(
    sent: Quantity | None,
    per: GivePer,
    dose: Quantity | None,
    occurrence_hours: Decimal | None,
    steps: Sequence[Quantity],
) -> Rate:
    """Return the rate that was sent, held against the give-per time; else from a time; steps in words give the peak."""
    by_give_per = over_hours(dose, per.hours) if per.is_coded or sent is None else None
    if sent is not None and by_give_per is not None and sent.unit == by_give_per.unit:
        together = widened(sent, by_give_per, "rate_conflict") if differ(sent, by_give_per, _CONFLICT) else sent
        mean: Quantity | None = together
    else:
        mean = sent or by_give_per or over_hours(dose, occurrence_hours)
    peak = highest([*steps, *([mean] if mean is not None else [])]) if steps else mean
    return Rate(peak, mean, per.flags)


def highest(rates: Sequence[Quantity]) -> Quantity | None:
    """Return the highest of rates in the unit of the first; another unit cannot be compared without a weight."""
    if not rates:
        return None
    alike = [rate for rate in rates if rate.unit == rates[0].unit]
    return max(alike, key=lambda rate: (rate.high, rate.low))


def mean_of_steps(steps: Sequence[tuple[Quantity, Decimal | None]]) -> Quantity | None:
    """Return the mean over time, when every step says how long it lasts and all are in one unit."""
    if not steps or any(hours is None for _, hours in steps) or len({rate.unit for rate, _ in steps}) != 1:
        return None
    timed = [(rate, hours) for rate, hours in steps if hours is not None]
    hours = sum((hours for _, hours in timed), Decimal(0))
    if hours == 0:
        return None
    low = sum((rate.low * length for rate, length in timed), Decimal(0)) / hours
    high = sum((rate.high * length for rate, length in timed), Decimal(0)) / hours
    return interval(low, high).stated(steps[0][0].unit, joined(*(rate.basis for rate, _ in timed)))


@dataclass(frozen=True, slots=True)
class RateStep:
    """One row of an administration: what was given from when to when."""

    grams: Quantity
    started: datetime | None
    ended: datetime | None

    @property
    def hours(self) -> Decimal | None:
        """How long it lasted; None when it has no end, or no length."""
        if self.started is None or self.ended is None or self.ended <= self.started:
            return None
        return Decimal((self.ended - self.started).total_seconds()) / 3600

    @property
    def rate(self) -> Quantity | None:
        """g/h of this row alone."""
        return over_hours(self.grams, self.hours)


def of_administration(steps: Sequence[RateStep]) -> Rate:
    """Peak: the fastest row. Mean: everything that has a length, over that length."""
    rates = [rate for step in steps if (rate := step.rate) is not None]
    timed = [(rate, step.hours) for step in steps if (rate := step.rate) is not None]
    return Rate(highest(rates), mean_of_steps(timed))


def hourly(rate: Quantity | None, weight: Quantity | None) -> tuple[Quantity | None, Quantity | None]:
    """Return a rate as g/h and as g/kg/h, each None when it takes a weight that is not known, or a concentration."""
    if rate is None or rate.unit.startswith("mL"):
        return None, None
    return in_grams(rate, weight), per_kg(rate, weight)
