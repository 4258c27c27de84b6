"""The documents hang together: every word has one meaning, every page is reached, every link leads somewhere."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "rules" / "README.md"])


def links_of(document: Path) -> list[Path]:
    """The files that a document links to."""
    targets = re.findall(r"\]\(([^)#\s]+)", document.read_text(encoding="utf-8"))
    return [(document.parent / target).resolve() for target in targets if "://" not in target]


def test_the_glossary_gives_a_word_one_meaning() -> None:
    rows = re.findall(r"^\| ([^|]+) \|", (ROOT / "GLOSSARY.md").read_text(encoding="utf-8"), re.MULTILINE)

    words = Counter(word for row in rows for word in row.split(", ") if word not in ("word", "---"))

    assert [word for word, times in words.items() if times > 1] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file(document: Path) -> None:
    assert [link for link in links_of(document) if not link.exists()] == []


def test_every_decision_stands_in_the_list_of_decisions() -> None:
    folder = ROOT / "docs" / "decisions"

    listed = set(links_of(folder / "README.md"))

    assert set(folder.glob("0*.md")) - listed == set()


def test_who_begins_at_the_readme_comes_to_every_document() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        document = waiting.pop()
        if document in reached or document.suffix != ".md":
            continue
        reached.add(document)
        waiting += links_of(document)

    assert [path.name for path in (ROOT / "docs").glob("*.md") if path not in reached] == []


def test_what_shows_that_a_requirement_is_met_exists() -> None:
    security = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"`([a-z_]+/[\w/]+\.py|[\w-]+\.(?:txt|yml))`", security))

    named = {path for path in shown if path.startswith("tests/")}
    met = [row for row in security.splitlines() if re.search(r"\| (met|partly) \|", row)]

    assert len(shown) > 30
    assert [path for path in shown if not (ROOT / path).exists()] == []
    assert [path for path in named if not re.search(r"^(async )?def test_", (ROOT / path).read_text(), re.M)] == []
    assert [row for row in met if not shown_by(row) & (named if "| met |" in row else shown)] == []


def shown_by(row: str) -> set[str]:
    """The files in the last column of a row."""
    return set(re.findall(r"`([^`]+)`", row.rsplit("|", 2)[1]))


ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([a-z_]+/[a-z0-9_/]*(?:\.py)?)`", ARCHITECTURE))))
def test_the_map_names_files_and_folders_that_exist(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize(("name", "path"), sorted(set(re.findall(r"`(\w+)` in `([a-z0-9_/]+\.py)`", ARCHITECTURE))))
def test_a_door_on_the_map_stands_in_its_module(name: str, path: str) -> None:
    assert re.search(rf"^(?:class|def|async def) {name}\b", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)


def test_the_map_draws_the_import_arrows_that_are_enforced() -> None:
    contract = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("layers = [")[1].split("]")[0]

    layers = [line.strip(' ",') for line in contract.strip().splitlines()]

    assert "  →  ".join(layers) in ARCHITECTURE
