"""What was ordered against what is advised: the one pair of a row of the list, and the table of an alert's page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from clinical.conclusions import StoredConclusion
from inbox.http.notation import Notation
from rules.forms import ProductRate, RatesForm

AT_RISK = "is: at-risk"  # the condition, as the trace names it
GRAVE = ("contraindication", "high")
SPREAD_OVER_DAYS = 5  # "0.4 g/kg on 5 days" (rules/library/ig-vte-008.yaml)


@dataclass(frozen=True, slots=True)
class Pair:
    """One aspect of an order, in words: as it was ordered ("" when unknown) and as it is advised."""

    ordered: str
    advised: str


@dataclass(frozen=True, slots=True)
class Compared:
    """One aspect of an order in the table of its alert: as ordered, as advised, and how these differ, in words."""

    aspect: str
    ordered: str
    advised: str = ""
    difference: str = ""


def must_wait(conclusion: StoredConclusion) -> bool:
    """Return whether the next bottle must wait: held by what is to be done now, and nothing says not to delay."""
    now = {act for line in conclusion.does[: conclusion.now] for act in line}
    return "hold" in now and not any("give-without-delay" in line for line in conclusion.does)


def first_difference(conclusion: StoredConclusion, rates: RatesForm, notation: Notation) -> Pair | None:
    """Return the first aspect in which an order differs from the advice: whether, how fast, how much.

    A patient without a weight gets the careful rate (`rates.conservative`) per kg.
    """
    if must_wait(conclusion):
        return Pair(notation.figures(conclusion.order.dose_g, "g"), notation.words("plan.discuss_first"))
    return _rate(conclusion, rates, notation) or _dose(conclusion, notation)


def comparison(conclusion: StoredConclusion, rates: RatesForm, notation: Notation, now: datetime) -> list[Compared]:
    """Return the order beside the advice, what matters most first: whether, how fast, how long, how much."""
    words, order = notation.words, conclusion.order
    rows = []
    if must_wait(conclusion):
        start, runs = notation.near(order.start, now) or words("unknown"), _runs(conclusion, now)
        still = words("plan.not_further" if runs else "plan.not_yet")
        rows.append(Compared("running" if runs else "start", start, words("plan.discuss_first"), still))
    rate, dose = _rate(conclusion, rates, notation), _dose(conclusion, notation)
    if rate:
        rows += [Compared("rate", rate.ordered, rate.advised, _faster(conclusion, rates, notation))]
        rows += _duration(conclusion, rates, notation)
    elif order.rate_g_per_h:
        rows.append(Compared("rate", _rate_ordered(conclusion, notation), "", words("plan.within_advice")))
    if dose:
        rows.append(Compared("dose", dose.ordered, dose.advised, words("plan.to_discuss")))
    else:
        ordered = _dose_ordered(conclusion, notation)
        rows.append(Compared("dose", ordered or words("unknown"), "", "" if ordered else words("plan.to_fill_in")))
    return rows


def _runs(conclusion: StoredConclusion, now: datetime) -> bool:
    start = conclusion.order.start
    return start is not None and datetime.fromisoformat(start) <= now


def minutes_ordered(conclusion: StoredConclusion) -> int | None:
    """Return how long the dose would run as ordered; None when that is not known."""
    dose, rate = conclusion.order.dose_g, conclusion.order.rate_g_per_h
    return round(dose[1] / rate[1] * 60) if dose and rate and rate[1] else None


def minutes_advised(conclusion: StoredConclusion, rates: RatesForm) -> int | None:
    """Return how long the dose would run at the careful rate; None when that is not known, or not advised."""
    careful, dose, rate = _careful(conclusion, rates), conclusion.order.dose_g, conclusion.order.rate_g_per_h
    if careful is None or dose is None or (rate is not None and rate[1] <= careful):
        return None
    return round(dose[1] / careful * 60)


def limit_at_risk(conclusion: StoredConclusion, rates: RatesForm) -> float | None:
    """Return the highest rate for a patient at risk of thrombosis in g/h; None without a weight."""
    if not conclusion.order.weight_kg:
        return None
    product = _product(conclusion, rates)
    own = product.at_risk if product is not None else None
    return _per_hour(float(own or rates.at_risk), conclusion.order.weight_kg)


def _limit_of_label(conclusion: StoredConclusion, rates: RatesForm) -> float | None:
    """Return the highest rate of the label in g/h, for whatever indication: which one it was is not stored."""
    if not conclusion.order.weight_kg:
        return None
    product = _product(conclusion, rates)
    highest = rates.fallback if product is None else max([product.maximum, *product.indications.values()])
    return _per_hour(float(highest), conclusion.order.weight_kg)


def _product(conclusion: StoredConclusion, rates: RatesForm) -> ProductRate | None:
    """Return the rates of the product, of the longest brand that its name begins with."""
    name = conclusion.order.product.lower()
    named = [each for each in rates.products if name.startswith(each.brand.lower())]
    return max(named, key=lambda each: len(each.brand), default=None)


def _per_hour(mg_per_kg_per_minute: float, weight_kg: str) -> float:
    return mg_per_kg_per_minute * 60 * float(weight_kg) / 1000


def _is_at_risk(conclusion: StoredConclusion) -> bool:
    """Return whether the patient was judged to be at risk: as the trace says, else for an earlier event or points."""
    asked = [step.held for step in conclusion.trace if step.condition == AT_RISK]
    by_points = conclusion.points is not None and conclusion.points.patient > 0
    return any(asked) if asked else by_points or any(each.tier in GRAVE for each in conclusion.findings)


def _careful(conclusion: StoredConclusion, rates: RatesForm) -> float | None:
    return float(rates.conservative) * float(conclusion.order.weight_kg) / 1000 if conclusion.order.weight_kg else None


def _faster(conclusion: StoredConclusion, rates: RatesForm, notation: Notation) -> str:
    """Return how many times the advised rate was ordered; that it is too high only where it is above the limit.

    The limit is that for patients at risk where this one is, else that of the label.
    """
    ordered, careful = conclusion.order.rate_g_per_h, _careful(conclusion, rates)
    limit = limit_at_risk(conclusion, rates) if _is_at_risk(conclusion) else _limit_of_label(conclusion, rates)
    if ordered is None:
        return notation.words("plan.to_fill_in")
    if careful is None or limit is None:
        return notation.words("plan.weight_needed")
    if ordered[1] > limit:
        return notation.words("plan.too_high")
    return notation.words("plan.times", number=notation.figure(ordered[1] / careful))


def _duration(conclusion: StoredConclusion, rates: RatesForm, notation: Notation) -> list[Compared]:
    minutes, as_ordered, start = minutes_advised(conclusion, rates), minutes_ordered(conclusion), conclusion.order.start
    if minutes is None:
        return []
    ordered = notation.lasting(as_ordered) if as_ordered is not None else notation.words("plan.not_stated")
    until = _end(datetime.fromisoformat(start), minutes, notation) if start else ""
    return [Compared("duration", ordered, notation.lasting(minutes), until and notation.words("plan.until", at=until))]


def _end(start: datetime, minutes: int, notation: Notation) -> str:
    """Write when it would end, with the day where that is not the day of the start."""
    end = start + timedelta(minutes=minutes)
    is_same_day = notation.date_of(end) == notation.date_of(start)
    return notation.clock(end) if is_same_day else notation.near(end, start)


def _rate_ordered(conclusion: StoredConclusion, notation: Notation) -> str:
    return notation.figures(conclusion.order.rate_g_per_h, f"g/{notation.words('unit.hour')}")


def _dose_ordered(conclusion: StoredConclusion, notation: Notation) -> str:
    order = conclusion.order
    ordered = notation.figures(order.dose_g, "g") or notation.figures(order.dose_g_per_kg, "g/kg")
    if order.dose_g and order.dose_g_per_kg:
        ordered += f" ({notation.figures(order.dose_g_per_kg, 'g/kg')})"
    return ordered


def _rate(conclusion: StoredConclusion, rates: RatesForm, notation: Notation) -> Pair | None:
    hour, order = notation.words("unit.hour"), conclusion.order
    ordered, careful = _rate_ordered(conclusion, notation), _careful(conclusion, rates)
    if careful is None:
        careful_per_kg = f"{notation.number(str(rates.conservative))} mg/kg/{hour}"
        return Pair(ordered, careful_per_kg) if ordered else None
    if order.rate_g_per_h is not None and order.rate_g_per_h[1] <= careful:
        return None
    return Pair(ordered or notation.words("plan.not_stated"), notation.figure(careful, f"g/{hour}"))


def _dose(conclusion: StoredConclusion, notation: Notation) -> Pair | None:
    order = conclusion.order
    ordered = _dose_ordered(conclusion, notation)
    if not ordered:
        return None
    does = {act for line in conclusion.does for act in line}
    daily = order.course_g_per_kg[1] / SPREAD_OVER_DAYS if order.course_g_per_kg else None
    if "spread" in does and daily and order.dose_g_per_kg and daily < order.dose_g_per_kg[1]:
        weight = float(order.weight_kg) if order.weight_kg else None
        advised = notation.figure(daily * weight, "g") if weight else notation.figure(daily, "g/kg")
        return Pair(ordered, f"{SPREAD_OVER_DAYS} × {advised}")
    return Pair(ordered, notation.words("plan.lowest")) if "lower-dose" in does else None
