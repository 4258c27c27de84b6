"""The order as the rules judge it: dose per day and per course, per kilogram, and how fast."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from parsers.events import Amount, MedicationGiven, MedicationOrdered
from rules.facts import Order, Range
from worker.courses import Course, Occasion, consecutive_days, run_around
from worker.facts import codings, provenance
from worker.orders import BADGES, OrderState
from worker.products import Product
from worker.site import Site
from worker.weights import Weight

_DAY = timedelta(hours=24)
_FOUR_WEEKS = timedelta(days=28)
_PER_MINUTE = Decimal(1000) / Decimal(60)  # g/kg/h → mg/kg/min


def judged_order(
    order: OrderState,
    product: Product,
    own: Course,
    courses: Sequence[Course],
    site: Site,
    weight: Weight | None,
) -> Order:
    """Everything a rule may ask of the order; what cannot be known is None."""
    content = order.content
    assert content is not None
    kg = weight.kg if weight else None
    everything = [occasion for course in courses for occasion in course.occasions]
    run = run_around(everything, order.key, site.course_gap)
    asked = Order(
        key=order.key,
        codings=codings(content.codings),
        text=content.text,
        route=product.route,
        brand=product.brand,
        dosing_days=len({occasion.at.astimezone(site.zone).date() for occasion in run}) or None,
        consecutive_days=consecutive_days(run, site.zone) or None,
        weight_kg=kg,
        weight_at=weight.fact.starts if weight else None,
        weight_provenance=weight.fact.provenance if weight else None,
        dose_basis=content.dose.unit if content.dose else "",
        indications=codings(content.indications),
        starts=own.starts_at,
        flags=_flags(content, product),
        provenance=provenance(order.source) if order.source else None,
    )
    return _with_rate(_with_doses(asked, content, own.occasions, run, everything, kg), order, content, kg)


def _flags(content: MedicationOrdered, product: Product) -> tuple[str, ...]:
    doubtful = [content.flags, product.flags, *(timing.flags for timing in content.timings)]
    doubtful.extend(amount.flags for amount in (content.dose, content.rate) if amount is not None)
    return tuple(sorted({flag for flags in doubtful for flag in flags} - BADGES))


def _with_doses(
    asked: Order,
    content: MedicationOrdered,
    own: Sequence[Occasion],
    run: Sequence[Occasion],
    everything: Sequence[Occasion],
    kg: Decimal | None,
) -> Order:
    return replace(
        asked,
        grams_per_administration=_grams(content.dose, kg),
        grams_per_day=_most_within(own, _DAY, kg, per_kg=False),
        grams_per_kg_per_day=_most_within(own, _DAY, kg, per_kg=True),
        course_grams=_largest(_total(run, kg, per_kg=False), _grams(content.course_grams, kg)),
        course_grams_per_kg=_largest(_total(run, kg, per_kg=True), _per_kg(content.course_grams, kg)),
        trailing_28_days_grams_per_kg=_most_within(everything, _FOUR_WEEKS, kg, per_kg=True),
    )


def _grams(dose: Amount | None, kg: Decimal | None) -> Range | None:
    if dose is None or (dose.unit == "g/kg" and kg is None):
        return None
    factor = kg if dose.unit == "g/kg" and kg is not None else Decimal(1)
    return Range(dose.low * factor, dose.high * factor, dose.flags)


def _per_kg(dose: Amount | None, kg: Decimal | None) -> Range | None:
    if dose is None or (dose.unit == "g" and kg is None):
        return None
    divisor = kg if dose.unit == "g" and kg is not None else Decimal(1)
    return Range(dose.low / divisor, dose.high / divisor, dose.flags)


def _total(occasions: Sequence[Occasion], kg: Decimal | None, *, per_kg: bool) -> Range | None:
    """All of them together; unknown as soon as one of them is."""
    read = _per_kg if per_kg else _grams
    amounts = [read(occasion.dose, kg) for occasion in occasions]
    known = [amount for amount in amounts if amount is not None]
    if not known or len(known) < len(amounts):
        return None
    low, high = sum((a.low for a in known), Decimal(0)), sum((a.high for a in known), Decimal(0))
    return Range(low, high, tuple(sorted({flag for amount in known for flag in amount.flags})))


def _most_within(occasions: Sequence[Occasion], window: timedelta, kg: Decimal | None, *, per_kg: bool) -> Range | None:
    """The largest total of the doses that fall within one window."""
    ordered = sorted(occasions, key=lambda occasion: occasion.at)
    most: Range | None = None
    first = 0
    for last, occasion in enumerate(ordered):
        while occasion.at - ordered[first].at >= window:
            first += 1
        most = _largest(most, _total(ordered[first : last + 1], kg, per_kg=per_kg))
    return most


def _largest(one: Range | None, other: Range | None) -> Range | None:
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda quantity: (quantity.high, quantity.low))


def _with_rate(asked: Order, order: OrderState, content: MedicationOrdered, kg: Decimal | None) -> Order:
    """The fastest rate that is planned or was reached."""
    reached = [entry.event.rate for entry in order.given if isinstance(entry.event, MedicationGiven)]
    rates = [rate for rate in (content.rate, *reached) if rate is not None]
    per_hour = per_kg = mean = None
    for rate in rates:
        per_hour = _largest(per_hour, _rate(rate, "g/h", kg))
        per_kg = _largest(per_kg, _rate(rate, "g/kg/h", kg))
    if content.rate_mean is not None:
        mean = _rate(content.rate_mean, "g/kg/h", kg)
    return replace(
        asked,
        grams_per_hour=per_hour,
        mg_per_kg_per_minute=_times(per_kg, _PER_MINUTE),
        mean_mg_per_kg_per_minute=_times(mean, _PER_MINUTE),
    )


def _rate(rate: Amount, unit: str, kg: Decimal | None) -> Range | None:
    if rate.unit == unit:
        return Range(rate.low, rate.high, rate.flags)
    if kg is None or {rate.unit, unit} != {"g/h", "g/kg/h"}:
        return None
    factor = kg if unit == "g/h" else 1 / kg
    return Range(rate.low * factor, rate.high * factor, rate.flags)


def _times(quantity: Range | None, factor: Decimal) -> Range | None:
    return Range(quantity.low * factor, quantity.high * factor, quantity.flags) if quantity is not None else None
