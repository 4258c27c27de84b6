"""A hospital's own copy of the knowledge, to edit in a test."""

import shutil
from pathlib import Path

from rules.load import HERE


def a_copy(folder: Path) -> Path:
    """Copy the knowledge of this release into a folder, which is made when it is not there."""
    for part in ("library", "value_sets", "definitions"):
        shutil.copytree(HERE / part, folder / part)
    for file in HERE.glob("*.yaml"):
        shutil.copy(file, folder)
    return folder


def edit(folder: Path, name: str, old: str, new: str) -> None:
    """Replace words in one file, as an editor would."""
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
