"""Words about the order that is judged, and about IVIg before it."""

from collections.abc import Callable
from datetime import timedelta

from clinical.quantities import Quantity
from rules.amounts import AMOUNTS, amount, dose_per_kg_is_missing, grams, last_course, last_course_per_kg
from rules.conditions.history import dose_fact
from rules.conditions.vocabulary import COMPARISONS, Kind, WrittenCondition, compare, word
from rules.dates import days
from rules.picture import Picture
from rules.recognition import SCIG
from rules.terms import Check, Outcome

_MISSING: dict[str, Callable[[Picture], bool]] = {
    "dose-per-kg": dose_per_kg_is_missing,
    "weight": lambda picture: picture.weight_kg is None,
    "rate": lambda picture: amount(picture, "g-per-hour") is None and amount(picture, "mg-per-kg-per-minute") is None,
    "history": lambda picture: not picture.case.history_received,
}


_OF_A_DAY = frozenset({"g-per-day", "g-per-kg-per-day"})  # of all her orders together
_POSSIBLE = "possible-intravenous-immunoglobulin"


@word(Kind.CHOICE, choices=("intravenous-immunoglobulin", _POSSIBLE, "unresolved-immunoglobulin", SCIG))
def ordered(written: WrittenCondition) -> Check:
    """The order is for IVIg: by code, brand or route, or by its size when the route cannot be told."""

    name = written.name

    def check(picture: Picture) -> Outcome:
        product = picture.product
        if name == SCIG:
            held = product.product_class == "scig"
            return Outcome(held, (picture.order_fact,) if held else (), product.why)
        unresolved = product.product_class == "possible_ivig"
        held = unresolved if name == "unresolved-immunoglobulin" else product.is_ivig
        judged_when_small = ("always", "for a grave history") if name == _POSSIBLE else ("always",)
        if held and unresolved and product.small_counts not in judged_when_small:
            dose = picture.case.order.grams_per_administration or grams(picture)
            held = dose is None or dose.high >= picture.terms.recognition.unresolved_from_g
        if not held:
            return Outcome(held=False, saw=product.why)
        return Outcome(held=True, facts=(picture.order_fact,), saw=product.why if unresolved else "")

    return check


@word(Kind.SETS, holds_without=True)
def indicated_for(written: WrittenCondition) -> Check:
    """The order names one of these as its indication, by code or in words; an order without one does not."""
    wanted = frozenset(written.names)

    def check(picture: Picture) -> Outcome:
        found = wanted & picture.indications
        return Outcome(bool(found), (picture.order_fact,) if found else (), ", ".join(sorted(found)))

    return check


@word(Kind.CHOICE, needs={"if_missing": Kind.ANSWER}, compares=COMPARISONS, choices=tuple(AMOUNTS))
def planned(written: WrittenCondition) -> Check:
    """A quantity of the order, at the riskier end when it is not exact."""
    comparison, limit = written.limit
    name, unknown = written.name, Outcome(written.holds("if_missing"), saw="missing")

    def check(picture: Picture) -> Outcome:
        value = amount(picture, name)
        if value is None:
            return unknown
        held = compare(comparison, value.low, value.high, limit)
        beside = picture.case.order.same_day if held and name in _OF_A_DAY else ()
        return Outcome(held, tuple(dose_fact(dose) for dose in beside), _range(value))

    return check


def _range(value: Quantity) -> str:
    high = f"{float(value.high):.4g}"  # a float is written in a quarter of the time
    return high if value.low == value.high else f"{float(value.low):.4g}-{high}"


@word(Kind.CHOICE, choices=tuple(_MISSING))
def missing(written: WrittenCondition) -> Check:
    """Something the order or the history does not tell."""
    is_missing = _MISSING[written.name]

    def check(picture: Picture) -> Outcome:
        return Outcome(held=is_missing(picture))

    return check


@word(Kind.CHOICE, needs={"at_least": Kind.NUMBER, "within_days": Kind.NUMBER}, choices=("g-per-kg",))
def earlier_course(written: WrittenCondition) -> Check:
    """A course of at least so much that ended less than so many days before this order starts."""
    limit, window = written.number("at_least"), days(written.number("within_days"))

    def check(picture: Picture) -> Outcome:
        total, doses = last_course_per_kg(picture), last_course(picture)
        if total is None:
            return Outcome(held=False, saw="none known")
        held = total >= limit and picture.starts - doses[-1].at < window
        return Outcome(held, tuple(dose_fact(dose) for dose in doses) if held else (), f"{total:.3g} g/kg")

    return check


@word(Kind.NUMBER)
def no_ivig_for_days(written: WrittenCondition) -> Check:
    """No dose of IVIg, given or planned, in so many days before this order starts."""
    window: timedelta = days(written.value)

    def check(picture: Picture) -> Outcome:
        doses = picture.earlier_doses
        recent = bool(doses) and picture.starts - doses[-1].at <= window
        return Outcome(held=not recent, saw=f"last dose {doses[-1].at:%Y-%m-%d}" if doses else "no earlier dose")

    return check


@word(Kind.CHOICE, choices=("brand",))
def changed(_written: WrittenCondition) -> Check:
    """The brand differs from that of the last dose; unknown brands do not differ."""

    def check(picture: Picture) -> Outcome:
        doses = picture.earlier_doses
        before = doses[-1].brand if doses else ""
        differs = bool(before and picture.brand and before != picture.brand)
        facts = (dose_fact(doses[-1]),) if differs else ()
        return Outcome(held=differs, facts=facts, saw=f"{before or 'unknown'}, now {picture.brand or 'unknown'}")

    return check
