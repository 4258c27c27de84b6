"""A resource in its usual form is valid: whatever the short way accepts, the full library accepts too."""

import json
import random
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec.inspect import BoolType, FloatType, IntType, ListType, StrType, StructType, Type, UnionType, type_info

from parsers.fhir.usual import FORMS, is_usual
from parsers.fhir.validation import fault_by_library, fault_of

TEXTS = (
    "x",
    " a b ",
    "a b",
    "a  b",
    "final\n",
    "\u00e9",
    "x\u00a0",
    "\x1c!",
    "http://loinc.org",
    "urn:oid:2.16.840.1.113883.2.4.6.3",
    "A-1.b",
    "2020",
    "1900-12",
    "2024-02-28",
    "2023-04-30",
    "2099-12-31",
    "2020-01-31T10:00:00Z",
    "2020-10-30T23:59:59.123456-13:59",
)
ODD: tuple[Any, ...] = (
    *(None, "", " ", "\u00a0", "final\n", "2023-02-29", "2023-04-31T10:00:00Z", "2020-01-01T10:00:00", "24:00"),
    *(-1, 0, 1.5, 10**30, True, [], {}, [None], [{}], ["x"]),
    *({"reference": 7}, {"value": "7"}, {"coding": {}}, "\ud800"),
)
DAMAGED = 4_000


def _samples(form: Type) -> Iterator[Any]:
    """Yield values of a form: every element of it alone, with every text that it takes."""
    match form:
        case StrType(pattern=pattern):
            yield from (text for text in TEXTS if re.search(pattern or "", text))
        case IntType(ge=least, le=most):
            yield from (least, most)
        case FloatType():
            yield from (0, -7, 0.05, 1e-7, 123456.789)
        case BoolType():
            yield True
        case ListType(item_type=item):
            yield []
            yield from ([each] for each in _samples(item))
        case StructType():
            yield from _objects(form)
        case UnionType(types=types):
            yield from _samples(types[0])
        case _:
            raise NotImplementedError(form)


def _objects(form: StructType) -> Iterator[dict[str, Any]]:
    needed = {field.name: next(_samples(field.type)) for field in form.fields if field.required}
    yield needed
    for field in form.fields:
        yield from (needed | {field.name: value} for value in _samples(field.type))


def _resources(kind: str) -> Iterator[dict[str, Any]]:
    """Yield resources of a kind in their usual form."""
    form = type_info(FORMS[kind].type)
    assert isinstance(form, StructType)
    extra: dict[str, Any] = {"MedicationAdministration": {"effectiveDateTime": "2020"}}.get(kind, {})
    if kind.startswith("Medication"):
        extra = extra | {"medicationCodeableConcept": {}}
    for each in _with_kind(form, kind):
        mine = {name: value for name, value in extra.items() if not any(_same_choice(name, other) for other in each)}
        yield mine | each


def _with_kind(form: StructType, kind: str) -> Iterator[dict[str, Any]]:
    needed = {"resourceType": kind}
    needed |= {
        each.name: next(_samples(each.type)) for each in form.fields if each.required and each.name not in needed
    }
    yield needed
    for field in form.fields:
        if field.name != "resourceType":
            yield from (needed | {field.name: value} for value in _samples(field.type))


def _same_choice(one: str, other: str) -> bool:
    return any(one.startswith(begin) and other.startswith(begin) for begin in ("medication", "effective"))


@pytest.mark.parametrize("kind", sorted(FORMS))
def test_every_element_of_a_usual_form_is_valid_by_the_library(kind: str) -> None:
    usual = [raw for raw in map(msgspec.json.encode, _resources(kind)) if is_usual(kind, raw)]

    assert len(usual) > 100
    assert {raw: fault for raw in usual if (fault := fault_by_library(kind, raw))} == {}


def _damaged(die: random.Random, value: Any) -> Any:
    """Return the same with one thing odd, somewhere inside."""
    if isinstance(value, dict) and value and die.random() < 0.9:
        name = die.choice(sorted(value))
        match die.randrange(6):
            case 0:
                return {other: each for other, each in value.items() if other != name}
            case 1:
                return value | {die.choice(("valueString", "extension", "id", "status", "Code")): value[name]}
            case _:
                return value | {name: _damaged(die, value[name])}
    if isinstance(value, list) and value and die.random() < 0.7:
        return [_damaged(die, value[0]), *value[1:]]
    return die.choice(ODD)


def test_no_damaged_resource_is_usual_that_the_library_refuses() -> None:
    die = random.Random(7)
    whole = {kind: list(_resources(kind)) for kind in sorted(FORMS)}
    taken = 0
    for _ in range(DAMAGED):
        kind = die.choice(sorted(whole))
        damaged = _damaged(die, die.choice(whole[kind]) | die.choice(whole[kind]))
        raw = json.dumps(damaged).encode()
        if is_usual(kind, raw):
            taken += 1
            assert fault_by_library(kind, raw) == "", raw
    assert taken > DAMAGED // 20


def test_what_is_not_usual_is_validated_in_full() -> None:
    unusual = b'{"resourceType":"Condition","subject":{"reference":"Patient/1"},"onsetDateTime":"2024-02-29"}'
    wrong = unusual.replace(b"2024", b"2023")

    assert not is_usual("Condition", unusual)
    assert fault_of("Condition", unusual) == ""
    assert "onsetDateTime" in fault_of("Condition", wrong)
