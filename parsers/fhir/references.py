"""References: whom a resource is about, whatever the order of lines and files.

A resource names its patient by the id that patient has at the server: `Patient/12`. That id is an identity of its own;
the Patient resource says which numbers of the hospital belong to it, as a merge does, so either may come first.
"""

import re
from collections.abc import Mapping

from clinical.events import Identifier
from parsers.defaults import Defaults
from parsers.fhir.elements import NOTHING, Json, numbered_by, part, parts, text
from parsers.hl7.identifiers import identity_first, is_bsn, make_identifier, valid_bsn

_VERSION = re.compile(r"/_history/[^/]*$")
_BSN_SYSTEMS = frozenset({"http://fhir.nl/fhir/NamingSystem/bsn", "urn:oid:2.16.840.1.113883.2.4.6.3"})
_BSN = "NLMINBIZA"


def target(reference: str) -> tuple[str, str]:
    """The kind and the id that a reference points to; a uuid names no kind."""
    plain = _VERSION.sub("", reference.strip())
    if plain.lower().startswith("urn:uuid:"):
        return "", plain[9:]
    kind, separator, number = plain.rpartition("/")
    return (kind.rpartition("/")[2], number) if separator else ("", plain)


def own_identity(kind_and_id: str, defaults: Defaults) -> Identifier:
    """The id a patient has at its server, as an identity."""
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
    """The numbers of a Patient resource that name the person, the identity first."""
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
    """Whether a number was sent as a BSN and is none; one that is masked was not sent."""
    told = (text(each, "value") for each in parts(patient, "identifier") if is_citizen_number(each))
    return any(value and not valid_bsn(value) for value in told)


def is_citizen_number(identifier: Json) -> bool:
    """Whether an identifier is meant as the citizen service number, by its system or its type."""
    system = text(identifier, "system")
    kinds = (text(each, "code").upper() for each in parts(part(identifier, "type"), "coding"))
    return system in _BSN_SYSTEMS or any(is_bsn(system, kind) for kind in kinds)


def authority_of(system: str, defaults: Defaults) -> str:
    """The authority that the hospital's messages write for an identifier system; an unknown one is kept as it is."""
    if system in _BSN_SYSTEMS:
        return _BSN
    return defaults.authorities.get(system) or system or defaults.authority
