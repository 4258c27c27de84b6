"""A stored resource, element by element, each with the path by which the readers name it."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from clinical.events import Header, Reading
from parsers.errors import UnreadableMessage
from parsers.fhir.elements import is_citizen_number
from parsers.fhir.reading import BUNDLE, NO_JSON, TYPE

_MOST = 5000  # elements: the most that are shown
_decoder = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(frozen=True, slots=True)
class Element:
    """One leaf value."""

    path: str  # "Condition.code.coding[0].code"
    name: str  # "code.coding[0].code", within its resource
    value: str


@dataclass(frozen=True, slots=True)
class Placed:
    """One resource and its values, in the order sent."""

    kind: str
    path: str  # "Condition", or "Bundle.entry[0].resource"
    elements: tuple[Element, ...]


def resources_in(raw: bytes) -> tuple[Placed, ...]:
    """Return every resource of these bytes, or raise UnreadableMessage."""
    try:
        body = _decoder.decode(raw)
    except NO_JSON as error:
        raise UnreadableMessage("no_json", "", Reading(Header(type=TYPE), ())) from error
    if not isinstance(body, dict):
        return ()
    kind = _kind(body)
    entries = body.get("entry")
    if kind != BUNDLE or not isinstance(entries, list):
        return (_placed(body, kind),)
    head = _placed({name: value for name, value in body.items() if name != "entry"}, BUNDLE)
    inside = (
        _placed(each["resource"], f"{BUNDLE}.entry[{index}].resource")
        for index, each in enumerate(entries[:_MOST])
        if isinstance(each, dict) and isinstance(each.get("resource"), dict)
    )
    return (head, *inside)


def _kind(body: dict[str, Any]) -> str:
    kind = body.get("resourceType")
    return kind if isinstance(kind, str) and kind else "?"


def _placed(body: dict[str, Any], path: str) -> Placed:
    elements: list[Element] = []
    for name, value in _values(body):
        elements.append(Element(f"{path}.{name}", name, value))
        if len(elements) == _MOST:
            break
    return Placed(_kind(body), path, tuple(elements))


def _values(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every leaf with its name; deep nesting is followed without calling oneself."""
    waiting: list[tuple[str, Any]] = [("", body)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            inside = [(f"{name}.{key}" if name else str(key), each) for key, each in value.items()]
            waiting += reversed(inside)
        elif isinstance(value, list):
            waiting += reversed([(f"{name}[{index}]", each) for index, each in enumerate(value)])
        elif value is not None and value != "":
            yield name, _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).encode("utf-8", "replace").decode()


def citizen_numbers(raw: bytes) -> frozenset[str]:
    """Return every citizen service number in it, right or wrong, as it was written; none when it is not JSON."""
    try:
        waiting: list[Any] = [_decoder.decode(raw)]
    except NO_JSON:
        return frozenset()
    found: set[str] = set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
            if isinstance(number := value.get("value"), str) and number and is_citizen_number(value):
                found.add(number)
    return frozenset(found)
