"""The chart in FHIR: patients, conditions, observations, procedures, allergies, flags and documents."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from clinical.codes import Coding
from clinical.events import Allergy, AnyEvent, Certainty, Condition, Observation, PatientMerged, PatientSeen, Procedure
from clinical.identities import Identifier, PersonName
from clinical.times import Moment
from parsers.chart.allergies import reaction_of, says_none
from parsers.chart.body_measures import WEIGHT, is_weight, measure_named, read_weight, weighs_in_pounds
from parsers.chart.conditions import without_mark
from parsers.chart.observations import read_figure, ucum_of
from parsers.chart.patients import SPELLING, read_date
from parsers.chart.reasons import lines_that_name_thrombosis, reason_of
from parsers.fhir.elements import (
    Json,
    Resource,
    bound,
    codes,
    codings,
    first_moment,
    has_invalid_bsn,
    moment,
    number_of,
    numbers,
    own_identity,
    part,
    parts,
    placed,
    stands,
    target,
    text,
    unit_text,
    where,
    words,
)
from parsers.hl7.identifiers import is_national, natural_key, usual_spelling
from parsers.hl7.times import stamp

_SEXES = {"male": "M", "female": "F", "other": "O", "unknown": "U"}
_NAME_USES = ("official", "usual", "", "temp", "nickname", "anonymous", "maiden", "old")


def read_patient(resource: Resource) -> Iterator[AnyEvent]:
    """Yield the person, and the pointer from the server's id to the numbers of the hospital."""
    body = resource.body
    own = own_identity(resource.id, resource.defaults) if resource.id else None
    known = numbers(body, resource.defaults) or ((own,) if own is not None else ())
    died_at, doubts = moment(body, "deceasedDateTime", resource.defaults)
    birth_date, odd = _birth_date(body)
    yield PatientSeen(
        patient=known,
        path=resource.path,
        flags=doubts + odd + (("bsn_invalid",) if has_invalid_bsn(body) else ()),
        name=_name(parts(body, "name")),
        birth_date=birth_date,
        sex=_SEXES.get(text(body, "gender"), ""),
        deceased=_deceased(body),
        died_at=died_at,
    )
    if own is None:
        return
    if known[0] != own:
        yield PatientMerged(patient=known, path=resource.at("identifier"), retired=(own,))
        yield from _spelled(resource, known[0])
    yield from _replaced(resource, known[0])


def _spelled(resource: Resource, identity: Identifier) -> Iterator[PatientMerged]:
    """That other feeds may write this number in another way, such as without `urn:oid:`."""
    usual = usual_spelling(identity, resource.defaults)
    if usual != identity and not is_national(identity):
        yield PatientMerged(patient=(usual,), path=resource.at("identifier"), flags=(SPELLING,), retired=(identity,))


def _replaced(resource: Resource, identity: Identifier) -> Iterator[PatientMerged]:
    """`replaced-by` is a merge. The other record states `replaces` too; `seealso` and `refer` do not count."""
    for place, link in placed(resource.body, "link"):
        kind, number = target(text(part(link, "other"), "reference"))
        if text(link, "type") == "replaced-by" and number not in ("", resource.id) and kind in ("Patient", ""):
            survivor = own_identity(number, resource.defaults)
            yield PatientMerged(patient=(survivor,), path=resource.at(place, "other"), retired=(identity,))


def _name(names: list[Json]) -> PersonName | None:
    for use in _NAME_USES:
        for name in names:
            if text(name, "use") == use:
                given = name.get("given")
                first = " ".join(text({"": each}, "") for each in given) if isinstance(given, list) else ""
                found = PersonName(family=text(name, "family") or ("" if first else text(name, "text")), given=first)
                if found.family or found.given:
                    return found
    return None


def _birth_date(body: Json) -> tuple[date | None, tuple[str, ...]]:
    written = text(body, "birthDate")
    return read_date(written.replace("-", "")) if written else (None, ())


def _deceased(body: Json) -> bool | None:
    if text(body, "deceasedDateTime"):
        return True
    wording = body.get("deceasedBoolean")
    return wording if isinstance(wording, bool) else None


