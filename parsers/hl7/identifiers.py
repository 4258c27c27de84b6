"""Patient identifiers, and the natural keys by which a repeated entry is recognised."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from clinical.codes import Coding
from clinical.events import Header
from clinical.identities import Identifier, passes_eleven_test
from parsers.defaults import Defaults
from parsers.hl7.segments import NULL, Message, Segment

_BSN_AUTHORITIES = ("NLMINBIZA", "2.16.840.1.113883.2.4.6.3", "BSN")
_BSN = "NNNLD"
_RECORD_TYPES = ("MR", "PI")
_WEAKER_TYPES = ("PT", "MRT", "EI", "")
_NATIONAL_TYPES = ("NI", "SS", "PPN", "NH", "HC", "JHN")  # and NN with a country: NNNLD, NNBEL
# Not of a person: a visit, account, order, specimen, an insurance shared by a family, a practitioner.
_NOT_A_PERSON_TYPES = (
    "VN VI AN ANON ANC ANT AM AMA BA BC BR BRN ACSN FILL PLAC PNT SNO SID MC MA MCN MCR NII NIIP PHC WC WCN EN DN DR"
    " NPI UPIN GI GN LR RI RRI SL TAX XX XV FI CAII CC"
)
_NOT_A_PERSON = frozenset(_NOT_A_PERSON_TYPES.split())
_MOTHER = 21  # PID-21
_OID = "URN:OID:"  # before an object identifier, in FHIR and in messages made from it
_PLACEHOLDERS = frozenset({"0", "1234567890", "UNKNOWN", "ONBEKEND", "NONE", "NULL", "N/A", "TEST", "-", "."})


def read_identifiers(segment: Segment, fields: tuple[int, ...], defaults: Defaults) -> tuple[Identifier, ...]:
    """Return the numbers of the first field that has any, the identity first; a BSN is it only when alone."""
    for field in fields:
        if found := identity_first(_read_field(segment, field, defaults), defaults):
            return found
    return ()


def _read_field(segment: Segment, field: int, defaults: Defaults) -> Iterator[Identifier]:
    for repetition in range(1, segment.repetitions(field) + 1):
        value = segment.text(field, 1, repetition=repetition).strip()
        kind = segment.text(field, 5, repetition=repetition).strip().upper()
        authority = (
            segment.text(field, 4, 1, repetition).strip()
            or segment.text(field, 4, 2, repetition).strip()
            or defaults.authority
        )
        made = make_identifier(authority, value, kind)
        if made is not None:
            yield made


def usual_spelling(identifier: Identifier, defaults: Defaults) -> Identifier:
    """Return the same number as every feed would write it.

    The authority in capitals without `urn:oid:`, or as the site file has it, and the number without noughts before it;
    without its check digit where the feed is known to write one.
    """
    known = {name.upper().removeprefix(_OID): name for name in (*defaults.mrn_authorities, defaults.authority)}
    named = defaults.authorities.get(identifier.authority, identifier.authority).upper().removeprefix(_OID)
    authority = known.get(named, named)
    value = identifier.value
    if value.isdecimal():
        value = value[:-1] if defaults.check_digits and len(value) > _SHORTEST_WITH_CHECK else value
        value = (value.lstrip("0") or value) if defaults.padded_numbers else value
    return Identifier(authority=authority, value=value, type=identifier.type)


def other_spellings(segment: Segment, field: int, defaults: Defaults, identity: Identifier) -> tuple[Identifier, ...]:
    """Return the other ways in which this field writes the identity, also by an object identifier."""
    usual = usual_spelling(identity, defaults)
    if identity == usual and "&" not in segment.raw(field):
        return ()
    if is_national(identity):
        return ()
    found = [identity]
    for repetition in range(1, segment.repetitions(field) + 1):
        universal = segment.text(field, 4, 2, repetition).strip()
        if not universal:
            continue
        value = segment.text(field, 1, repetition=repetition).strip()
        name = segment.text(field, 4, 1, repetition).strip()
        if name == identity.authority and value == identity.value:
            written = Identifier(authority=universal, value=value, type=identity.type)
            found += [written, usual_spelling(written, defaults)]
    names = {(usual.authority, usual.value)}
    return tuple(dict.fromkeys(each for each in found if (each.authority, each.value) not in names))


def numbers_beside(pid: Segment, patient: Sequence[Identifier], defaults: Defaults) -> Iterator[Identifier]:
    """Yield the other record numbers of the patient by the same authority, as sent; not that of the mother (PID-21).

    `1^^^ZKHA^PI~2^^^ZKHA^PI`: the first is the identity, and what is known under the second is hers too.
    """
    usual = usual_spelling(patient[0], defaults)
    if usual.type not in _RECORD_TYPES or not usual.authority:
        return
    of_mother = {value.strip() for value in pid.texts(_MOTHER)}
    for each in patient[1:]:
        other = usual_spelling(each, defaults)
        is_alike = (other.authority, other.type) == (usual.authority, usual.type)
        if is_alike and other.value != usual.value and each.value not in of_mother:
            yield each


_SHORTEST_WITH_CHECK = 3


def make_identifier(authority: str, value: str, kind: str) -> Identifier | None:
    """Return a number that names a person; None for a visit, a placeholder, or a BSN that is none."""
    if not value or value == NULL or kind in _NOT_A_PERSON or kind.startswith("ANON-") or _is_placeholder(value):
        return None
    if is_bsn(authority, kind):
        number = valid_bsn(value)
        return Identifier(authority="NLMINBIZA", value=number, type=_BSN) if number else None
    return Identifier(authority=authority, value=value, type=kind)


def identity_first(found: Iterable[Identifier], defaults: Defaults) -> tuple[Identifier, ...]:
    """Return the same numbers, each once, the identity first."""
    return tuple(sorted(dict.fromkeys(found), key=lambda each: _rank(each, defaults)))


def _is_placeholder(value: str) -> bool:
    """Return whether it is a filler for a missing number, which would merge many people into one."""
    return value.upper() in _PLACEHOLDERS or not value.strip("0-. ") or (len(value) > 5 and not value.strip("9"))


def is_bsn(authority: str, kind: str) -> bool:
    """Return whether a number is meant as the citizen service number (6.1 of the interface)."""
    return kind == _BSN or authority.upper() in _BSN_AUTHORITIES


def numbers_given_by(message: Message, authorities: Collection[str]) -> frozenset[str]:
    """Return the numbers of eight or nine digits that one of these gave, or has as their type, as they were written."""
    names = frozenset(name.upper() for name in authorities)
    return frozenset(
        number
        for segment in message.segments
        if _holds(segment.line, names)
        for field in range(1, segment.size + 1)
        if _holds(segment.raw(field), names)
        for repetition in range(1, segment.repetitions(field) + 1)
        if _has_digits_of_bsn(number := segment.text(field, repetition=repetition).strip())
        and not names.isdisjoint(_leaves(segment, field, repetition))
    )


def _has_digits_of_bsn(text: str) -> bool:
    digits = text.replace(".", "").replace(" ", "")
    return len(digits) in (8, 9) and digits.isdecimal()


def _holds(text: str, names: Collection[str]) -> bool:
    upper = text.upper()
    return any(name in upper for name in names)


def _leaves(segment: Segment, field: int, repetition: int) -> Iterator[str]:
    """Yield every text of one repetition, in capitals; of an authority its name, its universal id and its kind."""
    for component in range(2, len(segment.components(field, repetition)) + 1):
        for subcomponent in (1, 2, 3):
            yield segment.text(field, component, subcomponent, repetition).strip().upper()


def valid_bsn(value: str) -> str:
    """Return the nine digits when they pass the eleven-test, else nothing."""
    digits = value.replace(".", "").replace(" ", "").zfill(9)
    return digits if passes_eleven_test(digits) else ""


def has_invalid_bsn(segment: Segment, field: int) -> bool:
    """Return whether a number was sent as a BSN and is none."""
    for repetition in range(1, segment.repetitions(field) + 1):
        value = segment.text(field, 1, repetition=repetition).strip()
        authority = segment.text(field, 4, 1, repetition) or segment.text(field, 4, 2, repetition)
        kind = segment.text(field, 5, repetition=repetition).strip().upper()
        if value and is_bsn(authority.strip(), kind) and not kind.startswith("ANON-") and not valid_bsn(value):
            return True
    return False


def _rank(identifier: Identifier, defaults: Defaults) -> tuple[int, int]:
    preferred = defaults.mrn_authorities
    if identifier.authority in preferred:
        return 0, preferred.index(identifier.authority)
    if identifier.type in _RECORD_TYPES:
        return 1, 0
    if identifier.type in _WEAKER_TYPES:
        return 2, 0
    return (4 if is_national(identifier) else 3), 0


def is_national(identifier: Identifier) -> bool:
    """Return whether a country or an insurer gave it: a number of the person, that no hospital can retire."""
    return identifier.type in _NATIONAL_TYPES or identifier.type.startswith("NN")


def entity_key(kind: str, segment: Segment, field: int, header: Header) -> str:
    """Return the sender's own number for it (EI: id, namespace, universal id), or "" when it sends none."""
    number = segment.text(field, 1).strip()
    if not number:
        return ""
    space = segment.text(field, 2).strip() or segment.text(field, 3).strip() or header.sending_application
    return f"{kind}:{space}|{number}"


def natural_key(kind: str, codings: Sequence[Coding], text: str, written: str) -> str:
    """Code and day, for a sender that numbers nothing; the words when there is no code."""
    day = written.strip().replace("-", "")[:8]
    if codings:
        return f"{kind}:{codings[0].system}:{codings[0].code.replace('.', '').upper()}:{day}"
    return f"{kind}::{' '.join(text.lower().split())[:200]}:{day}"


def joined(*texts: str) -> str:
    """Return the texts that say something, each once."""
    return "; ".join(dict.fromkeys(stripped for text in texts if (stripped := text.strip())))
