"""What must become of the orders of the case reports and of the look-alikes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from synthetic.wire import Draft

Tier = Literal["contraindication", "high", "moderate", "information"]


@dataclass(frozen=True, slots=True)
class Expected:
    """The answer one order must get when everything has been told; `tier` None means not a word about it."""

    case: str  # the statement of the assessment, or what the order looks like
    order: str  # placer number, ORC-2.1
    tier: Tier | None
    stream: Literal["order", "pharmacovigilance"] = "order"
    before: Tier | None = None  # the answer before a thrombosis during the course was told, where it was another


@dataclass(frozen=True, slots=True)
class CaseReport:
    """One case report: a story told in messages, relative to `now`, and what must be concluded from it."""

    name: str
    tell: Callable[[datetime], list[Draft]]
    expected: tuple[Expected, ...]
