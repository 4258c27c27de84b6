"""A pattern is passed over only where it could not have matched."""

import csv
from pathlib import Path

import pytest

from rules.knowledge import Knowledge
from rules.literals import letters_of, pieces_of
from rules.patterns import plain

TABLES = ("phrases.csv", "guard_words.csv", "product_words.csv", "doubtful_words.csv")


@pytest.mark.parametrize(
    ("pattern", "pieces"),
    [
        ("th?rombose", {"rombose"}),
        ("dvt|long-?embol", {"dvt", "embol"}),
        ("(ph|f)lebitis( .*)?", {"lebitis"}),
        ("(?!.*trombolyse)trombo(se|us)", {"trombo"}),
        ("(?<=na )longembolie", {"longembolie"}),
        ("(trombose)?", set()),
        ("dvt|[lp]e", set()),
        ("тромбоз", set()),
    ],
)
def test_the_letters_a_pattern_cannot_do_without(pattern: str, pieces: set[str]) -> None:
    assert pieces_of(pattern) == pieces


def test_no_pattern_that_matches_a_text_of_the_tables_is_passed_over(knowledge: Knowledge) -> None:
    texts = {plain(cell) for name in TABLES for row in csv.reader(_lines(name)) for cell in row}
    turkish = {text.upper().replace("I", "\u0131") for text in list(texts)[:200]}

    missed = [
        (each.set, text)
        for text in texts | turkish
        for letters in [letters_of(text)]
        for each in knowledge.terms.codes.patterns
        if not each.may_match(letters) and each.pattern.search(text)
    ]

    assert missed == []


def _lines(name: str) -> list[str]:
    return (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines(keepends=True)
