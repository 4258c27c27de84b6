"""What a pharmacist says of two patients: that they are two after all, or one again. Both can be taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from clinical.identities import is_citizen_number
from inbox.errors import ActRefused, MergeChanged, MergeMissing
from inbox.http.parts import Parts
from inbox.merges import by_hand
from inbox.people.access import record
from inbox.people.viewer import Viewer
from store import alerts, merge_lists, merges
from store.alerts import STATUSES, Happening
from store.locks import lock_people
from store.merge_lists import Pair, Spoken

LONGEST_REASON = 400
_STANDING = [status for status in STATUSES if status != "resolved"]
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class IdentityAct:
    """Who says why, when, and of which two; `seen` is the newest message about them that she knew of."""

    pair: Pair
    actor: str
    reason: str
    now: datetime
    seen: int | None = None


def unmerge(connection: sa.Connection, act: IdentityAct) -> int:
    """Say that two patients are two; give the message that says so and waits for a worker."""
    spoken = _held(connection, act)
    standing = [each for each in spoken if not each.undone]
    if not standing:
        raise MergeChanged("the two are not merged any more")
    return _say(connection, act, "A37", standing[0], spoken)


def merge(connection: sa.Connection, act: IdentityAct, survivor_id: int) -> int:
    """Say that two who were parted are one again; `survivor_id` is the number that stays."""
    if survivor_id not in act.pair:
        raise ActRefused("survivor", "required")
    spoken = _held(connection, act)
    if any(not each.undone for each in spoken):
        raise MergeChanged("the two are merged already")
    wanted = [each for each in spoken if each.survivor_id == survivor_id and may_be_retired(each)]
    if not wanted:
        raise ActRefused("survivor", "unknown")
    return _say(connection, act, "A40", wanted[0], spoken)


def may_be_retired(spoken: Spoken) -> bool:
    """Whether the number that would be given up can be: a citizen number is a person's own."""
    return not is_citizen_number(spoken.retired)


def carry_out(parts: Parts, viewer: Viewer, act: IdentityAct, survivor_id: int | None = None) -> int:
    """Un-merge, or with a survivor merge again; commit, then wake a worker. Gives the message."""
    with parts.engine.begin() as connection:
        message = unmerge(connection, act) if survivor_id is None else merge(connection, act, survivor_id)
        done = "unmerge" if survivor_id is None else "merge"
        record(connection, viewer, done, act.now, patients=act.pair, what=f"message {message}: {act.reason}")
    parts.requeue([message])  # should the queue lose it, the sweep finds it
    return message


def _held(connection: sa.Connection, act: IdentityAct) -> Sequence[Spoken]:
    """What was said of the two, while nobody else can say more."""
    if not act.reason.strip():
        raise ActRefused("reason", "missing")
    if len(act.reason) > LONGEST_REASON:
        raise ActRefused("reason", "too_long")
    lock_people(connection, act.pair)
    spoken = merge_lists.of_pair(connection, act.pair)
    if not spoken:
        raise MergeMissing("nothing was ever said of these two")
    if act.seen is not None and act.seen != spoken[0].message_id:
        raise MergeChanged("something else was said of these two meanwhile")
    return spoken


def _say(connection: sa.Connection, act: IdentityAct, event: str, of: Spoken, spoken: Sequence[Spoken]) -> int:
    """Write the message, and a line in the record of every alert that it may concern."""
    # It counts from now on; but after what it takes back, should that be dated ahead of the clock.
    times = [each.at + _SECOND for each in spoken if each.at is not None]
    at = max([act.now, *times])
    said = by_hand.Said(event, of.survivor, of.retired, act.actor, act.reason.strip(), at, act.now)
    message = by_hand.keep(connection, said)
    kind = "unmerged" if event == "A37" else "merged"
    line = Happening(kind, act.now, act.actor, note=act.reason.strip(), data={"message_id": str(message)})
    members = merges.merge_set(connection, act.pair)
    for alert in alerts.of_patients(connection, members, _STANDING):
        alerts.record(connection, alert.id, line)
    return message
