"""The identity of a patient: numbers, name, and which identities are one person.

Pure, so rows and a dry run are treated alike.

A statement is what a message says about two identities; the latest holds. An identity points to the survivor in the
latest of its statements that was not undone. Identities with the same final survivor are one person.
"""

import re
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar

from clinical.values import Value
from clinical.versions import BESIDE, SPELLED

Key = TypeVar("Key", bound=Hashable)
Name = tuple[str, str]  # of an identity: authority, value

CITIZEN_NUMBERS = "NLMINBIZA"  # the authority that gives them out

_WEIGHTS = (9, 8, 7, 6, 5, 4, 3, 2, -1)  # of the eleven-test
_DOT = "•"
_SHOWN = 3
_NUMBER = re.compile(r"(?<!\d)\d(?:[ .-]?\d){7,8}(?!\d)")  # begins with a digit, so that a long text costs little
_WRITTEN = re.compile(r"\d{9}|\d{4}([ .-])\d{2}\1\d{3}|\d{3}([ .])\d{3}\2\d{3}")
_CALLED = re.compile(
    r"\b(?:bsn|burgerservicenummer|sofi-?n(?:umme)?r|citizen service number)"
    r"(?:[\s.-]{0,2}(?:nummer|number|nr|no))?\W{0,4}$",
    re.IGNORECASE,
)
_NAMED = re.compile("bsn|burgerservice|sofi|citizen", re.IGNORECASE)
_BEFORE, _AFTER = re.compile(r"[\w.,/-]$"), re.compile(r"[\w/]|[.,-]\d")  # it is part of something longer
_NAME_WITHIN = 40  # characters before a number


@lru_cache(maxsize=4096)
def passes_eleven_test(digits: str) -> bool:
    """Return whether nine digits can be a citizen service number: one of eleven numbers can."""
    if len(digits) != len(_WEIGHTS) or not (digits.isdecimal() and digits.isascii() and int(digits)):
        return False
    return sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=True)) % 11 == 0


def mask(number: str) -> str:
    """Hide all of a number but its end."""
    hidden = max(len(number) - _SHOWN, 0)
    return _DOT * hidden + number[hidden:]


def without_citizen_numbers(text: str, codes: Collection[str] = ()) -> str:
    """Hide each citizen service number that somebody typed: what is called one, or could be one and is not a code.

    Nine digits that stand alone, or are written as 9999.00.018 or 999 900 018, and pass the eleven-test can be one.
    """
    if _NUMBER.search(text) is None:
        return text
    names_one = _NAMED.search(text) is not None  # asked once: a long text may hold thousands of dates
    return _NUMBER.sub(lambda found: mask(found[0]) if _is_meant(found, codes, names_one) else found[0], text)


def _is_meant(found: re.Match[str], codes: Collection[str], names_one: bool) -> bool:
    text, number, start = found.string, found[0], found.start()
    if names_one and _CALLED.search(text[max(start - _NAME_WITHIN, 0) : start]):
        return True
    if number in codes or _WRITTEN.fullmatch(number) is None:
        return False
    is_alone = not _BEFORE.search(text[max(start - 1, 0) : start]) and not _AFTER.match(text, found.end())
    return is_alone and passes_eleven_test(re.sub(r"\D", "", number))


class Identifier(Value, frozen=True, kw_only=True):
    """A patient number: CX-1 with its authority (CX-4.1, else 4.2, else the feed's default) and type (CX-5)."""

    authority: str
    value: str
    type: str = ""


class PersonName(Value, frozen=True, kw_only=True):
    """A person's name for display."""

    family: str = ""
    given: str = ""


@dataclass(frozen=True, slots=True)
class MergeStatement(Generic[Key]):
    """One identity was merged into another, or no longer is."""

    retired: Key
    survivor: Key
    version: str
    undone: bool = False


@dataclass(frozen=True, slots=True)
class Pointer(Generic[Key]):
    """Where an identity leads, and the version that says so: "" when a citizen number does."""

    target: Key
    version: str = ""


@dataclass(frozen=True, slots=True)
class Person(Generic[Key]):
    """Identities that are one person; the root is the one the others lead to."""

    root: Key
    members: frozenset[Key]
    in_circle: bool = False  # merges that lead back to where they began: somebody must look at them


def latest(statements: Iterable[MergeStatement[Key]]) -> dict[tuple[Key, Key], MergeStatement[Key]]:
    """Return the latest statement about each pair. An identity merged with itself says nothing."""
    held: dict[tuple[Key, Key], MergeStatement[Key]] = {}
    for statement in statements:
        pair = statement.retired, statement.survivor
        if statement.retired != statement.survivor and (pair not in held or held[pair].version < statement.version):
            held[pair] = statement
    return held


