"""Who keeps a rule and what was changed in it; the sources that evidence names."""

from pathlib import Path

import pytest

from rules.errors import KnowledgeFaults
from rules.form_check import check_forms
from rules.forms import Source
from rules.knowledge import Knowledge
from rules.load import load_knowledge, read_files
from tests.knowledge_folders import a_copy, edit

RULE = "library/ig-vte-015.yaml"
FIRST = "    - {version: 1, on: 2026-11-20, what: First version, who: Hospital pharmacist}\n"
THIRD = "    - {version: 5, on: 2027-01-15, what: Another limit, who: A. de Vries}\n"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return a_copy(tmp_path / "own")


def test_the_newest_change_is_of_the_version_of_the_rule(knowledge: Knowledge) -> None:
    assert all(rule.form.upkeep.history[0].version == rule.form.upkeep.version for rule in knowledge.rules)


def test_a_change_that_is_written_down_is_taken_over(own: Path) -> None:
    edit(own, RULE, "  version: 4\n", "  version: 5\n")
    edit(own, RULE, "  history:\n", "  history:\n" + THIRD)

    rule = next(rule for rule in load_knowledge(own).rules if rule.id == "IG-VTE-015")

    assert [change.who for change in rule.form.upkeep.history] == [
        "A. de Vries",
        "Hospital pharmacist",
        "Hospital pharmacist",
        "Hospital pharmacist",
        "Hospital pharmacist",
    ]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("  version: 4\n", "  version: 5\n", "the newest change is of version 4, the rule has 5"),
        (FIRST, FIRST + FIRST, "not older than the change above it"),
        (FIRST, "    - {version: 1, on: 2026-11-20, what: First version}\n", "who is missing"),
        ("  history:\n", "  before:\n", "history"),
    ],
)
def test_a_change_without_its_line_is_a_fault(own: Path, old: str, new: str, fault: str) -> None:
    edit(own, RULE, old, new)

    with pytest.raises(KnowledgeFaults, match=fault):
        load_knowledge(own)


def test_every_source_has_a_title_and_a_year_or_a_place() -> None:
    sources = check_forms(read_files().documents["sources.yaml"], Source)

    assert all(source.title and (source.year or source.where) for source in sources.values())
