"""What a pharmacist sees of her own change to the rules before it works."""

import json
from pathlib import Path

import pytest

from ivigilant.knowledge.change_note import change_note
from ivigilant.knowledge.differences import Difference, differences
from ivigilant.knowledge.examples import UnknownRule, answered
from rules.load import HERE, read_files
from tests.ivigilant.processes import ivigilant
from tests.knowledge_folders import a_copy, edit, our_knowledge


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return a_copy(tmp_path / "own")


def changed(own: Path) -> list[Difference]:
    return differences(read_files(), read_files(own))


def test_the_same_knowledge_has_no_difference(own: Path) -> None:
    assert changed(own) == []


def test_a_moved_number_is_told_with_its_condition(own: Path) -> None:
    edit(own, "library/ig-vte-015.yaml", "latest: inr, below: 2.0", "latest: inr, below: 1.8")

    (rule,) = changed(own)

    assert (rule.name, rule.kind, rule.lines) == ("IG-VTE-015", "changed", ("condition latest: inr, below: 2.0 → 1.8",))


def test_a_new_product_code_is_told_with_its_value_set(own: Path) -> None:
    line = "codes:\n  - {system: ZKH, code: IG10, match: exact, display: Own IVIg, source: house, checked: yes}\n"
    edit(own, "value_sets/intravenous-immunoglobulin.yaml", "codes:\n", line)

    (sets,) = changed(own)

    assert sets.name == "value_sets/intravenous-immunoglobulin.yaml"
    assert len(sets.lines) == 1
    assert sets.lines[0].startswith("code added: system: ZKH, code: IG10")


def test_wording_tier_status_and_examples_are_told_each(own: Path) -> None:
    edit(own, "library/ig-vte-015.yaml", "is below 2 on", "is lower than 2 on")
    edit(own, "library/ig-vte-015.yaml", "tier: high", "tier: moderate")
    edit(own, "library/ig-vte-015.yaml", "status: live", "status: trial")
    edit(own, "library/ig-vte-015.yaml", "| INR exactly at the limit ", "| INR of two exactly       ")

    (rule,) = changed(own)

    assert "status: live → trial" in rule.lines
    assert "tier: high → moderate" in rule.lines
    assert any(line.startswith("wording en: “INR {inr} is below 2") for line in rule.lines)
    assert "example removed: INR exactly at the limit" in rule.lines
    assert "example added: INR of two exactly: none" in rule.lines


def test_a_rule_that_went_and_one_that_came_are_told_by_their_ids(own: Path) -> None:
    (own / "library" / "ig-vte-026.yaml").rename(own / "library" / "ig-vte-099.yaml")
    edit(own, "library/ig-vte-099.yaml", "IG-VTE-026", "IG-VTE-099")

    assert [(each.name, each.kind) for each in changed(own)] == [("IG-VTE-026", "removed"), ("IG-VTE-099", "added")]


def test_the_command_tells_the_same_in_words_and_as_json(own: Path) -> None:
    edit(own, "library/ig-vte-015.yaml", "latest: inr, below: 2.0", "latest: inr, below: 1.8")

    words = ivigilant("knowledge", "diff", str(HERE), str(own))
    told = json.loads(ivigilant("knowledge", "diff", str(HERE), str(own), "--json").stdout)

    assert "condition latest: inr, below: 2.0 → 1.8" in words.stdout
    assert told[0]["name"] == "IG-VTE-015"


def test_a_folder_without_knowledge_is_refused(tmp_path: Path) -> None:
    run = ivigilant("knowledge", "diff", str(HERE), str(tmp_path))

    assert run.returncode == 2
    assert "holds no knowledge" in run.stderr


def test_every_example_of_a_rule_is_shown_with_its_answer() -> None:
    rows = answered(our_knowledge(), "IG-VTE-015")

    assert all(row.agrees for row in rows)
    assert rows[0].agreed == rows[0].answer == "high, prompt"


def test_examples_of_no_rule_are_refused() -> None:
    with pytest.raises(UnknownRule):
        answered(our_knowledge(), "IG-VTE-999")


def test_a_rule_that_no_longer_answers_as_its_examples_say_is_a_fault(own: Path) -> None:
    edit(own, "library/ig-vte-015.yaml", "latest: inr, below: 2.0", "latest: inr, below: 1.8")
    edit(own, "library/ig-vte-015.yaml", "numbers: [2.0]", "numbers: [1.8]")

    run = ivigilant("knowledge", "check", environment={"IVIGILANT_KNOWLEDGE_DIR": str(own)})

    assert run.returncode == 1
    assert "example 'INR just below the limit' is answered none" in run.stderr


def test_the_note_puts_what_decides_differently_first_and_says_why(own: Path) -> None:
    edit(own, "library/ig-vte-015.yaml", "tier: high", "tier: moderate")
    edit(own, "library/ig-vte-020.yaml", "Central venous line present", "A central venous line is there")
    edit(own, "library/ig-vte-011.yaml", "  owner: Hospital pharmacist", "  owner: A colleague")

    notes = change_note(read_files(), read_files(own), "en")

    assert [note.heading.partition("  ")[0] for note in notes] == [
        "3 rules differ: 0 new, 0 gone; 1 decide differently, 1 only say it otherwise.",
        "Decides differently",
        "IG-VTE-015",
        "Decides the same, and says it otherwise",
        "IG-VTE-020",
        "Unchanged but for evidence, examples and upkeep",
    ]
    assert notes[2].lines == ("tier: high → moderate",)
    assert notes[-1].lines == ("IG-VTE-011",)


def test_the_note_counts_codes_and_cues_and_leaves_upkeep_and_other_languages_out(own: Path) -> None:
    line = "codes:\n  - {system: ZKH, code: IG10, match: exact, display: Own IVIg, source: house, checked: yes}\n"
    edit(own, "value_sets/intravenous-immunoglobulin.yaml", "codes:\n", line)
    edit(own, "cues/nl.yaml", "  - gene?en\n", "")
    edit(own, "definitions/states.yaml", "nl: eerdere veneuze trombo-embolie", "nl: vroegere veneuze trombo-embolie")

    notes = change_note(read_files(), read_files(own), "en")

    assert [(note.heading, note.lines) for note in notes] == [
        ("Words around a disease: nl", ("denies: removed (1): gene?en",)),
        ("Codes and names: Normal immunoglobulin, intravenous", ("codes added (1): ZKH IG10 (Own IVIg)",)),
    ]
