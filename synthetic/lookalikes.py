"""Orders that only look like IVIg. Every one of these patients had a thrombosis, and not a word must be said."""

from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from synthetic.chart import Chart
from synthetic.expectations import CaseReport, Expected
from synthetic.medicines import (
    ALBUMIN,
    CYTOTECT,
    GAMMAQUIN,
    GAMUNEX_SC,
    HEPATITIS_B,
    HIZENTRA,
    HYQVIA,
    RHOPHYLAC,
    RITUXIMAB,
    TETANUS,
    THYMOGLOBULINE,
    Drug,
)
from synthetic.messages import Result, obr, pid, pv1
from synthetic.people import invent
from synthetic.prescriptions import Envelope, Prescription, Schedule
from synthetic.terms import CVID, DVT_LEG, IGG
from synthetic.wire import Draft, SentCode, segment

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
IGG_PANEL = SentCode("IGG", "Immunoglobuline G in serum, bepaling", "L")


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
    """Tell a request for IgG in serum, and its result: a laboratory order is no medicine."""
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


CASES = (
    *(
        CaseReport(kind.name, partial(look_alike, index=index), (Expected(kind.name, f"9200{index:02d}", None),))
        for index, kind in enumerate(LOOK_ALIKES)
    ),
    CaseReport("IgG in serum", laboratory, (Expected("IgG in serum", "920090", None),)),
)
