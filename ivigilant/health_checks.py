"""The checks of one process, for health checks that run every half minute: each imports what it needs."""

import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ivigilant.errors import IvigilantError, UnusableSettings
from ivigilant.settings import Settings, reachable

ROLES = ("listener", "worker", "beat", "inbox")


@dataclass(frozen=True, slots=True)
class Line:
    """The outcome of one check."""

    what: str
    well: bool
    detail: str


def print_lines(lines: Iterable[Line]) -> bool:
    """Print each as it comes; return whether all is well."""
    well = True
    for line in lines:
        well = well and line.well
        print(f"{'ok   ' if line.well else 'WRONG'}  {line.what:<20} {line.detail}", flush=True)
    return well


def print_role(settings: Settings, now: datetime, role: str) -> bool:
    """Print the checks of the process with this role; return whether all is well. Raises UnusableSettings."""
    if role not in ROLES:
        raise UnusableSettings(f"--only {role}: it is one of {', '.join(ROLES)}")
    return print_lines(look_at_role(settings, now, role))


def look_at_role(settings: Settings, now: datetime, role: str) -> Iterator[Line]:
    """Run the checks of the process with this role that runs here; nothing is changed."""
    if role == "listener":
        yield from listener(settings)
        yield from certificate(settings, now, ends_well_after=timedelta(0))  # whoever renews it is told by `doctor`
    elif role == "inbox":
        yield inbox(settings)
    else:
        yield _heard(settings, now, role)


def listener(settings: Settings) -> Iterator[Line]:
    """Check that somebody serves at every port."""
    from inbox.health.knock import unanswered
    from ivigilant.listening import places_at, ports_of

    for place in places_at(settings, ports_of(settings)):
        why = unanswered(place, within_s=3)
        yield Line("listener", why is None, f"listens at {place}" if why is None else f"nobody serves {place} ({why})")


def certificate(settings: Settings, now: datetime, ends_well_after: timedelta) -> Iterator[Line]:
    """Check when the listener's certificate expires, if it has one."""
    if not (settings.mllp_tls_certificate or settings.mllp_tls_key or settings.mllp_tls_client_ca):
        return
    from ivigilant.certificates import listening_tls
    from listener.errors import ListenerError

    try:
        tls = listening_tls(settings)
    except (IvigilantError, ListenerError) as error:
        yield Line("certificate", False, str(error))
        return
    if tls is not None:
        left = tls.expires_at - now
        detail = (
            f"of the listener expires in {left.days} days" if left > timedelta(0) else "of the listener has expired"
        )
        yield Line("certificate", left > ends_well_after, f"{detail}; renewed files are used without a restart")


def inbox(settings: Settings) -> Line:
    """Check that the inbox answers."""
    import http.client

    host = reachable(settings.http_host)
    place = f"http://{host}:{settings.http_port}"
    connection = http.client.HTTPConnection(host, settings.http_port, timeout=3)
    try:
        connection.request("GET", "/health/live")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return Line("inbox", False, f"does not answer at {place} ({type(error).__name__})")
    finally:
        connection.close()
    return Line("inbox", 200 <= status < 300, f"answers at {place} with {status}")


def beat(seen: Mapping[str, datetime], now: datetime) -> Line:
    """Check that a scheduler, on any machine, works."""
    from store.last_heard import ALIVE_WITHIN

    at = seen.get("beat")
    detail = f"last heartbeat {ago(now - at)}" if at else "has not been heard of lately"
    return Line("beat", at is not None and now - at <= ALIVE_WITHIN, detail)


def tasks_taken(working: Mapping[str, datetime], now: datetime) -> str:
    """Return which worker took a task when."""
    detail = [f"{name} took a task {ago(now - at)}" for name, at in sorted(working.items())]
    return "; ".join(detail) or "none has received a task lately; is one running, and can it reach Redis?"


def ago(age: timedelta) -> str:
    """Return how long ago something was."""
    seconds = max(int(age.total_seconds()), 0)  # it may have happened since the checks began
    if seconds < 120:
        return f"{seconds} s ago"
    return f"{seconds // 60} min ago" if seconds < 7200 else f"{seconds // 3600} h ago"


def _heard(settings: Settings, now: datetime, role: str) -> Line:
    from store.errors import StoreError, StoreUnavailable
    from store.last_heard import last_heard

    try:
        seen = last_heard(settings.database())
    except StoreUnavailable as error:
        return Line("database", False, f"does not answer ({error}); is it running, and migrated?")
    except StoreError as error:
        return Line("database", False, str(error))
    return beat(seen, now) if role == "beat" else _own_workers(seen, now)


def _own_workers(seen: Mapping[str, datetime], now: datetime) -> Line:
    """Check that each worker of this machine or container receives tasks."""
    from store.last_heard import ALIVE_WITHIN, machine_of

    own = {name: at for name, at in seen.items() if machine_of(name) == socket.gethostname()}
    alive = bool(own) and all(now - at <= ALIVE_WITHIN for at in own.values())
    return Line("worker", alive, tasks_taken(own, now))
