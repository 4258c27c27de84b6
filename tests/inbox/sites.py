"""One inbox for tests, and how a browser signs in to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from argon2 import PasswordHasher
from litestar import Litestar
from litestar.stores.memory import MemoryStore
from litestar.testing import TestClient

from inbox.app import create_app, make_parts, state_of
from inbox.http.forms import token_of
from inbox.http.parts import Parts
from inbox.http.settings import Approval, InboxSettings
from inbox.live.events import LiveEvents
from inbox.live.presence import Presence
from inbox.people.credentials import create_token
from rules.knowledge import Knowledge
from rules.living import KnowledgeSource
from store import tables
from tests.inbox.builders import NOW, a_case
from tests.store.builders import insert

PASSWORD = "correct horse battery"
SECRET = "s" * 32
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
    presence: Presence | None = None  # of this process alone, unless told otherwise
    rulebook: KnowledgeSource | None = None  # the knowledge, unless told otherwise
    events: LiveEvents = field(init=False)  # of who was served last

    def parts(self, **settings: object) -> Parts:
        """Gather what the application works with."""
        self.events = LiveEvents(self.engine, self.redis_url, poll_s=self.poll_s)
        approved = Approval("A. de Vries", NOW.date(), self.knowledge.version)
        given = {
            "approval": approved,
            "secret": SECRET,
            "zone": ZoneInfo("Europe/Amsterdam"),
            "secure_cookies": False,
        } | settings
        return make_parts(
            engine=self.engine,
            knowledge=self.rulebook or self.knowledge,
            settings=InboxSettings(**given),  # type: ignore[arg-type]  # a test names only what it is about
            clock=lambda: self.now,
            events=self.events,
            requeue=self.requeued.extend,
            presence=self.presence,
        )

    @contextmanager
    def client(
        self, base_url: str = "http://testserver.local", reached_at: str = "", **settings: object
    ) -> Iterator[Client]:
        """Serve the application to a program or a browser that knows nobody yet."""
        with (
            an_app(self.parts(base_url=reached_at, **settings)) as app,
            TestClient(app=app, base_url=base_url) as client,
        ):
            yield client

    def add_user(self, name: str, role: str = "pharmacist", language: str = "en") -> None:
        """Add an account with the one password of these tests."""
        row = {"name": name, "password_hash": QUICK_HASH, "role": role, "language": language, "created_at": NOW}
        with self.engine.begin() as connection:
            insert(connection, tables.user, **row)

    def token(self, role: str = "pharmacist", name: str = "") -> dict[str, str]:
        """Return the header of a program with this role."""
        with self.engine.begin() as connection:
            return {"Authorization": f"Bearer {create_token(connection, name or f'a {role}', role, NOW)}"}

    def with_case(self, **columns: Any) -> int:
        """Raise one alert and give its number."""
        with self.engine.begin() as connection:
            return a_case(connection, **columns)


_IDLE: dict[tuple[object, ...], list[Litestar]] = {}


@contextmanager
def an_app(parts: Parts) -> Iterator[Litestar]:
    """Lend the application: one that was made for an earlier test, which costs more than most tests do, or a new one.

    Only these settings shape an application; all else it reads from its state.
    """
    settings = parts.settings
    idle = _IDLE.setdefault((settings.secret, settings.secure_cookies, settings.sign_ins_per_minute), [])
    if idle:
        app = idle.pop()
        app.state = state_of(parts)
        for counted in ("rate_limit", "going", "coming_back", "ending"):  # those who signed in, here and at a provider
            app.stores.register(counted, MemoryStore(), allow_override=True)
    else:
        app = create_app(parts)
    yield app
    idle.append(app)


def form(client: Client, **values: str) -> dict[str, str]:
    """Fill in a form of a page that was opened."""
    before = "__Host-" if client.base_url.scheme == "https" else ""
    session = client.cookies.get(f"{before}ivigilant_session") or ""
    return values | {"_csrf_token": token_of(SECRET, client.cookies[f"{before}ivigilant_csrf"], session)}


def sign_in(client: Client, name: str) -> Client:
    """Sign in as a browser does."""
    client.get("/sign-in")
    client.post("/sign-in", data=form(client, name=name, password=PASSWORD), follow_redirects=False)
    return client
