"""The case reports of patients who had a thrombosis before: S10-S14 of the assessment, and two of the forum (S40-S48).

What a report does not say is not told either: no weight, no dose, no sex where there is none.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from synthetic.chart import COAGULATION, Chart
from synthetic.expectations import CaseReport, Expected
from synthetic.medicines import AMITRIPTYLINE, APIXABAN, BY_NAME, IVIG, OXYCODONE, PRIVIGEN, RIVAROXABAN, WARFARIN
from synthetic.messages import Result
from synthetic.people import invent
from synthetic.prescriptions import Prescription, Schedule
from synthetic.terms import (
    APTT,
    CIDP,
    D_DIMER,
    DVT_ARM,
    DVT_LEG,
    DVT_SEEN,
    EMBOLISM,
    FACTOR_V_GENE,
    FACTOR_V_LEIDEN,
    IMMOBILITY,
    INR,
    JUGULAR,
    OBESITY,
    PERIPHERAL_LINE,
    VENOUS_THROMBOSIS,
    VISCOSITY,
)
from synthetic.wire import Draft, SentCode

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
THROMBOSIS = SentCode("VTE", "Nieuw vastgestelde trombose", "L")


def paran_1(now: datetime) -> list[Draft]:
    """S11: a woman of 41 with an earlier DVT, obese and immobile, gets 0.7 g/kg on three days."""
    begins = now - 3 * DAY
    chart = Chart(invent(1, "F", 41, now), ward="D3INT")
    chart.admitted(begins - DAY, OBESITY, IMMOBILITY, weight="98")
    chart.has_problem(DVT_LEG, begins - DAY, past=True)
    order = Prescription("910101", IVIG, Schedule(begins, "QD", 3), "0.7", "g/kg")
    chart.ordered(order)
    for number in range(3):
        chart.infused(order, begins + number * DAY, 6, "68.6")
    chart.has_problem(DVT_LEG, now - HOUR)  # afterwards; the report does not say when
    return chart.drafts


def paran_2(now: datetime) -> list[Draft]:
    """S12: a man of 65 with an earlier DVT and factor V Leiden clots 4 hours after a single 0.4 g/kg.

    His history is told after the order: the answer must change when it comes.
    """
    begins = now - 10 * HOUR
    chart = Chart(invent(2, "M", 65, now), ward="DAGB", patient_class="O", versions={"EPD": "2.3"})
    chart.admitted(begins - 2 * HOUR, event="A04")
    order = Prescription("910201", IVIG, Schedule(begins, "Once", 1), "32")
    chart.ordered(order, "ORM", weight="80")
    chart.has_problem(DVT_LEG, begins - 2 * HOUR, past=True)
    chart.measured(begins - 40 * DAY, Result(FACTOR_V_GENE, "HET^Heterozygoot^L", kind="CE"), panel=COAGULATION)
    chart.has_problem(FACTOR_V_LEIDEN, begins - 2 * HOUR, onset=(begins - 40 * DAY).date())
    ended = chart.infused(order, begins, 4, "32")
    chart.diagnosed(ended + 4 * HOUR, DVT_SEEN)
    return chart.drafts


def vucic(now: datetime) -> list[Draft]:
    """S13: thrombosis after IVIg once before, at a cannula; again 240 hours after the eighth infusion at 10 g/h."""
    last = now - 10 * DAY - 5 * HOUR
    first = last - 7 * 28 * DAY
    chart = Chart(invent(4, "U", None, now), ward="DAGB", patient_class="O", versions={"APOTHEEK": "2.5.1"})
    chart.admitted(first - HOUR, event="A04")
    earlier = Prescription("910402", PRIVIGEN, Schedule(first, "Q4W", 7), "0.4", "g/kg", rate="100")
    chart.ordered(earlier, "RDE")
    chart.moves("A08", first, procedure=PERIPHERAL_LINE)
    for number in range(7):
        chart.infused(earlier, first + number * 28 * DAY, 3, "300", "mL")
    chart.has_problem(DVT_ARM, first + 6 * DAY, onset=first + 5 * DAY)
    chart.ordered(earlier.stopped(last - DAY, "SC"), "RDE")
    chart.measured(last - DAY, Result(VISCOSITY, "1.4", "cP", "1.5-1.9"))
    order = Prescription("910401", PRIVIGEN, Schedule(last, "Q4W", 1), "0.4", "g/kg", rate="100")
    chart.ordered(order, "RDE")
    ended = chart.infused(order, last, 3, "300", "mL")
    chart.diagnosed(ended + 240 * HOUR, VENOUS_THROMBOSIS)
    return chart.drafts


def butler(now: datetime) -> list[Draft]:
    """S14: warfarin, INR 1.73 and aPTT 45.7 s; IVIg every week; embolism on day 7.

    The history stands under another number: only the merge, told after the order, brings the two together.
    """
    person = invent(6, "U", 55, now)
    began, begins = now - 120 * DAY, now - 7 * DAY
    old = Chart(replace(person, number="1990006", bsn=""), ward="POLINEU", patient_class="O")
    old.admitted(began, event="A04")
    twice = Prescription("910602", BY_NAME, Schedule(began, "Q84H"), instructions="IVIG 2 keer per week")
    old.ordered(twice)
    old.infused(twice, began, 4, "")
    old.infused(twice, began + timedelta(hours=84), 4, "")
    old.diagnosed(began + 10 * DAY, DVT_LEG)
    old.ordered(twice.stopped(began + 10 * DAY))
    old.ordered(Prescription(old.number("M"), WARFARIN, Schedule(began + 11 * DAY), "5", "mg"), "RDE")
    old.ordered(Prescription(old.number("M"), OXYCODONE, Schedule(began, "PRN"), "1", "stuk"), "RDE")
    old.ordered(Prescription(old.number("M"), AMITRIPTYLINE, Schedule(began), "25", "mg"), "RDE")

    chart = Chart(person, ward="DAGB", patient_class="O", versions={"EPD": "2.3.1"})
    chart.admitted(begins - DAY, event="A04")
    inr = Result(INR, "1.73", "{INR}", "2.0-3.0", "L")
    chart.measured(begins - DAY, inr, Result(APTT, "45.7", "s", "21-35", "H"), panel=COAGULATION)
    order = Prescription("910601", BY_NAME, Schedule(begins, "QW", 4), instructions="IVIG 1 keer per week")
    chart.ordered(order, "ORM")
    chart.infused(order, begins, 4, "")
    chart.merged("1990006", now - 2 * HOUR)
    chart.measured(now - HOUR, Result(D_DIMER, ">^5000", "ug/L", "<500", "HH", kind="SN"), panel=COAGULATION)
    chart.diagnosed(now - HOUR, EMBOLISM)
    return [*old.drafts, *chart.drafts]


def husband(now: datetime) -> list[Draft]:
    """S40-S42: five days of IVIg, three days later a clot in lung and leg; the next course is ordered from his bed."""
    begins = now - 11 * DAY
    clotted = begins + 4 * DAY + 4 * HOUR + 3 * DAY
    chart = Chart(invent(17, "M", 50, now), ward="C4NEU")
    chart.admitted(begins - 4 * HOUR, CIDP, weight="75")
    first = Prescription("911801", IVIG, Schedule(begins, "QD", 5), "0.4", "g/kg", indication=CIDP)
    chart.ordered(first, weight="75")
    for number in range(5):
        chart.infused(first, begins + number * DAY, 4, "30")
    chart.moves("A03", begins + 5 * DAY, discharged_at=begins + 5 * DAY)
    chart.admitted(clotted)
    chart.diagnosed(clotted, EMBOLISM, DVT_LEG)
    chart.ordered(Prescription(chart.number("M"), APIXABAN, Schedule(clotted, "BID"), "10", "mg"), "RDE")
    following = Schedule(now + DAY, "QD", 5)
    chart.ordered(Prescription("911701", IVIG, following, at=now - HOUR, indication=CIDP))
    return chart.drafts


def johnson(now: datetime) -> list[Draft]:
    """S47, S48: a clot in the jugular vein under IVIg every two weeks; on a blood thinner since.

    His history, with the earlier order, is told after the order it matters to.
    """
    begins = now + 6 * HOUR
    clotted = begins - 200 * DAY
    earlier = Prescription(
        "911902", PRIVIGEN, Schedule(clotted - 24 * DAY, "Q2W", 2), "32", rate="120", indication=CIDP
    )
    order = Prescription(
        "911901", PRIVIGEN, Schedule(begins, "Q2W", 1), "32", rate="120", indication=CIDP, at=now - 2 * HOUR
    )
    versions = {"APOTHEEK": "2.4", "EPD": "2.4"}
    chart = Chart(invent(19, "M", 61, now), ward="DAGB", patient_class="O", versions=versions)
    chart.admitted(now - 3 * HOUR, CIDP, event="A04")
    chart.ordered(order, "RDE", weight="80")
    chart.ordered(earlier, "RDE")
    chart.infused(earlier, clotted - 24 * DAY, 3, "32")
    chart.infused(earlier, clotted - 10 * DAY, 3, "32")
    chart.has_problem(JUGULAR, clotted + DAY, onset=clotted)
    chart.ordered(earlier.stopped(clotted, reason=THROMBOSIS), "RDE")
    chart.ordered(Prescription(chart.number("M"), RIVAROXABAN, Schedule(clotted + DAY), "20", "mg"), "RDE")
    return chart.drafts


CASES = (
    CaseReport("S11", paran_1, (Expected("S11", "910101", "contraindication"),)),
    CaseReport(
        "S12",
        paran_2,
        (Expected("S12", "910201", "contraindication"), Expected("S12", "910201", "high", "pharmacovigilance")),
    ),
    CaseReport(
        "S13",
        vucic,
        (Expected("S13", "910401", "contraindication"), Expected("S13", "910401", "high", "pharmacovigilance")),
    ),
    CaseReport(
        "S14",
        butler,
        (Expected("S14", "910601", "contraindication"), Expected("S14", "910601", "high", "pharmacovigilance")),
    ),
)

FORUM_CASES = (
    CaseReport(
        "S40-S42",
        husband,
        (
            Expected("S41", "911801", "information"),
            Expected("S41", "911801", "high", "pharmacovigilance"),
            Expected("S40", "911701", "contraindication"),
        ),
    ),
    CaseReport("S47", johnson, (Expected("S47", "911901", "contraindication"),)),
)
