"""The case reports without a known thrombosis: only dose, rate and risk factors can warn (S15, S17-S30)."""

from datetime import datetime, timedelta
from functools import partial

from synthetic.chart import Chart
from synthetic.expectations import CaseReport, Expected, Tier
from synthetic.medicines import (
    AMLODIPINE,
    ASPIRIN,
    ATC_ONLY,
    ATORVASTATIN,
    BY_NAME,
    FLEBOGAMMA,
    IVIG,
    KIOVIG,
    LISINOPRIL,
    METHYLPREDNISOLONE,
    NANOGAM,
    OCTAGAM,
    PREDNISONE,
    PRIVIGEN,
)
from synthetic.messages import Result
from synthetic.people import invent
from synthetic.prescriptions import Given, Prescription, Schedule
from synthetic.terms import (
    ALS,
    DVT_ARM,
    DVT_BOTH_LEGS,
    DVT_LEG,
    EMBOLISM,
    EMBOLISM_FATAL,
    EVANS,
    HODGKIN,
    HYPERLIPIDAEMIA,
    HYPERTENSION,
    IGG_DEFICIENCY,
    IMMOBILITY,
    ITP,
    OBESITY,
    PARAPROTEIN,
    PARAPROTEIN_NEUROPATHY,
    SKIN_DISEASE,
    STROKE,
    TREMOR,
    VISCOSITY,
)
from synthetic.wire import Draft, SentCode

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
THROMBOSIS = SentCode("ADE", "Trombose tijdens infuus", "L")

# Dalakas 1994, serum viscosity in cP: before, and the rise after the infusion.
ALS_VISCOSITY = (("1.3", "1.4"), ("1.4", "1.9"), ("1.5", "2.1"), ("1.6", "2.4"), ("1.7", "2.7"))
NEUROPATHY_VISCOSITY = (
    ("1.2", "1.5"),
    ("1.4", "2.0"),
    ("1.5", "2.2"),
    ("1.6", "2.3"),
    ("1.7", "2.4"),
    ("1.8", "2.6"),
    ("1.8", "2.7"),
    ("1.8", "2.7"),
)


def emerson_1(now: datetime) -> list[Draft]:
    """S17: obese, immobile, prednisone 60 mg; 1 g/kg in 5 hours; clots during the second infusion on day 6."""
    begins = now - 5 * DAY - 3 * HOUR
    chart = Chart(invent(8, "F", 54, now), ward="D2HEM", versions={"APOTHEEK": "2.6"})
    chart.admitted(begins - DAY, ITP, OBESITY, IMMOBILITY, weight="100")
    chart.ordered(Prescription(chart.number("M"), PREDNISONE, Schedule(begins - DAY), "60", "mg"), "RDE")
    order = Prescription(
        "910801",
        PRIVIGEN,
        Schedule(begins, "Q5D", 2),
        "100",
        rate="200",
        give_per="H5",
        indication=ITP,
        instructions="Draagt Venodyne boots",
    )
    chart.ordered(order, "RDE")
    chart.infused(order, begins, 5, "100")
    second = begins + 5 * DAY
    chart.given(order, Given(second, second + 2 * HOUR, "40", status="PA"))
    chart.diagnosed(second + 2 * HOUR, DVT_LEG)
    chart.ordered(order.stopped(second + 2 * HOUR, reason=THROMBOSIS), "RDE")
    return chart.drafts


