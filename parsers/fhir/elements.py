"""FHIR elements: codes, times, quantities and references, in the same types as from HL7 messages."""

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from clinical.codes import Coding
from clinical.identities import Identifier
from clinical.quantities import interval
from clinical.times import Moment
from parsers.defaults import Defaults
from parsers.hl7.codes import system_named
from parsers.hl7.identifiers import identity_first, is_bsn, joined, make_identifier, valid_bsn
from parsers.hl7.times import plausible, read_time
from parsers.medication.units import SentAmount, Unit, read_unit

Json = Mapping[str, Any]
NOTHING: Json = {}
_FINER = re.compile(r"(\.\d{6})\d+")  # than a millionth of a second


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource, its patient, and the defaults for what it leaves out."""

    kind: str
    id: str
    body: Json
    patient: tuple[Identifier, ...]
    defaults: Defaults
    path: str  # its place: "Condition", or "Bundle.entry[0].resource" in a bundle
    medications: Mapping[str, tuple[Json, str]]  # by reference: the resource and where it stands

    @property
    def system(self) -> str:
        """The authority that numbers its resources."""
        return numbered_by(self.defaults)

    @property
    def name(self) -> str:
        """The unique name of the resource; empty without an id."""
        return f"{self.system}|{self.kind}/{self.id}" if self.id else ""

    def at(self, *names: str) -> str:
        """Return the path of an element of it."""
        return ".".join((self.path, *names))


def numbered_by(defaults: Defaults) -> str:
    """Return the authority of the ids of one source: two servers may both have a Patient/1."""
    return f"FHIR {defaults.source}"


def text(element: Json, name: str) -> str:
    """Return a text without the blanks around it."""
    value = element.get(name)
    if not isinstance(value, str):
        return ""
    return (value if value.isascii() and "\0" not in value else _storable(value)).strip()


def _storable(value: str) -> str:
    """No NUL and no half of a pair of UTF-16: JSON may name them, and no database keeps them."""
    return value.replace("\0", "").encode("utf-8", "replace").decode()


def part(element: Json, name: str) -> Json:
    """Return the element inside, empty when there is none."""
    value = element.get(name)
    return value if isinstance(value, dict) else NOTHING


def parts(element: Json, name: str) -> list[Json]:
    """Return every element of a list."""
    value = element.get(name)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def placed(element: Json, name: str) -> list[tuple[str, Json]]:
    """Return every element of a list, with where it stands: `name[1]`."""
    value = element.get(name)
    if not isinstance(value, list):
        return []
    return [(f"{name}[{index}]", each) for index, each in enumerate(value) if isinstance(each, dict)]


def codings(concept: Json, defaults: Defaults) -> tuple[Coding, ...]:
    """Return every code of a CodeableConcept, its system as we name it."""
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
    """Return everything a CodeableConcept says in words, each once."""
    return joined(*(text(coding, "display") for coding in parts(concept, "coding")), text(concept, "text"))


def codes(concept: Json) -> Iterator[str]:
    """Return the bare codes, of a value set that the standard binds."""
    return (code for coding in parts(concept, "coding") if (code := text(coding, "code")))


def one_of(concept: Json, known: Container[str]) -> str:
    """Return the code that is one of these: beside the code that the standard binds a sender may put its own."""
    return next((code for code in codes(concept) if code in known), "")


def bound(element: Json, name: str, known: Container[str]) -> str:
    """Return the code of an element that the standard binds: a CodeableConcept, or in STU3 the bare code."""
    bare = text(element, name)
    return bare if bare in known else one_of(part(element, name), known)


def where(resource: Resource, element: str, concept: Json) -> str:
    """Return where the first code of a concept stands, or its words; the resource when it has no such element."""
    return stands(resource.at(element), concept) if concept else resource.path


def stands(path: str, concept: Json) -> str:
    """Return the same, of a concept that stands at this path."""
    found = placed(concept, "coding")
    for kind in ("code", "display"):
        if coding := next((name for name, each in found if text(each, kind)), ""):
            return f"{path}.{coding}"
        if kind == "code" and text(concept, "text"):
            return f"{path}.text"
    return path


def moment(element: Json, name: str, defaults: Defaults) -> tuple[Moment | None, tuple[str, ...]]:
    """Return a date or dateTime with its precision, and what was doubtful about it; placeholders are not times."""
    found, doubts = read_time(_FINER.sub(r"\1", text(element, name)), defaults.zone)
    return plausible(found), doubts


def first_moment(element: Json, name: str, defaults: Defaults) -> tuple[Moment | None, tuple[str, ...]]:
    """`nameDateTime`, `nameInstant`, or when `namePeriod` began: one of `name[x]`."""
    for choice in (f"{name}DateTime", f"{name}Instant"):
        if choice in element:
            return moment(element, choice, defaults)
    return moment(part(element, f"{name}Period"), "start", defaults)


_UCUM = "http://unitsofmeasure.org"
_ANNOTATION = re.compile(r"(?<=[\w\]])\{[^{}]*\}")  # kg{body_wt} is kg
_MOST_DIGITS = 15  # digits before the decimal mark, and twice as many after it: no clinical quantity has more
_COURSE = "/course"


def number_of(element: Json, name: str) -> Decimal | None:
    """Return a number as it was written; none when it is beyond all that can be meant."""
    value = element.get(name)
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float):
        return None
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    exponent = number.as_tuple().exponent
    is_usual = isinstance(exponent, int) and exponent > -2 * _MOST_DIGITS and number.adjusted() < _MOST_DIGITS
    return number if is_usual else None


def unit_text(quantity: Json) -> str:
    """Return the unit: its UCUM code, else what is shown."""
    code, shown = text(quantity, "code"), text(quantity, "unit")
    return code if code and (text(quantity, "system") == _UCUM or not shown) else shown or code


def read_quantity(quantity: Json) -> tuple[SentAmount | None, tuple[str, ...]]:
    """Return a Quantity, or a Range of which one end may be missing."""
    low, high = part(quantity, "low"), part(quantity, "high")
    if low or high:
        ends = [number for each in (low, high) if (number := number_of(each, "value")) is not None]
        return _made(ends, _unit_of(high) or _unit_of(low))
    number = number_of(quantity, "value")
    return _made([] if number is None else [number], _unit_of(quantity))


def _made(ends: list[Decimal], unit: Unit | None) -> tuple[SentAmount | None, tuple[str, ...]]:
    if not ends:
        return None, ()
    if min(ends) < 0:
        return None, ("unreadable_quantity",)
    if unit is None:
        return None, ("unit_unusable",)
    return SentAmount(interval(min(ends), max(ends)), unit), unit.flags


def _unit_of(quantity: Json) -> Unit | None:
    """Return the unit by its code, else as shown: `1` is shown as `flacon`. Only the latter may say `per kuur`."""
    coded, shown = _unit(unit_text(quantity)), _unit(text(quantity, "unit"))
    if coded is None or (shown is not None and shown.base == coded.base + _COURSE):
        return shown
    return coded


def _unit(written: str) -> Unit | None:
    """UCUM writes what is counted between braces: {vial}; and a dose may be counted per `{dose}`."""
    if not written or "{" not in written:
        return read_unit(written)
    return read_unit(written) or read_unit(_ANNOTATION.sub("", written).replace("{", "").replace("}", ""))


def read_ratio(ratio: Json) -> tuple[SentAmount | None, tuple[str, ...]]:
    """So much in so much time, or in so much volume: 300 mL in 4 h is 75 mL/h."""
    above, below = part(ratio, "numerator"), part(ratio, "denominator")
    number, divisor = number_of(above, "value"), number_of(below, "value")
    if number is None or divisor == 0:
        return None, ()
    name = unit_text(below)
    written = f"{unit_text(above)}/{name}" if name else unit_text(above)
    unit = _unit(written) if name else _unit_of(above)
    return _made([number / (divisor or Decimal(1))], unit)


def read_any(element: Json, name: str) -> tuple[SentAmount | None, str, tuple[str, ...]]:
    """`nameQuantity`, `nameRange`, `nameRatio` or, where no choice is given, `name`; with the element it stood in."""
    for element_name, ratio in _choices(name):
        if found := part(element, element_name):
            quantity, flags = read_ratio(found) if ratio else read_quantity(found)
            return quantity, element_name, flags
    return None, name, ()


def _choices(name: str) -> Iterator[tuple[str, bool]]:
    yield from ((f"{name}Quantity", False), (f"{name}Range", False), (f"{name}Ratio", True), (name, False))


_VERSION = re.compile(r"/_history/[^/]*$")
_BSN_SYSTEMS = frozenset({"http://fhir.nl/fhir/NamingSystem/bsn", "urn:oid:2.16.840.1.113883.2.4.6.3"})
_BSN = "NLMINBIZA"


def target(reference: str) -> tuple[str, str]:
    """Return the kind and the id that a reference points to; a uuid names no kind."""
    plain = _VERSION.sub("", reference.strip())
    if plain.lower().startswith("urn:uuid:"):
        return "", plain[9:]
    kind, separator, number = plain.rpartition("/")
    return (kind.rpartition("/")[2], number) if separator else ("", plain)


def own_identity(kind_and_id: str, defaults: Defaults) -> Identifier:
    """Return the id a patient has at its server, as an identity."""
    return Identifier(authority=numbered_by(defaults), value=kind_and_id)


def subject(body: Json, defaults: Defaults, aliases: Mapping[str, str] = NOTHING) -> tuple[Identifier, ...]:
    """Whom a resource is about: a reference, a patient it holds, or a number; nobody when it names none."""
    about = part(body, "subject") or part(body, "patient")
    reference = text(about, "reference")
    if reference.startswith("#"):
        held = next((each for each in parts(body, "contained") if text(each, "id") == reference[1:]), {})
        return numbers(held, defaults)
    kind, number = target(reference)
    if number and kind in ("Patient", ""):
        return (own_identity(aliases.get(number, number) if not kind else number, defaults),)
    identifier = part(about, "identifier")
    return numbers({"identifier": [identifier]}, defaults) if identifier and not reference else ()


def numbers(patient: Json, defaults: Defaults) -> tuple[Identifier, ...]:
    """Return the numbers of a Patient resource that name the person, the identity first."""
    found = []
    for each in parts(patient, "identifier"):
        if text(each, "use") == "old":
            continue
        system = text(each, "system")
        kind = next((text(coding, "code") for coding in parts(part(each, "type"), "coding")), "")
        made = make_identifier(authority_of(system, defaults), text(each, "value"), kind.upper())
        if made is not None:
            found.append(made)
    return identity_first(found, defaults)


def has_invalid_bsn(patient: Json) -> bool:
    """Return whether a number was sent as a BSN and is none; one that is masked was not sent."""
    numbers = (text(each, "value") for each in parts(patient, "identifier") if is_citizen_number(each))
    return any(value and not valid_bsn(value) for value in numbers)


def is_citizen_number(identifier: Json) -> bool:
    """Return whether an identifier is meant as the citizen service number, by its system or its type."""
    system = text(identifier, "system")
    kinds = (text(each, "code").upper() for each in parts(part(identifier, "type"), "coding"))
    return system in _BSN_SYSTEMS or any(is_bsn(system, kind) for kind in kinds)


def authority_of(system: str, defaults: Defaults) -> str:
    """Return the hospital's name of the authority for an identifier system; an unknown system is left as it is."""
    if system in _BSN_SYSTEMS:
        return _BSN
    return defaults.authorities.get(system) or system or defaults.authority
