"""The values of the names in templates, for one patient in one language; "" when unknown."""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from clinical.medicine_names import without_form
from clinical.quantities import Quantity
from clinical.words import Language
from rules.amounts import (
    adjusted_weight,
    amount,
    at_risk_rate,
    dose_per_kg_is_missing,
    grams,
    label_rate,
    last_course_per_kg,
)
from rules.assessment import Point
from rules.dates import show
from rules.facts import HISTORY, Fact, is_dose
from rules.forms import Phrases
from rules.picture import Picture
from rules.points import score
from rules.treatment import how_idle, prednisone_mg, protection_of


class Filling(NamedTuple):
    """What the value of a name may depend on."""

    picture: Picture
    facts: tuple[Fact, ...]  # of the finding
    language: Language
    phrases: Phrases  # of the language


Filler = Callable[[Filling], str]
OF_THE_FINDING = frozenset({"found", "medicines", "after_ivig"})  # the others are the same in every finding
_LONGEST_LABEL = 48
_NAME = re.compile(r"\{(\w+)\}")
_CACHE_LIMIT = 4_096


@lru_cache(_CACHE_LIMIT)
def figure(number: Decimal, decimal: str) -> str:
    """Write a number with at most three significant figures, and the decimal sign of a language."""
    places = 0 if abs(number) >= 100 else 1 if abs(number) >= 10 else 2
    text = f"{number:.{places}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace(".", decimal)


def name_of(fact: Fact, picture: Picture, language: Language) -> str:
    """Name a fact in the sender's words, else by its value set and code."""
    name = next((coding.display for coding in fact.codings if coding.display), "") or fact.text
    if not name and fact.codings:
        name = " ".join([*_set_title(fact, picture, language), fact.codings[0].code])
    name = name or picture.terms.phrases[language].unknown
    return name if len(name) <= _LONGEST_LABEL else name[: _LONGEST_LABEL - 1].rstrip() + "…"


def _set_title(fact: Fact, picture: Picture, language: Language) -> list[str]:
    codes = picture.terms.codes
    names = sorted(codes.sets_of(fact.codings[0]))
    return [codes.titles[names[0]][language]] if names else []


def label(fact: Fact, picture: Picture, language: Language) -> str:
    """Name a fact and date it: "longembolie (14-06-2019)"."""
    phrases = picture.terms.phrases[language]
    when = show(fact.starts, fact.precision, phrases) if fact.starts else phrases.undated
    if fact.sent_date and not fact.starts:
        when = phrases.odd_date.format(when=show(datetime.fromisoformat(fact.sent_date), "day", phrases))
    return f"{name_of(fact, picture, language)} ({when})"


def medicine(fact: Fact, picture: Picture, language: Language) -> str:
    """Name a medicine and its dose a day, as people do: `WARFARINE TABLET 5MG`, 5 mg a day, is warfarine 5 mg/day."""
    name = name_of(fact, picture, language)
    if fact.value is None:
        return name
    phrases = picture.terms.phrases[language]
    return f"{without_form(name)} {figure(fact.value.high, phrases.decimal)} {fact.unit}/{phrases.a_day}"


def _number(read: Callable[[Picture], Decimal | None]) -> Filler:
    def filler(filling: Filling) -> str:
        number = read(filling.picture)
        return "" if number is None else figure(number, filling.phrases.decimal)

    return filler


def _planned(name: str) -> Filler:
    return _range(lambda picture: amount(picture, name))


def _range(read: Callable[[Picture], Quantity | None]) -> Filler:
    def filler(filling: Filling) -> str:
        value = read(filling.picture)
        if value is None:
            return ""
        decimal = filling.phrases.decimal
        low, high = figure(value.low, decimal), figure(value.high, decimal)
        return high if low == high else f"{low}-{high}"

    return filler


def _measured(name: str) -> Filler:
    def filler(filling: Filling) -> str:
        reading = next(iter(filling.picture.readings(name)), None)
        if reading is None or reading.fact.value is None or reading.fact.starts is None:
            return ""
        value = reading.high if reading.high.is_finite() else reading.fact.value.high
        when = show(reading.fact.starts, "day", filling.phrases)
        unit = filling.picture.terms.measurements[name].unit
        return f"{reading.fact.comparator}{figure(value, filling.phrases.decimal)}{f' {unit}' if unit else ''} ({when})"

    return filler


def _listed(facts: tuple[Fact, ...], write: Callable[[Fact, Picture, Language], str], filling: Filling) -> str:
    lines = list(dict.fromkeys(write(fact, filling.picture, filling.language) for fact in facts))
    more = f"; +{len(lines) - 3}" if len(lines) > 3 else ""
    return "; ".join(lines[:3]) + more


def _found(filling: Filling) -> str:
    return _listed(tuple(fact for fact in filling.facts if fact.kind in HISTORY), label, filling)


def _medicines(filling: Filling) -> str:
    order = filling.picture.order_fact
    taken = tuple(
        fact for fact in filling.facts if fact.kind == "medication" and fact is not order and not is_dose(fact)
    )
    return _listed(taken, medicine, filling)


def _risk_factors(filling: Filling) -> str:
    return ", ".join(_titled(each, filling) for each in score(filling.picture).points.counted if each.of == "patient")


def _points(filling: Filling) -> str:
    """Return every factor with its points: "immobility (3), obesity (1), 1 g/kg (3)"."""
    return ", ".join(f"{_titled(each, filling)} ({each.points})" for each in score(filling.picture).points.counted)


def _titled(point: Point, filling: Filling) -> str:
    title = point.title[filling.language]
    return _NAME.sub(lambda name: FILLERS[name[1]](filling), title) if "{" in title else title