def pointers(statements: Iterable[MergeStatement[Key]], names: Mapping[Key, object]) -> dict[Key, Pointer[Key]]:
    """Return where each retired identity leads; if one message makes two statements, the greater name decides."""
    found: dict[Key, Pointer[Key]] = {}
    for statement in latest(statements).values():
        if statement.undone:
            continue
        known = found.get(statement.retired)
        if known is None or _rank(known, names) < (statement.version, names[statement.survivor]):
            found[statement.retired] = Pointer(statement.survivor, statement.version)
    return found


def _rank(pointer: Pointer[Key], names: Mapping[Key, object]) -> tuple[str, object]:
    return pointer.version, names[pointer.target]


def people_of(
    keys: Iterable[Key], pointing: Mapping[Key, Pointer[Key]], names: Mapping[Key, object]
) -> list[Person[Key]]:
    """Return the people behind these identities, ordered by root; `keys` must hold every identity they lead to."""
    members: dict[Key, set[Key]] = {}
    circles: dict[Key, frozenset[Key]] = {}
    for start in keys:
        end, circle = _follow(pointing, start)
        if circle:
            end = max((pointing[key] for key in circle), key=lambda pointer: _rank(pointer, names)).target
            # Two numbers in one message are in no order.
            if all(pointing[key].version not in (SPELLED, BESIDE) for key in circle):
                circles[end] = circle
        members.setdefault(end, set()).add(start)
    found = [Person(end, frozenset(same), end in circles) for end, same in members.items()]
    return sorted(found, key=lambda person: names[person.root])  # type: ignore[arg-type,return-value]  # names of one kind


def _follow(pointing: Mapping[Key, Pointer[Key]], start: Key) -> tuple[Key, frozenset[Key]]:
    """Return where a chain ends; for a circle, where its latest merge leads, and the circle itself."""
    path = [start]
    while (pointer := pointing.get(path[-1])) is not None:
        if pointer.target in path:
            return pointer.target, frozenset(path[path.index(pointer.target) :])
        path.append(pointer.target)
    return path[-1], frozenset()


def is_contradicted(person: Person[Key], statements: Iterable[MergeStatement[Key]]) -> bool:
    """Return whether a later statement says that two of these are not the same person."""
    held = latest(statements)
    for (one, other), statement in held.items():
        back = held.get((other, one))
        if statement.undone and {one, other} <= person.members and (back is None or back.undone):
            return True
    return False


def are_two_people(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether the demographics of two identities are those of two people.

    Another day of birth and another family name, and another sex or first letter of the given name, all of them known:
    parting one person hides her history, so a typing error must not do it.
    """
    names = ("birth_date", "family", "sex", "given")
    born, family, sex, given = (
        bool(one.get(name) and other.get(name)) and str(one[name]).casefold() != str(other[name]).casefold()
        for name in names
    )
    is_other_sex = sex and {one["sex"], other["sex"]} == {"F", "M"}
    is_other_given = given and str(one["given"])[:1].casefold() != str(other["given"])[:1].casefold()
    return born and family and (is_other_sex or is_other_given)


def is_citizen_number(name: Name) -> bool:
    """Return whether this is a citizen number (BSN), an identity of its own where a message gives nothing else."""
    return name[0] == CITIZEN_NUMBERS


def carrier(
    number: Key, carriers: Iterable[Key], pointing: Mapping[Key, Pointer[Key]], names: Mapping[Key, object]
) -> Key | None:
    """Return where a number that is an identity of its own leads: the only person who carries it, by the least name.

    If several people carry it, it leads nowhere. A patient who was merged into the number is not one of them.
    """
    without = {key: pointer for key, pointer in pointing.items() if key != number}
    people = [person for person in people_of(carriers, without, names) if person.root != number]
    return min(people[0].members, key=lambda key: names[key]) if len(people) == 1 else None  # type: ignore[arg-type,return-value]  # names of one kind


def with_carried(
    numbers: Mapping[Key, Collection[Key]], reported: Mapping[Key, Pointer[Key]], names: Mapping[Key, object]
) -> dict[Key, Pointer[Key]]:
    """Return where every identity leads once these numbers lead to the people who carry them.

    Where one number leads may decide where the next one leads. So only reported merges are taken as given, and
    the numbers are tried in order until nothing changes: the result does not depend on the order of arrival.
    """
    leading = dict(reported)
    left = sorted((number for number in numbers if number not in reported), key=lambda key: names[key])  # type: ignore[arg-type,return-value]  # names of one kind
    while left:
        found = ((number, carrier(number, numbers[number], leading, names)) for number in left)
        number, target = next((pair for pair in found if pair[1] is not None), (None, None))
        if number is None or target is None:
            break
        leading[number] = Pointer(target)
        left.remove(number)
    return leading