def emerson_2(now: datetime) -> list[Draft]:
    """S18, S19: 0.4 g/kg on five days with high-dose steroids, thrombosis a week later; five months on again, fatal."""
    again = now - 4 * DAY - 12 * HOUR
    clotted = again - 150 * DAY
    begins = clotted - 7 * DAY - 4 * DAY - 5 * HOUR
    chart = Chart(invent(10, "F", 33, now), ward="D2HEM", versions={"EPD": "2.5.1"})
    chart.admitted(begins - 2 * HOUR, EVANS, OBESITY, weight="85")
    steroid = Prescription(chart.number("M"), METHYLPREDNISOLONE, Schedule(begins, "QD", 5), "1000", "mg")
    chart.ordered(steroid, "RDE")
    first = Prescription("911001", IVIG, Schedule(begins, "QD", 5), "0.4", "g/kg", rate="68", indication=EVANS)
    chart.ordered(first, weight="85")
    for number in range(5):
        ended = chart.infused(first, begins + number * DAY, 5, "34")
    chart.has_problem(DVT_LEG, clotted, onset=ended + 7 * DAY)

    chart.admitted(again - 2 * HOUR, EVANS)
    steroid = Prescription(chart.number("M"), METHYLPREDNISOLONE, Schedule(again, "QD", 5), "1000", "mg")
    chart.ordered(steroid, "RDE")
    second = Prescription("911101", IVIG, Schedule(again, "QD", 5), "500", "mL", mixture_g="30", indication=EVANS)
    chart.ordered(second, "RDE")
    for number in range(5):
        ended = chart.infused(second, again + number * DAY, 5, "30")
    chart.diagnosed(ended + 6 * HOUR, EMBOLISM_FATAL)
    chart.died(ended + 7 * HOUR, EMBOLISM_FATAL)
    return chart.drafts


def katz(now: datetime) -> list[Draft]:
    """S21: a woman of 65; 1 g/kg, from 2 to 8 g/h in two hours; thrombosis of the arm and a stroke after 4 hours."""
    begins = now - 5 * HOUR
    chart = Chart(invent(12, "F", 65, now), ward="B1DER", versions={"EPD": "2.4"})
    chart.admitted(begins - 3 * HOUR, SKIN_DISEASE)
    order = Prescription(
        "911201",
        OCTAGAM,
        Schedule(begins, "QD", 2),
        "1",
        "g/kg",
        rate="20-80",
        instructions="Start 2 g/uur, in 2 uur ophogen tot 8 g/uur; rechterarm",
    )
    chart.ordered(order)
    steps = ((0, 1, "2"), (1, 2, "5"), (2, 4, "16"))
    chart.given(order, *(Given(begins + since * HOUR, begins + until * HOUR, dose) for since, until, dose in steps))
    chart.diagnosed(begins + 4 * HOUR, DVT_ARM, STROKE)
    return chart.drafts


def dalakas_als(now: datetime, index: int) -> list[Draft]:
    """S23, S25: ALS and 2 g/kg every month; the viscosity rises after each infusion, and nobody clots."""
    begins = now - (index + 2) * DAY
    before, after = ALS_VISCOSITY[index]
    chart = Chart(
        invent(20 + index, "MF"[index % 2], 47 + 2 * index, now), ward="C4NEU", versions={"APOTHEEK": "2.3.1"}
    )
    chart.admitted(begins - 5 * HOUR, ALS, weight="70")
    chart.measured(begins - 4 * HOUR, Result(VISCOSITY, before, "cP"))
    order = Prescription(f"9113{index:02d}", IVIG, Schedule(begins, "QD", 2), "700", "mL", rate="140", indication=ALS)
    chart.ordered(order, "RDE", weight="70")
    chart.infused(order, begins, 5, "70")
    ended = chart.infused(order, begins + DAY, 5, "70")
    chart.measured(ended + HOUR, Result(VISCOSITY, after, "cP"))
    return chart.drafts


