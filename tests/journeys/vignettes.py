"""The clinical vignettes told in HL7: what each becomes in the inbox, read back through the API.

`tests/rules/vignettes.py` judges the same cases without messages. Both read `tests/rules/vignettes.yaml`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from synthetic import medicines
from synthetic.chart import Chart
from synthetic.medicines import Drug
from synthetic.messages import Result
from synthetic.people import SyntheticPerson
from synthetic.prescriptions import Prescription, Schedule
from synthetic.terms import APTT, HEIGHT, INR, VISCOSITY, icd
from synthetic.wire import Draft, SentCode, post
from tests.journeys.hospital import Hospital
from tests.journeys.pharmacist import Pharmacist
from tests.journeys.vignette_events import tell_course, tell_event
from tests.journeys.vignette_facts import code_of, tell_facts
from tests.rules import vignettes as cases

Json = dict[str, Any]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
CASES = Path(cases.__file__).with_suffix(".yaml")
LABS = {"inr": (INR, "{INR}"), "aptt_s": (APTT, "s"), "serum_viscosity_cP": (VISCOSITY, "cP")}
BRANDS = {
    "Gamunex-C": Drug(
        SentCode("99990111", "GAMUNEX 10% INFVLST 100MG/ML", "GS-HPK", medicines.IVIG.code.other), mg_per_ml=100
    ),
    "Privigen-EU-PID": medicines.PRIVIGEN,
    "Octagam-10-DM": medicines.OCTAGAM,
    "Privigen": medicines.PRIVIGEN,
    "Gammaplex 5%": medicines.GAMMAPLEX,
}
TREATED = {
    "none": (),
    "therapeutic": ((medicines.APIXABAN, "5", "BID"),),
    "vka_sub": ((medicines.WARFARIN, "5", "QD"),),
    "antiplatelet_only": ((medicines.ASPIRIN, "80", "QD"),),
}
UNREMARKABLE = icd("E03.9", "Hypothyreoïdie")  # history was received, and nothing in it matters


@dataclass(frozen=True, slots=True)
class Answer:
    """What stands in the inbox, or beside the order, for one stream."""

    stream: str
    tier: str
    priority: str
    rules: tuple[str, ...]
    naranjo: int | None = None  # before anybody answered; only of an event after an infusion

    def __str__(self) -> str:
        if self.tier == "NONE":
            return "nothing"
        score = "" if self.naranjo is None else f"; Naranjo {self.naranjo} before anybody answered"
        return f"{self.tier.lower()}, {self.priority}{score}"


NOTHING = Answer("NONE", "NONE", "none", ())


@dataclass(frozen=True, slots=True)
class Vignette:
    """One case as it was written down."""

    told: Json

    @property
    def name(self) -> str:
        """V01, V02, …"""
        return str(self.told["id"])

    @property
    def number(self) -> str:
        """The placer number of the order that is asked about."""
        return f"9200{self.name[1:]}"

    @property
    def expected(self) -> Answer:
        """What must become of it."""
        told = self.told["expected"]
        rules = tuple(sorted(told["rules"]))
        return Answer(told["stream"], told["tier"], told["priority"], rules, told.get("naranjo"))

    @property
    def is_event(self) -> bool:
        """Whether it tells what came after an infusion."""
        return "event" in self.told


def read_vignettes() -> list[Vignette]:
    """Every case, as it stands in the file."""
    return [Vignette(each) for each in yaml.safe_load(CASES.read_text(encoding="utf-8"))]


class Telling:
    """One vignette being told to a hospital."""

    def __init__(self, vignette: Vignette, hospital: Hospital, pharmacist: Pharmacist) -> None:
        self.vignette, self.hospital, self.pharmacist = vignette, hospital, pharmacist
        self.now = hospital.clock()
        self.told = vignette.told
        self.chart = Chart(person_of(self.told, self.now), ward="C4NEU")
        self._sent = 0

    def answer(self) -> Answer:
        """Tell everything, and read what became of it."""
        self._tell_patient()
        if self.vignette.is_event:
            tell_event(
                self.chart, self.told["event"], tell_course(self.chart, self.told, self.vignette.number, self.now)
            )
            if self.told["event"].get("died"):
                self.chart.died(self.now - HOUR)
            self.send()
            return self._case()
        if self.told.get("died"):
            self.chart.died(self.now - HOUR)
        order = prescription(self.told, self.vignette.number, self.now)
        if self.told["order"].get("same_course_already_alerted"):
            return self._settled_before(order)
        self.orders(order)
        if "then" in self.told["order"]:
            self._then(order, self.told["order"]["then"])
        return self.read()

    def _tell_patient(self) -> None:
        self._history()
        self._medicines()
        self._earlier_doses()
        tell_facts(self.chart, self.told.get("told", {}), self.now)

    def tell_before(self) -> None:
        """Tell everything but the order."""
        self._tell_patient()
        self.send()

    def _then(self, order: Prescription, control: str) -> None:
        """What becomes of the order: CA, DC or HD."""
        status = {"CA": "CA", "DC": "DC", "HD": "HD"}[control]
        self.orders(replace(order, control=control, status=status, at=self.now - HOUR / 2))

    def _settled_before(self, order: Prescription) -> Answer:
        """A pharmacist settled the alert of this course; then a dose of it is given, or the order changes (NA-4)."""
        self.orders(replace(order, dose="0.4", unit="g/kg"))
        self.pharmacist.acknowledges(self.vignette.number)
        if "order_control" in self.told["order"]:
            self.orders(replace(order, control=self.told["order"]["order_control"], at=self.now - HOUR / 2))
        else:
            self.chart.infused(order, order.schedule.starts, 6, "30")
            self.chart.infused(order, order.schedule.starts + DAY, 6, "30")
            self.send()
        return self.read()

    def orders(self, order: Prescription) -> None:
        """Tell the order, with the weight where the case gives one."""
        weight = self.told["order"].get("weight_kg")
        self.chart.ordered(order, "RDE", weight=str(weight) if weight else "")
        self.send()

    def send(self) -> None:
        """Send what was told since the last time."""
        drafts, self.chart.drafts = self.chart.drafts, []
        self.hospital.sends(*self._messages(drafts))

    def read(self) -> Answer:
        """Ask the API what stands for the order."""
        number = self.vignette.number
        answers, alerts = self.pharmacist.answers(number), self.pharmacist.alerts(number)
        standing = [alert for alert in alerts if alert["stream"] == "order"]
        if standing and standing[0]["status"] != "open":
            return NOTHING
        told = standing[0] if standing else answers[0] if answers else None
        if told is None or told["tier"] == "none":
            return NOTHING
        rules = tuple(sorted(finding["rule"] for finding in told["findings"]))
        return Answer("ORDER", told["tier"].upper(), told["priority"], rules)

    def _case(self) -> Answer:
        """Ask the API for the case that was opened of what came after the order."""
        alerts = [each for each in self.pharmacist.alerts(self.vignette.number) if each["stream"] != "order"]
        if not alerts:
            return NOTHING
        case = alerts[0]
        rules = tuple(sorted(finding["rule"] for finding in case["findings"]))
        report = self.pharmacist.report(case["id"]) if self.vignette.expected.naranjo is not None else None
        score = report["causality"]["score"] if report else None
        return Answer("PHARMACOVIGILANCE", case["tier"].upper(), case["priority"], rules, score)

    def _messages(self, drafts: list[Draft]) -> Iterator[bytes]:
        for draft in drafts:
            self._sent += 1
            yield post(draft, f"{self.vignette.name}{self._sent:04d}", self.now - HOUR + timedelta(seconds=self._sent))

    def _history(self) -> None:
        known = self.told.get("history_available", True)
        self.chart.admitted(self.now - 2 * HOUR, *((UNREMARKABLE,) if known else ()))
        for name in self.told.get("risk_factors", ()):
            if name in cases.RISK_CODES:
                self.chart.has_problem(icd(cases.RISK_CODES[name], name), self.now - 2 * HOUR)
        for note in self.told.get("notes", ()):
            self.chart.has_problem(SentCode("", note, "L"), self.now - 2 * HOUR)
        for event in self.told.get("vte", ()):
            code, ago = icd(cases.VTE_CODES[event["kind"]], event["kind"]), days_since(event)
            onset = None if ago is None else self.now - ago * DAY
            self.chart.has_problem(code, self.now - 2 * HOUR, onset=onset, past=ago is None or ago > 90)

    def _medicines(self) -> None:
        meds, taken = self.told.get("meds", {}), [*TREATED[self.told.get("anticoag", "none")]]
        if "prednisone_mg_day" in meds:
            taken.append((medicines.PREDNISONE, str(meds["prednisone_mg_day"]), "QD"))
        if "corticosteroid_high_dose_iv" in meds:
            taken.append((medicines.METHYLPREDNISOLONE, "1000", "QD"))
        for drug, dose, pattern in taken:
            schedule = Schedule(self.now - 3 * DAY, pattern)
            self.chart.ordered(Prescription(self.chart.number("M"), drug, schedule, dose, "mg"), "RDE")
        results = [Result(LABS[name][0], value, LABS[name][1]) for name, value in self.told.get("labs", {}).items()]
        if "height_cm" in self.told.get("patient", {}):
            results.append(Result(HEIGHT, self.told["patient"]["height_cm"], "cm"))
        if results:
            self.chart.measured(self.now - DAY, *results)

    def _earlier_doses(self) -> None:
        drug = drug_of(self.told.get("order", {}))
        after = [
            (event["days_after_ivig"], days_since(event))
            for event in self.told.get("vte", ())
            if "days_after_ivig" in event
        ]
        doses = [(gap + ago, "30") for gap, ago in dict.fromkeys(after) if ago is not None]
        if not self.told.get("order", {"first_ever": True}).get("first_ever"):
            doses.append((35, "20"))
        for days, grams in doses:
            earlier = Prescription(self.chart.number("E"), drug, Schedule(self.now - days * DAY))
            self.chart.infused(earlier, self.now - days * DAY, 4, grams)


def person_of(told: Json, now: datetime) -> SyntheticPerson:
    """The patient, with no more than the case says."""
    patient = told.get("patient", {})
    age = patient.get("age")
    born = date(now.year - age, 1, 1) if age is not None else None
    return SyntheticPerson(f"92000{told['id'][1:]}", "", "Voorbeeld", told["id"], patient.get("sex") or "U", born)


def days_since(event: Json) -> int | None:
    """How long ago an event was; undated, unless it is told by the dose it followed."""
    ago: int | None = event["days_ago"]
    return 400 if ago is None and event.get("days_after_ivig") is not None else ago


def drug_of(order: Json) -> Drug:
    """What is ordered: a product with its codes, or only the words of the case."""
    if "drug" in order:
        drug: Drug = getattr(medicines, order["drug"])
        return drug
    if "text" in order:
        return Drug(SentCode("", order["text"], "L"), route=order["route"] or "")
    return BRANDS.get(order.get("brand", ""), medicines.IVIG)


def prescription(told: Json, number: str, now: datetime) -> Prescription:
    """The order of the case. A rate that it does not give is 5 g/h, so that "no rate" does not fire everywhere."""
    order = told["order"]
    dose, unit = next(((str(order[key]), unit) for key, unit in cases.BASIS.items() if key in order), ("", "g"))
    days = order.get("days", 1)
    pattern = "Once" if days == 1 else "QD" if order.get("consecutive_days", days) > 1 else "Q5D"
    rate, give_per = _rate(order, drug_of(order))
    indicated = cases.indication_of(order)
    return Prescription(
        number,
        drug_of(order),
        Schedule(now, pattern, days),
        dose,
        unit,
        rate=rate,
        give_per=give_per,
        indication=code_of(indicated) if indicated else None,
        at=now - HOUR,
        route=order["route"] or "",
    )


def _rate(order: Json, drug: Drug) -> tuple[str, str]:
    """Return RXE-23 in mL/h (10% where none is named), or without a weight RXE-22: the hours it takes."""
    if order.get("no_rate"):
        return "", ""
    if "mg_per_kg_min" in order and not order.get("weight_kg"):
        return "", f"H{round(order['g_per_kg_day'] * 1000 / 60 / order['mg_per_kg_min'])}"
    if "mg_per_kg_min" in order:
        return f"{order['mg_per_kg_min'] * 60 * order['weight_kg'] / (drug.mg_per_ml or 100):g}", ""
    return f"{order.get('g_per_h', 5) * 10:g}", ""


Tell = Callable[[Vignette], Answer]


def teller(hospital: Hospital, pharmacist: Pharmacist) -> Tell:
    """Return what tells a vignette to this hospital and reads the answer."""
    return lambda vignette: Telling(vignette, hospital, pharmacist).answer()
