"""Orders about which there is nothing to say: IVIg in every way a hospital writes it, and what only looks like IVIg.

Every patient of a look-alike had a thrombosis, and still not a word must be said.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from synthetic.chart import Chart
from synthetic.expectations import CaseReport, Expected
from synthetic.medicines import (
    ALBUMIN,
    ATC_ONLY,
    BY_NAME,
    CYTOTECT,
    FLEBOGAMMA,
    GAMMAQUIN,
    GAMUNEX_SC,
    HEPATITIS_B,
    HIZENTRA,
    HYQVIA,
    IVIG,
    IVIG_LOCAL_ONLY,
    KIOVIG,
    NANOGAM,
    OCTAGAM,
    PRIVIGEN,
    RHOPHYLAC,
    RITUXIMAB,
    TETANUS,
    THYMOGLOBULINE,
    Drug,
)
from synthetic.messages import Result, obr, pid, pv1
from synthetic.people import invent
from synthetic.prescriptions import Envelope, Prescription, Schedule
from synthetic.terms import CVID, DVT_LEG, IGG, MYASTHENIA
from synthetic.wire import Draft, SentCode, segment

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
IGG_PANEL = SentCode("IGG", "Immunoglobuline G in serum, bepaling", "L")


class Writing(NamedTuple):
    """One way to write an order; all come to about 0.4 g/kg for 60 kg."""

    version: str
    envelope: Envelope
    drug: Drug
    dose: str
    unit: str
    rate: str = ""
    mixture_g: str = ""
    grams: str = ""  # what the dose comes to, where it is not said in grams


WRITINGS = (
    Writing("2.3", "ORM", IVIG, "24", "g"),
    Writing("2.3.1", "ORM", ATC_ONLY, "0.4", "g/kg", grams="24"),
    Writing("2.4", "OMP", OCTAGAM, "24", "g", rate="120"),
    Writing("2.5", "OMP", NANOGAM, "24", "g"),
    Writing("2.5.1", "OMP", IVIG, "0.4", "g/kg", rate="60-120", grams="24"),
    Writing("2.6", "OMP", KIOVIG, "24", "g", rate="120"),
    Writing("2.7", "OMP", BY_NAME, "24", "g"),
    Writing("2.3", "RDE", IVIG, "24", "g"),
    Writing("2.3.1", "RDE", FLEBOGAMMA, "480", "mL", rate="150", grams="24"),
    Writing("2.4", "RDE", PRIVIGEN, "240", "mL", rate="120", grams="24"),
    Writing("2.5", "RDE", IVIG, "400", "mL", rate="100", mixture_g="24", grams="24"),
    Writing("2.5.1", "RDE", PRIVIGEN, "24000", "mg", rate="120", grams="24"),
    Writing("2.6", "RDE", IVIG_LOCAL_ONLY, "480", "mL", rate="150", grams="24"),
    Writing("2.7", "RDE", KIOVIG, "24", "g", rate="120"),
)


def routine(now: datetime, index: int) -> list[Draft]:
    """Tell a replacement dose for somebody without any risk, and what becomes of the order."""
    way = WRITINGS[index % len(WRITINGS)]
    versions = {"EPD": way.version, "APOTHEEK": way.version}
    starts = now + timedelta(hours=2 + index % 5)
    person = invent(200 + index, "FM"[index % 2], 28 + index % 30, now)
    chart = Chart(person, ward="DAGB", patient_class="O", versions=versions)
    chart.admitted(now - 3 * HOUR, CVID if index % 3 else MYASTHENIA, event="A04")
    order = order_of(way, f"9300{index:02d}", Schedule(starts, "Q4W", 6), at=now - 2 * HOUR)
    chart.ordered(order, way.envelope, weight="60")
    if index in LIVES:
        LIVES[index](Life(chart, order, way, now))
    return chart.drafts


def order_of(way: Writing, number: str, schedule: Schedule, at: datetime) -> Prescription:
    """Return the order, written that way."""
    return Prescription(
        number, way.drug, schedule, way.dose, way.unit, rate=way.rate, mixture_g=way.mixture_g, indication=CVID, at=at
    )


class Life(NamedTuple):
    """An order that was told, and the moment it is now."""

    chart: Chart
    order: Prescription
    way: Writing
    now: datetime


def _cancelled(life: Life) -> None:
    life.chart.ordered(life.order.stopped(life.now - HOUR, "CA"), life.way.envelope)


def _lowered(life: Life) -> None:
    lower = replace(life.order, control="XO", dose="20", rate="100", at=life.now - HOUR)
    life.chart.ordered(lower, life.way.envelope)


def _held_and_released(life: Life) -> None:
    life.chart.ordered(replace(life.order, control="HD", status="HD", at=life.now - HOUR), life.way.envelope)
    life.chart.ordered(replace(life.order, control="RL", at=life.now - HOUR / 2), life.way.envelope)


def _given(life: Life) -> None:
    """The earlier infusions of the same running order."""
    for weeks in (8, 4):
        starts = life.order.schedule.starts - weeks * 7 * DAY
        life.chart.infused(life.order, starts, 3, life.way.grams or life.way.dose)


def _discontinued(life: Life) -> None:
    life.chart.ordered(life.order.stopped(life.now - HOUR), life.way.envelope)


LIVES: dict[int, Callable[[Life], None]] = {
    1: _cancelled,
    3: _given,
    5: _lowered,
    6: _held_and_released,
    8: _given,
    9: _discontinued,
}
STORIES = tuple(partial(routine, index=index) for index in range(len(WRITINGS)))


class LookAlike(NamedTuple):
    """One product that is not IVIg, and how it is ordered."""

    name: str
    drug: Drug
    dose: str
    unit: str
    pattern: str
    envelope: Envelope
    version: str


LOOK_ALIKES = (
    LookAlike("Hizentra", HIZENTRA, "10", "g", "QW", "RDE", "2.5"),
    LookAlike("HyQvia", HYQVIA, "30", "g", "Q4W", "OMP", "2.5"),
    LookAlike("GammaQuin", GAMMAQUIN, "5", "mL", "Once", "ORM", "2.3"),
    LookAlike("Gamunex-C, subcutaneous", GAMUNEX_SC, "12", "g", "QW", "OMP", "2.6"),
    LookAlike("anti-D", RHOPHYLAC, "2", "mL", "Once", "OMP", "2.5.1"),
    LookAlike("hepatitis B", HEPATITIS_B, "500", "IE", "Once", "ORM", "2.3.1"),
    LookAlike("tetanus", TETANUS, "250", "IE", "Once", "OMP", "2.4"),
    LookAlike("cytomegalovirus", CYTOTECT, "70", "mL", "Once", "RDE", "2.5"),
    LookAlike("antithymocyte", THYMOGLOBULINE, "100", "mg", "QD", "RDE", "2.5.1"),
    LookAlike("albumin", ALBUMIN, "20", "g", "QD", "RDE", "2.7"),
    LookAlike("rituximab", RITUXIMAB, "700", "mg", "QW", "RDE", "2.4"),
)


def look_alike(now: datetime, index: int) -> list[Draft]:
    """Tell one order that must be passed over."""
    kind = LOOK_ALIKES[index]
    sex = "F" if kind.drug is RHOPHYLAC else "MF"[index % 2]
    versions = {"EPD": kind.version, "APOTHEEK": kind.version}
    chart = Chart(invent(100 + index, sex, 35 + 2 * index, now), ward="DAGB", patient_class="O", versions=versions)
    chart.admitted(now - 5 * HOUR, CVID, event="A04")
    chart.has_problem(DVT_LEG, now - 5 * HOUR, onset=(now - 900 * DAY).date(), past=True)
    schedule = Schedule(now - (index % 4) * HOUR, kind.pattern, 1 if kind.pattern == "Once" else 0)
    chart.ordered(Prescription(f"9200{index:02d}", kind.drug, schedule, kind.dose, kind.unit), kind.envelope)
    return chart.drafts


def laboratory(now: datetime) -> list[Draft]:
    """Add a request for IgG in serum, and its result: a laboratory order is not one for a medicine."""
    chart = Chart(invent(120, "M", 52, now), ward="POLIINT", patient_class="O")
    chart.admitted(now - 5 * HOUR, CVID, event="A04")
    chart.has_problem(DVT_LEG, now - 5 * HOUR, onset=(now - 900 * DAY).date(), past=True)
    dialect = chart.dialect("EPD")
    taken = now - 4 * HOUR
    control = segment("ORC", {1: "NW", 2: "920090^EPD", 9: dialect.time(taken)})
    request = obr("920090", IGG_PANEL, taken, "", dialect)
    segments = (pid(chart.person, dialect), pv1(chart.visit, dialect), control, request)
    chart.drafts.append(Draft(dialect, "ORM", "O01", "ORM_O01", segments))
    chart.measured(taken, Result(IGG, "6.2", "g/L", "7-16", "L"), panel=IGG_PANEL, request="920090")
    return chart.drafts


LOOK_ALIKE_CASES = (
    *(
        CaseReport(kind.name, partial(look_alike, index=index), (Expected(kind.name, f"9200{index:02d}", None),))
        for index, kind in enumerate(LOOK_ALIKES)
    ),
    CaseReport("IgG in serum", laboratory, (Expected("IgG in serum", "920090", None),)),
)
