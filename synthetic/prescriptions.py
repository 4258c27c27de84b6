"""Orders for a medicine and what was given of them, in the messages hospitals use: ORM, OMP, RDE, RAS."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from synthetic.medicines import GLUCOSE, Drug
from synthetic.wire import Dialect, SentCode, escape, segment, unit

Envelope = Literal["ORM", "OMP", "RDE"]
PRESCRIBER = "20011^de Boer^Karin"
ROUTES = {"IV": "Intravenous", "SC": "Subcutaneous", "IM": "Intramuscular", "PO": "Oral", "TD": "Transdermal"}
UNITS = {
    "g": "gram",
    "g/kg": "gram per kilogram",
    "mg": "milligram",
    "mL": "milliliter",
    "mL/h": "milliliter per hour",
    "mg/mL": "milligram per milliliter",
    "IE": "internationale eenheid",
    "stuk": "stuk",
}


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often, from when, and how many times."""

    starts: datetime
    pattern: str = "QD"  # "Once" for a single infusion
    times: int = 0  # 0: until stopped

    @property
    def days(self) -> int:
        """For how many days a daily order runs; 0 when that is not how it is said."""
        return self.times if self.pattern == "QD" else 0


@dataclass(frozen=True, slots=True)
class Prescription:
    """One order as the prescriber meant it."""

    number: str
    drug: Drug
    schedule: Schedule
    dose: str = ""  # "" : the order does not say
    unit: str = "g"
    rate: str = ""  # mL/h; "20-80" for a rate that is raised
    give_per: str = ""  # H5: one dose in five hours
    mixture_g: str = ""  # the grams in an infusion bag; `dose` is then the volume of the bag
    indication: SentCode | None = None
    instructions: str = ""
    control: str = "NW"
    status: str = "IP"  # ORC-5
    filler: str = ""
    at: datetime | None = None  # when it was ordered; default: an hour before the first dose
    route: str | None = None  # default: that of the drug; "" when it is not sent
    reason: SentCode | None = None

    @property
    def ordered_at(self) -> datetime:
        """ORC-9."""
        return self.at or self.schedule.starts - timedelta(hours=1)

    def stopped(self, at: datetime, control: str = "DC", reason: SentCode | None = None) -> "Prescription":
        """Return the order that ends this one: DC discontinue, CA cancel, SC for one that has run its course."""
        status = {"DC": "DC", "CA": "CA", "SC": "CM"}[control]
        return replace(self, control=control, status=status, at=at, reason=reason)


def kind_of(envelope: Envelope, dialect: Dialect) -> tuple[str, str, str]:
    """Return MSH-9 for an order in this envelope."""
    if envelope == "ORM":
        return "ORM", "O01", "ORM_O01"
    if envelope == "OMP":
        return "OMP", "O09", "OMP_O09"
    return ("RDE", "O11", "RDE_O11") if dialect.speaks("2.4") else ("RDE", "O01", "RDE_O01")


def order_segments(order: Prescription, envelope: Envelope, dialect: Dialect) -> list[str]:
    """Write the order from ORC on."""
    encoded = envelope == "RDE"
    timing = [_tq1(order, dialect)] if dialect.speaks("2.5") else []
    notes = [segment("NTE", {1: 1, 2: "P", 3: escape(order.instructions)})] if order.instructions else []
    route = order.drug.route if order.route is None else order.route
    routes = [segment("RXR", {1: f"{route}^{ROUTES[route]}^HL70162"})] if route else []
    if encoded:
        return [_orc(order, dialect), _rxe(order, dialect), *notes, *timing, *routes, *_rxc(order, dialect)]
    return [_orc(order, dialect), *timing, _rxo(order, dialect), *notes, *routes]


def _orc(order: Prescription, dialect: Dialect) -> str:
    fields: dict[int, object] = {
        1: order.control,
        2: f"{order.number}^EPD",
        3: f"{order.filler}^APOTHEEK" if order.filler else "",
        5: order.status,
        9: dialect.time(order.ordered_at),
        12: PRESCRIBER,
        15: dialect.time(order.schedule.starts),
    }
    if not dialect.speaks("2.5"):
        fields[7] = _tq(order.schedule, dialect)
    if order.reason:
        fields[16] = order.reason
    return segment("ORC", fields)


def _tq(schedule: Schedule, dialect: Dialect) -> str:
    """Write the old timing: quantity^interval^duration^start^^priority, and the total from 2.3.1 on."""
    duration = f"D{schedule.days}" if schedule.days else f"X{schedule.times}" if schedule.times else ""
    timing = f"1^{schedule.pattern}^{duration}^{dialect.time(schedule.starts)}^^R"
    return f"{timing}^^^^^^{schedule.times}" if schedule.times and dialect.speaks("2.3.1") else timing


