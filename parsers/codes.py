"""Coded fields: a CE or CWE says one thing in up to three code systems, and in words."""

from functools import lru_cache

from parsers.code_systems import system_named
from parsers.defaults import Defaults
from parsers.events import Coding
from parsers.segments import Segment

_TRIPLETS = (0, 3, 9)  # where a triplet begins; the third is CWE's of 2.7
_ORIGINAL_TEXT = 8  # CWE-9


def read_codings(segment: Segment, field: int, defaults: Defaults, repetition: int = 1) -> tuple[Coding, ...]:
    """Every code of one repetition with its system, in the order sent; words without a code are not a coding."""
    parts = segment.components(field, repetition)
    codings: list[Coding] = []
    for start in _TRIPLETS:
        code = parts[start].strip() if start < len(parts) else ""
        if not code:
            continue
        display = parts[start + 1].strip() if start + 1 < len(parts) else ""
        system = named_system(parts[start + 2] if start + 2 < len(parts) else "", defaults)
        coding = Coding(system=system, code=code, display=display)
        if coding not in codings:
            codings.append(coding)
    return tuple(codings)


def read_diagnosed(segment: Segment, defaults: Defaults) -> tuple[Coding, ...]:
    """The codes of DG1-3 or PR1-3, whose system older senders put in the field before it."""
    codings = read_codings(segment, 3, defaults)
    if codings and not codings[0].system and segment.text(2):
        system = named_system(segment.text(2), defaults)
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
    parts = segment.components(field, repetition)
    words: list[str] = []
    for index in (*(start + 1 for start in _TRIPLETS), _ORIGINAL_TEXT):
        word = parts[index].strip() if index < len(parts) else ""
        if word and word not in words:
            words.append(word)
    if not words and parts and not _hasnamed_system(parts):
        words = [parts[0].strip()]
    return "; ".join(words)


def _hasnamed_system(parts: tuple[str, ...]) -> bool:
    return len(parts) > 2 and bool(parts[2].strip())


def named_system(name: str, defaults: Defaults) -> str:
    """What we call the system that the sender calls so; "" stays empty."""
    if not name:
        return ""
    if defaults.code_systems:
        return system_named(name, defaults.code_systems)
    return _standard(name)


@lru_cache(maxsize=1024)
def _standard(name: str) -> str:
    return system_named(name)
