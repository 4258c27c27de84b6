"""Patients as they come for IVIg, with risk factors as often as they are thought to occur: for counting alerts.

Every share says where it is from. "assumed" means that no source for it is at hand; the page that is written from a
run says what half and double of each share would change.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from synthetic.chart import Chart
from synthetic.medicines import APIXABAN, IVIG, PREDNISOLONE
from synthetic.people import dice, invent
from synthetic.prescriptions import Prescription, Schedule
from synthetic.terms import (
    CIDP,
    CVID,
    DVT_LEG,
    EMBOLISM,
    GBS,
    HYPERTENSION,
    IMMOBILITY,
    ITP,
    OBESITY,
    icd,
)
from synthetic.wire import Draft, SentCode

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FIRST = 500_000  # the first index of these people


class Use(NamedTuple):
    """What IVIg is ordered for: how often, how much, and whom it is given to."""

    code: SentCode
    share: float
    g_per_kg: str
    days: int
    age: tuple[float, float]  # mean and standard deviation
    steroid: float = 0.0  # share that also gets a corticosteroid


class Risk(NamedTuple):
    """A risk factor, how often it occurs, and where that figure is from."""

    code: SentCode
    share: float
    source: str


class Share(NamedTuple):
    """How often something else is so, and where that figure is from."""

    what: str
    value: float
    source: str


class Population(NamedTuple):
    """Who comes for IVIg: every share in one place, so that one of them can be varied."""

    uses: tuple[Use, ...]
    risks: tuple[Risk, ...]
    prior_vte: Share
    anticoagulated: Share
    first_cidp: Share
    first_other: Share
    weighed: Share
    rated: Share


ASSUMED = "assumed"
# Doses: EU product information (Privigen). Shares, ages and steroids: assumed.
USES = (
    Use(CVID, 0.40, "0.4", 1, (48, 18)),
    Use(icd("D80.9", "Secundaire immuundeficiëntie"), 0.12, "0.4", 1, (64, 12)),
    Use(CIDP, 0.22, "0.4", 5, (58, 14), 0.2),
    Use(ITP, 0.14, "1", 2, (52, 20), 0.6),
    Use(GBS, 0.12, "0.4", 5, (55, 17)),
)


RISKS = (
    Risk(OBESITY, 0.16, ASSUMED),
    Risk(HYPERTENSION, 0.25, ASSUMED),
    Risk(icd("C85.9", "Non-Hodgkinlymfoom"), 0.08, ASSUMED),
    Risk(icd("F17.2", "Nicotineafhankelijkheid"), 0.12, ASSUMED),
    Risk(icd("N18.3", "Chronische nierschade G3"), 0.06, ASSUMED),
    Risk(icd("I25.1", "Coronairlijden"), 0.05, ASSUMED),
    Risk(icd("I50.9", "Hartfalen"), 0.03, ASSUMED),
    Risk(icd("M06.9", "Reumatoïde artritis"), 0.03, ASSUMED),
    Risk(IMMOBILITY, 0.04, ASSUMED),
)
USUAL = Population(
    USES,
    RISKS,
    Share(
        "earlier VTE", 0.029, "Kapoor 2022, UK Biobank: 14,794 of 502,492 had a thromboembolic event; taken as venous"
    ),
    Share("on a DOAC at treatment dose, of those", 0.5, ASSUMED),
    Share("first course of a patient with CIDP", 0.041, "Rajabally 2011: 25 of 616 courses were the first"),
    Share("first course of another patient", 0.3, ASSUMED),
    Share("order with a recent weight", 0.9, ASSUMED),
    Share("order that tells a rate", 0.8, ASSUMED),
)


def patients(
    now: datetime, size: int, population: Population = USUAL, *, after: int = 0, seed: int = 7
) -> Iterator[tuple[str, list[Draft]]]:
    """Give the number of each patient's IVIg order, and everything that is told of the patient, `after` so many."""
    for chart, order, _ in charts(now, size, population, after=after, seed=seed):
        yield order.number, chart.drafts


def charts(
    now: datetime, size: int, population: Population = USUAL, *, after: int = 0, seed: int = 7
) -> Iterator[tuple[Chart, Prescription, str]]:
    """Give the same with the chart to go on with, the order, and the weight that goes with it."""
    for index in range(after, after + size):
        yield _patient(now, dice(seed, "population", index), index, population)


def _patient(now: datetime, die: random.Random, index: int, population: Population) -> tuple[Chart, Prescription, str]:
    use = die.choices(population.uses, [each.share for each in population.uses])[0]
    age = min(max(round(die.gauss(*use.age)), 18), 95)
    chart = Chart(invent(FIRST + index, die.choice("FM"), age, now), ward="DAGB")
    found = [risk.code for risk in population.risks if die.random() < risk.share]
    chart.admitted(now - 3 * HOUR, use.code, *found)
    if die.random() < population.prior_vte.value:
        onset = (now - timedelta(days=die.randrange(100, 5000))).date()
        chart.has_problem(die.choice((DVT_LEG, EMBOLISM)), now - 3 * HOUR, onset=onset, past=True)
        if die.random() < population.anticoagulated.value:
            schedule = Schedule(now - 90 * DAY, "BID")
            chart.ordered(Prescription(chart.number("M"), APIXABAN, schedule, "5", "mg"), "RDE")
    if die.random() < use.steroid:
        dose = die.choice(("20", "40", "60"))
        chart.ordered(Prescription(chart.number("M"), PREDNISOLONE, Schedule(now - 2 * DAY), dose, "mg"), "RDE")
    before = Prescription(chart.number("E"), IVIG, Schedule(now - 28 * DAY))
    first = population.first_cidp if use.code == CIDP else population.first_other
    if die.random() >= first.value:
        chart.infused(before, now - 28 * DAY, 4, "25")
    weight = die.gauss(92, 12) if OBESITY in found else die.gauss(72, 11)
    number = f"{96_000_000 + index}"
    pattern = "QD" if use.days > 1 else "Once"
    order = Prescription(
        number,
        IVIG,
        Schedule(now + HOUR, pattern, use.days),
        use.g_per_kg,
        "g/kg",
        rate=die.choice(("60", "100", "140")) if die.random() < population.rated.value else "",
        indication=use.code,
        at=now - HOUR,
    )
    told = f"{max(weight, 40):.0f}" if die.random() < population.weighed.value else ""
    chart.ordered(order, "RDE", weight=told)
    return chart, order, told
