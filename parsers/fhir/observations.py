"""Observation: a laboratory result or a measurement, and each of its components."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from clinical.events import Coding, Moment, Observation
from parsers.chart.lab_units import ucum_of
from parsers.chart.measured import read_figure
from parsers.fhir.elements import (
    Json,
    Resource,
    codes,
    codings,
    first_moment,
    moment,
    part,
    parts,
    placed,
    stands,
    text,
    words,
)
from parsers.fhir.quantities import number_of, unit_text
from parsers.hl7.times import stamp

Status = Literal["final", "preliminary", "corrected", "withdrawn", "no_value"]
_STATUSES: dict[str, Status] = {
    "final": "final",
    "amended": "corrected",
    "corrected": "corrected",
    "preliminary": "preliminary",
    "unknown": "preliminary",
    "registered": "no_value",
    "cancelled": "withdrawn",
    "entered-in-error": "withdrawn",
}


@dataclass(frozen=True, slots=True)
class _Value:
    """What `value[x]` says, and in which element."""

    element: str = ""
    value: str = ""
    comparator: str = ""
    number: Decimal | None = None
    unit: str = ""
    codings: tuple[Coding, ...] = ()
    flags: tuple[str, ...] = ()


def read_observation(resource: Resource) -> Iterator[Observation]:
    """The result, and its components when it has any: a blood pressure is two numbers."""
    taken, doubts = first_moment(resource.body, "effective", resource.defaults)
    if taken is None:
        taken, more = moment(resource.body, "issued", resource.defaults)
        doubts = (*doubts, *more)
    within = placed(resource.body, "component")
    value = _value(resource.body, resource)
    if value.value or value.codings or not within:
        yield _result(resource, resource.body, value, taken, doubts, "")
    for inside, component in within:
        yield _result(resource, component, _value(component, resource), taken, doubts, inside)


def _result(
    resource: Resource, body: Json, value: _Value, taken: Moment | None, doubts: tuple[str, ...], inside: str
) -> Observation:
    concept = part(body, "code")
    coded, said = codings(concept, resource.defaults), words(concept)
    status = _STATUSES.get(text(resource.body, "status"), "preliminary")
    if status != "withdrawn" and not value.value and not value.codings:
        status = "no_value"
    test = f"{coded[0].system}:{coded[0].code}" if coded else said.lower()
    whole = resource.name or f"fhir/{test}/{stamp(taken)}"
    path = resource.at(inside) if inside else resource.path
    return Observation(
        patient=resource.patient,
        path=f"{path}.{value.element}" if value.element else stands(f"{path}.code", concept) if concept else path,
        flags=doubts + value.flags,
        key=f"{whole}/{test}" if inside else whole,
        codings=coded,
        text=said,
        value=value.value,
        comparator=value.comparator,
        number=value.number,
        unit=value.unit,
        range=_range(body),
        abnormal=next((code.upper() for each in parts(body, "interpretation") for code in codes(each)), ""),
        status=status,
        taken=taken,
        value_codings=value.codings,
    )


def _value(body: Json, resource: Resource) -> _Value:
    """One of `value[x]`; a range or a ratio is words, as no single number can stand for it."""
    if quantity := part(body, "valueQuantity"):
        number = number_of(quantity, "value")
        comparator = text(quantity, "comparator")
        shown = f"{comparator}{number:f}" if number is not None else ""
        return _Value("valueQuantity", shown, comparator, number, ucum_of(unit_text(quantity)))
    if concept := part(body, "valueCodeableConcept"):
        coded = codings(concept, resource.defaults)
        return _Value("valueCodeableConcept", words(concept), codings=coded)
    if said := text(body, "valueString"):
        comparator, number, flags = read_figure(said, is_numeric=False)
        return _Value("valueString", said, comparator, number, flags=flags)
    if (number := number_of(body, "valueInteger")) is not None:
        return _Value("valueInteger", f"{number:f}", "", number)
    if isinstance(body.get("valueBoolean"), bool):
        return _Value("valueBoolean", "true" if body["valueBoolean"] else "false")
    return _of_two(body)


def _of_two(body: Json) -> _Value:
    """A range or a ratio: both numbers, as words."""
    for element, names, mark in (
        ("valueRange", ("low", "high"), "-"),
        ("valueRatio", ("numerator", "denominator"), ":"),
    ):
        if within := part(body, element):
            ends = [part(within, name) for name in names]
            said = [f"{end:f}" for each in ends if (end := number_of(each, "value")) is not None]
            unit = ucum_of(next((written for each in ends if (written := unit_text(each))), ""))
            return _Value(element, mark.join(said), unit=unit, flags=("value_range",))
    return _Value()


def _range(body: Json) -> str:
    for each in parts(body, "referenceRange"):
        ends = [number_of(part(each, name), "value") for name in ("low", "high")]
        if said := text(each, "text"):
            return said
        if any(end is not None for end in ends):
            return "-".join("" if end is None else f"{end:f}" for end in ends)
    return ""
