"""Elements of a resource, taken as what they should be: of the wrong kind is as good as absent."""

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from clinical.events import Coding, Identifier, Moment
from parsers.chart.natural_keys import joined
from parsers.defaults import Defaults
from parsers.hl7.code_systems import system_named
from parsers.hl7.plausible_times import plausible
from parsers.hl7.times import read_time

Json = Mapping[str, Any]
NOTHING: Json = {}
_FINER = re.compile(r"(\.\d{6})\d+")  # than a millionth of a second


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource, whom it is about, and how to read what it leaves open."""

    kind: str
    id: str
    body: Json
    patient: tuple[Identifier, ...]
    defaults: Defaults
    path: str  # where it stands: "Condition", or "Bundle.entry[0].resource" in a bundle
    medications: Mapping[str, tuple[Json, str]]  # by reference: the resource and where it stands

    @property
    def system(self) -> str:
        """Who numbers its resources."""
        return numbered_by(self.defaults)

    @property
    def name(self) -> str:
        """What no other resource is called; without an id, nothing."""
        return f"{self.system}|{self.kind}/{self.id}" if self.id else ""

    def at(self, *names: str) -> str:
        """Where an element of it stands."""
        return ".".join((self.path, *names))


def numbered_by(defaults: Defaults) -> str:
    """The authority of the ids of one source: two servers may both have a Patient/1."""
    return f"FHIR {defaults.source}"


def text(element: Json, name: str) -> str:
    """A text without the blanks around it."""
    value = element.get(name)
    if not isinstance(value, str):
        return ""
    return (value if value.isascii() and "\0" not in value else _storable(value)).strip()


def _storable(value: str) -> str:
    """No NUL and no half of a pair of UTF-16: JSON may name them, and no database keeps them."""
    return value.replace("\0", "").encode("utf-8", "replace").decode()


def part(element: Json, name: str) -> Json:
    """The element inside, empty when there is none."""
    value = element.get(name)
    return value if isinstance(value, dict) else NOTHING


def parts(element: Json, name: str) -> list[Json]:
    """Every element of a list."""
    value = element.get(name)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def placed(element: Json, name: str) -> list[tuple[str, Json]]:
    """Every element of a list, with where it stands: `name[1]`."""
    value = element.get(name)
    if not isinstance(value, list):
        return []
    return [(f"{name}[{index}]", each) for index, each in enumerate(value) if isinstance(each, dict)]


def codings(concept: Json, defaults: Defaults) -> tuple[Coding, ...]:
    """Every code of a CodeableConcept, its system as we name it."""
    found = (
        Coding(
            system=system_named(text(coding, "system"), defaults.code_systems),
            code=code,
            display=text(coding, "display"),
        )
        for coding in parts(concept, "coding")
        if (code := text(coding, "code"))
    )
    return tuple(dict.fromkeys(found))


def words(concept: Json) -> str:
    """Everything a CodeableConcept says in words, each once."""
    return joined(*(text(coding, "display") for coding in parts(concept, "coding")), text(concept, "text"))


def typed(concept: Json) -> str:
    """The words beside the codes: a display that is repeated was typed by nobody."""
    said = text(concept, "text")
    return "" if said in {text(coding, "display") for coding in parts(concept, "coding")} else said


def codes(concept: Json) -> Iterator[str]:
    """The bare codes, of a value set that the standard binds."""
    return (code for coding in parts(concept, "coding") if (code := text(coding, "code")))


def one_of(concept: Json, known: Container[str]) -> str:
    """The code that is one of these: beside the code that the standard binds a sender may put its own."""
    return next((code for code in codes(concept) if code in known), "")


def where(resource: Resource, element: str, concept: Json) -> str:
    """Where the first code of a concept stands, or its words; the resource when it has no such element."""
    return stands(resource.at(element), concept) if concept else resource.path


def stands(path: str, concept: Json) -> str:
    """The same, of a concept that stands at this path."""
    told = placed(concept, "coding")
    for kind in ("code", "display"):
        if coding := next((name for name, each in told if text(each, kind)), ""):
            return f"{path}.{coding}"
        if kind == "code" and text(concept, "text"):
            return f"{path}.text"
    return path


def moment(element: Json, name: str, defaults: Defaults) -> tuple[Moment | None, tuple[str, ...]]:
    """A date or dateTime with its precision, and what was doubtful about it; placeholders are no time."""
    found, doubts = read_time(_FINER.sub(r"\1", text(element, name)), defaults.zone)
    return plausible(found), doubts


def first_moment(element: Json, name: str, defaults: Defaults) -> tuple[Moment | None, tuple[str, ...]]:
    """`nameDateTime`, `nameInstant`, or when `namePeriod` began: one of `name[x]`."""
    for choice in (f"{name}DateTime", f"{name}Instant"):
        if choice in element:
            return moment(element, choice, defaults)
    return moment(part(element, f"{name}Period"), "start", defaults)
