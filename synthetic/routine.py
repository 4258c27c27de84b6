"""IVIg orders about which there is nothing to say, in every way a hospital writes them, with their lives."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from synthetic.chart import Chart
from synthetic.medicines import (
    ATC_ONLY,
    BY_NAME,
    FLEBOGAMMA,
    IVIG,
    IVIG_LOCAL_ONLY,
    KIOVIG,
    NANOGAM,
    OCTAGAM,
    PRIVIGEN,
    Drug,
)
from synthetic.people import invent
from synthetic.prescriptions import Envelope, Prescription, Schedule
from synthetic.terms import CVID, MYASTHENIA
from synthetic.wire import Draft

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


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
    """Give the order, written that way."""
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
