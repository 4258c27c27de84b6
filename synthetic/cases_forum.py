"""The two patients of the forum (S40-S48): her husband with CIDP, and the man with a clot in the neck."""

from datetime import datetime, timedelta

from synthetic.chart import Chart
from synthetic.expectations import CaseReport, Expected
from synthetic.medicines import APIXABAN, IVIG, PRIVIGEN, RIVAROXABAN
from synthetic.people import invent
from synthetic.prescriptions import Prescription, Schedule
from synthetic.terms import CIDP, DVT_LEG, EMBOLISM, JUGULAR
from synthetic.wire import Draft, SentCode

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
THROMBOSIS = SentCode("VTE", "Nieuw vastgestelde trombose", "L")


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
