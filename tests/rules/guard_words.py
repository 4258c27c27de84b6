"""The table of words that guard advice, `guard_words.csv`: written before it was looked at how they are read."""

import csv
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).with_name("guard_words.csv")


@dataclass(frozen=True, slots=True)
class GuardWord:
    """What a hospital writes, and whether it names what the value set stands for."""

    kind: str  # condition, medicine, indication (of the order)
    set: str
    language: str
    text: str
    named: str

    @property
    def is_named(self) -> bool:
        """Whether the patient has it, or takes it."""
        return self.named == "yes"


def read_guard_words() -> list[GuardWord]:
    """Every line of the table, in its order."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [GuardWord(**row) for row in csv.DictReader(file)]
