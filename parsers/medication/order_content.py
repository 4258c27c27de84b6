"""What an order says to give: its amount, dose, strength, ingredients and rate, each by its precedence."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from clinical.events import Amount, Coding, Component, Timing
from parsers.defaults import Defaults
from parsers.hl7.segments import Segment
from parsers.medication.amounts import amount_of, flagged, rescale, widened
from parsers.medication.components import assumed_if_immunoglobulin, immunoglobulin_in, mixed_strength, read_components
from parsers.medication.decimals import unique
from parsers.medication.doses import Dose, Said, dose_of
from parsers.medication.drug_lines import DrugLine
from parsers.medication.immunoglobulins import looks_like_immunoglobulin
from parsers.medication.medication_text import find_rates, rises
from parsers.medication.rates import Rate, combine, mean_of_steps, normalised, rate_of, read_give_per
from parsers.medication.schedules import days_of, per_day
from parsers.medication.strengths import Product, concentration
from parsers.medication.timing_fields import Chosen
from parsers.medication.units import PER_KG, RATES, Quantity
from parsers.medication.weights import maybe_course_total

_A_DAY = Decimal(24)
_PACKAGED = re.compile(r"\b(?:fl|fles|flacon|vial|ampul|stuk|inj|inf)[a-z]*\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Written:
    """What was read of the order around its amounts."""

    codings: tuple[Coding, ...]
    text: str
    instructions: str
    chosen: Chosen
    timings: tuple[Timing, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """What is to be given."""

    amount: Amount | None
    dose: Dose
    strength: Amount | None
    rate: Rate
    components: tuple[Component, ...]
    flags: tuple[str, ...]


def read_content(line: DrugLine, components: Sequence[Segment], written: Written, defaults: Defaults) -> Content:
    """Read the amounts of one drug line and of the ingredients that belong to it."""
    quantity, _, doubts = line.amount()
    ingredients = read_components(components, defaults)
    mixture = immunoglobulin_in(ingredients, written.codings)
    product = _product(line, written, ingredients, mixture, quantity)
    strength, strength_doubts = concentration(product)
    per, lasts = read_give_per(line.give_per), _occurrence_hours(written)
    is_package = _names_a_package(line, written.text)
    said = Said(
        amount=None if line.segment.name == "RXD" else quantity,
        product=product,
        basis=line.amount_path,
        mixture=mixture,
        daily=line.daily(),
        daily_basis=line.segment.path(line.places.daily),
        instructions=written.instructions,
        name="" if is_package else written.text,
        package=written.text if is_package and line.segment.name != "RXD" else "",
        is_immunoglobulin=looks_like_immunoglobulin(written.codings, written.text),
        per_day=per_day(written.timings),
        times=_times(written.timings),
        hours=per.hours or lasts,
        sent=written.chosen.sent,
    )
    dose = dose_of(said)
    sent = _sent_rate(line, quantity, strength)
    steps = _steps(line, written, strength)
    rate = combine(sent.peak, per, dose.each, lasts, [each for each, _ in steps])
    if rate.mean is None:
        rate = replace(rate, mean=mean_of_steps(steps))
    dose = _rather_a_course(_continuous(dose, rate, written), written.timings)
    return Content(
        amount=amount_of(quantity, line.amount_path) if quantity is not None else None,
        dose=dose,
        strength=strength,
        rate=rate,
        components=ingredients,
        flags=unique([*doubts, *strength_doubts, *dose.flags, *sent.flags, *rate.flags, *_doubt(sent.peak, written)]),
    )


def _product(
    line: DrugLine,
    written: Written,
    ingredients: Sequence[Component],
    mixture: Amount | None,
    quantity: Quantity | None,
) -> Product:
    """The strength of a mixture is its own: never that in the name of what went into it."""
    product = line.product(written.text)
    if not any(each.kind == "additive" for each in ingredients):
        return assumed_if_immunoglobulin(product, written.codings, written.text)
    return replace(product, name="", mixed=mixed_strength(mixture, quantity, line.amount_path))


def _rather_a_course(dose: Dose, timings: Sequence[Timing]) -> Dose:
    """More than 1.2 g/kg, day after day, is rather the whole course; grams wait for who knows the weight."""
    days = max((days_of(timing) for timing in timings), default=1)
    if dose.each is None or dose.course is not None or dose.each.unit != PER_KG:
        return dose
    each = maybe_course_total(dose.each, None, days)
    return dose if each is dose.each else Dose(each, flagged(dose.each, "maybe_course_total"), dose.flags)


def _names_a_package(line: DrugLine, text: str) -> bool:
    """The grams in the name of a package are what it holds, and a dispense is of packages."""
    return line.segment.name == "RXD" or _PACKAGED.search(text) is not None


def _times(timings: Sequence[Timing]) -> int | None:
    return next((timing.occurrences[1] for timing in timings if timing.occurrences is not None), None)


def _occurrence_hours(written: Written) -> Decimal | None:
    """How long one infusion lasts; a step of it says only how long the step lasts."""
    return next((timing.occurrence_hours for timing in written.timings if timing.occurrence_hours is not None), None)


def _sent_rate(line: DrugLine, quantity: Quantity | None, strength: Amount | None) -> Rate:
    value, units = line.rate()
    if value is not None:
        return rate_of(value, units.unit, units.text, strength, line.rate_path)
    if quantity is not None and quantity.unit.base in RATES:
        return Rate(normalised(quantity, strength, line.amount_path))
    return Rate()


def _steps(line: DrugLine, written: Written, strength: Amount | None) -> list[tuple[Amount, Decimal | None]]:
    """Rates in words and how long each lasts, from the timings when they are there."""
    if written.chosen.steps:
        return [
            (normalised(each, strength, step.path, "rate_from_text"), step.occurrence.hours)
            for step in written.chosen.steps
            for each in step.rates
        ]
    rates = find_rates(written.instructions)
    return [(normalised(each, strength, line.path, "rate_from_text"), None) for each in rates]


def _doubt(sent: Amount | None, written: Written) -> tuple[str, ...]:
    """Where the only rate is a beginning and the words say `faster`, the peak is not known."""
    rising = sent is None and rises(written.instructions) and len(find_rates(written.instructions)) < 2
    return ("rate_may_rise",) if rising else ()


def _continuous(dose: Dose, rate: Rate, written: Written) -> Dose:
    """A continuous infusion gives in a day what its rate makes of 24 hours; the amount may be one bag of it."""
    if not any("continuous" in timing.flags for timing in written.timings) or rate.peak is None:
        return dose
    daily = rescale(rate.peak, _A_DAY, rate.peak.unit.removesuffix("/h"), "continuous")
    if daily.unit.startswith("mL"):
        return dose
    if dose.each is None:
        return Dose(daily, dose.course)
    return Dose(widened(dose.each, daily), dose.course) if dose.each.unit == daily.unit else dose
