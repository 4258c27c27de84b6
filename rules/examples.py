"""The worked examples of a rule: a table that a pharmacist reads, and the case of each row.

A cell gives only what the row is about; the rest is an unremarkable order (see `an_order`). The columns are
explained in README.md.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from msgspec import structs

from clinical.codes import Coding
from clinical.quantities import Quantity, exactly
from clinical.words import CHANNELS, PRIORITIES, TIERS, Tier
from rules.evaluate import evaluate, judge
from rules.facts import Case, Dose, Fact, Order, Patient, Provenance
from rules.knowledge import Knowledge, Rule
from rules.picture import Picture


class ExampleError(ValueError):
    """A row of an example table cannot be read; the message says which cell."""


@dataclass(frozen=True, slots=True)
class Example:
    """One row: its name, its cells, and the answer it must have."""

    name: str
    cells: dict[str, str]
    tier: str
    priority: str = ""
    says: str = ""  # words that must stand in its English text; "not …": that must not
    channel: str = ""

    def is_said(self, text: str) -> bool:
        """Return whether the words of the column `says` stand in the text, or are kept out of it."""
        if self.says.startswith("not "):
            return self.says.removeprefix("not ") not in text
        return self.says in text


def read_examples(table: str) -> list[Example]:
    """Read the rows of a table."""
    lines = [line.strip() for line in table.splitlines() if line.strip()]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    if len(rows) < 2 or not rows[0] or rows[0][0] != "case" or rows[0][-1] != "alert":
        raise ExampleError("the table begins with a line | case | … | alert |")
    header = rows[0]
    for column in header[1:-1]:
        if column not in COLUMNS and column != "says":
            raise ExampleError(f"no such column: {column!r}; use one of: {', '.join(COLUMNS)}")
    return [_example(header, row) for row in rows[1:] if not set("".join(row)) <= set("-: ")]


def _example(header: list[str], row: list[str]) -> Example:
    if len(row) != len(header):
        raise ExampleError(f"{len(row)} cells under {len(header)} columns: {row[0]!r}")
    tier, *more = (part.strip() for part in row[-1].split(","))
    priority = more.pop(0) if more and more[0] in PRIORITIES else ""
    channel = more.pop(0) if more and more[0] in CHANNELS else ""
    if tier not in TIERS or more:
        raise ExampleError(f"{row[0]!r}: {row[-1]!r} is not a tier, or a tier with a priority or a channel")
    cells = {name: cell for name, cell in zip(header[1:-1], row[1:-1], strict=True) if cell}
    example = Example(row[0], cells, tier, priority, cells.pop("says", ""), channel)
    build_case(example)
    return example


def an_order() -> Order:
    """Return an unremarkable order: 0.4 g/kg once, 28 g, at 1 mg/kg/min, the last one four weeks ago."""
    return Order(
        key="EXAMPLE",
        codings=(Coding("ATC", "J06BA02", "immunoglobulin, intravenous"),),
        route="IV",
        dosing_days=1,
        consecutive_days=1,
        weight_kg=Decimal(70),
        dose_basis="g/kg",
        starts=AT,
        provenance=WHERE,
    )


def build_case(example: Example) -> Case:
    """Build the case a row stands for."""
    case = Case(
        order=an_order(),
        patient=Patient(birth_date=date(1986, 1, 1), sex="F", inpatient=True),
        at=AT,
        doses=(Dose(AT - timedelta(days=28), exactly(28, "g"), given=True, order="BEFORE"),),
    )
    for column, cell in example.cells.items():
        try:
            case = COLUMNS[column](case, cell)
        except (InvalidOperation, ValueError, IndexError, KeyError) as error:
            raise ExampleError(f"{example.name!r}: cannot read {cell!r} under {column!r} ({error})") from error
    return replace(case, order=_filled(case.order, example.cells))


def _filled(order: Order, cells: dict[str, str]) -> Order:
    """Compute the quantities that a row does not give."""
    if order.grams_per_kg_per_day is None and order.grams_per_day is None and "g/kg/day" not in cells:
        order = replace(order, grams_per_kg_per_day=read_range("0.4", "g/kg"))
    per_kg, weight = order.grams_per_kg_per_day, order.weight_kg
    if per_kg and weight and order.grams_per_day is None and "g/day" not in cells:
        order = replace(order, grams_per_day=Quantity(per_kg.low * weight, per_kg.high * weight, "g"))
    if order.grams_per_hour is None and order.mg_per_kg_per_minute is None and not {"g/h", "mg/kg/min"} & cells.keys():
        order = replace(order, grams_per_hour=read_range("4", "g/h"))
    if order.grams_per_administration is None:
        order = replace(order, grams_per_administration=order.grams_per_day)
    return order


@dataclass(frozen=True, slots=True)
class Answered:
    """One example: what its table says, and what the rule answers, whatever its own status."""

    name: str
    cells: dict[str, str]
    agreed: str
    answer: str
    agrees: bool
    by_others: bool = False  # the answer would be right if every rule were live: it depends on one on trial or retired


def run_examples(rule: Rule, knowledge: Knowledge) -> list[Answered]:
    """Run the examples of a rule as if it were live; a priority is that of the whole assessment."""
    here = _with_live(knowledge, {rule.id})
    everything = _with_live(knowledge, {each.id for each in knowledge.rules if each.form.status != "draft"})
    found = []
    for example in read_examples(rule.form.examples):
        answered = _run(rule, example, here)
        if not answered.agrees and _run(rule, example, everything).agrees:
            answered = replace(answered, by_others=True)
        found.append(answered)
    return found


def _run(rule: Rule, example: Example, knowledge: Knowledge) -> Answered:
    case = build_case(example)
    finding = judge(rule, Picture(case, knowledge.terms), [])
    tier = (finding.tier if finding else Tier.NONE).word
    said = " ".join([finding.because["en"], *(text["en"] for text in finding.advice)]) if finding else ""
    agreed = ", ".join(part for part in (example.tier, example.priority, example.channel) if part)
    answer: str = tier
    if example.priority:
        answer = f"{tier}, {evaluate(case, knowledge, rule.stream).priority.word}"
    if example.channel:
        findings = evaluate(case, knowledge, rule.stream).findings
        answer += f", {next((each.channel.word for each in findings if each.rule == rule.id), 'none')}"
    agrees = answer == agreed and (not finding or example.is_said(said))
    return Answered(example.name, example.cells, agreed, answer, agrees)


def _with_live(knowledge: Knowledge, ids: Collection[str]) -> Knowledge:
    """Return the same knowledge with these rules live."""
    return replace(
        knowledge,
        rules=tuple(
            replace(each, form=each.form.model_copy(update={"status": "live"})) if each.id in ids else each
            for each in knowledge.rules
        ),
    )


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
        case [*how, "since", number, "days"] if "_".join(how) in ("on_hold", "not_taken", "missed"):
            return structs.replace(fact, idle="_".join(how), changed=AT - timedelta(days=int(number)))
        case [("suspected" | "refuted" | "family" | "unknown" | "confirmed") as certainty]:
            return structs.replace(fact, certainty=certainty)
        case [("resolved" | "inactive" | "preliminary" | "stopped") as status]:
            return structs.replace(fact, status=status)
        case ["reaction"]:
            return structs.replace(fact, is_reaction=True)
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
    """Return a code, or words between quotation marks."""
    if cell.startswith('"'):
        return _with(case, codings=(), text=cell.strip('"'))
    return _with(case, codings=(_coding(cell),))


def _indication(case: Case, cell: str) -> Case:
    named = Coding("", "", cell.strip('"')) if cell.startswith('"') else _coding(cell)
    return _with(case, indications=(named,))


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
    "triglycerides": _measured("35217-9", "mmol/L"),
    "eGFR": _measured("62238-1", "mL/min/{1.73_m2}"),
    "platelets": _measured("777-3", "10*9/L"),
    "BMI": _measured("39156-5", "kg/m2"),
    "height": _measured("8302-2", "cm"),
    "measured weight": _measured("29463-7", "kg"),
}
