"""One FHIR resource written anew for a test system, element by element from the list of what may leave."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import msgspec

from clinical.events import Header, Reading
from clinical.identities import Name
from ivigilant.pseudonyms.forms import SHORT, UNIT, identifying_in, is_code, system, words_in
from ivigilant.pseudonyms.messages import (
    DROPPED,
    EMPTIED,
    KEPT,
    MOVED,
    PSEUDONYM,
    SCRUBBED,
    Asked,
    FieldCounts,
    Identifying,
)
from ivigilant.pseudonyms.vocabulary import plain
from parsers.defaults import Defaults
from parsers.errors import UnreadableMessage
from parsers.fhir.elements import own_identity, part, parts, subject
from parsers.fhir.reading import BUNDLE, MEDICATION, NO_JSON, READERS
from parsers.hl7.identifiers import is_bsn, valid_bsn

# Objects whose elements are looked at in turn; whatever is not named here or below is left out.
_HELD_WORDS: Final = """
code category clinicalStatus verificationStatus severity subject patient identifier coding valueQuantity
valueCodeableConcept valueRange referenceRange low high component medicationCodeableConcept medicationReference
medication dosageInstruction dosage timing repeat doseAndRate doseQuantity doseRange rateRatio rateQuantity
rateRange numerator denominator boundsPeriod boundsDuration boundsRange route method bodySite
asNeededCodeableConcept effectivePeriod onsetPeriod onsetAge abatementPeriod performedPeriod period
dispenseRequest validityPeriod quantity expectedSupplyDuration reasonCode reasonReference ingredient
itemCodeableConcept itemReference strength amount form batch reaction manifestation substance interpretation
basedOn priorPrescription request partOf encounter outcome entry resource contained item answer valueCoding link
other daysSupply statusReason statusReasonCodeableConcept finding suspectEntity instance maxDosePerPeriod type
meta class relationship event authorizingPrescription
"""
_HELD: Final = frozenset(_HELD_WORDS.split())
# Elements that hold a value, not an object.
_VALUE_WORDS: Final = """
resourceType id fullUrl value lotNumber birthDate gender active system url display text unit code status intent priority
use type start end lastUpdated onsetDateTime abatementDateTime effectiveDateTime effectiveInstant issued authoredOn
recordedDate assertedDate date dateAsserted performedDateTime occurredDateTime whenHandedOver whenPrepared
deceasedBoolean deceasedDateTime valueString valueBoolean valueInteger valueDecimal valueDateTime valueDate valueCode
comparator frequency frequencyMax period periodMax periodUnit count countMax duration durationMax durationUnit timeOfDay
dayOfWeek when offset sequence asNeededBoolean doNotPerform isActive criticality category linkId title description
conclusion summary patientInstruction comment onsetString actuality base event
"""
_VALUES: Final = frozenset(_VALUE_WORDS.split())
_SHORT_TEXTS: Final = frozenset({"display", "text"})  # beside a code
_LONG_TEXTS: Final = frozenset(
    {"valueString", "description", "conclusion", "summary", "title", "patientInstruction", "comment", "onsetString"}
)
_TIME: Final = re.compile(r"\d{4}(-\d{2}(-\d{2}([T ].*)?)?)?")
_STATE: Final = re.compile(r"[A-Za-z-]{1,24}")
_LARGEST: Final = 1_000_000
_IDENTIFYING: Final = ("name", "telecom", "address", "contact", "photo", "birthDate", "birthPlace")
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def rewrite_resource(raw: bytes, asked: Asked, defaults: Defaults, counts: FieldCounts) -> bytes:
    """Return the resource as it may leave, as one line.

    Raises Identifying when a name, number, date or address of somebody in it is in what was written, and
    UnreadableMessage when it is not JSON.
    """
    try:
        body = _decoder.decode(raw)
    except NO_JSON as error:
        raise UnreadableMessage("no_json", "", Reading(Header(), ())) from error
    name = next(_whose(body, defaults), None)
    person = asked.person_of(name) if name is not None else ""
    own = frozenset(identifying_in(_telling(body))) | asked.words_of(person)
    found = FieldCounts()
    writer = _Resource(asked, defaults, person, own, found)
    written = _encoder.encode(writer.object(body, str(body.get("resourceType", "")), ""))
    if words_in(written.decode()) & own:
        raise Identifying
    counts.of.update(found.of)
    return written


def _whose(body: Any, defaults: Defaults) -> Iterator[Name]:
    inside: list[Any] = [body]
    if body.get("resourceType") == BUNDLE:
        inside = [part(each, "resource") for each in parts(body, "entry")]
    for each in inside:
        if each.get("resourceType") == "Patient" and each.get("id"):
            own = own_identity(str(each["id"]), defaults)
            yield own.authority, own.value
        elif numbers := subject(each, defaults):
            yield numbers[0].authority, numbers[0].value


def _telling(content: Any, key: str = "") -> Iterator[str]:
    """Yield what tells who somebody is: names, addresses, numbers, and what a reference is called."""
    if isinstance(content, dict):
        for name, value in content.items():
            if name in _IDENTIFYING and not (name == "name" and isinstance(value, str)):
                yield from _leaves(value)
            elif name == "reference" and isinstance(value, str):
                yield value.rpartition("/")[2]
            elif (
                (name == "display" and "reference" in content)
                or (name == "value" and key == "identifier")
                or (name == "id" and "resourceType" in content)
            ):
                yield from _leaves(value)
            else:
                yield from _telling(value, name)
    elif isinstance(content, list):
        for each in content:
            yield from _telling(each, key)


def _leaves(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for key, value in content.items():
            if key not in ("use", "system"):
                yield from _leaves(value)
    elif isinstance(content, list):
        for each in content:
            yield from _leaves(each)


class _Resource:
    """Writes one resource, or a bundle of them."""

    def __init__(self, asked: Asked, defaults: Defaults, person: str, own: frozenset[str], counts: FieldCounts) -> None:
        self._asked, self._defaults, self._person, self._own, self._counts = asked, defaults, person, own, counts

    def object(self, content: Any, kind: str, key: str) -> dict[str, Any]:
        """Return what may leave of an object that stands under this element of a resource of this kind."""
        kind = str(content.get("resourceType", kind))
        if "reference" in content:
            return self._reference(content)
        written = {}
        for name, value in content.items():
            made, outcome = self._element(value, kind, key, name, content)
            is_named = name in _HELD or name in _VALUES
            place = f"{kind if kind in _KINDS else 'other'}.{name if is_named else 'other'}"
            if not is_named:
                self._counts.of[place, DROPPED] += 1
                continue
            if not isinstance(value, dict | list) or made in (None, {}, [], ""):
                self._counts.of[place, outcome if made not in (None, {}, [], "") else EMPTIED] += 1
            if made not in (None, {}, [], ""):
                written[name] = made
        return written

    def _element(self, value: Any, kind: str, key: str, name: str, content: Any) -> tuple[Any, str]:
        if isinstance(value, list):
            made = [self._element(each, kind, key, name, content)[0] for each in value]
            return [each for each in made if each not in (None, {}, "")], KEPT
        if isinstance(value, dict):
            return (self.object(value, kind, name), KEPT) if name in _HELD else (None, DROPPED)
        if name not in _VALUES:
            return None, DROPPED
        if isinstance(value, bool):
            return value, KEPT
        if isinstance(value, int | Decimal):
            return (value, KEPT) if -_LARGEST < value < _LARGEST else (None, EMPTIED)
        return self._text(str(value), kind, key, name, content) if isinstance(value, str) else (None, EMPTIED)

    def _text(self, text: str, kind: str, key: str, name: str, content: Any) -> tuple[Any, str]:
        pseudonyms = self._asked.pseudonyms
        if name == "resourceType":
            return (text if text in _KINDS else None), KEPT
        if name in ("id", "fullUrl"):
            return self._pointer(text), PSEUDONYM
        if name == "value" and key == "identifier":
            return self._number(text, kind, content), PSEUDONYM
        if name == "lotNumber":
            return pseudonyms.number("lot", text), PSEUDONYM
        if name == "birthDate":
            return pseudonyms.birth_date(text, self._person, self._asked.today), MOVED
        if _TIME.fullmatch(text) and name != "code":
            return pseudonyms.time(text, self._person), MOVED
        if name in ("system", "url"):
            return system(text, self._asked.systems), KEPT
        if name in _SHORT_TEXTS and key not in ("dosageInstruction", "dosage", "answer", "item"):
            return self._scrubbed(text), SCRUBBED
        if name in _LONG_TEXTS or name in _SHORT_TEXTS:
            return (self._scrubbed(text) if self._asked.texts else ""), SCRUBBED
        if name == "unit":
            return (text if UNIT.fullmatch(text) and self._is_known(text) else ""), KEPT
        return (text if self._may_be_a_code(text) else ""), KEPT

    def _reference(self, content: Any) -> dict[str, Any]:
        """Return whom it points to, without what that is called."""
        written: dict[str, Any] = {"reference": self._pointer(str(content["reference"]))}
        self._counts.of["Reference", PSEUDONYM] += 1
        return written

    def _pointer(self, text: str) -> str:
        """Return an id, or a reference, by the pseudonym of the id."""
        if text.lower().startswith("urn:uuid:"):
            return f"urn:uuid:{self._asked.pseudonyms.number('person', text[9:])}"
        head, separator, number = text.partition("/_history/")[0].rpartition("/")
        mark = "#" if number.startswith("#") else ""
        kind = head.rpartition("/")[2]
        pseudonym = mark + self._asked.pseudonyms.number("person", number.removeprefix("#"))
        return f"{kind if kind in _KINDS else 'Basic'}/{pseudonym}" if separator else pseudonym

    def _number(self, text: str, kind: str, content: Any) -> str:
        codings = content.get("type", {}).get("coding", ()) if isinstance(content.get("type"), dict) else ()
        types = [str(each.get("code", "")).upper() for each in codings if isinstance(each, dict)]
        system = str(content.get("system", ""))
        if system.lower().endswith("/bsn") or any(is_bsn(system.rpartition(":")[2], each) for each in types or [""]):
            return self._asked.pseudonyms.citizen_number(valid_bsn(text)) if valid_bsn(text) else ""
        return self._asked.pseudonyms.number("person" if kind == "Patient" else "order", text)

    def _scrubbed(self, text: str) -> str:
        return self._asked.vocabulary.scrubbed(text, self._own)

    def _is_known(self, text: str) -> bool:
        words = re.findall(r"[^\W\d_]+", text)
        return plain(text) not in self._own and all(
            len(each) <= SHORT or each in self._asked.vocabulary for each in words
        )

    def _may_be_a_code(self, text: str) -> bool:
        is_state = _STATE.fullmatch(text) is not None and self._is_known(text)
        return plain(text) not in self._own and (is_code(text) or is_state)


_KINDS: Final = frozenset({*READERS, BUNDLE, MEDICATION})
