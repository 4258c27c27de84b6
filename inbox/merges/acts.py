"""What a pharmacist says of two patients: that they are two after all, or one again. Both can be taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from clinical.identities import is_citizen_number
from clinical.words import STANDING
from inbox.acting import Acting, Done
from inbox.errors import ActRefused, MergeChanged, MergeMissing
from inbox.merges import by_hand
from store import alerts, merges
from store.alerts import Happening
from store.locks import lock_people
from store.merges import Pair, Spoken

LONGEST_REASON = 400
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Unmerge:
    """Say that two patients are two; `seen` is the newest message about them that the reader knew of."""

    action: ClassVar[str] = "unmerge"

    pair: Pair
    reason: str
    seen: int | None = None

    def perform(self, acting: Acting) -> Done[int]:
        """Write the message that says so and waits for a worker; give its number."""
        spoken = _held(acting, self)
        standing = [each for each in spoken if not each.undone]
        if not standing:
            raise MergeChanged("the two are not merged any more")
        return _say(acting, self, standing[0], spoken)


@dataclass(frozen=True, slots=True)
class Merge:
    """Say that two who were parted are one again; `survivor_id` is the number that stays."""

    action: ClassVar[str] = "merge"

    pair: Pair
    reason: str
    survivor_id: int
    seen: int | None = None

    def perform(self, acting: Acting) -> Done[int]:
        """Write the message that says so and waits for a worker; give its number."""
        if self.survivor_id not in self.pair:
            raise ActRefused("survivor", "required")
        spoken = _held(acting, self)
        if any(not each.undone for each in spoken):
            raise MergeChanged("the two are merged already")
        wanted = [each for each in spoken if each.survivor_id == self.survivor_id and may_be_retired(each)]
        if not wanted:
            raise ActRefused("survivor", "unknown")
        return _say(acting, self, wanted[0], spoken)


def may_be_retired(spoken: Spoken) -> bool:
    """Whether the number that would be given up can be: a citizen number is a person's own."""
    return not is_citizen_number(spoken.retired)


def _held(acting: Acting, act: Unmerge | Merge) -> Sequence[Spoken]:
    """What was said of the two, while nobody else can say more."""
    if not act.reason.strip():
        raise ActRefused("reason", "missing")
    if len(act.reason) > LONGEST_REASON:
        raise ActRefused("reason", "too_long")
    lock_people(acting.connection, act.pair)
    spoken = merges.of_pair(acting.connection, act.pair)
    if not spoken:
        raise MergeMissing("nothing was ever said of these two")
    if act.seen is not None and act.seen != spoken[0].message_id:
        raise MergeChanged("something else was said of these two meanwhile")
    return spoken


def _say(acting: Acting, act: Unmerge | Merge, of: Spoken, spoken: Sequence[Spoken]) -> Done[int]:
    """Write the message, and a line in the record of every alert that it may concern."""
    # It counts from now on; but after what it takes back, should that be dated ahead of the clock.
    times = [each.at + _SECOND for each in spoken if each.at is not None]
    at = max([acting.now, *times])
    event, kind = ("A37", "unmerged") if isinstance(act, Unmerge) else ("A40", "merged")
    said = by_hand.Said(event, of.survivor, of.retired, acting.actor, act.reason.strip(), at, acting.now)
    message = by_hand.keep(acting.connection, said)
    line = Happening(kind, acting.now, acting.actor, note=act.reason.strip(), data={"message_id": str(message)})
    members = merges.merge_set(acting.connection, act.pair)
    for alert in alerts.of_patients(acting.connection, members, STANDING):
        alerts.record(acting.connection, alert.id, line)
    return Done(message, f"message {message}: {act.reason}", act.pair, waiting=(message,))
