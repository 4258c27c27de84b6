"""The knowledge of this release, and a hospital's own copy of it to edit in a test."""

import shutil
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from rules.knowledge import Knowledge
from rules.load import HERE, load_knowledge
from rules.yaml_lines import read_document


@cache
def our_knowledge() -> Knowledge:
    """Return the knowledge of this release, which every test of a process shares: nobody may change it."""
    return load_knowledge()


def a_copy(folder: Path) -> Path:
    """Copy the knowledge of this release into a folder, which is made when it is not there."""
    for part in ("library", "value_sets", "definitions", "cues", "words"):
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


def add_language(folder: Path, language: str) -> None:
    """Write every text of a copy in one more language: the English words, each after the name of the language."""
    for path in [*folder.glob("*.yaml"), *folder.glob("*/*.yaml")]:
        document = read_document(path, path.name)
        path.write_text(yaml.dump(_with(document.value, language), Dumper=_Dumper, allow_unicode=True, sort_keys=False))
    english = read_document(folder / "words" / "en.yaml", "en.yaml").value
    (folder / "words" / f"{language}.yaml").write_text(yaml.dump(english, Dumper=_Dumper, allow_unicode=True))


def _with(value: Any, language: str) -> Any:
    if isinstance(value, list):
        return [_with(each, language) for each in value]
    if not isinstance(value, dict):
        return value
    found = {name: _with(each, language) for name, each in value.items()}
    return found | {language: f"{language} {value['en']}"} if {"nl", "en"} <= value.keys() else found


class _Dumper(yaml.SafeDumper):
    """Writes a number as it was read."""


_Dumper.add_representer(Decimal, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:float", str(value)))
