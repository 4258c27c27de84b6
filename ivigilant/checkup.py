"""The checks of `ivigilant doctor`, each reported in one line that says what to do."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import redis
import sqlalchemy as sa

from inbox.health.knock import unanswered
from ivigilant.broker import EVERY_QUEUE, where
from ivigilant.certificates import listening_tls
from ivigilant.errors import IvigilantError
from ivigilant.knowledge.site_knowledge import site_knowledge
from ivigilant.settings import Settings
from ivigilant.site import SiteFile, load_site
from ivigilant.site_choices import destinations, listener_places, reachable
from ivigilant.unlike_numbers import LOOKED_AT, suggestions
from listener.errors import ListenerError
from listener.tls import SOON
from store import application_acks, deliveries, feeds, heartbeats, ledger, message_queries, migrate, patients, retention
from store.engine import connect, reading
from store.errors import StoreError

LEAST_WRITE = 64 * 1024
LEAST_FREE = 256 * 2**20
WAITS_AT_MOST = timedelta(minutes=2)
LEDGER_AGE = timedelta(hours=26)  # it is verified every day


@dataclass(frozen=True, slots=True)
class Line:
    """The outcome of one check."""

    what: str
    well: bool
    told: str


def look_at(settings: Settings, now: datetime, only: str | None = None) -> Iterator[Line]:
    """Run every check in turn, or those of one process; nothing is changed."""
    if only is None:
        yield _site(settings)
        yield _knowledge(settings)
        yield _redis(settings)
        yield from _room(settings)
    if only in (None, "listener"):
        yield from _listener(settings)
        yield from _certificate(settings, now)
    if only in (None, "inbox"):
        yield _inbox(settings)
    if only not in ("listener", "inbox"):
        yield from _stored(settings, now, only)


def _listener(settings: Settings) -> Iterator[Line]:
    try:
        places = listener_places(load_site(settings.site_file), settings)
    except IvigilantError:
        places = listener_places(SiteFile(), settings)  # the check of the site file reports it
    for place in places:
        why = unanswered(place, within_s=3)
        yield Line("listener", why is None, f"listens at {place}" if why is None else f"nobody serves {place} ({why})")


def _certificate(settings: Settings, now: datetime) -> Iterator[Line]:
    """Check when the listener's certificate expires, if it has one."""
    try:
        tls = listening_tls(settings)
    except (IvigilantError, ListenerError) as error:
        yield Line("certificate", False, str(error))
        return
    if tls is not None:
        left = tls.expires_at - now
        told = f"of the listener expires in {left.days} days" if left > timedelta(0) else "of the listener has expired"
        yield Line("certificate", left > SOON, f"{told}; renewed files are used without a restart")


def _inbox(settings: Settings) -> Line:
    place = f"http://{reachable(settings.http_host)}:{settings.http_port}"
    try:
        answer = httpx.get(f"{place}/health/live", timeout=3, trust_env=False)
    except httpx.HTTPError as error:
        return Line("inbox", False, f"does not answer at {place} ({type(error).__name__})")
    return Line("inbox", answer.is_success, f"answers at {place} with {answer.status_code}")


def _stored(settings: Settings, now: datetime, only: str | None) -> Iterator[Line]:
    try:
        engine = connect(settings.database())
        yield from (line for line in _database(engine, now, only) if only in (None, line.what))
    except StoreError as error:
        yield Line("database", False, str(error))
    except sa.exc.SQLAlchemyError as error:
        yield Line("database", False, f"does not answer ({type(error).__name__}); is it running, and migrated?")


def _site(settings: Settings) -> Line:
    try:
        site = load_site(settings.site_file)
        destinations(site, settings)  # a destination that cannot be opened would stop a worker from starting
    except IvigilantError as error:
        return Line("site file", False, str(error))
    if settings.site_file is None:
        return Line("site file", True, "none; every source is unknown and read with the defaults (IVIGILANT_SITE_FILE)")
    return Line("site file", True, f"{len(site.feeds)} feeds, {len(site.destinations)} destinations, {site.zone}")


def _knowledge(settings: Settings) -> Line:
    """Check the rules that a process starting now would use; a running one keeps the last rules without faults."""
    try:
        site = load_site(settings.site_file)
        knowledge = site_knowledge(settings, site)
    except IvigilantError as error:
        faults = str(error).splitlines()
        more = f" (and {len(faults) - 1} more: ivigilant knowledge check)" if len(faults) > 1 else ""
        return Line("knowledge", False, f"has faults and is not used: {faults[0]}{more}")
    told = site.knowledge
    if told is None:
        return Line("knowledge", True, f"{knowledge.version}; approved by nobody (knowledge: in the site file)")
    approved = f"approved by {told.approved_by} on {told.approved_on:%Y-%m-%d}"
    since = "" if told.version == knowledge.version else f", as version {told.version}; it has changed since"
    return Line("knowledge", True, f"{knowledge.version}; {approved}{since}")


def _room(settings: Settings) -> Iterator[Line]:
    """Check that the data folder, if there is one, can be written and has room for some hours."""
    folder = settings.data_dir
    if not folder.is_dir():
        return
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(LEAST_WRITE))
            file.flush()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        yield Line("disk", False, f"{folder} cannot be written ({reason}); nothing is acknowledged until it can")
        return
    yield Line("disk", free > LEAST_FREE, f"{free // 2**20} MiB free for {folder}")


def _redis(settings: Settings) -> Line:
    try:
        url = settings.redis()
        with redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3, retry=None) as client:
            policy = client.info("memory").get("maxmemory_policy")
            waiting = {name: client.llen(name) for name in EVERY_QUEUE}
    except IvigilantError as error:
        return Line("redis", False, str(error))
    except redis.RedisError as error:
        return Line("redis", False, f"does not answer ({type(error).__name__}); messages are kept, and wait")
    if policy != "noeviction":
        return Line("redis", False, f"may evict tasks: set maxmemory-policy noeviction (it is {policy})")
    return Line("redis", True, f"{where(url)}, waiting: " + ", ".join(f"{n} {name}" for name, n in waiting.items()))


