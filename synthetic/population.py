"""A year of IVIg orders of patients as they come for it, with risk factors as often as they were published.

Every share says where it is from, or that it is ours. What a patient drew of each share is told with the patient: for
another share the same patients are weighed anew (ivigilant/knowledge/burden.py).
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from synthetic.chart import Chart
from synthetic.medicines import APIXABAN, IVIG, PREDNISOLONE, Drug
from synthetic.people import dice, invent
from synthetic.prescriptions import Given, Prescription, Schedule
from synthetic.terms import CIDP, CVID, DVT_LEG, EMBOLISM, GBS, HYPERTENSION, IMMOBILITY, ITP, MYASTHENIA, OBESITY, icd
from synthetic.wire import Draft, SentCode

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FIRST = 500_000  # the first index of these people
YEAR = 364  # days, so that a scheme of weeks fits
EARLIER, HALF_A_YEAR = 6, 183  # courses that are told of somebody who had IVIg before, and in how many days
KNOWN_FOR = 400 * DAY  # how long the diagnoses of such a patient are on record [D]
OURS = "ours [D]"
_BELGIUM = "De Meester 2021: patients with reimbursed IVIg in Belgian hospitals, 2018"
_CIDP = "Anderson-Smits 2021: 3,975 patients with CIDP who started IVIg"
_CBS = "CBS, health survey 2024: Dutch adults"
_BENBRAHIM = "Benbrahim: 231 French patients with a haematological malignancy who started immunoglobulin"
_LABEL = "dose: EU product information of Privigen"


class Share(NamedTuple):
    """How often something is so, and where that figure is from."""

    name: str
    what: str
    value: float
    source: str

    @property
    def is_ours(self) -> bool:
        """Whether it is our own choice."""
        return self.source.startswith(OURS)


class Use(NamedTuple):
    """What IVIg is ordered for: the first order or course, and what follows it in the year."""

    share: Share
    code: SentCode
    first: tuple[str, int]  # g/kg on a day, and days
    later: tuple[str, int]
    every: int  # days from one order to the next; 0: once
    age: tuple[float, float]  # mean and standard deviation [D]
    had_before: str  # the share of patients who had IVIg before
    factors: tuple[str, ...]  # the shares that hold for these patients


class Factor(NamedTuple):
    """A diagnosis or treatment that some of the patients have."""

    share: Share
    code: SentCode | None = None  # a diagnosis


def _factor(name: str, value: float, source: str, code: SentCode | None, what: str = "") -> Factor:
    return Factor(Share(name, what or f"{code.text} ({code.code})" if code else what, value, source), code)


_GENERAL = (
    "obesity",
    "hypertension",
    "diabetes",
    "smoking",
    "infarction",
    "coronary",
    "kidney",
    "heart-failure",
    "lain",
)
_NERVES = (
    "obesity",
    "smoking",
    "nerve-hypertension",
    "nerve-diabetes",
    "nerve-arthritis",
    "nerve-lymphoma",
    "nerve-walking",
    "nerve-line",
    "nerve-steroid",
    "infarction",
    "coronary",
    "kidney",
    "heart-failure",
)
FACTORS = (
    _factor("obesity", 0.16, _CBS, OBESITY),
    _factor("smoking", 0.18, _CBS, icd("F17.2", "Nicotineafhankelijkheid")),
    _factor("hypertension", 0.25, OURS, HYPERTENSION),
    _factor("diabetes", 0.07, OURS, icd("E11.9", "Diabetes mellitus type 2")),
    _factor("infarction", 0.03, OURS, icd("I25.2", "Oud myocardinfarct")),
    _factor("coronary", 0.04, OURS, icd("I25.1", "Coronairlijden")),
    _factor("kidney", 0.06, OURS, icd("N18.3", "Chronische nierschade G3")),
    _factor("heart-failure", 0.03, OURS, icd("I50.9", "Hartfalen")),
    _factor("lain", 0.03, OURS, IMMOBILITY),
    _factor("nerve-hypertension", 0.62, _CIDP, HYPERTENSION, "hypertension, with a neuropathy"),
    _factor("nerve-diabetes", 0.33, _CIDP, icd("E11.9", "Diabetes mellitus type 2"), "diabetes, with a neuropathy"),
    _factor(
        "nerve-arthritis", 0.19, _CIDP, icd("M06.9", "Reumatoïde artritis"), "rheumatoid arthritis, with a neuropathy"
    ),
    _factor(
        "nerve-lymphoma", 0.05, _CIDP, icd("C85.9", "Non-Hodgkinlymfoom"), "leukaemia or lymphoma, with a neuropathy"
    ),
    _factor(
        "nerve-walking",
        0.61,
        _CIDP,
        icd("R26.2", "Moeite met lopen"),
        "weakness or difficulty walking, with a neuropathy",
    ),
    _factor(
        "nerve-line",
        0.118,
        "Patel 2019: central venous access of patients with CIDP on IVIg",
        icd("Z45.2", "Centraal veneuze toegang"),
        "central venous access, with a neuropathy",
    ),
    _factor("nerve-steroid", 0.35, _CIDP, None, "high-dose corticosteroid, with a neuropathy (as if still taken)"),
    _factor("gbs-immobile", 0.5, OURS, IMMOBILITY, "immobile, with Guillain-Barré syndrome"),
    _factor("itp-steroid", 0.6, OURS, None, "prednisolone 60 mg, with ITP"),
    _factor(
        "myeloma", 64 / 231, _BENBRAHIM, icd("C90.0", "Multipel myeloom"), "myeloma, with secondary immunodeficiency"
    ),
    _factor(
        "leukaemia-lymphoma",
        0.95,
        f"{OURS}; {_BENBRAHIM.partition(':')[0]} counts 167 of 231",
        icd("C91.1", "Chronische lymfatische leukemie"),
        "leukaemia or lymphoma, with secondary immunodeficiency without myeloma",
    ),
)
OTHERS = (
    Share(
        "prior-vte", "earlier venous thrombosis", 0.03, f"{OURS}; no source was found (Kapoor 2022 counts new events)"
    ),
    Share("anticoagulated", "on a DOAC at treatment dose, of those", 0.5, OURS),
    Share("had-before", "had IVIg before", 44 / 62, "Rajabally 2011: 44 of 62 patients; for other chronic uses ours"),
    Share("itp-before", "had IVIg before, with ITP", 0.3, OURS),
    Share("weighed", "order with a recent weight", 0.9, OURS),
    Share("rated", "order that tells a rate", 0.8, OURS),
    Share("dose-raised", "dose raised by a quarter in the course of the year", 0.15, OURS),
    Share("new-factor", "a new risk factor in the course of the year", 0.10, OURS),
)
FACTOR: Mapping[str, Factor] = MappingProxyType({each.share.name: each for each in FACTORS})
SHARE: Mapping[str, Share] = MappingProxyType(
    {each.share.name: each.share for each in FACTORS} | {each.name: each for each in OTHERS}
)


def _use(name: str, what: str, value: float, source: str = _BELGIUM) -> Share:
    return Share(f"use-{name}", f"ordered for {what}", value, f"{source}; {_LABEL}")


SID = icd("D80.9", "Secundaire immuundeficiëntie")
USES = (
    Use(
        _use("pid", "primary immunodeficiency", 0.35),
        CVID,
        ("0.4", 1),
        ("0.4", 1),
        28,
        (48, 18),
        "had-before",
        _GENERAL,
    ),
    Use(
        _use("sid", "secondary immunodeficiency", 0.21),
        SID,
        ("0.4", 1),
        ("0.4", 1),
        28,
        (66, 12),
        "had-before",
        (*_GENERAL, "myeloma"),
    ),
    Use(
        _use("itp", "immune thrombocytopenia", 0.10),
        ITP,
        ("1", 2),
        ("1", 2),
        120,
        (52, 20),
        "itp-before",
        (*_GENERAL, "itp-steroid"),
    ),
    Use(_use("cidp", "CIDP", 0.08), CIDP, ("0.4", 5), ("0.5", 2), 21, (58, 14), "had-before", _NERVES),
    Use(
        _use("gbs", "Guillain-Barré syndrome", 0.06),
        GBS,
        ("0.4", 5),
        ("0.4", 5),
        0,
        (55, 17),
        "",
        (*_GENERAL, "gbs-immobile"),
    ),
    Use(
        _use("other", "off label, as myasthenia", 0.154, f"{_BELGIUM}; which disease, and the scheme, ours"),
        MYASTHENIA,
        ("0.4", 5),
        ("0.4", 2),
        28,
        (60, 16),
        "had-before",
        _GENERAL,
    ),
)


@dataclass(frozen=True, slots=True)
class PatientYear:
    """One patient, what was drawn of each share, and what is told of a year of orders, each at its moment."""

    use: str
    drawn: Mapping[str, bool]
    orders: Sequence[str]  # placer numbers, in their order
    told: Sequence[tuple[datetime, Draft]]
    chart: Chart
    prescriptions: Sequence[Prescription]
    weight: str


def years(now: datetime, size: int, *, after: int = 0, seed: int = 7) -> Iterator[PatientYear]:
    """Return the year before `now` of so many patients, after so many."""
    for index in range(after, after + size):
        yield _PatientLife(dice(seed, "population", index), index, now).year()


def every_share() -> list[Share]:
    """Return every share, the uses first."""
    return [*(use.share for use in USES), *SHARE.values()]


class _PatientLife:
    """One patient's year being drawn and told."""

    def __init__(self, die: random.Random, index: int, now: datetime) -> None:
        self.die, self.index, self.now = die, index, now
        self.use = die.choices(USES, [each.share.value for each in USES])[0]
        age = min(max(round(die.gauss(*self.use.age)), 18), 95)
        self.chart = Chart(invent(FIRST + index, die.choice("FM"), age, now), ward="DAGB")
        self.drawn: dict[str, bool] = {}
        self.told: list[tuple[datetime, Draft]] = []
        self.had_before = bool(self.use.had_before) and self.draws(self.use.had_before)
        within = self.use.every if self.had_before else YEAR - 7  # somebody who starts does so anywhere in the year
        self.begins = now - YEAR * DAY + die.randrange(within) * DAY

    def draws(self, name: str) -> bool:
        """Throw for a share, and remember it."""
        self.drawn[name] = self.die.random() < SHARE[name].value
        return self.drawn[name]

    def tells(self, at: datetime) -> None:
        """Everything put on the chart since the last time is sent now."""
        self.told += [(at + timedelta(seconds=number), draft) for number, draft in enumerate(self.chart.drafts)]
        self.chart.drafts = []

    def year(self) -> PatientYear:
        """Tell who it is, then one order after the other."""
        self._history()
        weight = f"{self.weight:.0f}" if self.draws("weighed") else ""
        orders = self._orders()
        changed = {
            name: self.die.randrange(1, len(orders)) if len(orders) > 1 and self.draws(name) else len(orders)
            for name in ("dose-raised", "new-factor")
        }
        for number, order in enumerate(orders):
            if number >= changed["dose-raised"]:
                orders[number] = order = replace(order, dose=f"{float(order.dose) * 1.25:g}")
            self._order(order, weight, new=number == changed["new-factor"])
        numbers = [order.number for order in orders]
        name = self.use.share.name
        return PatientYear(name, self.drawn, numbers, self.told, self.chart, orders, weight)

    def _history(self) -> None:
        at = self.begins - 3 * HOUR
        found = [FACTOR[name] for name in self.use.factors if self.draws(name)]
        if self.drawn.get("myeloma") is False and self.draws("leukaemia-lymphoma"):
            found.append(FACTOR["leukaemia-lymphoma"])
        since = at - KNOWN_FOR if self.had_before else at  # then it was there at the earlier courses too
        self.chart.admitted(at, self.use.code, *(each.code for each in found if each.code), since=since)
        if self.draws("prior-vte"):
            self._thrombosis(at)
        if any(each.code is None for each in found):
            self._takes(PREDNISOLONE, "60", "QD", 10)
        self.tells(at)
        self.weight = max(self.die.gauss(92, 12) if self.drawn.get("obesity") else self.die.gauss(72, 11), 40)
        if self.had_before:
            self._earlier_courses()

    def _earlier_courses(self) -> None:
        """Tell the courses of the half year before, as large as the later ones."""
        dose, days = self.use.later
        grams = f"{float(dose) * self.weight:.0f}"
        for number in range(min(EARLIER, HALF_A_YEAR // self.use.every), 0, -1):
            began = self.begins - number * self.use.every * DAY
            before = Prescription(self.chart.number("E"), IVIG, Schedule(began))
            for day in range(days):
                self.chart.infused(before, began + day * DAY, 4, grams)
        self.tells(self.begins - 2 * HOUR)

    def _thrombosis(self, at: datetime) -> None:
        onset = (self.begins - timedelta(days=self.die.randrange(100, 5000))).date()
        self.chart.has_problem(self.die.choice((DVT_LEG, EMBOLISM)), at, onset=onset, past=True)
        if self.draws("anticoagulated"):
            self._takes(APIXABAN, "5", "BID", 90)

    def _takes(self, drug: Drug, dose: str, pattern: str, days: int) -> None:
        schedule = Schedule(self.begins - days * DAY, pattern)
        self.chart.ordered(Prescription(self.chart.number("M"), drug, schedule, dose, "mg"), "RDE")

    def _orders(self) -> list[Prescription]:
        rate = self.die.choice(("60", "100", "140")) if self.draws("rated") else ""
        times = 1 if not self.use.every else self._times()
        return [
            self._prescription(number, self.use.later if self.had_before or number else self.use.first, rate)
            for number in range(times)
        ]

    def _times(self) -> int:
        """Return how many orders are left of the year."""
        return max(1, ((self.now - self.begins).days - 1) // self.use.every)

    def _prescription(self, number: int, course: tuple[str, int], rate: str) -> Prescription:
        dose, days = course
        starts = self.begins + number * (self.use.every or 1) * DAY + HOUR
        schedule = Schedule(starts, "QD" if days > 1 else "Once", days)
        placer = f"{96_000_000 + self.index}{number:02d}"
        return Prescription(
            placer, IVIG, schedule, dose, "g/kg", rate=rate, indication=self.use.code, at=starts - 2 * HOUR
        )

    def _order(self, order: Prescription, weight: str, *, new: bool) -> None:
        at = order.ordered_at
        if new:
            factors = [FACTOR[name] for name in _GENERAL]
            code = self.die.choices(factors, [each.share.value for each in factors])[0].code
            self.chart.has_problem(code or IMMOBILITY, at, onset=at.date())
        self.chart.ordered(order, "RDE", weight=weight)
        self.tells(at)
        starts = order.schedule.starts
        doses = (starts + day * DAY for day in range(order.schedule.times or 1))
        self.chart.given(order, *(Given(at, at + 4 * HOUR, "") for at in doses))
        self.tells(starts + max(order.schedule.times, 1) * DAY)
