"""The columns of an example table: what each cell adds to an unremarkable case."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec import structs

from clinical.codes import Coding
from clinical.quantities import Quantity
from rules.facts import Case, Dose, Fact, Provenance

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WHERE = Provenance(1, "EXAMPLE", "TABLE")
_SYSTEMS = (
    (r"[A-Z]\d\d[A-Z]\w*", "ATC"),
    (r"[A-Z]\d\d(\.\w+)?", "ICD10"),
    (r"\d{6,}", "SNOMED"),
)


class CellError(ValueError):
    """A cell cannot be read; the message says what was expected."""


def read_range(cell: str, unit: str) -> Quantity | None:
    """Read "0.4", "0.4-0.8" or "?" (not known), in a unit."""
    if cell == "?":
        return None
    low, _, high = cell.partition("-")
    return Quantity(Decimal(low), Decimal(high or low), unit)


def _facts(kind: str) -> Callable[[Case, str], Case]:
    def column(case: Case, cell: str) -> Case:
        return replace(case, facts=(*case.facts, *(_fact(kind, one) for one in cell.split(";"))))

    return column


def _fact(kind: str, cell: str) -> Fact:
    """Read "I26.9, 90 days ago, suspected" or `"longembolie", in 2019`."""
    first, *rest = [part.strip() for part in cell.split(",")]
    codings, words = ((), first.strip('"')) if first.startswith('"') else ((_coding(first),), "")
    fact = Fact(kind, codings, words, provenance=WHERE)  # type: ignore[arg-type]  # the columns below name the kinds
    for part in rest:
        fact = _qualified(fact, part)
    return fact


def _coding(words: str) -> Coding:
    system, _, code = words.rpartition(" ")
    if not system:
        system = next((name for shape, name in _SYSTEMS if re.fullmatch(shape, code)), "")
    if not system:
        raise CellError(f"which system is {code!r} of?")
    return Coding(system, code)


def _qualified(fact: Fact, part: str) -> Fact:
    words = part.split()
    match words:
        case [number, "days", "ago"]:
            fine = "second" if fact.kind == "observation" else "day"
            at = AT if fine == "second" else AT.replace(hour=0)
            return structs.replace(fact, starts=at - timedelta(days=int(number)), precision=fine)
        case [number, "hours", "ago"]:
            return structs.replace(fact, starts=AT - timedelta(hours=int(number)), precision="second")
        case ["in", when] if "-" in when:
            return structs.replace(fact, starts=datetime.strptime(when, "%Y-%m").replace(tzinfo=UTC), precision="month")
        case ["in", when]:
            return structs.replace(fact, starts=datetime(int(when), 1, 1, tzinfo=UTC), precision="year")
        case ["ended", number, "days", "ago"]:
            return structs.replace(fact, ends=AT - timedelta(days=int(number)))
        case [("suspected" | "refuted" | "family" | "unknown" | "confirmed") as certainty]:
            return structs.replace(fact, certainty=certainty)
        case [("resolved" | "inactive" | "preliminary" | "stopped") as status]:
            return structs.replace(fact, status=status)
        case [("IV" | "PO" | "SC") as route]:
            return structs.replace(fact, route=route)
        case [quoted] | [quoted, *_] if quoted.startswith('"'):
            return structs.replace(fact, text=part.strip('"'))
        case [amount, unit]:
            return structs.replace(fact, value=read_range(amount, unit), unit=unit)
    raise CellError(f"what is {part!r}?")


def _measured(code: str, unit: str) -> Callable[[Case, str], Case]:
    def column(case: Case, cell: str) -> Case:
        return replace(case, facts=(*case.facts, *(_measurement(code, unit, one) for one in cell.split(";"))))

    return column


def _measurement(code: str, unit: str, cell: str) -> Fact:
    """Read "1.9, 7 days ago, preliminary"; a day ago when it does not say."""
    number, *rest = [part.strip() for part in cell.split(",")]
    comparator = number[: len(number) - len(number.lstrip("<>"))]
    fact = Fact(
        "observation", (Coding("LOINC", code),), "", read_range(number.lstrip("<>"), unit), unit, comparator,
        AT - timedelta(days=1), "second", status="final", provenance=WHERE,
    )  # fmt: skip  # what was measured, and when
    for part in rest:
        fact = structs.replace(fact, unit=part[5:]) if part.startswith("unit ") else _qualified(fact, part)
    return fact


def _with(case: Case, **changes: Any) -> Case:
    return replace(case, order=replace(case.order, **changes))


def _order(field: str, unit: str) -> Callable[[Case, str], Case]:
    def column(case: Case, cell: str) -> Case:
        return _with(case, **{field: read_range(cell, unit)})

    return column


def _count(field: str) -> Callable[[Case, str], Case]:
    def column(case: Case, cell: str) -> Case:
        return _with(case, **{field: None if cell == "?" else int(cell)})

    return column


def _word(field: str) -> Callable[[Case, str], Case]:
    def column(case: Case, cell: str) -> Case:
        return _with(case, **{field: "" if cell == "?" else cell})

    return column


def _ordered(case: Case, cell: str) -> Case:
    """A code, or words between quotation marks."""
    if cell.startswith('"'):
        return _with(case, codings=(), text=cell.strip('"'))
    return _with(case, codings=(_coding(cell),))


def _indication(case: Case, cell: str) -> Case:
    return _with(case, indications=(_coding(cell),))


def _weight(case: Case, cell: str) -> Case:
    number, _, taken = cell.partition(",")
    kg = None if number == "?" else Decimal(number)
    at = AT - timedelta(days=int(taken.split()[0])) if taken else None
    return _with(case, weight_kg=kg, weight_at=at)


def _age(case: Case, cell: str) -> Case:
    born = None if cell == "?" else date(AT.year - int(cell), 1, 1)
    return replace(case, patient=replace(case.patient, birth_date=born))


def _sex(case: Case, cell: str) -> Case:
    return replace(case, patient=replace(case.patient, sex=cell))


def _inpatient(case: Case, cell: str) -> Case:
    return replace(case, patient=replace(case.patient, inpatient={"yes": True, "no": False, "?": None}[cell]))


def _history(case: Case, cell: str) -> Case:
    return replace(case, history_received={"yes": True, "no": False}[cell])


def _before(case: Case, cell: str) -> Case:
    """Read "30 g, 10 days ago, planned, Kiovig; 30 g, 9 days ago" or "none"."""
    return replace(case, doses=() if cell == "none" else tuple(_dose(one) for one in cell.split(";")))


def _given(case: Case, cell: str) -> Case:
    """Read "30 g, 10 days ago; 30 g, 4 days ahead, planned": doses of the order itself."""
    own = tuple(replace(_dose(one), order=case.order.key) for one in cell.split(";"))
    return replace(case, doses=tuple(sorted((*case.doses, *own), key=lambda dose: dose.at)))


def _dose(cell: str) -> Dose:
    amount, ago, *rest = [part.strip() for part in cell.split(",")]
    number, unit, side = ago.split()
    length = timedelta(days=int(number)) if unit == "days" else timedelta(hours=int(number))
    length = -length if side == "ahead" else length
    brand = next((part for part in rest if part != "planned"), "")
    grams = read_range(amount.split()[0], "g")
    return Dose(AT - length, grams, given="planned" not in rest, order="BEFORE", provenance=WHERE, brand=brand)


COLUMNS: dict[str, Callable[[Case, str], Case]] = {
    "ordered": _ordered,
    "brand": _word("brand"),
    "route": _word("route"),
    "indication": _indication,
    "g/kg/day": _order("grams_per_kg_per_day", "g/kg"),
    "g/kg course": _order("course_grams_per_kg", "g/kg"),
    "g/day": _order("grams_per_day", "g"),
    "g/kg 28 days": _order("trailing_28_days_grams_per_kg", "g/kg"),
    "days": _count("dosing_days"),
    "in a row": _count("consecutive_days"),
    "g/h": _order("grams_per_hour", "g/h"),
    "mg/kg/min": _order("mg_per_kg_per_minute", "mg/kg/min"),
    "basis": _word("dose_basis"),
    "weight": _weight,
    "age": _age,
    "sex": _sex,
    "inpatient": _inpatient,
    "history": _history,
    "IVIg before": _before,
    "given": _given,
    "diagnosed": _facts("condition"),
    "done": _facts("procedure"),
    "flagged": _facts("allergy"),
    "found": _facts("observation"),
    "taking": _facts("medication"),
    "INR": _measured("6301-6", "{INR}"),
    "aPTT": _measured("14979-9", "s"),
    "viscosity": _measured("3128-6", "cP"),
    "eGFR": _measured("62238-1", "mL/min/{1.73_m2}"),
    "platelets": _measured("777-3", "10*9/L"),
    "BMI": _measured("39156-5", "kg/m2"),
    "height": _measured("8302-2", "cm"),
    "measured weight": _measured("29463-7", "kg"),
}
