"""The README for pharmacists explains every word, column and name there is."""

import re

import pytest

from rules.conditions import WORDS
from rules.examples import COLUMNS
from rules.fillers import FILLERS
from rules.load import HERE

README = (HERE / "README.md").read_text(encoding="utf-8")
PARTS = sorted({part for word in WORDS.values() for part in word.parts})


def test_every_word_has_a_paragraph_and_every_paragraph_a_word() -> None:
    vocabulary = README.split("## The words of a condition")[1].split("## Examples")[0]

    assert sorted(re.findall(r"^### (\w+)$", vocabulary, re.MULTILINE)) == sorted(WORDS)


@pytest.mark.parametrize("name", [*PARTS, *COLUMNS])
def test_every_part_and_every_column_is_named(name: str) -> None:
    assert re.search(rf"[`{{ ,]{re.escape(name)}[`:,]", README)


@pytest.mark.parametrize("name", FILLERS)
def test_every_name_of_a_text_is_listed(name: str) -> None:
    assert f"{{{name}}}" in README