def _anticoagulation(filling: Filling) -> str:
    protection = protection_of(filling.picture)
    phrases, status = filling.phrases.protection, protection.status
    medicines = [fact for fact in protection.facts if fact.kind == "medication"]
    if status == "none":
        medicines = list(protection.idle)
    if not medicines:
        return str(getattr(phrases, status))
    idle = {how: None for fact in medicines if (how := how_idle(filling.picture, fact))}
    words = [*(getattr(phrases, how) for how in idle), *([getattr(phrases, status)] if status != "none" else [])]
    return f"{_listed(tuple(medicines), medicine, filling)} ({', '.join(words)})"


def _per_hour(rate: Callable[[Picture], Decimal]) -> Filler:
    return _number(lambda picture: rate(picture) * 60 * picture.weight_kg / 1000 if picture.weight_kg else None)


def _after_ivig(filling: Filling) -> str:
    """Return how many days of the calendar after the last IVIg the event began, or that it is told as a reaction."""
    if any(fact.is_reaction for fact in filling.facts):
        return filling.phrases.as_reaction_to
    event = next((fact for fact in filling.facts if fact.kind in HISTORY and fact.starts), None)
    if event is None or event.starts is None:
        return ""
    doses = [fact for fact in filling.facts if is_dose(fact) and fact.starts]
    zone, day = event.starts.tzinfo, event.starts.date()
    gaps = [(day - fact.starts.astimezone(zone).date()).days for fact in doses if fact.starts]
    if not gaps:
        return ""
    days = min((gap for gap in gaps if gap >= 0), default=0)
    phrases = filling.phrases
    if not days:
        return phrases.same_day
    return (phrases.one_day_after if days == 1 else phrases.days_after).format(days=days)


def _same_day(filling: Filling) -> str:
    """Return the doses of other orders on the days of this one: "Kiovig 28 g (30 Nov 2026)"."""
    phrases = filling.phrases
    doses = [
        " ".join(
            part
            for part in (
                dose.brand or "IVIg",
                f"{figure(dose.grams.high, phrases.decimal)} g" if dose.grams else "",
                f"({show(dose.at, 'day', phrases)})",
            )
            if part
        )
        for dose in filling.picture.case.order.same_day
    ]
    return "; ".join(dict.fromkeys(doses))


def _no_dose_per_kg(filling: Filling) -> str:
    if not dose_per_kg_is_missing(filling.picture):
        return ""
    if (odd := filling.picture.odd_weight) is not None and odd.value is not None:
        return filling.phrases.odd_weight.format(weight=f"{odd.comparator}{odd.value.high:f} {odd.unit}".strip())
    if filling.picture.weight_kg is None:
        return filling.phrases.no_weight
    if filling.picture.weight_at is not None and grams(filling.picture) is not None:
        when = show(filling.picture.weight_at, "day", filling.phrases)
        return filling.phrases.old_weight.format(when=when)
    return filling.phrases.no_dose


def _last_dose(filling: Filling) -> str:
    doses = filling.picture.earlier_doses
    return show(doses[-1].at, "day", filling.phrases) if doses else ""


def _product(filling: Filling) -> str:
    if filling.picture.brand:
        return filling.picture.brand
    return filling.phrases.unknown_product


def _adjusted_dose(picture: Picture) -> Decimal | None:
    course, adjusted, weight = amount(picture, "g-per-kg-course"), adjusted_weight(picture), picture.weight_kg
    return course.high * adjusted if course and adjusted and weight else None


def _course_grams(picture: Picture) -> Decimal | None:
    course, weight = amount(picture, "g-per-kg-course"), picture.weight_kg
    return course.high * weight if course and weight else None


FILLERS: dict[str, Filler] = {
    "found": _found,
    "medicines": _medicines,
    "risk_factors": _risk_factors,
    "count": lambda filling: str(score(filling.picture).points.factors),
    "points": _points,
    "total_points": lambda filling: str(score(filling.picture).points.total),
    "anticoagulation": _anticoagulation,
    "after_ivig": _after_ivig,
    "no_dose_per_kg": _no_dose_per_kg,
    "last_dose": _last_dose,
    "product": _product,
    "same_day": _same_day,
    "g_per_day": _range(grams),
    "g_per_kg_per_day": _planned("g-per-kg-per-day"),
    "course_g_per_kg": _planned("g-per-kg-course"),
    "course_g": _number(_course_grams),
    "days": _planned("consecutive-days"),
    "rate": _planned("mg-per-kg-per-minute"),
    "rate_g_per_h": _planned("g-per-hour"),
    "label_rate": _number(label_rate),
    "label_g_per_h": _per_hour(label_rate),
    "limit_rate": _number(at_risk_rate),
    "limit_g_per_h": _per_hour(at_risk_rate),
    "reference_rate": _number(lambda picture: picture.terms.rates.conservative),
    "reference_g_per_h": _number(
        lambda picture: picture.terms.rates.conservative * picture.weight_kg / 1000 if picture.weight_kg else None
    ),
    "weight": _number(lambda picture: picture.weight_kg),
    "adjusted_weight": _number(adjusted_weight),
    "adjusted_g": _number(_adjusted_dose),
    "g_per_kg_28_days": _planned("g-per-kg-28-days"),
    "earlier_course_g_per_kg": _number(last_course_per_kg),
    "steroid_mg": _number(lambda picture: prednisone_mg(picture)[0]),
    "inr": _measured("inr"),
    "aptt": _measured("aptt"),
    "viscosity": _measured("serum-viscosity"),
    "egfr": _measured("egfr"),
    "platelets": _measured("platelets"),
}
