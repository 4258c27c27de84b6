"""Published thromboses after IVIg (published_cases.yaml), each told as the order before it with what was known then."""

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

from msgspec import Struct, field
from msgspec.yaml import decode

from synthetic import medicines
from synthetic.chart import COAGULATION, Chart
from synthetic.messages import Result
from synthetic.people import invent
from synthetic.prescriptions import Prescription, Schedule
from synthetic.terms import INR, icd
from synthetic.wire import Draft

FILE = Path(__file__).with_name("published_cases.yaml")
FIRST = 700_000  # the first index of these people
UNTOLD = 0.4  # g/kg a day, where a source gives no dose: no rule speaks of it
USUAL_KG = 75  # where it is asked what long treatment would change, and no weight is told
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
Read = Literal["assessment", "full text", "opening", "abstract", "table"]


class Who(Struct, frozen=True, forbid_unknown_fields=True):
    """Sex and age, as far as they are told."""

    sex: str = "U"
    age: int | None = None


class Problem(Struct, frozen=True, forbid_unknown_fields=True):
    """A diagnosis, and how long ago it was."""

    icd: str
    days_ago: int | None = None
    past: bool = False


class Taken(Struct, frozen=True, forbid_unknown_fields=True):
    """A medicine by its name in medicines.py."""

    drug: str
    mg: int | None = None


class Ordered(Struct, frozen=True, forbid_unknown_fields=True):
    """What was ordered; whether the patient had IVIg before."""

    g_per_kg: float | None = None
    grams: float | None = None
    days: int = 1
    rate: int | None = None  # mL/h of a 10 % product
    hours: int | None = None
    weight: int | None = None
    before: bool = False


class PublishedCase(Struct, frozen=True, forbid_unknown_fields=True):
    """One thrombosis, with its source and what of it was read."""

    id: str
    source: str
    read: Read
    order: Ordered
    event: str
    url: str = ""
    patient: Who = Who()
    reason: Problem | None = field(default=None, name="for")
    problems: tuple[Problem, ...] = ()
    taking: tuple[Taken, ...] = ()
    inr: float | None = None
    assumed: str = ""

    @property
    def is_seed(self) -> bool:
        """Whether the assessment that this project implements tells it."""
        return self.read == "assessment"


class Published(Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    cases: tuple[PublishedCase, ...]
    left_out: tuple[str, ...]


@cache
def published(file: Path = FILE) -> Published:
    """Read the cases."""
    return decode(file.read_bytes(), type=Published)


def told(case: PublishedCase, index: int, now: datetime, *, long: bool = False) -> tuple[str, list[Draft]]:
    """Return the number of the order before the thrombosis, and everything that is told of the patient.

    `long`: whoever had IVIg before is told to have had this dose every four weeks.
    """
    chart = Chart(invent(FIRST + index, case.patient.sex, case.patient.age, now), ward="DAGB")
    reason = icd(case.reason.icd, case.reason.icd) if case.reason else None
    chart.admitted(now - 3 * HOUR, *((reason,) if reason else ()))
    for problem in case.problems:
        onset = None if problem.days_ago is None else (now - problem.days_ago * DAY).date()
        chart.has_problem(icd(problem.icd, problem.icd), now - 3 * HOUR, onset=onset, past=problem.past)
    for taken in case.taking:
        dose = "" if taken.mg is None else str(taken.mg)
        drug = getattr(medicines, taken.drug)
        chart.ordered(Prescription(chart.number("M"), drug, Schedule(now - 2 * DAY), dose, "mg"), "RDE")
    if case.inr is not None:
        chart.measured(now - DAY, Result(INR, str(case.inr), "{INR}"), panel=COAGULATION)
    weight = str(case.order.weight or "")
    if case.order.before and long:
        weight = weight or str(USUAL_KG)
        _on_it_for_long(chart, case.order, int(weight), now)
    elif case.order.before:
        chart.infused(Prescription(chart.number("E"), medicines.IVIG, Schedule(now - 28 * DAY)), now - 28 * DAY, 4, "")
    order = _prescription(case, f"{97_000_000 + index}", now)
    chart.ordered(order, "RDE", weight=weight)
    return order.number, chart.drafts


def _on_it_for_long(chart: Chart, ordered: Ordered, weight: int, now: datetime) -> None:
    grams = ordered.grams or (ordered.g_per_kg or UNTOLD) * weight
    for weeks in (20, 16, 12, 8, 4):
        began = now - timedelta(weeks=weeks)
        before = Prescription(chart.number("E"), medicines.IVIG, Schedule(began))
        for day in range(ordered.days):
            chart.infused(before, began + day * DAY, 4, f"{grams:.0f}")


def _prescription(case: PublishedCase, number: str, now: datetime) -> Prescription:
    ordered = case.order
    amount, unit = (ordered.g_per_kg or UNTOLD, "g/kg") if ordered.grams is None else (ordered.grams, "g")
    return Prescription(
        number,
        medicines.IVIG,
        Schedule(now + HOUR, "QD" if ordered.days > 1 else "Once", ordered.days),
        f"{amount:g}",
        unit,
        rate=str(ordered.rate or ""),
        give_per=f"H{ordered.hours}" if ordered.hours else "",
        indication=icd(case.reason.icd, case.reason.icd) if case.reason else None,
        at=now - HOUR,
    )
