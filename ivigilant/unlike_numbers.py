"""Suggestions for feeds that write the same patient number in different ways."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from store.patients import NamesakeClues

LOOKED_AT = 50_000  # the newest patients
_SEEN_BY_CHANCE = 2  # pairs whose numbers differ by a last digit: fewer may be twins


def suggestions(patients: Iterable[NamesakeClues]) -> Iterator[str]:
    """Return what to put in the site file, found from patients of one name and birth date, without naming them."""
    people: dict[tuple[str, str], list[NamesakeClues]] = defaultdict(list)
    for patient in patients:
        if patient.family and patient.birth_date and not patient.leads_elsewhere:
            people[patient.family.casefold(), patient.birth_date].append(patient)
    same_number, last_digit = Counter[tuple[str, str]](), Counter[str]()
    for group in people.values():
        for one, other in _pairs(group):
            if one.authority != other.authority and one.value == other.value:
                same_number[min(one.authority, other.authority), max(one.authority, other.authority)] += 1
            elif one.authority == other.authority and _is_one_digit_longer(one.value, other.value):
                last_digit[one.authority] += 1
    for (one_name, other_name), count in sorted(same_number.items()):
        yield (
            f"{count} patients have one number, name and birth date under {one_name} and {other_name}: "
            f"if these are one authority, set authorities: {{{one_name}: {other_name}}}"
        )
    for authority, count in sorted(last_digit.items()):
        if count > _SEEN_BY_CHANCE:
            yield (
                f"{count} patients have numbers of {authority} that differ in the last digit only: "
                "if it is a check digit, set check_digits: true for the feed that sends it"
            )


def _pairs(group: list[NamesakeClues]) -> Iterator[tuple[NamesakeClues, NamesakeClues]]:
    for place, one in enumerate(group):
        for other in group[place + 1 :]:
            yield one, other


def _is_one_digit_longer(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return longer.isdecimal() and len(longer) == len(shorter) + 1 and longer.startswith(shorter)
