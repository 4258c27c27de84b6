"""Every phrase of the table is read as agreed, wherever it stands."""

from dataclasses import replace

import pytest

from rules.knowledge import Knowledge
from tests.journeys.hospital import Hospital
from tests.journeys.phrase_table import PAGE, write_page
from tests.journeys.phrases import Phrase, read_phrases, readings, readings_of_messages


def test_every_phrase_is_read_as_agreed_and_the_page_says_so(hospital: Hospital) -> None:
    phrases = read_phrases()

    found = readings(hospital, phrases)

    assert _misread(phrases, found) == []
    assert write_page(list(zip(phrases, found, strict=True))) == PAGE.read_text(encoding="utf-8"), "make docs"


@pytest.mark.parametrize("place", ["diagnosis", "problem", "narrative"])
def test_words_mean_the_same_wherever_they_stand(knowledge: Knowledge, place: str) -> None:
    phrases = [replace(phrase, place=place) for phrase in read_phrases() if not phrase.code]

    assert _misread(phrases, readings_of_messages(knowledge, phrases)) == []


def test_no_two_phrases_are_the_same() -> None:
    phrases = [(phrase.place, phrase.code, phrase.text) for phrase in read_phrases()]

    assert len(set(phrases)) == len(phrases)


def _misread(phrases: list[Phrase], found: list[str]) -> list[str]:
    pairs = zip(phrases, found, strict=True)
    return [
        f"{phrase.text}: {reading}, agreed {phrase.reading}" for phrase, reading in pairs if reading != phrase.reading
    ]
