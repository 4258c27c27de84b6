"""Medicines in use: protection from thrombosis, and the dose of steroids."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from rules.dates import days, may_be_within
from rules.facts import Fact
from rules.forms import AnticoagulantForm
from rules.picture import MeasuredValue, Picture, once_for_a_picture

Status = Literal["therapeutic", "subtherapeutic", "unknown", "prophylactic", "none"]
Strength = Status | Literal["by_inr"]  # what is said of one anticoagulant over time
STATUSES: tuple[Status, ...] = ("therapeutic", "subtherapeutic", "unknown", "prophylactic", "none")
_NOT_GIVEN = frozenset({"on_hold", "not_taken"})


@dataclass(frozen=True, slots=True)
class Protection:
    """How well a patient is anticoagulated, and the facts that show it."""

    status: Status
    facts: tuple[Fact, ...] = ()
    antiplatelet: tuple[Fact, ...] = ()
    idle: tuple[Fact, ...] = ()  # ordered, but on hold or not taken: they protect from nothing


@once_for_a_picture
def protection_of(picture: Picture) -> Protection:
    """Judge every anticoagulant in use; the best proven protection counts."""
    form = picture.terms.anticoagulation
    antiplatelet = tuple(picture.taking(tuple(form.antiplatelet)))
    taken = picture.taking((form.vitamin_k.set, *form.groups))
    idle = tuple(fact for fact in taken if how_idle(picture, fact) in _NOT_GIVEN)
    judged = [_vitamin_k(picture)] if _works(picture) else []
    judged += [_by_dose(picture, fact) for fact in picture.taking(tuple(form.groups)) if fact not in idle]
    judged += [("unknown", (fact,)) for fact in picture.history(tuple(form.unnamed)) if picture.is_present(fact)]
    for status in STATUSES:
        facts = tuple(fact for found, all_facts in judged for fact in all_facts if found == status)
        if facts:
            return Protection(status, facts, antiplatelet, idle)
    return Protection("none", (), antiplatelet, idle)


def how_idle(picture: Picture, fact: Fact) -> str:
    """Return how a medicine that is ordered is not being given at the judged moment; "" when it is."""
    return fact.idle if fact.changed is None or fact.changed <= picture.case.at else ""


def given_until(picture: Picture, fact: Fact) -> datetime | None:
    """Return until when a medicine was given; None: still, or unknown."""
    return fact.changed if how_idle(picture, fact) in _NOT_GIVEN else fact.ends


def _works(picture: Picture) -> list[Fact]:
    """Return the vitamin K antagonists in use: one that is not given works on for as long as an INR counts."""
    form, at = picture.terms.anticoagulation.vitamin_k, picture.case.at
    return [
        fact
        for fact in picture.taking((form.set,))
        if how_idle(picture, fact) not in _NOT_GIVEN
        or (fact.changed is not None and at - fact.changed <= days(form.within_days_outpatient))
    ]


def _vitamin_k(picture: Picture) -> tuple[Status, tuple[Fact, ...]]:
    """Judge a vitamin K antagonist by its INR; a preliminary INR may warn but never reassure."""
    form = picture.terms.anticoagulation.vitamin_k
    taken, at = tuple(_works(picture)), picture.case.at
    is_given = any(how_idle(picture, fact) not in _NOT_GIVEN for fact in taken)
    outpatient = picture.case.patient.inpatient is False
    limit = form.within_days_outpatient if outpatient else form.within_days_inpatient
    for reading in picture.readings(form.measurement):
        if not may_be_within(reading.fact, at, days(form.within_days_outpatient)):
            break
        if _too_low(reading, form.protects_from):
            return "subtherapeutic", (*taken, reading.fact)
        if reading.preliminary:
            continue
        starts = reading.fact.starts
        proven = is_given and reading.low >= form.protects_from and starts is not None and at - starts <= days(limit)
        return ("therapeutic" if proven else "unknown"), (*taken, reading.fact)
    return "unknown", taken


def _too_low(reading: MeasuredValue, limit: Decimal) -> bool:
    return reading.high < limit or (reading.low.is_finite() and reading.low < limit)


def _by_dose(picture: Picture, fact: Fact) -> tuple[Status, tuple[Fact, ...]]:
    """Judge an anticoagulant by its dose per day; a last dose that was not taken proves no treatment."""
    strength = _strength(picture, fact)
    return ("unknown" if strength == "therapeutic" and how_idle(picture, fact) else strength), (fact,)


def _strength(picture: Picture, fact: Fact) -> Status:
    is_treatment = _is_treatment(picture, fact)
    if is_treatment is None:
        return "unknown"
    return "therapeutic" if is_treatment else "prophylactic"


def treatments(picture: Picture) -> list[Fact]:
    """Return every anticoagulant ever begun at a treatment dose, in use or not; a vitamin K antagonist always is."""
    form = picture.terms.anticoagulation
    vitamin_k = _medicines(picture, (form.vitamin_k.set,))
    others = [fact for fact in _medicines(picture, tuple(form.groups)) if _is_treatment(picture, fact)]
    return [fact for fact in vitamin_k + others if fact.starts and not (fact.ends and fact.ends <= fact.starts)]


def was_treated(picture: Picture, at: datetime) -> bool:
    """Return whether an anticoagulant was in use at that moment, at a treatment dose or one that is not known."""
    form = picture.terms.anticoagulation
    return any(
        (fact.starts is None or fact.starts <= at) and ((ends := given_until(picture, fact)) is None or ends >= at)
        for fact in _medicines(picture, (form.vitamin_k.set, *form.groups))
        if _is_treatment(picture, fact) is not False
    )


def anticoagulants(picture: Picture) -> list[tuple[Fact, Strength]]:
    """Return every anticoagulant ever begun and what its dose says.

    A vitamin K antagonist in use is as strong as the INR says now; of one in the past only that it went by the INR.
    """
    form = picture.terms.anticoagulation
    vitamin_k = _medicines(picture, (form.vitamin_k.set,))
    taken = _works(picture)
    now = _vitamin_k(picture)[0] if taken else "unknown"
    by_inr: Strength = "by_inr" if now == "unknown" else now
    judged: list[tuple[Fact, Strength]] = [(fact, by_inr if fact in taken else "by_inr") for fact in vitamin_k]
    others = [fact for fact in _medicines(picture, tuple(form.groups)) if fact not in vitamin_k]
    return judged + [(fact, _strength(picture, fact)) for fact in others]


def _medicines(picture: Picture, names: tuple[str, ...]) -> list[Fact]:
    return [fact for fact in picture.with_certainty(names) if fact.kind == "medication"]


def _is_treatment(picture: Picture, fact: Fact) -> bool | None:
    """Return whether the dose is a treatment dose; None if that is unknown."""
    form = picture.terms.anticoagulation
    medicine = next((each for each in form.medicines if fact in _medicines(picture, (each.set,))), None)
    if medicine is None or fact.value is None:
        return None
    factor = form.units[medicine.unit].get(fact.unit.strip())
    needed = _treatment_dose(picture, medicine)
    if factor is None or needed is None:
        return None
    return fact.value.low * factor >= needed


def _treatment_dose(picture: Picture, medicine: AnticoagulantForm) -> Decimal | None:
    if not medicine.per_kg:
        return medicine.treatment_from
    return medicine.treatment_from * picture.weight_kg if picture.weight_kg else None


@once_for_a_picture
def prednisone_mg(picture: Picture) -> tuple[Decimal | None, tuple[Fact, ...]]:
    """Return the mg of prednisone a day that all systemic steroids in use are worth; None when no dose is known."""
    form = picture.terms.steroids
    total, facts = Decimal(0), []
    for fact in picture.taking((form.set,)):
        factor = next((worth for name, worth in form.prednisone_mg.items() if fact in picture.taking((name,))), None)
        unit = picture.terms.anticoagulation.units["mg"].get(fact.unit.strip())
        if factor is None or unit is None or fact.value is None:
            continue
        total += fact.value.high * unit * factor
        facts.append(fact)
    return (total if facts else None), tuple(facts)
