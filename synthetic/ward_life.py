"""Ordinary days on the wards: admissions, laboratory, medicines, moves, corrections, merges, discharges."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from synthetic import medicines
from synthetic.chart import COAGULATION, Chart
from synthetic.medicines import Drug
from synthetic.messages import Result, pid, pv1
from synthetic.people import dice, invent
from synthetic.prescriptions import Envelope, Prescription, Schedule
from synthetic.routine import WRITINGS, order_of
from synthetic.terms import (
    APTT,
    CREATININE,
    D_DIMER,
    DVT_LEG,
    EGFR,
    EMBOLISM,
    EVERYDAY,
    HAEMOGLOBIN,
    HEIGHT,
    INR,
    INR_POINT_OF_CARE,
    PLATELETS,
    RISKS,
    WEIGHT,
)
from synthetic.wire import VERSIONS, Draft, SentCode, segment

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
WARDS = ("A1CHI", "A2ORT", "B1DER", "B3URO", "C2CAR", "C4NEU", "D1LON", "D2HEM", "D3INT", "DAGB", "IC", "SEH")
PANEL = SentCode("HEMA", "Hematologie", "L")
FIRST = 1000  # the first index of these patients; the numbers below belong to the stories


class Habit(NamedTuple):
    """A medicine as it is usually ordered."""

    drug: Drug
    dose: str
    unit: str
    pattern: str = "QD"


HABITS = (
    Habit(medicines.PARACETAMOL, "1000", "mg", "QID"),
    Habit(medicines.PANTOPRAZOLE, "40", "mg"),
    Habit(medicines.METOPROLOL, "50", "mg", "BID"),
    Habit(medicines.AMLODIPINE, "5", "mg"),
    Habit(medicines.AMOXICILLIN, "1200", "mg", "QID"),
    Habit(medicines.CEFTRIAXONE, "2000", "mg"),
    Habit(medicines.MORPHINE, "5", "mg", "PRN"),
    Habit(medicines.NADROPARIN, "2850", "IE"),  # prophylactic
    Habit(medicines.NADROPARIN, "15200", "IE"),  # treatment
    Habit(medicines.DALTEPARIN, "5000", "IE"),  # prophylactic
    Habit(medicines.ENOXAPARIN, "80", "mg", "BID"),  # treatment
    Habit(medicines.ENOXAPARIN, "40", "mg"),  # prophylactic
    Habit(medicines.APIXABAN, "5", "mg", "BID"),
    Habit(medicines.RIVAROXABAN, "20", "mg"),
    Habit(medicines.DABIGATRAN, "150", "mg", "BID"),
    Habit(medicines.ACENOCOUMAROL, "2", "mg"),
    Habit(medicines.PHENPROCOUMON, "3", "mg"),
    Habit(medicines.PREDNISOLONE, "30", "mg"),
    Habit(medicines.DEXAMETHASONE, "8", "mg"),
    Habit(medicines.PILL, "1", "stuk"),
    Habit(medicines.ESTRADIOL, "2", "mg"),
    Habit(medicines.ASPIRIN, "80", "mg"),
    Habit(medicines.CLOPIDOGREL, "75", "mg"),
)


def stay(now: datetime, seed: int, index: int, *, ivig_share: float = 0.0) -> list[Draft]:
    """Tell one patient's stay; with `ivig_share` as the chance that IVIg is ordered, with or without a risk."""
    die = dice(seed, "stay", index)
    begins = now - timedelta(hours=die.uniform(6, 96))
    version = die.choice(VERSIONS)
    versions = {"EPD": version, "APOTHEEK": version, "LIS": die.choice(("2.3", "2.4", "2.5.1"))}
    person = invent(FIRST + index, die.choice("FM"), die.randrange(18, 92), now)
    chart = Chart(person, ward=die.choice(WARDS), versions=versions)
    chart.admitted(
        begins, die.choice(EVERYDAY), *die.sample(RISKS, die.randrange(3)), weight=f"{die.randrange(45, 130)}"
    )
    _chemistry(chart, die, begins + HOUR)
    _medicines(chart, die, begins + 2 * HOUR)
    if die.random() < ivig_share:
        _immunoglobulin(chart, die, index, now)
    for happening in die.sample(HAPPENINGS, 3):
        happening(WardEvent(chart, die, begins + timedelta(hours=die.uniform(3, 5))))
    if die.random() < 0.6:
        chart.moves("A03", now - MINUTE, discharged_at=now - MINUTE)
    return chart.drafts


