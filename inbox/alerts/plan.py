"""What was ordered against what is advised: the one pair that a row of the list shows."""

from dataclasses import dataclass

from clinical.conclusions import StoredConclusion
from inbox.http.notation import Notation
from rules.forms import RatesForm

SPREAD_OVER_DAYS = 5  # "0.4 g/kg on 5 days" (rules/library/ig-vte-008.yaml)


@dataclass(frozen=True, slots=True)
class Pair:
    """One aspect of an order, in words: as it was ordered ("" when unknown) and as it is advised."""

    ordered: str
    advised: str


def must_wait(told: StoredConclusion) -> bool:
    """Return whether the next bag must wait: held by what is to be done now, and nothing says not to delay."""
    now = {act for line in told.does[: told.now] for act in line}
    return "hold" in now and not any("give-without-delay" in line for line in told.does)


def first_difference(told: StoredConclusion, rates: RatesForm, notation: Notation) -> Pair | None:
    """Return the first aspect in which an order differs from the advice: whether, how fast, how much.

    A patient without a weight gets the careful rate (`rates.conservative`) per kg.
    """
    if must_wait(told):
        return Pair(notation.figures(told.order.dose_g, "g"), notation.words("plan.discuss_first"))
    return _rate(told, rates, notation) or _dose(told, notation)


def _rate(told: StoredConclusion, rates: RatesForm, notation: Notation) -> Pair | None:
    hour, order = notation.words("unit.hour"), told.order
    ordered = notation.figures(order.rate_g_per_h, f"g/{hour}")
    if not order.weight_kg:
        careful_per_kg = f"{notation.number(str(rates.conservative))} mg/kg/{hour}"
        return Pair(ordered, careful_per_kg) if ordered else None
    careful = float(rates.conservative) * float(order.weight_kg) / 1000
    if order.rate_g_per_h is not None and order.rate_g_per_h[1] <= careful:
        return None
    return Pair(ordered or notation.words("plan.not_stated"), notation.figure(careful, f"g/{hour}"))


def _dose(told: StoredConclusion, notation: Notation) -> Pair | None:
    order = told.order
    ordered = notation.figures(order.dose_g, "g") or notation.figures(order.dose_g_per_kg, "g/kg")
    if not ordered:
        return None
    if order.dose_g and order.dose_g_per_kg:
        ordered += f" ({notation.figures(order.dose_g_per_kg, 'g/kg')})"
    does = {act for line in told.does for act in line}
    daily = order.course_g_per_kg[1] / SPREAD_OVER_DAYS if order.course_g_per_kg else None
    if "spread" in does and daily and order.dose_g_per_kg and daily < order.dose_g_per_kg[1]:
        weight = float(order.weight_kg) if order.weight_kg else None
        advised = notation.figure(daily * weight, "g") if weight else notation.figure(daily, "g/kg")
        return Pair(ordered, f"{SPREAD_OVER_DAYS} × {advised}")
    return Pair(ordered, notation.words("plan.lowest")) if "lower-dose" in does else None
