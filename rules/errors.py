"""Errors of the knowledge files: all faults at once, each with its file and line."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault in one file, and its correction."""

    file: str
    line: int
    what: str
    instead: str = ""

    def __str__(self) -> str:
        advice = f" ({self.instead})" if self.instead else ""
        return f"{self.file}:{self.line}: {self.what}{advice}"


class RulesError(Exception):
    """Base class of the errors of this package; the message names the file."""


class KnowledgeFaults(RulesError):
    """The knowledge cannot be used; correct every fault listed, then load again."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(str(fault) for fault in self.faults))
