"""A knowledge file that is wrong is refused, with its file, its line, and every other fault beside it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rules.errors import Fault, KnowledgeFaults
from rules.load import HERE, load_knowledge

RULE = "library/ig-vte-015.yaml"
STATES = "definitions/states.yaml"
SET = "value_sets/smoking.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the knowledge that a test may spoil."""
    for name in ("value_sets", "definitions", "library"):
        shutil.copytree(HERE / name, tmp_path / name)
    for name in ("policy.yaml", "sources.yaml", "naranjo.yaml"):
        shutil.copy(HERE / name, tmp_path / name)
    return tmp_path


def spoil(folder: Path, name: str, old: str, new: str) -> int:
    """Replace the first occurrence, and return the line it stands on."""
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def faults_of(folder: Path) -> tuple[Fault, ...]:
    with pytest.raises(KnowledgeFaults) as refused:
        load_knowledge(folder)
    return refused.value.faults


def test_the_knowledge_that_ships_has_no_fault(folder: Path) -> None:
    knowledge = load_knowledge(folder)

    assert len(knowledge.rules) == len(list((folder / "library").glob("*.yaml")))


def test_the_version_follows_the_content(folder: Path) -> None:
    before = load_knowledge(folder).version
    spoil(folder, RULE, "Correct the INR", "Please correct the INR")

    after = load_knowledge(folder).version

    assert before != after
    assert before.split(".")[0] == after.split(".")[0] == "1"


@pytest.mark.parametrize(
    ("name", "old", "new", "what"),
    [
        (RULE, "status: live", "status: live\nseverity: high", "unknown key 'severity'"),
        (RULE, "status: live", "status: living", "status: "),
        (RULE, "  tier: high", "  tier: severe", "tier: "),
        (RULE, "  - taking: vitamin-k-antagonist", "  - swallowing: vitamin-k-antagonist", "no such condition word"),
        (RULE, "taking: vitamin-k-antagonist", "taking: vitamin-x-antagonist", "no such value set: vitamin-x"),
        (RULE, "below: 2.0", "beneath: 2.0", "latest does not know 'beneath'"),
        (RULE, ", if_missing: fails", "", "latest without if_missing"),
        (RULE, "if_missing: fails", "if_missing: maybe", "'maybe' is not one of: holds, fails"),
        (RULE, "below: 2.0", "below: low", "'low' is not a number"),
        (RULE, "latest: inr", "latest: inn", "'inn' is not one of"),
        (RULE, "below: 2.0, within", "below: 2.0, above: 3, within", "latest needs one comparison"),
        (RULE, "below: 2.0", "below: 2.2", "the number 2.2 has no evidence"),
        (RULE, "    source: butler-2003", "    source: butler-1903", "no such source: butler-1903"),
        (RULE, "{inr} is lager", "{inn} is lager", "no such name in a text: {inn}"),
        (RULE, "Correct the INR before", "Do not give IVIg before", "a text never says"),
        (RULE, "| INR just below the limit ", "| INR exactly at the limit ", "two cases are called"),
        (RULE, "| 1.9   ", "| one.nine   ", "cannot read 'one.nine' under 'INR'"),
        (RULE, "| taking  ", "| swallowing  ", "no such column: 'swallowing'"),
        (RULE, "id: IG-VTE-015", "id: IG-VTE-115", "call the file ig-vte-115.yaml"),
        (RULE, "title: {nl", "title: {fr: x, nl", "unknown key 'fr'"),
        (RULE, "  version: 4", "  version: 0", "version: "),
        (RULE, "  reviewed: 2026-11-30", "  reviewed: last year", "reviewed: "),
        (RULE, "status: live", "status: live\nstatus: trial", "the key 'status' stands here twice"),
        ("library/ig-vte-001.yaml", "is: prior-vte", "is: earlier-vte", "'earlier-vte' is not one of"),
        ("library/ig-vte-018.yaml", "only_if: uses-oestrogen\n", "only_if: settled\n", "no such state: settled"),
        ("library/ig-vte-020.yaml", "      en: 'Is the line still needed?'\n", "", "advice, entry 1: no words in en"),
        (STATES, "latest: platelets, below: 50", "latest: platelets, below: 51", "the number 51 has no evidence"),
        (STATES, "now_has: dehydration", "now_has: thirst", "no such value set: thirst"),
        ("definitions/rates.yaml", "fallback: 4 ", "fallback: 5.5 ", "the number 5.5 has no evidence"),
        ("definitions/weight.yaml", "source: own-choice", "source: nobody", "no such source: nobody"),
        (SET, "code: F17,", "code: F1,", "'F1' is not a code of ICD10"),
        (SET, "match: prefix", "match: fuzzy", "match: "),
        ("value_sets/immobility.yaml", r"code: '\b(bedlegerig", r"code: '\b((bedlegerig", "not a pattern"),
        ("policy.yaml", "fired: [IG-VTE-002", "fired: [IG-VTE-999", "no such rule: IG-VTE-999"),
        ("policy.yaml", "lead: [IG-PV-041]", "lead: [IG-PV-141]", "no such rule: IG-PV-141"),
        ("policy.yaml", "- rules: [IG-VTE-026]", "- rules: [IG-VTE-001]", "IG-VTE-001 leads, and is led"),
        ("policy.yaml", "- missing: rate", "- missing: hope", "'hope' is not one of"),
        ("policy.yaml", "{no_dose_per_kg}", "{no_dose}", "no such name in a text: {no_dose}"),
    ],
)
def test_a_fault_is_named_with_its_file_and_line(folder: Path, name: str, old: str, new: str, what: str) -> None:
    line = spoil(folder, name, old, new)

    found = [fault for fault in faults_of(folder) if what in fault.what + fault.instead]

    assert found, faults_of(folder)
    assert found[0].file == name
    shown_at_the_table = "examples" if "|" in old else ""
    assert shown_at_the_table or line - 1 <= found[0].line <= line + 1