def dalakas_neuropathy(now: datetime, index: int) -> list[Draft]:
    """S24: a polyneuropathy with an IgM paraprotein; a normal viscosity before the infusion clears nobody."""
    begins = now - (index + 2) * DAY
    before, after = NEUROPATHY_VISCOSITY[index]
    chart = Chart(invent(30 + index, "FM"[index % 2], 50 + index, now), ward="C4NEU")
    chart.admitted(begins - 5 * HOUR, PARAPROTEIN_NEUROPATHY, PARAPROTEIN, weight="70")
    chart.measured(begins - 4 * HOUR, Result(VISCOSITY, before, "cP"))
    order = Prescription(f"9114{index:02d}", KIOVIG, Schedule(begins, "QD", 2), "70", rate="140")
    chart.ordered(order, "RDE", weight="70")
    chart.infused(order, begins, 5, "70")
    ended = chart.infused(order, begins + DAY, 5, "70")
    chart.measured(ended + HOUR, Result(VISCOSITY, after, "cP"))
    return chart.drafts


def bilal(now: datetime) -> list[Draft]:
    """S30: 40 g off label; on aspirin, which does not protect; embolism and DVT of both legs on day 3."""
    begins = now - 3 * DAY - 8 * HOUR
    chart = Chart(invent(15, "M", 57, now), ward="DAGB", patient_class="O", versions={"APOTHEEK": "2.7"})
    chart.admitted(begins - 2 * HOUR, IGG_DEFICIENCY, event="A04")
    for code in (HYPERTENSION, HYPERLIPIDAEMIA, TREMOR, HODGKIN):
        chart.has_problem(code, begins - 2 * HOUR)
    for drug, dose in ((ASPIRIN, "80"), (AMLODIPINE, "5"), (LISINOPRIL, "10"), (ATORVASTATIN, "40")):
        chart.ordered(Prescription(chart.number("M"), drug, Schedule(begins - 300 * DAY), dose, "mg"), "RDE")
    order = Prescription("911501", KIOVIG, Schedule(begins, "Once", 1), "40", indication=IGG_DEFICIENCY)
    chart.ordered(order, "RDE")
    ended = chart.infused(order, begins, 4, "40")
    chart.diagnosed(ended + 72 * HOUR, EMBOLISM, DVT_BOTH_LEGS)
    return chart.drafts


def paran_other(now: datetime, index: int) -> list[Draft]:
    """S15: nothing is known of these four but that they had no DVT before; the system must say so."""
    drug = (BY_NAME, NANOGAM, ATC_ONLY, FLEBOGAMMA)[index]
    version = ("2.3", "2.3.1", "2.4", "2.6")[index]
    begins = now + (index + 1) * HOUR
    chart = Chart(invent(40 + index, "U", None, now), ward="SEH", patient_class="E", versions={"EPD": version})
    chart.admitted(now - 2 * HOUR, event="A04")
    order = Prescription(f"9120{index:02d}", drug, Schedule(begins, "Once", 1), at=now - HOUR)
    chart.ordered(order, "ORM" if index < 2 else "OMP")
    return chart.drafts


def _alerts(case: str, order: str, tier: Tier, before: Tier | None = None) -> tuple[Expected, ...]:
    """Return the order's own answer, and the signal of the thrombosis that followed it."""
    return Expected(case, order, tier, before=before), Expected(case, order, "high", "pharmacovigilance")


CASES = (
    CaseReport("S17", emerson_1, _alerts("S17", "910801", "contraindication", before="high")),
    CaseReport("S18-S19", emerson_2, _alerts("S18", "911001", "high") + _alerts("S19", "911101", "contraindication")),
    CaseReport("S21", katz, _alerts("S21", "911201", "contraindication", before="high")),
    CaseReport("S30", bilal, _alerts("S30", "911501", "high")),
    *(
        CaseReport("S23", partial(dalakas_als, index=index), (Expected("S23", f"9113{index:02d}", "information"),))
        for index in range(len(ALS_VISCOSITY))
    ),
    *(
        CaseReport("S24", partial(dalakas_neuropathy, index=index), (Expected("S24", f"9114{index:02d}", "high"),))
        for index in range(len(NEUROPATHY_VISCOSITY))
    ),
    *(
        CaseReport("S15", partial(paran_other, index=index), (Expected("S15", f"9120{index:02d}", "moderate"),))
        for index in range(4)
    ),
)