_CERTAINTIES: dict[str, Certainty] = {
    "confirmed": "confirmed",
    "provisional": "suspected",
    "differential": "suspected",
    "unconfirmed": "suspected",
    "refuted": "refuted",
}
_STATUSES = {
    **dict.fromkeys(("active", "recurrence", "relapse"), "active"),
    "inactive": "inactive",
    **dict.fromkeys(("remission", "resolved"), "resolved"),
}
_ERROR = "entered-in-error"
_ABATED = ("abatementAge", "abatementString", "abatementPeriod", "abatementRange")


def read_condition(resource: Resource) -> Iterator[Condition]:
    """Yield the condition, unless it names nothing."""
    body, defaults = resource.body, resource.defaults
    concept = part(body, "code")
    coded, wording = codings(concept, defaults), words(concept)
    verified = bound(body, "verificationStatus", (*_CERTAINTIES, _ERROR))
    if not coded and not wording and verified != _ERROR:
        return
    bare, marked = without_mark(coded)
    stated = _CERTAINTIES.get(verified, "confirmed")
    onset, flags = _onset(resource)
    resolved, _ = first_moment(body, "abatement", defaults)
    category = "diagnosis" if _is_diagnosis(resource) else "problem"
    yield Condition(
        patient=resource.patient,
        path=where(resource, "code", concept),
        flags=flags,
        key=resource.name or natural_key(category, bare, wording, text(body, "onsetDateTime")),
        category="diagnosis" if category == "diagnosis" else "problem",
        action="delete" if verified == _ERROR else "assert",
        codings=bare,
        text=wording,
        certainty=marked if stated == "confirmed" and marked else stated,
        status=_status(resource, resolved),
        onset=onset,
        resolved=resolved,
    )


def _onset(resource: Resource) -> tuple[Moment | None, tuple[str, ...]]:
    """Return when it began; failing that, when it was written down, which is the latest it can have begun."""
    onset, doubts = first_moment(resource.body, "onset", resource.defaults)
    if onset is not None:
        return onset, doubts
    written = next((name for name in ("recordedDate", "assertedDate") if name in resource.body), "")  # the second: STU3
    recorded, _ = moment(resource.body, written, resource.defaults) if written else (None, ())
    return recorded, (*doubts, "onset_is_recorded_date") if recorded else doubts


def _status(resource: Resource, resolved: Moment | None) -> str:
    wording = bound(resource.body, "clinicalStatus", _STATUSES)
    has_abated = resolved is not None or any(name in resource.body for name in _ABATED)
    return _STATUSES.get(wording) or ("resolved" if has_abated else "active")


def _is_diagnosis(resource: Resource) -> bool:
    return any(code == "encounter-diagnosis" for each in parts(resource.body, "category") for code in codes(each))


