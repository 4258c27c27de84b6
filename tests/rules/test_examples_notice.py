"""Examples are worth something: each condition that is dropped and each number that moves one step is noticed.

Nothing is excused. A survivor is named by its file and line of the condition or the number that no example guards.
"""

from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from rules.compiling import compile_points, compile_rule, compile_state
from rules.form_check import check_form, check_forms
from rules.forms import AnticoagulationForm, Form, RatesForm, RecognitionForm, Source, SteroidForm, WeightForm
from rules.inspection import numbers_in
from rules.knowledge import Knowledge, Rule
from rules.load import Files, load_knowledge, read_files
from rules.terms import Terms
from rules.yaml_lines import Document, Loc
from tests.rules.answers import any_differs, differing
from tests.rules.vignettes import VIGNETTES, answer_to

READ = read_files()
RULE_FILES = [name for name in READ.documents if name.startswith("library/")]
STATE_FILES = ["definitions/states.yaml", "definitions/risk_factors.yaml"]
FORMS: dict[str, type[Form]] = {
    "anticoagulation": AnticoagulationForm,
    "steroids": SteroidForm,
    "rates": RatesForm,
    "weight": WeightForm,
    "recognition": RecognitionForm,
}


def condition_lists(value: Any, where: Loc = ()) -> Iterator[Loc]:
    """Every list of conditions below a value."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key in ("when", "any", "all") and isinstance(each, list):
                yield (*where, key)
            yield from condition_lists(each, (*where, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from condition_lists(each, (*where, index))


def at(value: Any, where: Loc) -> Any:
    for step in where:
        value = value[step]
    return value


def changed(document: Document, where: Loc, new: Any) -> Document:
    """The same file with one value replaced, or taken out of its list when new is None."""
    value = deepcopy(document.value)
    parent = at(value, where[:-1])
    if new is None:
        del parent[where[-1]]
    else:
        parent[where[-1]] = new
    return Document(document.file, value, document.lines)


def droppable(document: Document) -> Iterator[Loc]:
    for where in condition_lists(document.value):
        for index in range(len(at(document.value, where))):
            yield (*where, index)
    for index, advice in enumerate(document.value.get("alert", {}).get("advice", ())):
        for key in ("only_if", "unless"):
            if key in advice:
                yield ("alert", "advice", index, key)


def steps(number: Decimal) -> tuple[Decimal, Decimal]:
    step = Decimal((0, (1,), number.as_tuple().exponent))  # type: ignore[arg-type]  # a plain number has an exponent
    return number - step, number + step


def moves(value: Any, left_out: frozenset[str]) -> Iterator[tuple[Loc, Decimal]]:
    for where, number in numbers_in(value):
        if not left_out & set(where):
            for new in steps(number):
                yield where, new


def named(document: Document, where: Loc, new: Any = None) -> str:
    return f"{document.file}:{document.line(where)} {where[-1] if new is None else f'{where[-1]}={new}'}"


def unnoticed(document: Document, where: Loc, new: Any = None) -> str:
    place = named(document, where, new)
    what = f"{at(document.value, where)} is left out" if new is None else "the number is moved"
    return f"no example notices that {what} ({place}): add a row to a table whose alert would then be another"


DROPS = [
    pytest.param(name, where, id=named(READ.documents[name], where))
    for name in RULE_FILES
    for where in droppable(READ.documents[name])
]
MOVES = [
    pytest.param(name, where, new, id=named(READ.documents[name], where, new))
    for name in RULE_FILES
    for where, new in moves(READ.documents[name].value, frozenset({"evidence", "upkeep", "examples"}))
]
STATE_CHANGES = [
    pytest.param(name, where, None, id=named(READ.documents[name], where))
    for name in STATE_FILES
    for where in droppable(READ.documents[name])
] + [
    pytest.param(name, where, new, id=named(READ.documents[name], where, new))
    for name in STATE_FILES
    for where, new in moves(READ.documents[name].value, frozenset({"evidence"}))
]
DEFINITION_MOVES = [
    pytest.param(name, where, new, id=named(READ.documents[f"definitions/{name}.yaml"], where, new))
    for name in FORMS
    for where, new in moves(READ.documents[f"definitions/{name}.yaml"].value, frozenset({"evidence", "units"}))
]


@pytest.fixture(scope="module")
def sources() -> dict[str, Source]:
    return check_forms(READ.documents["sources.yaml"], Source)


def recompiled(document: Document, knowledge: Knowledge, sources: dict[str, Source]) -> Rule | None:
    states = frozenset(knowledge.terms.states)
    rule = compile_rule(document, knowledge.terms, states, sources)
    assert rule is not None or document.faults
    return rule


@pytest.mark.parametrize(("name", "where"), DROPS)
def test_a_dropped_condition_changes_an_example(
    name: str, where: Loc, knowledge: Knowledge, sources: dict[str, Source]
) -> None:
    document = changed(READ.documents[name], where, None)

    rule = recompiled(document, knowledge, sources)

    assert rule is None or differing(rule, knowledge), unnoticed(READ.documents[name], where)


@pytest.mark.parametrize(("name", "where", "new"), MOVES)
def test_a_number_moved_one_step_changes_an_example(
    name: str, where: Loc, new: Decimal, knowledge: Knowledge, sources: dict[str, Source]
) -> None:
    document = changed(READ.documents[name], where, new)

    rule = recompiled(document, knowledge, sources)

    assert rule is None or differing(rule, knowledge), unnoticed(READ.documents[name], where, new)


POINTS = "definitions/points.yaml"
POINT_CHANGES = [
    pytest.param(where, new, id=named(READ.documents[POINTS], where, new))
    for where, new in moves(READ.documents[POINTS].value, frozenset({"evidence"}))
] + [
    pytest.param(where, None, id=named(READ.documents[POINTS], where))
    for where in [
        *(
            ("patient", at, "together")
            for at, line in enumerate(READ.documents[POINTS].value["patient"])
            if "together" in line
        ),
        *(("once", at) for at, _ in enumerate(READ.documents[POINTS].value["once"])),
        *(("once", at, 0) for at, _ in enumerate(READ.documents[POINTS].value["once"])),
        *(("plan", at) for at, _ in enumerate(READ.documents[POINTS].value["plan"])),
    ]
]


@pytest.mark.parametrize(("where", "new"), POINT_CHANGES)
def test_a_changed_weight_changes_an_example(where: Loc, new: Decimal | None, own: Knowledge) -> None:
    document = changed(READ.documents[POINTS], where, new)
    before = own.terms.points
    weights = compile_points(document, own.terms, frozenset(own.terms.states))
    if weights is None:  # the form refuses it
        return
    object.__setattr__(own.terms, "points", weights)

    noticed = any_differs(own.rules, own)

    object.__setattr__(own.terms, "points", before)
    assert noticed, unnoticed(READ.documents[POINTS], where, new)


GUARDS = "definitions/guards.yaml"


@pytest.mark.parametrize("at", range(len(READ.documents[GUARDS].value["guards"])))
def test_a_dropped_guard_changes_an_example(at: int, own: Knowledge) -> None:
    before = own.terms.guards
    object.__setattr__(own.terms, "guards", (*before[:at], *before[at + 1 :]))

    noticed = any_differs(own.rules, own)

    object.__setattr__(own.terms, "guards", before)
    assert noticed, f"no example notices that the guard {before[at].name} is left out: add a row to a table for it"


def fresh() -> Knowledge:
    """Knowledge of its own, for a test that changes what its words mean."""
    return load_knowledge()


@pytest.mark.parametrize(("name", "where", "new"), STATE_CHANGES)
def test_a_changed_definition_changes_an_example(
    name: str, where: Loc, new: Decimal | None, sources: dict[str, Source], own: Knowledge
) -> None:
    document = changed(READ.documents[name], where, new)
    state = str(where[0])
    kept = own.terms.states if name.endswith("states.yaml") else own.terms.risk_factors
    before = kept[state]
    compiled = compile_state(document, state, own.terms, frozenset(own.terms.states), sources)
    if compiled is None:  # the form itself refuses a state without conditions
        return
    kept[state] = compiled

    noticed = any_differs(own.rules, own)

    kept[state] = before
    assert noticed, unnoticed(READ.documents[name], where, new)


@pytest.mark.parametrize(("name", "where", "new"), DEFINITION_MOVES)
def test_a_definition_number_moved_one_step_changes_an_example(
    name: str, where: Loc, new: Decimal, own: Knowledge
) -> None:
    document = changed(READ.documents[f"definitions/{name}.yaml"], where, new)
    form = check_form(document, FORMS[name], document.value)
    assert form is not None
    before = getattr(own.terms, name)
    object.__setattr__(own.terms, name, form)  # the terms are frozen for everybody else

    noticed = any_differs(own.rules, own)

    object.__setattr__(own.terms, name, before)
    assert noticed, f"no example notices {named(document, where, new)}"


@pytest.fixture(scope="module")
def own() -> Knowledge:
    return load_knowledge()


@pytest.mark.parametrize("part", ["rules", "families"])
@pytest.mark.parametrize("step", [-1, 1])
def test_an_escalation_number_moved_one_step_changes_a_vignette(part: str, step: int, own: Knowledge) -> None:
    policy = own.policy
    escalation = policy.form.escalation.model_copy(update={part: getattr(policy.form.escalation, part) + step})
    object.__setattr__(policy, "form", policy.form.model_copy(update={"escalation": escalation}))

    noticed = any(answer_to(each, own) != each.expected for each in VIGNETTES)

    original = read_files().documents["policy.yaml"].value["escalation"][part]
    restored = escalation.model_copy(update={part: int(original)})
    object.__setattr__(policy, "form", policy.form.model_copy(update={"escalation": restored}))
    assert noticed


def test_the_terms_cover_every_definition_file(files: Files) -> None:
    covered = {*FORMS, "states", "risk_factors", "measurements", "points", "guards"}

    assert {
        name.split("/")[1].removesuffix(".yaml") for name in files.documents if name.startswith("definitions/")
    } == (covered)
    assert covered <= set(Terms.__dataclass_fields__)