def test_a_state_cannot_be_defined_by_itself(folder: Path) -> None:
    spoil(folder, STATES, "    - is: current-vte", "    - is: any-vte")

    assert [(each.file, each.what) for each in faults_of(folder)] == [(STATES, "any-vte is defined by itself")]


def test_a_rule_belongs_to_a_family(folder: Path) -> None:
    spoil(folder, "policy.yaml", "IG-VTE-021, IG-VTE-022]", "IG-VTE-021]")

    assert [each.what for each in faults_of(folder)] == ["IG-VTE-022 belongs to no family"]


def test_a_rule_may_name_its_family_itself(folder: Path) -> None:
    spoil(folder, "policy.yaml", "IG-VTE-021, IG-VTE-022]", "IG-VTE-021]")
    spoil(folder, "library/ig-vte-022.yaml", "status: live\n", "status: live\nfamily: kinetics\n")

    assert load_knowledge(folder).policy.family_of["IG-VTE-022"] == "kinetics"


@pytest.mark.parametrize(
    ("family", "what"),
    [("blood", "IG-VTE-022 names an unknown family: blood"), ("dose", "IG-VTE-022 names dose, and stands in kinetics")],
)
def test_a_rule_is_in_one_family_that_exists(folder: Path, family: str, what: str) -> None:
    spoil(folder, "library/ig-vte-022.yaml", "status: live\n", f"status: live\nfamily: {family}\n")

    assert [each.what for each in faults_of(folder)] == [what]


def only(alert: str) -> Callable[[str], str]:
    """Keep the rows of the example table whose alert begins so."""

    def keep(text: str) -> str:
        head, table = text.split("examples: |\n")
        rows, tail = table.split("upkeep:")
        lines = rows.splitlines()
        kept = lines[:2] + [line for line in lines[2:] if line.split("|")[-2].strip().startswith(alert)]
        return f"{head}examples: |\n" + "\n".join(kept) + f"\nupkeep:{tail}"

    return keep


@pytest.mark.parametrize(
    ("alert", "what"), [("none", "no case in which the rule fires"), ("high", "no case in which the rule is silent")]
)
def test_examples_show_both_answers(folder: Path, alert: str, what: str) -> None:
    path = folder / RULE
    path.write_text(only(alert)(path.read_text(encoding="utf-8")), encoding="utf-8")

    assert [fault.what for fault in faults_of(folder)] == [what]


def test_every_fault_is_told_at_once(folder: Path) -> None:
    spoil(folder, RULE, "status: live", "status: living")
    spoil(folder, "library/ig-vte-001.yaml", "is: prior-vte", "is: earlier-vte")
    spoil(folder, STATES, "now_has: dehydration", "now_has: thirst")

    files = {fault.file for fault in faults_of(folder)}

    assert files >= {RULE, "library/ig-vte-001.yaml", STATES}


def test_a_rule_with_a_fault_is_no_fault_of_the_policy_that_names_it(folder: Path) -> None:
    spoil(folder, RULE, "status: live", "status: living")

    assert {fault.file for fault in faults_of(folder)} == {RULE}


def test_a_file_that_is_no_yaml_is_a_fault(folder: Path) -> None:
    (folder / RULE).write_text("id: IG-VTE-015\n  title: [", encoding="utf-8")

    assert [(fault.file, fault.line) for fault in faults_of(folder)] == [(RULE, 2)]


def test_a_missing_file_is_a_fault(folder: Path) -> None:
    (folder / "policy.yaml").unlink()

    assert [str(fault) for fault in faults_of(folder)] == ["policy.yaml:1: this file is missing (restore it)"]


def test_two_rules_of_one_id_are_a_fault(folder: Path) -> None:
    shutil.copy(folder / RULE, folder / "library/ig-vte-115.yaml")

    assert any("two rules are called IG-VTE-015" in fault.what for fault in faults_of(folder))


def test_a_fault_reads_as_one_line() -> None:
    fault = Fault("library/x.yaml", 7, "no such value set: y", "use another")

    assert str(fault) == "library/x.yaml:7: no such value set: y (use another)"


@pytest.mark.parametrize("faulty", ["'(geen'", "'geen)'", "'[geen'", r"'geen\'", "'geen{2,1}'", "'(?<=geen+)'"])
def test_a_cue_that_is_no_pattern_is_named_with_its_line(folder: Path, faulty: str) -> None:
    shutil.copytree(HERE / "cues", folder / "cues")
    line = spoil(folder, "cues/nl.yaml", "  - gene?en\n", f"  - {faulty}\n")

    (fault,) = faults_of(folder)

    assert (fault.file, fault.line) == ("cues/nl.yaml", line)
    assert fault.what.startswith("not a pattern")


def test_kinds_of_words_that_an_older_copy_does_not_have_are_those_of_this_release(folder: Path) -> None:
    shutil.copytree(HERE / "cues", folder / "cues")
    for path in (folder / "cues").iterdir():
        text = path.read_text(encoding="utf-8")
        path.write_text(text.split("yes_words:")[0], encoding="utf-8")

    words = load_knowledge(folder).terms.words

    assert words.layout.in_sentences("Ziekte | ja | nee\nDVT | | x") == "DVT: nee."
    assert words.surest("geen DVT") == {"venous-thromboembolism": "refuted"}