Status = Literal["final", "preliminary", "corrected", "withdrawn", "no_value"]
_RESULT_STATUSES: dict[str, Status] = {
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
class _FhirValue:
    """What `value[x]` says, and in which element."""

    element: str = ""
    value: str = ""
    comparator: str = ""
    number: Decimal | None = None
    unit: str = ""
    codings: tuple[Coding, ...] = ()
    flags: tuple[str, ...] = ()


def read_observation(resource: Resource) -> Iterator[Observation]:
    """Yield the result, and its components when it has any: a blood pressure is two numbers."""
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
    resource: Resource, body: Json, value: _FhirValue, taken: Moment | None, doubts: tuple[str, ...], inside: str
) -> Observation:
    concept = part(body, "code")
    coded, wording = codings(concept, resource.defaults), words(concept)
    by_name = measure_named(coded, wording, value.unit) if value.number is not None else None
    if not value.unit and value.value and is_weight(coded, wording):
        weight = read_weight(wording, value.value, value.number, in_pounds=weighs_in_pounds((), resource.defaults.zone))
        value = replace(value, number=weight.number, unit=weight.unit, flags=value.flags + weight.flags)
        by_name = None if coded else WEIGHT
    status = _RESULT_STATUSES.get(text(resource.body, "status"), "preliminary")
    if status != "withdrawn" and not value.value and not value.codings:
        status = "no_value"
    test = f"{coded[0].system}:{coded[0].code}" if coded else wording.lower()
    whole = resource.name or f"fhir/{test}/{stamp(taken)}"
    path = resource.at(inside) if inside else resource.path
    return Observation(
        patient=resource.patient,
        path=f"{path}.{value.element}" if value.element else stands(f"{path}.code", concept) if concept else path,
        flags=doubts + value.flags,
        key=f"{whole}/{test}" if inside else whole,
        codings=(*coded, by_name) if by_name is not None else coded,
        text=wording,
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


def _value(body: Json, resource: Resource) -> _FhirValue:
    """One of `value[x]`; a range or a ratio is words, as no single number can stand for it."""
    if quantity := part(body, "valueQuantity"):
        number = number_of(quantity, "value")
        comparator = text(quantity, "comparator")
        shown = f"{comparator}{number:f}" if number is not None else ""
        return _FhirValue("valueQuantity", shown, comparator, number, ucum_of(unit_text(quantity)))
    if concept := part(body, "valueCodeableConcept"):
        coded = codings(concept, resource.defaults)
        return _FhirValue("valueCodeableConcept", words(concept), codings=coded)
    if wording := text(body, "valueString"):
        comparator, number, flags = read_figure(wording, is_numeric=False)
        return _FhirValue("valueString", wording, comparator, number, flags=flags)
    if (number := number_of(body, "valueInteger")) is not None:
        return _FhirValue("valueInteger", f"{number:f}", "", number)
    if isinstance(body.get("valueBoolean"), bool):
        return _FhirValue("valueBoolean", "true" if body["valueBoolean"] else "false")
    return _of_two(body)


def _of_two(body: Json) -> _FhirValue:
    """Return a range or a ratio: both numbers, as words."""
    for element, names, mark in (
        ("valueRange", ("low", "high"), "-"),
        ("valueRatio", ("numerator", "denominator"), ":"),
    ):
        if within := part(body, element):
            ends = [part(within, name) for name in names]
            wording = [f"{end:f}" for each in ends if (end := number_of(each, "value")) is not None]
            unit = ucum_of(next((written for each in ends if (written := unit_text(each))), ""))
            return _FhirValue(element, mark.join(wording), unit=unit, flags=("value_range",))
    return _FhirValue()


def _range(body: Json) -> str:
    for each in parts(body, "referenceRange"):
        ends = [number_of(part(each, name), "value") for name in ("low", "high")]
        if wording := text(each, "text"):
            return wording
        if any(end is not None for end in ends):
            return "-".join("" if end is None else f"{end:f}" for end in ends)
    return ""


PLANNED = frozenset({"preparation"})
_NEVER = frozenset({"entered-in-error", "not-done"})


def read_procedure(resource: Resource) -> Iterator[Procedure]:
    """Yield the procedure, unless it names nothing."""
    concept = part(resource.body, "code")
    coded, wording = codings(concept, resource.defaults), words(concept)
    status = text(resource.body, "status")
    if not coded and not wording and status not in _NEVER:
        return
    performed, doubts = first_moment(resource.body, "performed", resource.defaults)
    yield Procedure(
        patient=resource.patient,
        path=where(resource, "code", concept),
        flags=doubts,
        key=resource.name or natural_key("procedure", coded, wording, text(resource.body, "performedDateTime")),
        action="delete" if status in _NEVER else "assert",
        codings=coded,
        text=wording,
        performed=performed,
    )


_NONE = frozenset({"entered-in-error", "refuted"})


def read_allergy(resource: Resource) -> Iterator[Allergy | Condition]:
    """Yield the allergy, unless it names nothing."""
    concept = part(resource.body, "code")
    coded, wording = codings(concept, resource.defaults), words(concept)
    verified = bound(resource.body, "verificationStatus", _NONE)
    if says_none(coded, wording) or (not coded and not wording and verified not in _NONE):
        return
    if verified not in _NONE:
        yield from _reactions(resource, coded, wording)
    yield Allergy(
        patient=resource.patient,
        path=where(resource, "code", concept),
        key=resource.name or natural_key("allergy", coded, wording, ""),
        action="delete" if verified in _NONE else "assert",
        codings=coded,
        text=wording,
    )


def _reactions(resource: Resource, allergen: tuple[Coding, ...], wording: str) -> Iterator[Condition]:
    """Yield a thrombosis that a medicine gave: the manifestations of each reaction, and its description."""
    for place, reaction in placed(resource.body, "reaction"):
        substance = part(reaction, "substance")
        by, by_words = (codings(substance, resource.defaults) or allergen), (words(substance) or wording)
        began, _ = moment(reaction, "onset", resource.defaults)
        manifestations = [(codings(each, resource.defaults), words(each)) for each in parts(reaction, "manifestation")]
        manifestations.append(((), text(reaction, "description")))
        for number, (coded, named) in enumerate(manifestations):
            condition = reaction_of(by, by_words, coded, named)
            if condition is not None:
                yield msgspec.structs.replace(
                    condition,
                    patient=resource.patient,
                    path=resource.at(place),
                    key=f"{resource.name or natural_key('reaction', by, by_words, '')}/{place}/{number}",
                    onset=began,
                )
    for place, note in placed(resource.body, "note"):
        condition = reaction_of(allergen, wording, (), text(note, "text"))
        if condition is not None:
            key = f"{resource.name or natural_key('reaction', allergen, wording, '')}/{place}"
            yield msgspec.structs.replace(condition, patient=resource.patient, path=resource.at(place), key=key)


def read_reasons(resource: Resource) -> Iterator[Condition]:
    """Yield why a medicine was ordered or given, as far as it bears on a diagnosis."""
    for place, concept in placed(resource.body, "reasonCode"):
        reason = reason_of(codings(concept, resource.defaults), words(concept))
        if reason is not None:
            key = f"{resource.name}/{reason.key}" if resource.name else reason.key
            yield msgspec.structs.replace(reason, patient=resource.patient, path=resource.at(place), key=key)


def read_flag(resource: Resource) -> Iterator[Condition]:
    """Yield a warning about the patient, as Dutch hospitals tell contra-indications."""
    concept = part(resource.body, "code")
    coded, wording = codings(concept, resource.defaults), words(concept)
    status = text(resource.body, "status")
    if not coded and not wording and status != _ERROR:
        return
    noted, doubts = moment(part(resource.body, "period"), "start", resource.defaults)
    bare, marked = without_mark(coded)
    yield Condition(
        patient=resource.patient,
        path=where(resource, "code", concept),
        at=noted.at if noted else None,
        flags=doubts,
        key=resource.name or natural_key("flag", bare, wording, ""),
        category="flag",
        action="delete" if status == _ERROR else "assert",
        codings=bare,
        text=wording,
        certainty=marked or "confirmed",
        status="inactive" if status == "inactive" else "active",
    )


def read_document(resource: Resource) -> Iterator[Condition]:
    """Yield what the text of a Composition or a DocumentReference says of a thrombosis, line by line."""
    for path, written in texts_of(resource):
        for number, line in enumerate(lines_that_name_thrombosis(written)):
            yield Condition(
                patient=resource.patient,
                path=path,
                flags=("from_narrative",),
                key=f"{resource.name or resource.path}/{path}/{number}",
                category="problem",
                action="delete" if text(resource.body, "status") == _ERROR else "assert",
                text=line,
            )


def texts_of(resource: Resource) -> Iterator[tuple[str, str]]:
    """Yield each text of a document, with where it stands."""
    body = resource.body
    yield from _sections(body, resource.path)
    yield resource.at("text"), text(part(body, "text"), "div")
    yield resource.at("description"), text(body, "description")
    contents = [(f"{place}.attachment", part(content, "attachment")) for place, content in placed(body, "content")]
    for place, attachment in [*contents, *placed(body, "presentedForm")]:
        if text(attachment, "contentType").startswith("text/"):
            yield resource.at(place, "data"), _decoded(text(attachment, "data"))
        yield resource.at(place, "title"), text(attachment, "title")


def _sections(element: Json, path: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    for place, section in placed(element, "section"):
        yield f"{path}.{place}", f"{text(section, 'title')}: {text(part(section, 'text'), 'div')}"
        if depth < _DEEPEST_SECTION:
            yield from _sections(section, f"{path}.{place}", depth + 1)


def _decoded(data: str) -> str:
    try:
        return base64.b64decode(data, validate=False).decode("utf-8", "replace")
    except ValueError:
        return ""


_DEEPEST_SECTION = 5
