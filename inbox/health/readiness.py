"""Whether the system does its work: what /health says to machines and the banners say to people."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from litestar import Response, Router, get
from litestar.openapi.datastructures import ResponseSpec

from forwarding.notice import code_of
from inbox.health.knock import unanswered
from inbox.http.parts import AnyRequest, Parts, parts_of
from inbox.http.problems import described
from inbox.http.settings import InboxSettings
from inbox.people.authentication import AnyAuthentication, viewer_of
from inbox.people.permissions import ANYONE, Permission
from store import canary, feeds, heartbeats, incidents, message_queries
from store.canary import CanaryState
from store.engine import reading
from store.feeds import Feed
from store.incidents import Incident
from store.telling_audit import TellingFault, audit


@dataclass(frozen=True, slots=True)
class Readiness:
    """The state of the parts at one moment."""

    database: bool
    redis: bool
    listener: bool | None = None  # None: nobody said where it is
    worker_age: timedelta | None = None  # since a worker last took a task; None: none is known
    worker_alive: bool = False
    oldest: timedelta | None = None  # how long the longest-waiting message waits; None: none waits
    keeping_up: bool = False
    history_behind: timedelta | None = None  # worth a word on the page
    parked: int = 0
    feeds: tuple[Feed, ...] = ()
    silent_feeds: tuple[Feed, ...] = ()
    last_message_at: datetime | None = None
    incidents: tuple[Incident, ...] = ()
    canary: CanaryState | None = None  # None: none is sent
    canary_is_well: bool = True
    telling_faults: tuple[TellingFault, ...] = ()  # looked for here too: the auditor may be down

    def feed_called(self, subject: str) -> str:
        """Return the name of the feed that an incident is about."""
        return next((feed.name for feed in self.feeds if code_of(feed.public_name) == subject), subject)

    @property
    def is_ready(self) -> bool:
        """Whether an order that arrives now is judged within seconds, and told."""
        judges = self.database and self.redis and self.listener is not False and self.worker_alive and self.keeping_up
        return judges and not any(fault.stops_telling for fault in self.telling_faults)


async def readiness(parts: Parts) -> Readiness:
    """Ask Redis, the listener and the database."""
    redis, listener = await asyncio.gather(
        parts.events.redis_answers(), asyncio.to_thread(_listener_serves, parts.settings)
    )
    return replace(await asyncio.to_thread(_ask_database, parts, redis), listener=listener)


def _listener_serves(settings: InboxSettings) -> bool | None:
    """Knock at every port; None where none is named."""
    if not settings.listener:
        return None
    return all(unanswered(place, settings.listener_within_s) is None for place in settings.listener)


def _ask_database(parts: Parts, redis: bool) -> Readiness:
    now, settings = parts.clock(), parts.settings
    try:
        with reading(parts.engine) as connection:
            beats = heartbeats.judges(heartbeats.last(connection)).values()
            worker_age = max(now - max(beats), timedelta(0)) if beats else None
            oldest = message_queries.oldest_received_age(connection, now)
            history = message_queries.oldest_received_age(connection, now, message_queries.HISTORY_LANES)
            every = tuple(feeds.every(connection))
            counts_for = settings.canary_counts_for
            rounds = canary.state(connection) if counts_for is not None else None
            return Readiness(
                database=True,
                redis=redis,
                worker_age=worker_age,
                worker_alive=worker_age is not None and worker_age <= settings.heartbeat_limit,
                oldest=oldest,
                keeping_up=oldest is None or oldest <= settings.unprocessed_limit,
                history_behind=history if history and history > settings.history_limit else None,
                parked=message_queries.counts(connection)["parked"],
                feeds=every,
                silent_feeds=tuple(feed for feed in every if feed.is_silent(now)),
                last_message_at=message_queries.last_message_at(connection),
                incidents=tuple(incidents.standing(connection)),
                canary=rounds,
                canary_is_well=rounds is None or counts_for is None or rounds.is_well(now, counts_for),
                telling_faults=tuple(audit(connection, now, has_destinations=bool(settings.destinations))),
            )
    except sa.exc.SQLAlchemyError:
        return Readiness(database=False, redis=redis)


@get("/live", responses=described(405), sync_to_thread=False, summary="Whether this process answers")
def live() -> dict[str, bool]:
    """Always true, when it is answered."""
    return {"live": True}


@get(
    "/ready",
    responses={**described(405), 503: ResponseSpec(dict[str, Any], generate_examples=False, description="Not ready")},
    summary="Whether an order that arrives now is judged within seconds",
)
async def ready(request: AnyRequest) -> Response[dict[str, Any]]:
    """200 when every part is there and no message waits too long; else 503; what is wrong, with `status:read`."""
    found, viewer = await readiness(parts_of(request)), viewer_of(request)
    status = 200 if found.is_ready else 503
    if viewer is None or not viewer.may(Permission.STATUS_READ):
        return Response({"ready": found.is_ready}, status_code=status)
    content = {
        "ready": found.is_ready,
        "database": found.database,
        "redis": found.redis,
        "listener": found.listener,
        "worker": found.worker_alive,
        "worker_heartbeat_age_s": found.worker_age.total_seconds() if found.worker_age is not None else None,
        "oldest_unprocessed_age_s": found.oldest.total_seconds() if found.oldest is not None else 0,
        "keeping_up": found.keeping_up,
        "canary": _canary(found),
        "telling": [fault.what for fault in found.telling_faults],
    }
    return Response(content, status_code=status)


def _canary(found: Readiness) -> dict[str, Any] | None:
    """Return when the canary last passed, in how many seconds, and which step the last round missed."""
    if found.canary is None:
        return None
    passed, last = found.canary.passed, found.canary.last
    return {
        "well": found.canary_is_well,
        "passed_at": passed.ended_at.isoformat() if passed is not None and passed.ended_at is not None else None,
        "seconds": passed.seconds if passed is not None else None,
        "missed": last.missed if last is not None else None,
    }


router = Router(
    "/health",
    route_handlers=[live, ready],
    opt={ANYONE: True},
    middleware=[AnyAuthentication],
    security=[{}, {"bearer": []}],
    tags=["health"],
)