def _tq1(order: Prescription, dialect: Dialect) -> str:
    schedule = order.schedule
    return segment(
        "TQ1",
        {
            # The table of hl7apy 1.3.5 cannot hold TQ1-1 of version 2.7; a single timing needs no number.
            1: "" if dialect.speaks("2.7") else 1,
            3: schedule.pattern,
            6: f"{schedule.days}^d&day&UCUM" if schedule.days else "",
            7: dialect.time(schedule.starts),
            9: "R^Routine^HL70485",
            14: schedule.times or "",
        },
    )


def _rxo(order: Prescription, dialect: Dialect) -> str:
    fields: dict[int, object] = {1: order.drug.code, 5: order.drug.form}
    if order.dose:
        fields |= {2: order.dose, 4: unit(order.unit, UNITS[order.unit], dialect)}
    fields |= _strength(order.drug, dialect, amount=18, volume=25)
    if order.indication:
        fields[20] = order.indication
    if order.rate:
        fields |= {21: order.rate, 22: unit("mL/h", UNITS["mL/h"], dialect)}
    return segment("RXO", fields)


def _rxe(order: Prescription, dialect: Dialect) -> str:
    code: object = order.drug.code
    if order.mixture_g:
        code = f"IVIGMIX^Immuunglobuline iv {order.mixture_g} g in infuuszak^L"
    fields: dict[int, object] = {
        2: code,
        3: order.dose,
        5: unit(order.unit, UNITS[order.unit], dialect) if order.dose else "",
        6: order.drug.form,
        15: f"RX{order.number}",
    }
    if not dialect.speaks("2.5"):
        fields[1] = _tq(order.schedule, dialect)
    if order.give_per:
        fields[22] = order.give_per
    if order.rate:
        fields |= {23: order.rate, 24: unit("mL/h", UNITS["mL/h"], dialect)}
    if not order.mixture_g:
        fields |= _strength(order.drug, dialect, amount=25, volume=33)
    if order.indication:
        fields[27] = order.indication
    return segment("RXE", fields)


def _strength(drug: Drug, dialect: Dialect, *, amount: int, volume: int) -> dict[int, object]:
    """Write 100 mg in 1 mL from 2.5 on, 100 mg/mL before: the strength volume is a field of 2.5."""
    if not drug.mg_per_ml:
        return {}
    if not dialect.speaks("2.5"):
        return {amount: drug.mg_per_ml, amount + 1: unit("mg/mL", UNITS["mg/mL"], dialect)}
    return {
        amount: drug.mg_per_ml,
        amount + 1: unit("mg", UNITS["mg"], dialect),
        volume: 1,
        volume + 1: unit("mL", UNITS["mL"], dialect),
    }


def _rxc(order: Prescription, dialect: Dialect) -> list[str]:
    """Write what is in the bag: the immunoglobulin as additive, glucose as base."""
    if not order.mixture_g:
        return []
    millilitres = float(order.mixture_g) * 1000 / order.drug.mg_per_ml
    base = max(float(order.dose) - millilitres, 0)
    additive: dict[int, object] = {1: "A", 2: order.drug.code, 3: order.mixture_g, 4: unit("g", "gram", dialect)}
    return [
        segment("RXC", additive),
        segment("RXC", {1: "B", 2: GLUCOSE, 3: f"{base:g}", 4: unit("mL", UNITS["mL"], dialect)}),
    ]


@dataclass(frozen=True, slots=True)
class Given:
    """One infusion at one rate."""

    starts: datetime
    ends: datetime
    amount: str
    unit: str = "g"
    status: str = "CP"  # PA: broken off, RE: refused


def given_segments(order: Prescription, doses: Sequence[Given], dialect: Dialect) -> list[str]:
    """Write what was given of an order: ORC, an RXA for every step, and the route once."""
    now = dialect.time(doses[-1].ends)
    number: dict[int, object] = {1: "RE", 2: f"{order.number}^EPD", 5: "IP", 9: now}
    route = order.drug.route if order.route is None else order.route
    rows = [_rxa(order, index, dose, dialect) for index, dose in enumerate(doses, start=1)]
    routed = [segment("RXR", {1: f"{route or 'IV'}^{ROUTES[route or 'IV']}^HL70162"})]
    return [segment("ORC", number), *rows, *routed]


def _rxa(order: Prescription, index: int, dose: Given, dialect: Dialect) -> str:
    drug = order.drug
    strength: dict[int, object] = {}
    if drug.mg_per_ml:
        strength = {13: drug.mg_per_ml, 14: unit("mg/mL", UNITS["mg/mL"], dialect)}
    return segment(
        "RXA",
        {
            1: 0,
            2: index,
            3: dialect.time(dose.starts),
            4: dialect.time(dose.ends),
            5: drug.code,
            6: dose.amount,
            7: unit(dose.unit, UNITS[dose.unit], dialect) if dose.amount else "",
            10: "40011^Verpleegkundige^Dienst",
            15: f"L{order.number[-5:]}" if drug.maker else "",
            17: drug.maker,
            20: dose.status,
            21: "A",
            22: dialect.time(dose.ends),
            **strength,
        },
    )
