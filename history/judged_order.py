"""The order as the rules judge it: dose per day and per course, per kilogram, and how fast."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from clinical.events import MedicationGiven, MedicationOrdered
from clinical.quantities import Quantity, exactly
from history.choices import Site
from history.courses import Course, Occasion, day_of, run_around
from history.facts import BodyWeight, provenance
from history.orders import BADGES, OrderState
from parsers.medication import courses as arithmetic
from parsers.medication.amounts import in_grams, is_implausible, maybe_course_total, per_kg
from parsers.medication.rates import hourly
from rules.facts import Order
from rules.recognition import Product

_PER_MINUTE = Decimal(1000) / Decimal(60)  # g/kg/h → mg/kg/min
Convert = Callable[[Quantity, Quantity | None], Quantity | None]


def judged_order(
    order: OrderState,
    product: Product,
    own: Course,
    courses: Sequence[Course],
    site: Site,
    weight: BodyWeight | None,
) -> Order:
    """Return everything a rule may ask about the order; what cannot be known is None."""
    content = order.content
    assert content is not None
    run = run_around([occasion for course in courses for occasion in course.occasions], order.key, site)
    days = sorted({day_of(occasion, site.zone) for occasion in run})
    dose = content.dose
    asked = Order(
        key=order.key,
        codings=content.codings,
        text=content.text,
        route=product.route,
        brand=product.brand,
        dosing_days=len(days) or None,
        consecutive_days=arithmetic.consecutive_days(days) or None,
        weight_kg=weight.kg if weight else None,
        weight_at=weight.fact.starts if weight else None,
        weight_provenance=weight.fact.provenance if weight else None,
        dose_basis=dose.unit if dose else "",
        indications=content.indications,
        starts=own.starts_at.astimezone(site.zone),
        flags=_flags(content, product),
        provenance=provenance(order.source) if order.source else None,
        product_class=product.product_class,
    )
    kg = exactly(weight.kg, "kg") if weight else None
    return _with_rate(_with_doses(asked, content, _divided(own, dose, kg, site), run, courses, kg, site), order, kg)


def _flags(content: MedicationOrdered, product: Product) -> tuple[str, ...]:
    doubtful = [content.flags, product.flags, *(timing.flags for timing in content.timings)]
    doubtful.extend(amount.flags for amount in (content.dose, content.rate) if amount is not None)
    return tuple(sorted({flag for flags in doubtful for flag in flags} - BADGES))


def _divided(own: Course, dose: Quantity | None, kg: Quantity | None, site: Site) -> list[Occasion]:
    """Return the order's own doses; where a planned dose may be the whole course, its low end is one day's part."""
    days = len({day_of(occasion, site.zone) for occasion in own.occasions})
    if dose is None or days < 2:
        return list(own.occasions)
    part = maybe_course_total(dose, kg, days)
    return [occasion if occasion.given else replace(occasion, dose=part) for occasion in own.occasions]


def _with_doses(
    asked: Order,
    content: MedicationOrdered,
    own: Sequence[Occasion],
    run: Sequence[Occasion],
    courses: Sequence[Course],
    kg: Quantity | None,
    site: Site,
) -> Order:
    everything = [occasion for course in courses for occasion in course.occasions]
    day = _in(own, in_grams, kg)
    day_per_kg = _in(own, per_kg, kg)
    in_a_day = arithmetic.per_day(day, site.zone) if day else None
    implausible = in_a_day is not None and is_implausible(in_a_day, kg)
    return replace(
        asked,
        flags=tuple(sorted({*asked.flags, *_doubts(own)} | ({"implausible"} if implausible else set()))),
        grams_per_administration=in_grams(content.dose, kg) if content.dose else None,
        grams_per_day=in_a_day,
        grams_per_kg_per_day=arithmetic.per_day(day_per_kg, site.zone) if day_per_kg else None,
        course_grams=_course(run, content, in_grams, kg),
        course_grams_per_kg=_course(run, content, per_kg, kg),
        trailing_28_days_grams_per_kg=_most_in_four_weeks(everything, kg),
    )


def _doubts(own: Iterable[Occasion]) -> set[str]:
    return {flag for occasion in own if occasion.dose is not None for flag in occasion.dose.flags}


def _in(occasions: Iterable[Occasion], convert: Convert, kg: Quantity | None) -> list[arithmetic.Portion] | None:
    """Return the doses in one unit; None as soon as one of them is not known in it.

    A dose that was given in g, of an order in g/kg for a patient without a weight, is the dose that was ordered.
    """
    doses = []
    for occasion in occasions:
        amounts = (convert(dose, kg) for dose in (occasion.dose, occasion.ordered) if dose is not None)
        amount = next((amount for amount in amounts if amount is not None), None)
        if amount is None:
            return None
        doses.append(arithmetic.Portion(occasion.at, amount, occasion.order))
    return doses


def _course(
    run: Sequence[Occasion], content: MedicationOrdered, convert: Convert, kg: Quantity | None
) -> Quantity | None:
    """Return the whole course: what the doses come to, or what the order itself says of it."""
    doses = _in(run, convert, kg)
    of_doses = arithmetic.total(doses) if doses else None
    said = convert(content.course_grams, kg) if content.course_grams is not None else None
    return _largest(of_doses, said)


def _most_in_four_weeks(occasions: Sequence[Occasion], kg: Quantity | None) -> Quantity | None:
    doses = _in(occasions, per_kg, kg)
    if not doses:
        return None
    return max((arithmetic.trailing(doses, dose.at) for dose in doses), key=lambda span: span.high)


def _with_rate(asked: Order, order: OrderState, kg: Quantity | None) -> Order:
    """Return the fastest rate that is planned or was reached."""
    content = order.content
    assert content is not None
    reached = [entry.event.rate for entry in order.given if isinstance(entry.event, MedicationGiven)]
    per_hour = per_kg_hour = None
    for rate in (content.rate, content.rate_mean, *reached):
        grams, grams_per_kg = hourly(rate, kg)
        per_hour, per_kg_hour = _largest(per_hour, grams), _largest(per_kg_hour, grams_per_kg)
    return replace(
        asked,
        grams_per_hour=per_hour,
        mg_per_kg_per_minute=_per_minute(per_kg_hour),
        mean_mg_per_kg_per_minute=_per_minute(hourly(content.rate_mean, kg)[1]),
    )


def _per_minute(rate: Quantity | None) -> Quantity | None:
    if rate is None:
        return None
    return Quantity(rate.low * _PER_MINUTE, rate.high * _PER_MINUTE, "mg/kg/min", rate.basis, rate.flags)


def _largest(one: Quantity | None, other: Quantity | None) -> Quantity | None:
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda quantity: (quantity.high, quantity.low))
