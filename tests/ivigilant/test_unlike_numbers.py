"""Doctor tells of feeds that write the numbers of their patients in different ways."""

from ivigilant.checkup import suggestions
from store.patients import NamesakeClues


def known(authority: str, value: str, family: str = "Jansen", *, merged: bool = False) -> NamesakeClues:
    return NamesakeClues(authority, value, family, "1950-01-01", leads_elsewhere=merged)


def test_one_number_under_two_authorities_is_told() -> None:
    (told,) = suggestions([known("ZKHA", "1001"), known("2.16.528.1", "1001")])

    assert "authorities: {2.16.528.1: ZKHA}" in told
    assert "Jansen" not in told


def test_a_last_digit_is_told_when_it_is_no_chance() -> None:
    three = [known("ZKHA", f"{number}{end}", f"Name{number}") for number in (100, 200, 300) for end in ("", "7")]

    (told,) = suggestions(three)

    assert told.startswith("3 patients have numbers of ZKHA")
    assert list(suggestions(three[:4])) == []


def test_who_is_one_already_is_not_told() -> None:
    assert list(suggestions([known("ZKHA", "1001"), known("2.16.528.1", "1001", merged=True)])) == []


def test_the_same_number_of_somebody_else_is_not_told() -> None:
    assert list(suggestions([known("ZKHA", "1001"), known("ZKHB", "1001", "Smit")])) == []
