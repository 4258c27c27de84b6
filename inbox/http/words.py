"""Every word on the pages: one catalogue file for each language, read once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from clinical.words import Language
from inbox.errors import InboxError

CATALOGUES = Path(__file__).parent.parent / "words"


@dataclass(frozen=True, slots=True)
class Words:
    """One language's words, by key; a key that is missing is a fault of ours and raises."""

    language: str
    words: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """Return the words of a key, with its values filled in."""
        text = self.words[key]
        return text.format(**values) if values else text

    def count(self, key: str, number: int) -> str:
        """Return the words for one or for many: `key.one`, `key.many`."""
        return self(f"{key}.{'one' if number == 1 else 'many'}", number=number)

    def code(self, prefix: str, code: str) -> str:
        """Return the words for a code, or the code itself when a newer part of the system made it up."""
        return self.words.get(f"{prefix}.{code}", code.replace("_", " "))


def load_words(languages: tuple[Language, ...], folder: Path = CATALOGUES) -> dict[Language, Words]:
    """Read the catalogues of these languages."""
    return {language: Words(language, read_catalogue(language, folder)) for language in languages}


@cache
def read_catalogue(language: Language, folder: Path = CATALOGUES) -> dict[str, str]:
    """Read one catalogue, its nested keys joined with dots."""
    path = folder / f"{language}.yaml"
    if not path.is_file():
        raise InboxError(f"there are no word files for {language!r}")
    return _flat("", yaml.safe_load(path.read_text(encoding="utf-8")))


def _flat(prefix: str, tree: Mapping[str, object]) -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat |= _flat(f"{prefix}{key}.", value)
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat
