"""What came after an infusion in a vignette: a thrombosis, a symptom, an examination, a treatment; told in HL7."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from synthetic import medicines
from synthetic.chart import Chart
from synthetic.messages import Result
from synthetic.prescriptions import Given, Prescription, Schedule
from synthetic.terms import DVT_LEG, EMBOLISM, STROKE, icd
from synthetic.wire import SentCode

Json = Mapping[str, Any]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
INFUSION = 4 * HOUR
IMAGING = SentCode("18748-4", "Diagnostic imaging study", "LN")
SEEN = {"DVT": "Duplex: trombose van de v. poplitea.", "PE": "CT-angiografie: longembolie."}
DIAGNOSES = {"DVT": DVT_LEG, "PE": EMBOLISM}


def tell_course(chart: Chart, told: Json, number: str, now: datetime) -> datetime:
    """Tell the order and its last infusion; give the moment of the event.

    An active course goes on after the event: the same order, with doses that are still to come.
    """
    event = told["event"]
    at = now - 2 * HOUR
    ends = at - event["hours_after_last_ivig"] * HOUR
    during = event["hours_after_last_ivig"] == 0
    starts = ends - (INFUSION / 2 if during else INFUSION)
    schedule = Schedule(starts, f"Q{event.get('every_days', 7)}D", 8) if event["course_active"] else Schedule(
        starts, "Once", 1
    )  # fmt: skip  # one choice of two
    drug = getattr(medicines, event.get("drug", "IVIG"))
    order = Prescription(number, drug, schedule, "30", "g", rate="75", at=starts - HOUR)
    chart.ordered(order, "RDE")
    chart.given(order, Given(starts, ends, "15" if during else "30", status="PA" if during else "CP"))
    return at


def tell_event(chart: Chart, event: Json, at: datetime) -> None:
    """Tell what happened, in the message a ward would send."""
    TELLERS[event["kind"]](chart, event, at)


def _thrombosis(chart: Chart, event: Json, at: datetime) -> None:
    code = _code(event, DIAGNOSES[event.get("where", "PE")])
    if event["objective"]:
        chart.diagnosed(at, code)
        chart.measured(at, Result(IMAGING, SEEN[event.get("where", "PE")], kind="TX"))
    elif event.get("certain"):
        chart.diagnosed(at, code)
    else:
        chart.has_problem(code, at, onset=at, certainty="SUSP^Verdenking^L")


def _symptom(chart: Chart, event: Json, at: datetime) -> None:
    chart.has_problem(_code(event, icd("R06.0", "Dyspnoe")), at, onset=at)


def _arterial(chart: Chart, event: Json, at: datetime) -> None:
    chart.diagnosed(at, _code(event, STROKE))
    chart.measured(at, Result(IMAGING, "CT: herseninfarct.", kind="TX"))


def _examination(chart: Chart, event: Json, at: datetime) -> None:
    chart.moves("A08", at, procedure=SentCode("X-1", event["words"], "ZA"))


def _anticoagulant(chart: Chart, event: Json, at: datetime) -> None:
    schedule = Schedule(at, "BID")
    chart.ordered(
        Prescription(chart.number("M"), medicines.APIXABAN, schedule, event.get("mg", "5"), "mg", at=at), "RDE"
    )


def _code(event: Json, usual: SentCode) -> SentCode:
    if "words" in event:
        return SentCode("", event["words"], "L")
    return icd(event["icd"], event["icd"]) if "icd" in event else usual


TELLERS: dict[str, Callable[[Chart, Json, datetime], None]] = {
    "VTE_AFTER_IVIG": _thrombosis,
    "ARTERIAL": _arterial,
    "SYMPTOM": _symptom,
    "EXAMINATION": _examination,
    "ANTICOAGULANT": _anticoagulant,
}
