"""Every phrase of the table is read as agreed, wherever it stands."""

from dataclasses import replace

import sqlalchemy as sa

from rules.knowledge import Knowledge
from tests.journeys.hospital import Hospital
from tests.journeys.phrase_table import MEANINGS, PAGE, write_page
from tests.journeys.phrases import Phrase, read_phrases, readings, readings_in_the_inbox, readings_of_messages

PLACES = ("diagnosis", "problem", "narrative")
EACH = 12  # phrases of each reading, from all over the table, that are followed into the inbox


def test_every_phrase_is_read_as_agreed_wherever_it_stands_and_the_page_says_so(
    sqlite_engine: sa.Engine, knowledge: Knowledge
) -> None:
    phrases = read_phrases()
    words = [phrase for phrase in phrases if not phrase.code]

    # One test, since what a text means is worked out once: after the first pass the other places cost little.
    found = readings(Hospital(sqlite_engine, knowledge), phrases)
    elsewhere = {place: [replace(phrase, place=place) for phrase in words] for place in PLACES}

    assert _misread(phrases, found) == []
    assert {place: _misread(some, readings_of_messages(knowledge, some)) for place, some in elsewhere.items()} == {
        place: [] for place in PLACES
    }
    assert write_page(list(zip(phrases, found, strict=True))) == PAGE.read_text(encoding="utf-8"), "make docs"


def test_a_thrombosis_in_words_contraindicates_a_doubt_is_asked_and_a_denial_is_silent(hospital: Hospital) -> None:
    table = read_phrases()
    sample = [phrase for reading in MEANINGS for phrase in _some([one for one in table if one.reading == reading])]

    found = readings_in_the_inbox(hospital, sample)

    expected = [phrase.reading if phrase.reading in ("thrombosis", "suspected") else "" for phrase in sample]
    assert [(phrase.text, reading) for phrase, reading in zip(sample, found, strict=True)] == [
        (phrase.text, reading) for phrase, reading in zip(sample, expected, strict=True)
    ]


def test_no_two_phrases_are_the_same() -> None:
    phrases = [(phrase.place, phrase.code, phrase.text) for phrase in read_phrases()]

    assert len(set(phrases)) == len(phrases)


def _some(phrases: list[Phrase]) -> list[Phrase]:
    return phrases[:: max(1, len(phrases) // EACH)]


def _misread(phrases: list[Phrase], found: list[str]) -> list[str]:
    pairs = zip(phrases, found, strict=True)
    return [
        f"{phrase.text}: {reading}, agreed {phrase.reading}" for phrase, reading in pairs if reading != phrase.reading
    ]
