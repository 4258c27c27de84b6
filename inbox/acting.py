"""One way to act: what somebody does is done and recorded in one transaction, and announced once that is committed.

An act is a value in the `acts.py` of its room: which thing it is about, what was filled in, and what the person had
before her. Its `perform` holds what it changes, refuses when somebody was first, and does it. Pages and API give it to
`carry_out`, and to nothing else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar

import sqlalchemy as sa

from history.due_times import DueLimits
from inbox.errors import InboxError
from inbox.http.parts import Parts
from inbox.people.access import record
from inbox.people.authorisation import require
from inbox.people.permissions import Permission
from inbox.people.viewer import Viewer
from rules.knowledge import Knowledge
from store.access_log import REFUSED

MOST_QUEUED = 100  # messages that are queued here; of more, the sweep queues the rest within seconds

Result_co = TypeVar("Result_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Acting:
    """Somebody who acts: in which transaction, who, when, and by which knowledge."""

    connection: sa.Connection
    actor: str
    now: datetime
    knowledge: Callable[[], Knowledge]
    due: DueLimits = field(default_factory=DueLimits)


@dataclass(frozen=True, slots=True)
class Done(Generic[Result_co]):
    """What an act gave, and who must hear of it."""

    result: Result_co
    what: str  # for the access record: what it was done to
    patients: Sequence[int | None] = (None,)  # for the access record: whom it is about
    alerts: Sequence[int] = ()  # that changed: the open pages hear of them
    waiting: Sequence[int] = ()  # messages that wait for a worker because of it


@dataclass(frozen=True, slots=True)
class Concerned:
    """What an act is about, such as `alert 12`, and which patients."""

    what: str
    patients: Sequence[int | None] = (None,)


class Act(Protocol[Result_co]):
    """Something that a pharmacist does."""

    @property
    def action(self) -> str:
        """Its name in the access record and in addresses."""

    @property
    def permission(self) -> Permission:
        """What whoever does it must be allowed."""

    def concerns(self, connection: sa.Connection) -> Concerned:
        """Return what it is about and whom, for the record of an act that is refused."""

    def perform(self, acting: Acting) -> Done[Result_co]:
        """Do it in the transaction of `acting`, or raise an InboxError and leave all as it was."""


def carry_out(parts: Parts, viewer: Viewer, act: Act[Result_co]) -> Result_co:
    """Do what somebody asks, record who did it, commit, and then tell the open pages and the workers.

    What is refused is recorded too, with what it was about and whom.
    """
    now = parts.clock()
    require(parts, viewer, act.permission, act.action)
    try:
        with parts.engine.begin() as connection:
            done = act.perform(Acting(connection, viewer.name, now, lambda: parts.knowledge, parts.settings.due))
            record(connection, viewer, act.action, now, patients=done.patients, what=done.what)
    except InboxError:
        with parts.engine.begin() as connection:
            about = act.concerns(connection)
            record(connection, viewer, act.action, now, patients=about.patients, what=about.what, outcome=REFUSED)
        raise
    if done.alerts:
        parts.events.publish(done.alerts)
    if done.waiting:
        parts.requeue(list(done.waiting[:MOST_QUEUED]))  # should the queue lose them, the sweep finds them
    return done.result
