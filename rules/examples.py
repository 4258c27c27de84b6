"""The worked examples of a rule: a table a pharmacist reads, and the case each row stands for.

A cell says only what the row is about; everything else is an unremarkable order (see `an_order`). The columns are
explained in README.md.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from clinical.codes import Coding
from clinical.quantities import Quantity, exactly
from clinical.words import PRIORITIES, TIERS, Tier
from rules.evaluate import evaluate, judge
from rules.example_cells import AT, COLUMNS, WHERE, read_range
from rules.facts import Case, Dose, Order, Patient
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

    def is_said(self, text: str) -> bool:
        """Whether the words of the column `says` stand in the text, or are kept out of it."""
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
    tier, _, priority = (part.strip() for part in row[-1].partition(","))
    if tier not in TIERS or (priority and priority not in PRIORITIES):
        raise ExampleError(f"{row[0]!r}: {row[-1]!r} is not a tier, or a tier and a priority")
    cells = {name: cell for name, cell in zip(header[1:-1], row[1:-1], strict=True) if cell}
    example = Example(row[0], cells, tier, priority, cells.pop("says", ""))
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
    """Compute what a row leaves to be computed."""
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
    by_others: bool = False  # it would agree were every rule live: it rests on one that is on trial or retired


def run_examples(rule: Rule, knowledge: Knowledge) -> list[Answered]:
    """Ask a rule its examples as if it were live; a priority is that of the whole assessment."""
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
    agreed = ", ".join(part for part in (example.tier, example.priority) if part)
    answer: str = tier
    if example.priority:
        answer = f"{tier}, {evaluate(case, knowledge, rule.stream).priority.word}"
    agrees = answer == agreed and (not finding or example.is_said(said))
    return Answered(example.name, example.cells, agreed, answer, agrees)


def _with_live(knowledge: Knowledge, ids: Collection[str]) -> Knowledge:
    """The same knowledge with these rules asked and shown."""
    return replace(
        knowledge,
        rules=tuple(
            replace(each, form=each.form.model_copy(update={"status": "live"})) if each.id in ids else each
            for each in knowledge.rules
        ),
    )
