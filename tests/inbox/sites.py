"""One inbox for tests, and how a browser signs in to it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from argon2 import PasswordHasher
from litestar import Litestar
from litestar.testing import TestClient

from inbox.app import create_app
from inbox.http.settings import Approval, InboxSettings
from inbox.live.events import LiveEvents
from inbox.people.credentials import create_token
from rules.knowledge import Knowledge
from rules.living import KnowledgeSource
from store import tables
from tests.inbox.builders import NOW, a_case
from tests.store.builders import insert

PASSWORD = "correct horse battery"
QUICK_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)

Client = TestClient[Litestar]


@dataclass
class Site:
    """One inbox, its clock, and what it asked to be queued again."""

    engine: sa.Engine
    knowledge: Knowledge
    redis_url: str | None = None
    poll_s: float = 0.1
    now: datetime = NOW
    requeued: list[int] = field(default_factory=list)
    rulebook: KnowledgeSource | None = None  # the knowledge, unless told otherwise

    def app(self, **settings: object) -> Litestar:
        """Make the application."""
        approved = Approval("A. de Vries", NOW.date(), self.knowledge.version)
        given = {
            "approval": approved,
            "secret": "s" * 32,
            "zone": ZoneInfo("Europe/Amsterdam"),
            "secure_cookies": False,
        } | settings
        return create_app(
            engine=self.engine,
            knowledge=self.rulebook or self.knowledge,
            settings=InboxSettings(**given),  # type: ignore[arg-type]  # a test names only what it is about
            clock=lambda: self.now,
            events=LiveEvents(self.engine, self.redis_url, poll_s=self.poll_s),
            requeue=self.requeued.extend,
        )

    def add_user(self, name: str, role: str = "pharmacist", language: str = "en") -> None:
        """Add an account with the one password of these tests."""
        row = {"name": name, "password_hash": QUICK_HASH, "role": role, "language": language, "created_at": NOW}
        with self.engine.begin() as connection:
            insert(connection, tables.user, **row)

    def token(self, role: str = "pharmacist", name: str = "") -> dict[str, str]:
        """Give the header of a program with this role."""
        with self.engine.begin() as connection:
            return {"Authorization": f"Bearer {create_token(connection, name or f'a {role}', role, NOW)}"}

    def with_case(self, **columns: Any) -> int:
        """Raise one alert and give its number."""
        with self.engine.begin() as connection:
            return a_case(connection, **columns)


def form(client: Client, **values: str) -> dict[str, str]:
    """Fill in a form of a page that was opened."""
    return values | {"_csrf_token": client.cookies["ivigilant_csrf"]}


def sign_in(client: Client, name: str) -> Client:
    """Sign in as a browser does."""
    client.get("/sign-in")
    client.post("/sign-in", data=form(client, name=name, password=PASSWORD), follow_redirects=False)
    return client
