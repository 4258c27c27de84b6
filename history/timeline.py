"""A patient's facts laid out in time: looked through once, whatever the number of orders that are judged with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from history.weights import Weight, weights_among
from rules.dates import last_moment
from rules.facts import Fact, Provenance
from rules.knowledge import Knowledge

_EVENTS = frozenset({"condition", "procedure", "allergy", "medication"})  # kinds that can be an event after infusion


@dataclass(frozen=True, slots=True)
class Timeline:
    """The facts, oldest version first, and what is asked of all of them for every order."""

    facts: tuple[Fact, ...]
    weights: tuple[Weight, ...]
    latest_start: datetime | None
    latest_moment: datetime | None  # the last instant any of them can mean
    latest_event: datetime | None  # the same, of those that can be an event after an infusion

    def until(self, at: datetime, own: Provenance | None = None) -> tuple[Fact, ...]:
        """Those that count at a moment: undated ones, and dated ones at or before it; not an order itself."""
        counting = [fact for fact in self.facts if fact.starts is None or fact.starts <= at]
        if own is not None:
            counting = [fact for fact in counting if fact.kind != "medication" or fact.provenance != own]
        return tuple(counting)


def lay_out(facts: Sequence[Fact], knowledge: Knowledge) -> Timeline:
    """Look through the facts."""
    moments = [(last, fact.kind) for fact in facts if (last := last_moment(fact)) is not None]
    return Timeline(
        facts=tuple(facts),
        weights=tuple(weights_among(facts, knowledge)),
        latest_start=max((fact.starts for fact in facts if fact.starts is not None), default=None),
        latest_moment=max((last for last, _ in moments), default=None),
        latest_event=max((last for last, kind in moments if kind in _EVENTS), default=None),
    )
