"""What every page and every answer of the API is made with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State

from history.drafts import DraftRequest, JudgedDrafts
from inbox.alerts.drawn import Drawn
from inbox.http.notation import Notation
from inbox.http.settings import InboxSettings
from inbox.http.words import Words
from inbox.live.events import Events
from inbox.live.presence import Presence
from inbox.people.viewer import Viewer
from rules.knowledge import Knowledge
from rules.living import KnowledgeSource

Requeue = Callable[[Sequence[int]], None]
JudgeDrafts = Callable[[sa.Connection, DraftRequest], JudgedDrafts]
AnyConnection = ASGIConnection[Any, Any, Any, Any]
AnyRequest = Request[Viewer, Any, State]


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one inbox, given once when it is made."""

    engine: sa.Engine
    rulebook: KnowledgeSource
    settings: InboxSettings
    clock: Callable[[], datetime]
    events: Events
    requeue: Requeue
    words: Mapping[str, Words]
    presence: Presence = field(default_factory=Presence)
    drawn: Drawn = field(default_factory=Drawn)
    judge_drafts: JudgeDrafts | None = None  # None: CDS Hooks is off

    @property
    def knowledge(self) -> Knowledge:
        """The knowledge of this moment."""
        return self.rulebook.current()

    def language(self, *wishes: str) -> str:
        """Return the first wish that we speak, else the site's own language."""
        return next((wish for wish in wishes if wish in self.words), self.settings.languages[0])

    def notation(self, language: str) -> Notation:
        """Return the way of writing times and numbers in a language."""
        return Notation(self.words[language], self.settings.zone)


def parts_of(connection: AnyConnection) -> Parts:
    """Return the parts of the inbox that this request came to."""
    parts: Parts = connection.app.state.parts
    return parts


def languages_wished(header: str) -> list[str]:
    """Read Accept-Language, most wanted first: `nl-NL,en;q=0.8` → nl, en."""
    wishes = []
    for part in header.split(","):
        name, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            weight = 0.0
        if name and weight > 0:
            wishes.append((-weight, name.split("-")[0].lower()))
    return [name for _, name in sorted(wishes, key=lambda wish: wish[0])]