def _chemistry(chart: Chart, die: random.Random, at: datetime) -> None:
    creatinine = die.choice((62, 71, 80, 95, 118, 164))
    results = [Result(CREATININE, creatinine, "umol/L", "60-110", "H" if creatinine > 110 else "")]
    results.append(Result(EGFR, 90 - creatinine // 3, "mL/min/{1.73_m2}"))
    request = chart.measured(at, *results)
    chart.measured(
        at,
        Result(PLATELETS, die.randrange(90, 430), "10*9/L", "150-400"),
        Result(HAEMOGLOBIN, f"{die.uniform(5.5, 10):.1f}", "mmol/L", "7.5-10.0"),
        panel=PANEL,
    )
    if die.random() < 0.1:  # the laboratory takes a value back and sends another
        chart.measured(
            at, Result(CREATININE, creatinine + 9, "umol/L", "60-110", status="C"), request=request, status="C"
        )


def _medicines(chart: Chart, die: random.Random, at: datetime) -> None:
    for habit in die.sample(HABITS, die.randrange(2, 5)):
        order = Prescription(
            chart.number("M"), habit.drug, Schedule(at + HOUR, habit.pattern), habit.dose, habit.unit, at=at
        )
        envelope: Envelope = die.choice(("RDE", "RDE", "OMP" if chart.dialect("EPD").speaks("2.4") else "ORM"))
        chart.ordered(order, envelope)
        if die.random() < 0.3:
            chart.infused(order, at + HOUR, 0.25, habit.dose, habit.unit)
        if die.random() < 0.15:
            chart.ordered(order.stopped(at + 3 * HOUR), envelope)


def _immunoglobulin(chart: Chart, die: random.Random, index: int, now: datetime) -> None:
    if die.random() < 0.15:
        onset = now - timedelta(days=die.randrange(20, 2500))
        chart.has_problem(die.choice((DVT_LEG, EMBOLISM)), now - 4 * HOUR, onset=onset.date(), past=True)
    dialect = chart.dialect("EPD")
    fitting = [way for way in WRITINGS if way.version == dialect.version]
    way = die.choice(fitting)
    schedule = Schedule(now + HOUR, die.choice(("Q4W", "Once", "QD")), die.choice((1, 2, 5)))
    chart.ordered(order_of(way, f"{95_000_000 + index}", schedule, at=now - HOUR), way.envelope)


class WardEvent(NamedTuple):
    """A moment of a stay at which something happens."""

    chart: Chart
    die: random.Random
    at: datetime


def _coagulation(event: WardEvent) -> None:
    chart, die, at = event
    chart.measured(
        at,
        Result(INR, f"{die.uniform(0.9, 4.2):.1f}", "{INR}", "0.9-1.2"),
        Result(APTT, die.randrange(22, 60), "s", "21-35"),
        Result(D_DIMER, f"<^{die.choice((200, 500))}", "ug/L", "<500", kind="SN"),
        panel=COAGULATION,
    )


def _point_of_care(event: WardEvent) -> None:
    inr = Result(INR_POINT_OF_CARE, f"{event.die.uniform(0.9, 3.9):.1f}", "{INR}")
    event.chart.measured(event.at, inr, panel=COAGULATION)


def _body(event: WardEvent) -> None:
    weight = Result(WEIGHT, event.die.randrange(45, 130), "kg")
    event.chart.measured(event.at, weight, Result(HEIGHT, event.die.randrange(150, 200), "cm"))


def _transfer(event: WardEvent) -> None:
    event.chart.transferred(event.at, event.die.choice(WARDS))


def _problem(event: WardEvent) -> None:
    onset = event.at - timedelta(days=event.die.randrange(100, 4000))
    event.chart.has_problem(event.die.choice(RISKS), event.at, onset=onset.date())


def _final_diagnosis(event: WardEvent) -> None:
    event.chart.diagnosed(event.at, event.die.choice(EVERYDAY))


def _merge(event: WardEvent) -> None:
    """A number given at the emergency department turns out to be this patient's."""
    event.chart.merged(f"9{event.chart.person.number}", event.at)


def _mistaken_admission(event: WardEvent) -> None:
    event.chart.moves("A11", event.at)
    event.chart.moves("A01", event.at + MINUTE)


def _discharge_taken_back(event: WardEvent) -> None:
    event.chart.moves("A03", event.at, discharged_at=event.at)
    event.chart.moves("A13", event.at + 5 * MINUTE)


def _appointment(event: WardEvent) -> None:
    """A message nobody here needs: it must be taken and set aside."""
    chart = event.chart
    dialect = chart.dialect("EPD")
    number = f"{chart.number('AF')}^EPD"
    appointment = segment("SCH", {1: number, 6: "CONTROLE^Controle polikliniek^L"})
    segments = (appointment, pid(chart.person, dialect), pv1(chart.visit, dialect))
    chart.drafts.append(Draft(dialect, "SIU", "S12", "SIU_S12", segments))


HAPPENINGS: tuple[Callable[[WardEvent], None], ...] = (
    _coagulation,
    _point_of_care,
    _body,
    _transfer,
    _problem,
    _final_diagnosis,
    _merge,
    _mistaken_admission,
    _discharge_taken_back,
    _appointment,
)
