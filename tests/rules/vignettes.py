"""The clinical vignettes, each made into a Case and the answer it must have."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from msgspec import structs

from clinical.codes import Coding
from clinical.quantities import Quantity, exactly
from rules.assessment import Assessment
from rules.evaluate import evaluate
from rules.examples import AT
from rules.facts import Case, Dose, Fact, Order, Patient
from rules.knowledge import Knowledge
from synthetic import medicines, terms
from synthetic.medicines import Drug
from synthetic.wire import SentCode

VTE_CODES = {"DVT": "I80.2", "PE": "I26.9", "VTE": "I82.9", "jugular vein thrombosis": "I82.8"}
RISK_CODES = {
    "obesity": "E66.9",
    "immobility": "Z99.3",
    "thrombophilia": "D68.5",
    "malignancy": "C81.9",
    "cardiovascular": "I10",
    "hyperviscosity": "C88.0",
    "inflammatory": "M33.1",
    "renal": "N18.3",
    "arterial_thrombosis": "I25.2",
}
BRANDS = {
    "Gamunex-C": ("Gamunex", ""),
    "Privigen-EU-PID": ("Privigen", "D80.0"),
    "Octagam-10-DM": ("Octagam 10%", "M33.1"),
    "Privigen": ("Privigen", ""),
    "Gammaplex 5%": ("Gammaplex", ""),
}
SYSTEMS = {"LN": "LOINC", "I10": "ICD10", "SCT": "SNOMED", "I9C": "ICD9"}
SAID_IN_MESSAGES = ("orders", "allergies", "died")  # under `told`
BASIS = {"g_per_kg_day": "g/kg", "g_per_day": "g"}


@dataclass(frozen=True, slots=True)
class Answer:
    tier: str
    priority: str
    rules: frozenset[str]


@dataclass(frozen=True, slots=True)
class Advised:
    """What else was agreed of an answer; None where nothing was."""

    channel: str | None  # whom it may disturb
    points: tuple[int, int] | None  # of the patient, and with the plan
    first: frozenset[str] | None  # the acts of the line of advice that comes first


@dataclass(frozen=True, slots=True)
class Vignette:
    name: str
    case: Case
    expected: Answer
    advised: Advised
    never: frozenset[str]  # acts that no line may advise

    @property
    def says_how(self) -> bool:
        """Whether more was agreed than what fires."""
        return self.advised != Advised(None, None, None) or bool(self.never)


def answer_to(vignette: Vignette, knowledge: Knowledge) -> Answer:
    found = evaluate(vignette.case, knowledge)
    return Answer(found.tier.name, found.priority.word, frozenset(each.rule for each in found.findings))


def advised(vignette: Vignette, found: Assessment) -> Advised:
    """Return of an answer what was agreed of it."""
    agreed = vignette.advised
    return Advised(
        agreed.channel and found.channel.word,
        agreed.points and (found.points.patient, found.points.total),
        agreed.first and frozenset(found.advice[0].does),
    )


def known(number: Any, unit: str = "g") -> Quantity | None:
    return None if number is None else exactly(Decimal(str(number)), unit)


def condition(code: str, days_ago: int | None = None) -> Fact:
    fact = Fact("condition", (Coding("ICD10", code),))
    return fact if days_ago is None else structs.replace(fact, starts=AT - timedelta(days=days_ago), precision="second")


def medicine(code: str, amount: int | None = None, route: str = "PO") -> Fact:
    return Fact(
        "medication", (Coding("ATC", code),), value=known(amount, "mg"), unit="mg" if amount else "", route=route
    )


def measured(code: str, value: Any, unit: str) -> Fact:
    return Fact(
        "observation", (Coding("LOINC", code),), value=known(value, unit), unit=unit, starts=AT - timedelta(days=1),
        precision="second", status="final",
    )  # fmt: skip  # what and when


def vte(told: dict[str, Any]) -> tuple[list[Fact], list[Dose]]:
    """The event, and the dose it followed; undated unless the source tells when."""
    after = told.get("days_after_ivig")
    ago = told["days_ago"] if told["days_ago"] is not None or after is None else 400
    doses = [Dose(AT - timedelta(days=ago + after), exactly(30, "g"), given=True)] if after is not None else []
    return [condition(VTE_CODES[told["kind"]], ago)], doses


def code_of(told: dict[str, Any]) -> tuple[Coding, ...]:
    if "icd" in told:
        return (Coding("ICD10", told["icd"]),)
    return (Coding(SYSTEMS.get(told["system"], told["system"]), told["code"]),) if told.get("code") else ()


def told_facts(told: dict[str, Any]) -> list[Fact]:
    """Return what stands under `told`, as messages would have it read (tests/journeys/vignette_facts.py)."""
    facts = [problem(each) for each in told.get("problems", ()) if not each.get("withdrawn")]
    facts += [structs.replace(problem(each), kind="procedure") for each in told.get("procedures", ())]
    facts += [taken(each) for each in told.get("taking", ())]
    return [*facts, *(result(each) for each in told.get("results", ()))]


def problem(told: dict[str, Any]) -> Fact:
    fact = Fact(
        "condition",
        code_of(told),
        told.get("words", ""),
        certainty=told.get("certainty", "confirmed"),
        status="inactive" if told.get("past") else "active",
    )
    return fact if "days_ago" not in told else dated(fact, told["days_ago"])


def taken(told: dict[str, Any]) -> Fact:
    drug: Drug = getattr(medicines, told["drug"])
    times = {"QD": 1, "BID": 2}[told.get("pattern", "QD")]
    codings = (Coding("ATC", drug.code.other[0]),) if drug.code.other else ()
    amount = known(Decimal(str(told["dose"])) * times, told.get("unit", "mg")) if "dose" in told else None
    fact = Fact("medication", codings, drug.code.text, amount, told.get("unit", "mg"), route=drug.route)
    if days := told.get("held_days_ago", told.get("refused")):
        idle = "on_hold" if "held_days_ago" in told else "missed" if days == 1 else "not_taken"
        fact = structs.replace(fact, idle=idle, changed=AT - timedelta(days=days))
    return dated(fact, told.get("days_ago", 30))


def result(told: dict[str, Any]) -> Fact:
    test: SentCode | None = getattr(terms, told["test"]) if "test" in told else None
    codings = (Coding("LOINC", test.code),) if test else code_of(told)
    fact = Fact(
        "observation",
        codings,
        "",
        known(told["value"], told["unit"]),
        told["unit"],
        status="final",
        certainty="confirmed",
    )
    return dated(fact, told.get("days_ago", 1))


def dated(fact: Fact, days_ago: int) -> Fact:
    return structs.replace(fact, starts=AT - timedelta(days=days_ago), precision="second")


def facts_of(told: dict[str, Any]) -> list[Fact]:
    facts = [condition(RISK_CODES[name]) for name in told.get("risk_factors", ()) if name in RISK_CODES]
    facts += [Fact("condition", (), note) for note in told.get("notes", ())]
    meds, labs = told.get("meds", {}), told.get("labs", {})
    if "prednisone_mg_day" in meds:
        facts.append(medicine("H02AB07", meds["prednisone_mg_day"]))
    if "corticosteroid_high_dose_iv" in meds:
        facts.append(medicine("H02AB04", 1000, "IV"))
    facts += {
        "none": [],
        "therapeutic": [medicine("B01AF02", 10)],
        "vka_sub": [medicine("B01AA03")],
        "antiplatelet_only": [medicine("B01AC06", 80)],
    }[told.get("anticoag", "none")]
    codes = {"inr": ("6301-6", "{INR}"), "aptt_s": ("14979-9", "s"), "serum_viscosity_cP": ("3128-6", "cP")}
    facts += [measured(codes[name][0], value, codes[name][1]) for name, value in labs.items()]
    facts += told_facts(told.get("told", {}))
    if "height_cm" in told["patient"]:
        facts.append(measured("8302-2", told["patient"]["height_cm"], "cm"))
    return facts


def indication_of(order: dict[str, Any]) -> dict[str, Any]:
    """Return what the order is for, as a code or in words: as the case says, or as the label of its brand is for."""
    code = BRANDS.get(order.get("brand", ""), ("", ""))[1]
    found: dict[str, Any] = order.get("for") or ({"icd": code} if code else {})
    return found


def indications_of(order: dict[str, Any]) -> tuple[Coding, ...]:
    told = indication_of(order)
    if "icd" in told:
        return (Coding("ICD10", told["icd"], told.get("words", "")),)
    return (Coding("", told["words"], told["words"]),) if told else ()


def order_of(told: dict[str, Any]) -> Order:
    days, weight = told.get("days"), told.get("weight_kg")
    brand, _ = BRANDS.get(told.get("brand", ""), ("", ""))
    per_kg, grams = told.get("g_per_kg_day"), told.get("g_per_day")
    if grams is None and per_kg is not None and weight:
        grams = per_kg * weight
    if per_kg is None and grams is not None and weight:
        per_kg = grams / weight
    has_rate = "mg_per_kg_min" in told or "g_per_h" in told or told.get("no_rate")
    return Order(
        key="ORDER",
        codings=() if "text" in told else (Coding("ATC", "J06BA02"),),
        text=told.get("text", ""),
        route=told["route"] or "",
        brand=brand,
        grams_per_administration=known(grams),
        grams_per_day=known(grams),
        grams_per_kg_per_day=known(per_kg, "g/kg"),
        course_grams_per_kg=known(round(per_kg * days, 3), "g/kg") if per_kg and days else None,
        dosing_days=days,
        consecutive_days=told.get("consecutive_days", days),
        grams_per_hour=known(told.get("g_per_h") if has_rate else 5, "g/h"),
        mg_per_kg_per_minute=known(told.get("mg_per_kg_min"), "mg/kg/min"),
        weight_kg=Decimal(str(weight)) if weight else None,
        dose_basis=next((basis for key, basis in BASIS.items() if key in told), ""),
        indications=indications_of(told),
        starts=AT,
    )


def vignette(told: dict[str, Any]) -> Vignette:
    events, doses = [], []
    for each in told.get("vte", ()):
        found, followed = vte(each)
        events += found
        doses += followed
    if not told["order"].get("first_ever"):
        doses.append(Dose(AT - timedelta(days=35), exactly(20, "g"), given=True))
    for each in told.get("told", {}).get("ivig", ()):
        doses.append(Dose(AT - timedelta(days=each["days_ago"]), exactly(each.get("grams", 30), "g"), given=True))
    doses.sort(key=lambda dose: dose.at)
    age = told["patient"].get("age")
    case = Case(
        order=order_of(told["order"]),
        patient=Patient(
            date(AT.year - age, 1, 1) if age is not None else None, told["patient"].get("sex") or "", inpatient=True
        ),
        at=AT,
        facts=(*events, *facts_of(told)),
        doses=tuple(doses),
        history_received=told.get("history_available", True),
    )
    expected = told["expected"]
    points, first = expected.get("points"), expected.get("first")
    return Vignette(
        told["id"],
        case,
        Answer(expected["tier"], expected["priority"], frozenset(expected["rules"])),
        Advised(expected.get("channel"), points and tuple(points), first and frozenset(first)),
        frozenset(expected.get("never", ())),
    )


def _is_one_order(told: dict[str, Any]) -> bool:
    """Whether rules alone can answer it: no event, no alert settled before, nothing that only messages say."""
    order = told.get("order")
    if order is None or not {"then", "drug"}.isdisjoint(order) or told["expected"].get("suppressed_by") == "NA-4":
        return False
    facts = told.get("told", {})
    odd = [each for each in facts.get("problems", ()) if each.get("days_ago", 0) < 0]
    odd += [each for each in facts.get("taking", ()) if "stopped_days_ago" in each]
    odd += [each for each in facts.get("results", ()) if each.get("kind", "NM") != "NM"]
    return not odd and not any(kind in facts for kind in SAID_IN_MESSAGES)


VIGNETTES = [
    vignette(told)
    for told in yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    if _is_one_order(told)
]
