"""What the record says of one alert for the next shift: the lines that were ticked, and the note."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from inbox.alerts.remarks import HANDOVER, TICKED
from store.alerts import AlertEvent


@dataclass(frozen=True, slots=True)
class Ticked:
    """Who did what a line says, and when."""

    by: str
    at: datetime


def ticks_of(events: Iterable[AlertEvent], advice: Sequence[Mapping[str, str]]) -> tuple[Ticked | None, ...]:
    """Return for each line of the advice who ticked it last, None where nobody did or it was taken back.

    A line is known by its words: it stays ticked when a new answer says the same.
    """
    last: dict[tuple[tuple[str, str], ...], Ticked | None] = {}
    for event in events:
        if event.kind == TICKED:
            last[_words(event.data["line"])] = Ticked(event.actor, event.at) if event.data["done"] else None
    return tuple(last.get(_words(line)) for line in advice)


def handover_note(events: Iterable[AlertEvent]) -> AlertEvent | None:
    """Return the last note for the next shift; None when there is none, or it was taken away."""
    last = None
    for event in events:
        if event.kind == HANDOVER:
            last = event
    return last if last is not None and last.note else None


def _words(line: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(line.items()))
