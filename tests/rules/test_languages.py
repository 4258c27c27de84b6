"""A language is data: word files and the texts of rules, and no line of Python."""

from pathlib import Path

import pytest

from clinical.words import Text
from rules.errors import KnowledgeFaults
from rules.evaluate import evaluate
from rules.load import load_knowledge
from tests.knowledge_folders import a_copy, add_language, edit, our_knowledge
from tests.rules.test_evaluate import a_case

OURS = our_knowledge().languages  # those of this release, Dutch first


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copied = a_copy(tmp_path_factory.mktemp("knowledge"))
    add_language(copied, "xx")
    return copied


def test_an_alert_is_written_in_a_language_that_only_files_know(folder: Path) -> None:
    knowledge = load_knowledge(folder)

    found = evaluate(a_case(diagnosed="I26.9", **{"g/kg/day": "1.0"}), knowledge)

    assert OURS[:2] == ("nl", "en")
    assert knowledge.languages == (*OURS, "xx")
    assert tuple(found.text) == (*OURS, "xx")
    assert found.text["xx"].startswith("xx ")
    assert all(advice["xx"].startswith("xx ") for advice in found.advice)


def test_a_text_that_lacks_a_language_is_a_fault_on_its_line(folder: Path, tmp_path: Path) -> None:
    copied = a_copy(tmp_path / "rules")
    (copied / "words" / "xx.yaml").write_text((folder / "words" / "xx.yaml").read_text())

    with pytest.raises(KnowledgeFaults) as refused:
        load_knowledge(copied)

    faults = refused.value.faults
    assert {fault.what for fault in faults} == {"title: no words in xx", "where: no words in xx"}
    assert any(fault.file.startswith("value_sets/") and fault.line > 0 for fault in faults)


def test_a_folder_without_word_files_is_read_with_those_of_this_release(tmp_path: Path) -> None:
    copied = a_copy(tmp_path / "rules")
    for path in (copied / "words").iterdir():
        path.unlink()

    assert load_knowledge(copied).languages == OURS


def test_a_decimal_sign_and_a_date_are_written_as_the_word_file_says(tmp_path: Path) -> None:
    copied = a_copy(tmp_path / "rules")
    edit(copied, "words/en.yaml", 'decimal: "."', 'decimal: "·"')

    found = evaluate(a_case(diagnosed="I26.9", **{"g/kg/day": "1.5"}), load_knowledge(copied))

    assert "1·5" in found.text["en"]


def test_whoever_asks_for_a_language_a_text_lacks_gets_english_else_any() -> None:
    assert Text({"nl": "ja", "en": "yes"})["fr"] == "yes"
    assert Text({"nl": "ja"})["fr"] == "ja"
    assert Text({})["fr"] == ""
