"""HL7's names of fields and components, from hl7apy's tables, compiled per version at first use."""

import importlib
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from hl7apy import SUPPORTED_LIBRARIES

_LATEST_FIRST = tuple(sorted(SUPPORTED_LIBRARIES, key=lambda version: [*map(int, version.split("."))], reverse=True))
_USUAL = "2.5"
_SMALL = frozenset({"of", "the", "and", "to", "for", "or", "in", "on", "by", "with", "from", "at"})
_ACRONYMS = frozenset({"id", "ssn", "er", "dna", "drg", "poa", "uid", "dob", "udi", "rx", "nte", "hl7", "hcd", "ndc"})
_PATH = re.compile(r"([A-Z][A-Z0-9]{2})(?:\[\d+\])?-(\d+)(?:\(\d+\))?(?:\.(\d+))?")


def field_name(segment: str, field: int, version: str = "") -> str:
    """`field_name("PRB", 3, "2.5")` is "Problem ID"; "" for a field no version has."""
    found = (_fields(candidate).get((segment, field)) for candidate in _candidates(version))
    return next((name for name in found if name), "")


def component_name(segment: str, field: int, component: int, version: str = "") -> str:
    """`component_name("PID", 3, 4, "2.5")` is "Assigning Authority"; "" for a component no version has."""
    for candidate in _candidates(version):
        found = _components(candidate).get((segment, field), ())
        if 0 < component <= len(found):
            return found[component - 1]
    return ""


def name_of(path: str, version: str = "") -> str:
    """`name_of("PID[1]-3(2).4")` is "Patient Identifier List, Assigning Authority"; "" for what is no such path."""
    found = _PATH.fullmatch(path)
    if found is None:
        return ""
    name = field_name(found[1], int(found[2]), version)
    part = component_name(found[1], int(found[2]), int(found[3]), version) if found[3] else ""
    return f"{name}, {part}" if name and part else name


def is_in_version(segment: str, field: int, version: str) -> bool:
    """Return whether this version's own table has the field."""
    return version in SUPPORTED_LIBRARIES and (segment, field) in _fields(version)


def _candidates(version: str) -> tuple[str, ...]:
    """Return the version itself, the usual one, then the latest: senders use newer fields under an older MSH-12."""
    first = (version,) if version in SUPPORTED_LIBRARIES else ()
    return tuple(dict.fromkeys((*first, _USUAL, *_LATEST_FIRST)))


@cache
def _table(version: str) -> Mapping[str, Any]:
    module = importlib.import_module(f"{SUPPORTED_LIBRARIES[version]}.fields")
    fields: Mapping[str, Any] = module.FIELDS
    return fields


@cache
def _fields(version: str) -> Mapping[tuple[str, int], str]:
    return {
        _place(name): _spoken(entry[3]).removesuffix(f" {name[:3]}")  # "Diagnosis Code DG1"
        for name, entry in _table(version).items()
        if _is_place(name)
    }


@cache
def _components(version: str) -> Mapping[tuple[str, int], tuple[str, ...]]:
    return {
        _place(name): tuple(_spoken(part[1][3]) for part in _parts(entry))
        for name, entry in _table(version).items()
        if _is_place(name)
    }


def _parts(entry: Any) -> tuple[Any, ...]:
    """Return the components of a field; a field of one part, or of a part that varies, has none."""
    return entry[1] if isinstance(entry[1], tuple) and isinstance(entry[1][0], tuple) else ()


def _is_place(name: str) -> bool:
    return name[3:4] == "_" and name[4:].isdigit()


def _place(name: str) -> tuple[str, int]:
    return name[:3], int(name[4:])


def _spoken(name: str) -> str:
    """`DATE_TIME_OF_THE_OBSERVATION` → "Date/Time of the Observation"."""
    words = [_word(word) for word in name.split("_") if word]
    if words and words[0] in _SMALL:
        words[0] = words[0].capitalize()
    return " ".join(words).replace("Date Time", "Date/Time")


def _word(word: str) -> str:
    lower = word.lower()
    if lower in _ACRONYMS or any(character.isdigit() for character in lower):
        return word.upper()
    return lower if lower in _SMALL else lower.capitalize()
