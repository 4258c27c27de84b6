"""The catalogues: every language says everything, and the pages ask for nothing they lack."""

import re
from pathlib import Path

import pytest

from clinical.words import STATUSES
from history.evidence import LOOK_AT
from inbox.alerts.acts import ACTS
from inbox.alerts.settling import DONE_AS, REASONS
from inbox.alerts.sleeping import SNOOZE_REASONS
from inbox.errors import InboxError
from inbox.http.words import CATALOGUES, load_words, read_catalogue
from rules.knowledge import Knowledge

LANGUAGES = sorted(path.stem for path in CATALOGUES.glob("*.yaml"))
TEMPLATES = CATALOGUES.parent / "templates"
LITERAL = re.compile(r"""\bt(?:\.count)?\(\s*["']([a-z_.0-9]+[a-z_0-9])["']\s*[,)]""")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_keys_in_the_same_order(language: str) -> None:
    assert list(read_catalogue(language)) == list(read_catalogue("en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_has_words(language: str) -> None:
    assert {key for key, words in read_catalogue(language).items() if words in {"", "None", "True", "False"}} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_fills_in_the_same_values(language: str) -> None:
    spoken, english = read_catalogue(language), read_catalogue("en")

    def slots(text: str) -> set[str]:
        return set(re.findall(r"\{(\w*)\}", text))

    assert {key for key in spoken if slots(spoken[key]) != slots(english[key])} == set()


@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_a_template_asks_only_for_words_that_exist(template: Path) -> None:
    known = read_catalogue("nl")

    asked = set(LITERAL.findall(template.read_text()))

    assert {key for key in asked if key not in known and f"{key}.one" not in known} == set()


@pytest.mark.parametrize(
    ("prefix", "codes"),
    [
        ("reason", REASONS),
        ("done_as", DONE_AS),
        ("snooze_reason", SNOOZE_REASONS),
        ("look_at", LOOK_AT),
        ("status", STATUSES),
        ("done", tuple(ACTS)),
    ],
)
def test_every_code_that_can_be_chosen_or_shown_has_words(prefix: str, codes: tuple[str, ...]) -> None:
    known = read_catalogue("nl")

    assert [code for code in codes if f"{prefix}.{code}" not in known] == []


def test_one_and_many_are_said_differently() -> None:
    words = load_words(("en",))["en"]

    assert (words.count("inbox.count", 1), words.count("inbox.count", 3)) == ("1 alert", "3 alerts")


def test_a_code_of_a_newer_version_is_shown_as_it_is() -> None:
    words = load_words(("en",))["en"]

    assert words.code("badge", "made_of_cheese") == "made of cheese"


def test_a_language_without_a_catalogue_stops_the_start() -> None:
    with pytest.raises(InboxError):
        load_words(("nl", "fy"))


def avoided() -> list[tuple[str, str]]:
    """Every language with a word that its texts avoid, as the page on wording lists them."""
    page = (CATALOGUES.parents[1] / "docs" / "wording.md").read_text(encoding="utf-8")
    return re.findall(r"^\| (nl|en) \| ([^|]+?) \|", page, re.MULTILINE)


def texts_of_rules(language: str, knowledge: Knowledge) -> list[str]:
    """What the rules say to a pharmacist, their evidence left out: it quotes."""
    lines = [text for rule in knowledge.rules for text in (rule.title, rule.because, *(a.text for a in rule.advice))]
    return [text[language] for text in lines]


@pytest.mark.parametrize("language", ["nl", "en"])
def test_no_text_has_a_word_to_avoid(language: str, knowledge: Knowledge) -> None:
    rooms = (
        read_catalogue(language, CATALOGUES.parents[1] / room / "words") for room in ("inbox", "forwarding", "rules")
    )
    texts = [*(text for words in rooms for text in words.values()), *texts_of_rules(language, knowledge)]
    words = [word for at, word in avoided() if at == language]

    found = {(word, text) for word in words for text in texts if re.search(rf"\b{word}\b", text)}

    assert len(words) >= 3
    assert found == set()
