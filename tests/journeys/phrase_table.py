"""docs/phrases.md, written from a run: `make docs`, or python -m tests.journeys.phrase_table."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rules.load import load_knowledge
from store import migrate
from store.engine import connect
from tests.journeys.hospital import Hospital
from tests.journeys.phrases import Phrase, read_phrases, readings
from tests.rules.guard_words import read_guard_words

PAGE = Path(__file__).parents[2] / "docs" / "phrases.md"
MEANINGS = {
    "thrombosis": "the patient has or had a venous thrombosis: KNMP 7097",
    "suspected": "the pharmacist is asked (IG-VTE-026)",
    "superficial": "a superficial thrombophlebitis: a risk factor",
    "family": "a relative's: a risk factor",
    "cleared": "the patient did not have it: denied, or looked for and not found",
    "none": "nothing is said of a venous thrombosis of this patient",
}
PLACES = {
    "diagnosis": "diagnosis in words",
    "problem": "problem in words",
    "narrative": "history (OBX)",
    "coded": "words of a code",
}
HEAD = """\
# How diagnoses in words are read

Written by `make docs` from a run, and held to it by a test: every phrase below is sent in an HL7 message as the only
history of a patient, kept, and looked at as the rules look at it. The phrases with the reading that was agreed before
stand in `tests/rules/phrases.csv`; the words that deny, doubt or name a relative stand in `rules/cues/`, a file for
each language; the names of a thrombosis in `rules/value_sets/`. A phrase that is read wrongly in your hospital belongs
in that table first.

A denial denies what it grammatically reaches: the noun it stands before, and a list of nouns. Where it is not clear
that it does, the thrombosis stands, for a missed thrombosis costs most. Of several readings in one text the gravest
counts.
"""

GUARDS = """\
## What guards a line of advice

What makes a line of advice harmful (a bleeding, an urgent indication, fluid restriction) and what is taken are read in
words as well. A test holds every line of `tests/rules/guard_words.csv`; a negation counts as it does for a thrombosis.
"""


def write_page(read: Sequence[tuple[Phrase, str]]) -> str:
    """The page: what the readings mean, then every phrase by kind."""
    agreed = sum(phrase.reading == found for phrase, found in read)
    counted = Counter(phrase.reading for phrase, _ in read)
    parts = [HEAD, f"{agreed} of {len(read)} phrases are read as agreed.\n"]
    meanings = [(name, meaning, str(counted[name])) for name, meaning in MEANINGS.items()]
    parts.append(_table(("reading", "what it means", "phrases"), meanings))
    for kind in dict.fromkeys(phrase.kind for phrase, _ in read):
        rows = [_row(phrase, found) for phrase, found in read if phrase.kind == kind]
        parts += [f"## {kind}\n", _table(("", "where", "what was written", "read as"), rows)]
    parts += [GUARDS, _table(("value set", "what was written", "it is that"), _guards())]
    return "\n".join(parts)


def _guards() -> list[tuple[str, ...]]:
    """The words of the other table, by value set."""
    words = sorted(read_guard_words(), key=lambda word: (word.set, not word.is_named))
    groups = dict.fromkeys((word.set, word.named) for word in words)
    return [
        (name, " · ".join(word.text for word in words if (word.set, word.named) == (name, named)), named)
        for name, named in groups
    ]


def _row(phrase: Phrase, found: str) -> tuple[str, ...]:
    where = f"words of {phrase.code}" if phrase.code else PLACES[phrase.place]
    read = found if found == phrase.reading else f"**{found}**, agreed: {phrase.reading}"
    return (phrase.language, where, phrase.text, read)


def _table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)


def main() -> None:
    """Read every phrase on a fresh database, and write the page."""
    with tempfile.TemporaryDirectory() as folder:
        engine = connect(f"sqlite:///{folder}/phrases.db", durable=False)
        migrate.upgrade(engine)
        phrases = read_phrases()
        found = readings(Hospital(engine, load_knowledge()), phrases)
        PAGE.write_text(write_page(list(zip(phrases, found, strict=True))), encoding="utf-8")
        engine.dispose()


if __name__ == "__main__":
    main()
