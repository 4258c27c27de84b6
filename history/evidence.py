"""What answers a follow-up by itself: the result that somebody waits for, taken since. No database, no clock."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from clinical.events import Observation
from history.entries import Entry
from rules.knowledge import Knowledge

_RESULTS: Final = {  # what to look at, and the value set of the results that show it
    "inr": "inr",
    "anti_xa": "anti-xa",
    "platelets": "platelets",
    "creatinine": "creatinine",
    "d_dimer": "d-dimer",
}
LOOK_AT: Final = (*_RESULTS, "imaging", "symptoms", "reply", "other")


@dataclass(frozen=True, slots=True)
class AwaitedResult:
    """A result that somebody waited for: its value as sent, when it was taken, and where it was read."""

    value: str
    unit: str
    taken_at: datetime
    message: str
    message_id: int
    path: str


def evidence_of(look_at: str, since: datetime, entries: Iterable[Entry], knowledge: Knowledge) -> AwaitedResult | None:
    """Return the first result of this kind that was taken after the moment; None while it has not come.

    One that was taken before it was asked for answers nothing, whenever it arrives.
    """
    wanted = _RESULTS.get(look_at)
    if wanted is None:
        return None
    found = (
        AwaitedResult(
            f"{event.comparator}{event.value}", event.unit, taken_at, each.control_id, each.message_id, event.path
        )
        for each in entries
        if isinstance(event := each.event, Observation)
        and event.status not in ("withdrawn", "no_value")
        and (taken_at := event.taken.at if event.taken else each.happened_at) is not None
        and taken_at > since
        and any(wanted in knowledge.sets_of(coding) for coding in event.codings)
    )
    return min(found, key=lambda evidence: evidence.taken_at, default=None)
