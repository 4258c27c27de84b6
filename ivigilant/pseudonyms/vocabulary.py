"""The words that may leave in a text: those of the knowledge, amounts with their units, and nothing else."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

import rules
from parsers.medication.languages import UNITS

_FOLDERS: Final = ("value_sets", "cues", "words", "definitions")
_SAID: Final = frozenset({"source", "note", "checked", "purpose", "says", "evidence"})  # about the knowledge, not of it
_WORD = re.compile(r"[^\W\d_]+")
_AMOUNT = re.compile(
    r"\d{1,5}(?:[.,]\d{1,3})?\s?(?:%|mg/ml|g/l|mg|ml/h|ml/u|ml|kg|gram|g/kg|g|l|ie|e|mmol/l|uur|u|h|min|d|dagen|dgn|x|weken|wk)"
    r"(?![^\W_])",
    re.IGNORECASE,
)
_TOKEN = re.compile(rf"{_AMOUNT.pattern}|[^\W\d_]+|[.,;:?!]", re.IGNORECASE)
_MARKS: Final = ".,;:?!"  # where a sentence and its parts end says how far a word reaches
_SHORTEST: Final = 2
_GLUE_WORDS: Final = """
of in na en met voor van de het een aan bij op te tot door and with for the to or not geen no without zonder
"""
_GLUE: Final = frozenset(_GLUE_WORDS.split())


# How a problem, a result or an order stands, as tables of HL7 and FHIR say it.
_STATES_WORDS: Final = """
active inactive resolved remission relapse recurrence chronic intermittent recurrent ruledout rule-out conf
confirmed unconfirmed provisional differential refuted final preliminary corrected amended cancelled completed
stopped draft entered-in-error not-done in-progress on-hold order plan finished problem diagnosis working
admitting discharge inpatient outpatient emergency routine stat urgent confirm suspected actief inactief
bevestigd vermoedelijk voorgeschiedenis
"""
_STATES: Final = frozenset(_STATES_WORDS.split())


# What a report or a request is called.
_SERVICES_WORDS: Final = """
radiologie radiology beeldvorming imaging echo echografie ultrasound duplex doppler ct mri scan angiografie angiogram
angiography flebografie venography röntgen thorax brief letter verslag report rapport voorgeschiedenis history anamnese
conclusie conclusion samenvatting summary beoordeling beloop decursus consult notitie notes diagnose probleem problem
laboratorium laboratory chemie chemistry klinische hematologie haematology stolling coagulation
"""
_SERVICES: Final = frozenset(_SERVICES_WORDS.split())


class Vocabulary:
    """The words of the knowledge, without case and accents."""

    def __init__(self, words: Collection[str]) -> None:
        """Take the words as they are."""
        self._words = frozenset(map(plain, words)) | _GLUE | _STATES | _SERVICES

    def __contains__(self, word: object) -> bool:
        """Return whether this word may leave."""
        return isinstance(word, str) and plain(word) in self._words

    def scrubbed(self, text: str, without: Collection[str] = ()) -> str:
        """Return the words of a text that are words of the knowledge, and its amounts; none of `without`."""
        found: list[str] = []
        for token in _TOKEN.findall(text):
            word = token.strip()
            if _AMOUNT.fullmatch(word) or (len(word) >= _SHORTEST and word in self and plain(word) not in without):
                found.append(word)
            elif word in _MARKS and found and found[-1][-1] not in _MARKS:
                found[-1] += word
        return " ".join(found)


@cache
def vocabulary() -> Vocabulary:
    """Return the words of the knowledge of this release."""
    folder = Path(str(rules.__file__)).parent
    files = [file for name in _FOLDERS for file in sorted((folder / name).glob("*.yaml"))]
    texts = (text for file in files for text in _texts(yaml.safe_load(file.read_text(encoding="utf-8"))))
    units = (word for words in UNITS.values() for word in words.split())
    return Vocabulary({word for text in (*texts, *units) for word in _WORD.findall(text) if len(word) >= _SHORTEST})


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for key, value in content.items():
            if str(key) not in _SAID:
                yield from _texts(value)
            if key == "units" and isinstance(value, dict):
                yield from map(str, value)
    elif isinstance(content, list):
        for value in content:
            yield from _texts(value)


def plain(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
