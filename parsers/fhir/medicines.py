"""The medicine: a code in the resource itself, or a Medication that it contains or refers to."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from clinical.codes import Coding
from clinical.events import Component
from clinical.quantities import Quantity
from parsers.fhir.elements import (
    Json,
    Resource,
    codings,
    number_of,
    part,
    parts,
    placed,
    read_quantity,
    read_ratio,
    stands,
    target,
    text,
    unit_text,
    where,
    words,
)
from parsers.hl7.identifiers import joined
from parsers.medication.amounts import Package
from parsers.medication.ingredients import assumed_if_immunoglobulin
from parsers.medication.units import CONCENTRATION, MASS, VOLUME, SentAmount, read_unit


@dataclass(frozen=True, slots=True)
class FhirMedicine:
    """What is given."""

    codings: tuple[Coding, ...]
    text: str
    path: str
    product: Package
    components: tuple[Component, ...] = ()
    elsewhere: str = ""  # the reference, when what it points to is not here
    lots: tuple[str, ...] = ()


def read_medicine(resource: Resource) -> FhirMedicine:
    """Find the medicine."""
    body, defaults = resource.body, resource.defaults
    if concept := part(body, "medicationCodeableConcept"):
        return _made(codings(concept, defaults), words(concept), where(resource, "medicationCodeableConcept", concept))
    pointer = part(body, "medicationReference")
    reference, shown = text(pointer, "reference"), text(pointer, "display")
    medication, path = _find(resource, reference)
    if medication is None:
        place = "display" if shown else "reference" if reference else ""
        path = ".".join(each for each in (resource.path, "medicationReference" if pointer else "", place) if each)
        return _made((), shown, path, elsewhere="" if shown else reference or "?")
    concept = part(medication, "code")
    made = _made(codings(concept, defaults), joined(words(concept), shown), stands(f"{path}.code", concept))
    ingredients = tuple(_ingredients(medication, resource, path))
    # What a Medication names as its only active substance is what it is when its own code says nothing.
    if not made.codings and not made.text and ingredients:
        first = ingredients[0]
        made = _made(first.codings, first.text, first.path)
    product = _product(medication, made)
    lot = text(part(medication, "batch"), "lotNumber")
    return FhirMedicine(made.codings, made.text, made.path, product, ingredients, lots=(lot,) if lot else ())


def reference_of(body: Json) -> str:
    """Return what it points to outside itself for its medicine, or nothing."""
    reference = text(part(body, "medicationReference"), "reference")
    return "" if reference.startswith("#") else "/".join(target(reference)).lstrip("/")


def _find(resource: Resource, reference: str) -> tuple[Json | None, str]:
    if reference.startswith("#"):
        for place, held in placed(resource.body, "contained"):
            if text(held, "id") == reference[1:]:
                return held, resource.at(place)
        return None, ""
    return resource.medications.get("/".join(target(reference)).lstrip("/"), (None, ""))


def _made(coded: tuple[Coding, ...], wording: str, path: str, elsewhere: str = "") -> FhirMedicine:
    product = assumed_if_immunoglobulin(Package(name=wording, basis=path), coded, wording)
    return FhirMedicine(coded, wording, path, product, elsewhere=elsewhere)


def _product(medication: Json, made: FhirMedicine) -> Package:
    """Return the strength of a single ingredient, and how much one package holds."""
    inside = parts(medication, "ingredient")
    strength = volume = None
    if len(inside) == 1:
        strength, volume = _strength(part(inside[0], "strength"))
    package, _ = read_ratio(part(medication, "amount"))
    product = Package(made.text, strength, volume, package, basis=made.path)
    return assumed_if_immunoglobulin(product, made.codings, made.text)


def _strength(ratio: Json) -> tuple[SentAmount | None, SentAmount | None]:
    """10 g in 100 mL is a mass in a volume; 100 mg in 1 mL a concentration."""
    whole, _ = read_ratio(ratio)
    if whole is not None and whole.unit.base == CONCENTRATION:
        return whole, None
    above, _ = read_quantity(part(ratio, "numerator"))
    below, _ = read_quantity(part(ratio, "denominator"))
    is_volume = below is not None and below.unit.base == VOLUME
    return (above if above is not None and above.unit.base == MASS else None), below if is_volume else None


def _ingredients(medication: Json, resource: Resource, path: str) -> Iterator[Component]:
    for place, each in placed(medication, "ingredient"):
        concept = part(each, "itemCodeableConcept")
        coded, wording = codings(concept, resource.defaults), words(concept)
        if coded or wording:
            at = stands(f"{path}.{place}.itemCodeableConcept", concept)
            amount = _amount(part(each, "strength"), f"{path}.{place}.strength")
            kind: Literal["base", "additive"] = "base" if each.get("isActive") is False else "additive"
            yield Component(kind=kind, codings=coded, text=wording, amount=amount, path=at)


def _amount(ratio: Json, path: str) -> Quantity | None:
    """As written: its grams follow from the dose, not from the package."""
    above = part(ratio, "numerator")
    number, unit = number_of(above, "value"), read_unit(unit_text(above))
    if number is None or unit is None:
        return None
    return Quantity(low=number, high=number, unit=unit.name, basis=path)
