"""Allergies, and the contra-indication flags that Dutch systems send in the same segments: AL1 and IAM."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from clinical.codes import Coding
from clinical.events import Allergy, Condition, Header
from clinical.identities import Identifier
from parsers.chart.condition_words import STATUS_WORDS, THROMBOSIS
from parsers.chart.patients import event_time
from parsers.chart.reasons import names_thrombosis
from parsers.defaults import Defaults
from parsers.hl7.codes import read_codings, read_words
from parsers.hl7.identifiers import entity_key, joined, natural_key
from parsers.hl7.segments import Message, Segment
from parsers.hl7.times import moment
from parsers.medication.immunoglobulins import looks_like_immunoglobulin

STATED_AS_REACTION = "stated_as_reaction"  # flag: an allergy list gives it as the reaction to a medicine
_FLAG_TYPE = re.compile(r"^(?:CI|CIND|CONTRA.*)$|contra-?\s?indicati", re.IGNORECASE)
_FLAG_SYSTEMS = frozenset({"GS40", "ICD10", "ICD10CM", "ICPC", "DHD"})  # these name conditions, never an allergen
_NONE_KNOWN = re.compile(
    r"^\W*(?:geen\b.*|niet bekend|onbekend|no known.*|nkd?a|none|unknown|n\.?v\.?t\.?)\W*$", re.IGNORECASE
)
_NONE_KNOWN_CODES = frozenset({"716186003", "409137002", "716184000", "716185004", "160244002"})  # SNOMED
_ERROR = STATUS_WORDS[0][1]


def read_allergies(
    message: Message,
    patient: tuple[Identifier, ...],
    header: Header,
    segments: Sequence[Segment],
    defaults: Defaults,
) -> list[Allergy | Condition]:
    """Return every AL1 and IAM of one patient, as an allergy or a contra-indication; "none known" is neither."""
    return list(_read(message, patient, header, segments, defaults))


def _read(
    message: Message,
    patient: tuple[Identifier, ...],
    header: Header,
    segments: Sequence[Segment],
    defaults: Defaults,
) -> Iterator[Allergy | Condition]:
    at = event_time(message, defaults)
    for segment, notes in _with_notes(segments):
        codings = read_codings(segment, 3, defaults)
        text = read_words(segment, 3)
        if (not codings and not text) or says_none(codings, text):
            continue
        if _is_flag(segment, codings):
            yield _flag(segment, patient, header, at, codings, text, defaults)
        else:
            yield from _reactions(segment, notes, patient, header, at, defaults)
            yield Allergy(
                patient=patient,
                path=segment.path(3),
                at=at,
                key=_key("allergy", segment, header, codings, text),
                action="delete" if _is_deleted(segment) else "assert",
                codings=codings,
                text=text,
            )


def _with_notes(segments: Sequence[Segment]) -> Iterator[tuple[Segment, list[Segment]]]:
    """Each AL1 and IAM with the notes that stand behind it, which the standard has no place for."""
    owner: tuple[Segment, list[Segment]] | None = None
    for segment in segments:
        if segment.name == "NTE" and owner is not None:
            owner[1].append(segment)
            continue
        if owner is not None:
            yield owner
        owner = (segment, []) if segment.name in ("AL1", "IAM") else None
    if owner is not None:
        yield owner


def _flag(
    segment: Segment,
    patient: tuple[Identifier, ...],
    header: Header,
    at: datetime | None,
    codings: tuple[Coding, ...],
    text: str,
    defaults: Defaults,
) -> Condition:
    return Condition(
        patient=patient,
        path=segment.path(3),
        at=at,
        key=_key("flag", segment, header, codings, text),
        category="flag",
        action="delete" if _is_deleted(segment) else "assert",
        codings=codings,
        text=text,
        onset=moment(segment.text(11 if segment.name == "IAM" else 6), defaults.zone),
    )


def _reactions(
    segment: Segment,
    notes: Sequence[Segment],
    patient: tuple[Identifier, ...],
    header: Header,
    at: datetime | None,
    defaults: Defaults,
) -> Iterator[Condition]:
    """Yield a thrombosis that a medicine gave: in AL1-5 or IAM-5, in the words of the allergen itself, or in a note."""
    codings, allergen = read_codings(segment, 3, defaults), read_words(segment, 3)
    for path, coded, words in _reactions_named(segment, notes, allergen, defaults):
        reaction = reaction_of(codings, allergen, coded, words)
        if reaction is not None:
            yield msgspec.structs.replace(
                reaction,
                patient=patient,
                path=path,
                at=at,
                key=f"{_key('reaction', segment, header, codings, allergen)}:{' '.join(words.lower().split())[:100]}",
                action="delete" if _is_deleted(segment) else "assert",
                onset=moment(segment.text(11 if segment.name == "IAM" else 6), defaults.zone),
            )


def _reactions_named(
    segment: Segment, notes: Sequence[Segment], allergen: str, defaults: Defaults
) -> Iterator[tuple[str, tuple[Coding, ...], str]]:
    """Where a reaction stands, with its codes and its words."""
    for repetition in range(1, segment.repetitions(5) + 1):
        yield segment.path(5), read_codings(segment, 5, defaults, repetition), read_words(segment, 5, repetition)
    if segment.name == "IAM" and segment.raw(8):  # the reason of the entry
        yield segment.path(8), (), segment.whole(8)
    if THROMBOSIS.search(allergen):
        yield segment.path(3), (), allergen
    for note in notes:
        yield note.path(3), (), note.whole(3)


def reaction_of(
    allergen: tuple[Coding, ...], allergen_words: str, codings: tuple[Coding, ...], words: str
) -> Condition | None:
    """Return a thrombosis that a medicine gave, as a diagnosis; None for any other reaction.

    A reaction attributed to another medicine than immunoglobulin is only a hint.
    """
    named = joined(words, *(coding.display for coding in codings))
    is_by_immunoglobulin = looks_like_immunoglobulin(allergen, allergen_words)
    if not THROMBOSIS.search(named) and not any(names_thrombosis(each) for each in codings):
        return None
    return Condition(
        patient=(),
        path="",
        flags=(STATED_AS_REACTION,),
        key="",
        category="diagnosis",
        codings=tuple(coding for coding in codings if coding.system),
        text=named,
        certainty="confirmed" if is_by_immunoglobulin else "suspected",
    )


def _key(kind: str, segment: Segment, header: Header, codings: tuple[Coding, ...], text: str) -> str:
    own = entity_key(kind, segment, 7, header) if segment.name == "IAM" else ""
    return own or natural_key(kind, codings, text, "")


def says_none(codings: tuple[Coding, ...], text: str) -> bool:
    """Return whether this says that there is no allergy."""
    return bool(_NONE_KNOWN.match(text)) or any(coding.code in _NONE_KNOWN_CODES for coding in codings)


def _is_flag(segment: Segment, codings: tuple[Coding, ...]) -> bool:
    kinds = (segment.text(2, 1).strip(), segment.text(2, 2).strip())
    return any(_FLAG_TYPE.search(kind) for kind in kinds) or any(each.system in _FLAG_SYSTEMS for each in codings)


def _is_deleted(segment: Segment) -> bool:
    """IAM-6 asks for it, or IAM-17 calls the entry an error."""
    if segment.name != "IAM":
        return False
    status = segment.text(17, 1) + " " + segment.text(17, 2)
    return segment.text(6).strip().upper() == "D" or bool(_ERROR.search(status))