def _database(engine: sa.Engine, now: datetime, only: str | None) -> Iterator[Line]:
    if not migrate.is_current(engine):
        yield Line("database", False, f"is at {migrate.current(engine)}, not {migrate.head()}: ivigilant db upgrade")
        return
    yield Line("database", True, f"{engine.url.render_as_string(hide_password=True)} at {migrate.head()}")
    with reading(engine) as connection:
        yield from _processes(connection, now, only)
        yield from _messages(connection, now)
        yield from _feeds(connection, now)
        yield from _deliveries(connection, now)
        yield from _application_acks(connection)
        yield _prunings(connection, now)
        yield _ledger(connection, now)
        if only is None:
            for told in suggestions(patients.newest(connection, LOOKED_AT)):
                yield Line("patient numbers", False, told)


def _processes(connection: sa.Connection, now: datetime, only: str | None) -> Iterator[Line]:
    seen = heartbeats.last(connection)
    yield _own_workers(seen, now) if only == "worker" else _workers(seen, now)
    if not heartbeats.is_alive(seen, heartbeats.SLOW_WORKER, now):
        yield Line("slow worker", False, "no worker for large messages is running (ivigilant work --only-slow)")
    at = seen.get("beat")
    told = f"last heartbeat {_ago(now - at)}" if at else "has not been heard of lately"
    yield Line("beat", at is not None and now - at <= heartbeats.ALIVE_WITHIN, told)


def _workers(seen: Mapping[str, datetime], now: datetime) -> Line:
    """Check that some worker, on any machine, receives tasks."""
    working = heartbeats.judges(seen)
    return Line("worker", any(now - at <= heartbeats.ALIVE_WITHIN for at in working.values()), _taken(working, now))


def _own_workers(seen: Mapping[str, datetime], now: datetime) -> Line:
    """Check that each worker of this machine or container receives tasks."""
    own = {name: at for name, at in seen.items() if heartbeats.machine_of(name) == socket.gethostname()}
    return Line(
        "worker", bool(own) and all(now - at <= heartbeats.ALIVE_WITHIN for at in own.values()), _taken(own, now)
    )


def _taken(working: Mapping[str, datetime], now: datetime) -> str:
    told = [f"{name} took a task {_ago(now - at)}" for name, at in sorted(working.items())]
    return "; ".join(told) or "none has received a task lately; is one running, and can it reach Redis?"


def _messages(connection: sa.Connection, now: datetime) -> Iterator[Line]:
    counts, oldest = message_queries.counts(connection), message_queries.oldest_received_age(connection, now)
    told = f"{counts['received']} wait" + (f", the oldest came {_ago(oldest)}" if oldest else "")
    yield Line("waiting", oldest is None or oldest <= WAITS_AT_MOST, told)
    yield Line("parked", not counts["parked"], f"{counts['parked']} wait for a person; see Messages in the inbox")


def _feeds(connection: sa.Connection, now: datetime) -> Iterator[Line]:
    for feed in feeds.every(connection):
        heard = f"last heard {_ago(now - feed.last_heard_at)}" if feed.last_heard_at else "never heard"
        known = "" if feed.known else "; not in the site file"
        yield Line(f"feed {feed.name}", not feed.is_silent(now), heard + known)


def _deliveries(connection: sa.Connection, now: datetime) -> Iterator[Line]:
    refused = {place: n for (place, state), n in deliveries.counts(connection).items() if state == "refused"}
    for place, how_many in sorted(refused.items()):
        yield Line(f"notices to {place}", False, f"{how_many} refused; correct the destination, then send them again")
    due = deliveries.oldest_due(connection, now)
    if due is not None and now - due > WAITS_AT_MOST:
        yield Line("notices", False, f"the oldest has been due since {_ago(now - due)}")


def _prunings(connection: sa.Connection, now: datetime) -> Line:
    """Report what was last removed, by whom and when; never is not a fault."""
    last = retention.last_pruning(connection)
    if last is None:
        return Line("kept", True, "the text of every message; ivigilant prune shows what may be removed")
    told = f"{_ago(now - last.at)} {last.actor} removed the text of {last.messages} messages, {last.size} bytes"
    return Line("kept", True, f"{told}; of {retention.pruned_messages(connection)} in all")


def _ledger(connection: sa.Connection, now: datetime) -> Line:
    """What the last daily verification found."""
    last = ledger.last_statement(connection)
    if last is None:
        return Line("ledger", True, "not verified yet; beat does so once a day, or: ivigilant ledger verify")
    signed = "signed" if last.signature else "not signed (IVIGILANT_LEDGER_KEY)"
    told = f"verified {_ago(now - last.at)}, {signed}, up to message {last.last_message}"
    if not last.well:
        return Line("ledger", False, f"{told}; something is missing: ivigilant ledger show")
    return Line("ledger", now - last.at <= LEDGER_AGE, told)


def _application_acks(connection: sa.Connection) -> Iterator[Line]:
    refused = {route: n for (route, state), n in application_acks.counts(connection).items() if state == "refused"}
    for route, how_many in sorted(refused.items()):
        yield Line(f"answers to {route}", False, f"{how_many} refused: the sender does not know how its messages ended")


def _ago(age: timedelta) -> str:
    seconds = int(age.total_seconds())
    if seconds < 120:
        return f"{seconds} s ago"
    return f"{seconds // 60} min ago" if seconds < 7200 else f"{seconds // 3600} h ago"
