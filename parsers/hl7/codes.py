"""Coded fields: a CE or CWE says one thing in up to three code systems, and in words."""

from collections.abc import Mapping
from functools import lru_cache

from clinical.events import Coding
from parsers.defaults import Defaults
from parsers.hl7.code_systems import system_named
from parsers.hl7.segments import Segment

_TRIPLETS = (0, 3, 9)  # where a triplet begins; the third is CWE's of 2.7
_ORIGINAL_TEXT = 8  # CWE-9


def read_codings(segment: Segment, field: int, defaults: Defaults, repetition: int = 1) -> tuple[Coding, ...]:
    """Every code of one repetition with its system, in the order sent; words without a code are not a coding."""
    parts = segment.components(field, repetition)
    if defaults.code_systems:
        return _codings(parts, defaults.code_systems)
    return _standard_codings(parts)


@lru_cache(maxsize=2048)  # a laboratory sends the same hundred tests all day
def _standard_codings(parts: tuple[str, ...]) -> tuple[Coding, ...]:
    return _codings(parts, {})


def _codings(parts: tuple[str, ...], of_feed: Mapping[str, str]) -> tuple[Coding, ...]:
    codings: list[Coding] = []
    for start in _TRIPLETS:
        code = parts[start].strip() if start < len(parts) else ""
        if not code:
            continue
        display = parts[start + 1].strip() if start + 1 < len(parts) else ""
        system = system_named(parts[start + 2], of_feed) if start + 2 < len(parts) else ""
        coding = Coding(system=system, code=code, display=display)
        if coding not in codings:
            codings.append(coding)
    return tuple(codings)


def read_coded(segment: Segment, field: int, defaults: Defaults) -> tuple[tuple[Coding, ...], str]:
    """The codes of the first repetition, and everything it says in words."""
    parts = segment.components(field)
    codings = _codings(parts, defaults.code_systems) if defaults.code_systems else _standard_codings(parts)
    return codings, _words(parts)


def read_diagnosed(segment: Segment, defaults: Defaults) -> tuple[Coding, ...]:
    """The codes of DG1-3 or PR1-3, whose system older senders put in the field before it."""
    codings = read_codings(segment, 3, defaults)
    if codings and not codings[0].system and segment.text(2):
        system = system_named(segment.text(2), defaults.code_systems)
        return (Coding(system=system, code=codings[0].code, display=codings[0].display), *codings[1:])
    return codings


def read_all_codings(segment: Segment, field: int, defaults: Defaults) -> tuple[Coding, ...]:
    """The codes of every repetition."""
    found: list[Coding] = []
    for repetition in range(1, segment.repetitions(field) + 1):
        found.extend(coding for coding in read_codings(segment, field, defaults, repetition) if coding not in found)
    return tuple(found)


def read_words(segment: Segment, field: int, repetition: int = 1) -> str:
    """Everything the field says in words, each once: the displays, the original text, else the bare code."""
    return _words(segment.components(field, repetition))


@lru_cache(maxsize=2048)
def _words(parts: tuple[str, ...]) -> str:
    words: list[str] = []
    for index in (*(start + 1 for start in _TRIPLETS), _ORIGINAL_TEXT):
        word = parts[index].strip() if index < len(parts) else ""
        if word and word not in words:
            words.append(word)
    has_system = len(parts) > 2 and bool(parts[2].strip())
    if not words and parts and not has_system:
        words = [parts[0].strip()]
    return "; ".join(words)
