"""What else is told of a patient in a vignette, under `told`: problems, medicines, results, procedures, other IVIg.

problems:   {icd | words | code + system, days_ago, certainty: suspected | refuted, past, withdrawn}
taking:     {drug (synthetic/medicines.py), dose, unit, pattern, days_ago, stopped_days_ago, held_days_ago,
             refused: how many of the last daily doses were not taken}
results:    {test (synthetic/terms.py) | words + code + system, value, unit, days_ago, status, kind}
procedures: {words | code + system, days_ago}
allergies:  {words | code + system, reaction}
ivig:       {days_ago, grams, drug}: a dose of an earlier order
orders:     {drug, dose, unit, days, days_ahead, hours_ahead}: another order, told before the one that is asked about
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from synthetic import medicines, terms
from synthetic.chart import Chart
from synthetic.messages import Result
from synthetic.prescriptions import Given, Prescription, Schedule
from synthetic.terms import icd
from synthetic.wire import SentCode

Json = Mapping[str, Any]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
CERTAINTIES = {
    "confirmed": "CONF^Bevestigd^L",
    "suspected": "SUSP^Verdenking^L",
    "refuted": "RULEDOUT^Uitgesloten^L",
}


def tell_facts(chart: Chart, told: Json, now: datetime) -> None:
    """Put everything on the chart, kind by kind."""
    for kind, tell in TELLERS.items():
        for each in told.get(kind, ()):
            tell(chart, each, now)


def code_of(told: Json) -> SentCode:
    """The code that is written, or words without one."""
    if "icd" in told:
        return icd(told["icd"], told.get("words", told["icd"]))
    return SentCode(told.get("code", ""), told.get("words", ""), told.get("system", "L"))


def _problem(chart: Chart, told: Json, now: datetime) -> None:
    onset = now - told["days_ago"] * DAY if "days_ago" in told else None
    certainty = CERTAINTIES[told.get("certainty", "confirmed")]
    at = now - 2 * HOUR
    problem = chart.has_problem(code_of(told), at, onset=onset, past=told.get("past", False), certainty=certainty)
    if told.get("withdrawn"):
        chart.withdraws(problem, now - HOUR)


def _taking(chart: Chart, told: Json, now: datetime) -> None:
    drug = getattr(medicines, told["drug"])
    schedule = Schedule(now - told.get("days_ago", 30) * DAY, told.get("pattern", "QD"))
    order = Prescription(chart.number("M"), drug, schedule, str(told.get("dose", "")), told.get("unit", "mg"))
    chart.ordered(order, "RDE")
    if "stopped_days_ago" in told:
        chart.ordered(order.stopped(now - told["stopped_days_ago"] * DAY), "RDE")
    if "held_days_ago" in told:
        at = now - told["held_days_ago"] * DAY
        chart.ordered(replace(order, control="OH", status="HD", at=at), "RDE")
    for day in range(told.get("refused", 0), 0, -1):
        at = now - day * DAY
        chart.given(order, Given(at, at, "0", order.unit, "RE"))


def _result(chart: Chart, told: Json, now: datetime) -> None:
    test = getattr(terms, told["test"]) if "test" in told else code_of(told)
    result = Result(test, told["value"], told.get("unit", ""), kind=told.get("kind", "NM"))
    chart.measured(now - told.get("days_ago", 1) * DAY, result, status=told.get("status", "F"))


def _procedure(chart: Chart, told: Json, now: datetime) -> None:
    chart.moves("A08", now - told.get("days_ago", 1) * DAY, procedure=code_of(told))


def _allergy(chart: Chart, told: Json, now: datetime) -> None:
    chart.is_allergic(now - 2 * HOUR, code_of(told), told["reaction"])


def _ivig(chart: Chart, told: Json, now: datetime) -> None:
    starts = now - told["days_ago"] * DAY
    drug = getattr(medicines, told.get("drug", "IVIG"))
    chart.infused(Prescription(chart.number("E"), drug, Schedule(starts)), starts, 4, str(told.get("grams", 30)))


def _other_order(chart: Chart, told: Json, now: datetime) -> None:
    days = told.get("days", 1)
    starts = now + told.get("days_ahead", 0) * DAY + told.get("hours_ahead", 0) * HOUR
    schedule = Schedule(starts, "Once" if days == 1 else "QD", days)
    drug = getattr(medicines, told["drug"])
    order = Prescription(chart.number("X"), drug, schedule, str(told["dose"]), told.get("unit", "g"), at=now - HOUR)
    chart.ordered(order, "RDE")


TELLERS: dict[str, Callable[[Chart, Json, datetime], None]] = {
    "problems": _problem,
    "taking": _taking,
    "results": _result,
    "procedures": _procedure,
    "allergies": _allergy,
    "ivig": _ivig,
    "orders": _other_order,
}
