"""The access log, for the auditor: who looked at whom, who did what, and what was refused."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from litestar import get, post
from litestar.params import URLEncodedBody
from litestar.response import Template

from inbox.http.api_requests import number_of
from inbox.http.pages import page
from inbox.http.parts import AnyRequest, parts_of
from inbox.people.access import record_alone
from inbox.people.permissions import Permission, needs
from store import access_log, patients
from store.access_log import DONE, REFUSED, LineFilter
from store.engine import reading
from store.erasure import erased_with
from store.merges import patients_named

OUTCOMES = (DONE, REFUSED)
MOST_PATIENTS = 100  # of one number

Form = URLEncodedBody[dict[str, str]]


@get("/access", opt=needs(Permission.ACCESS_READ), include_in_schema=False, sync_to_thread=True)
def show_access(request: AnyRequest) -> Template:
    """Ask whose lines to show, and why: nothing is shown before."""
    with reading(parts_of(request).engine) as connection:
        root = access_log.last_root_at(connection)
    return page(request, "access.html", wanted={}, rows=None, people={}, older=None, root=root, fault=False)


@post("/access", opt=needs(Permission.ACCESS_READ), status_code=200, include_in_schema=False, sync_to_thread=True)
def find_access(request: AnyRequest, data: Form) -> Template:
    """Show the lines that were asked for, by POST: the number of a patient is in no address. It says why."""
    parts = parts_of(request)
    asked = {name: data.get(name, "").strip() for name in ("patient", "actor", "action", "outcome", "since", "until")}
    asked |= {"purpose": data.get("purpose", "").strip()[:400], "before": data.get("before", "")}
    if not asked["purpose"]:
        return page(request, "access.html", 422, wanted=asked, rows=None, people={}, older=None, root=None, fault=True)
    whom = None
    if asked["patient"]:
        with reading(parts.engine) as connection:
            whom = set(sorted(erased_with(connection, patients_named(connection, asked["patient"])))[:MOST_PATIENTS])
    zone = parts.settings.zone
    wanted = LineFilter(
        patients=whom,
        actor=asked["actor"],
        action=asked["action"],
        outcome=asked["outcome"] if asked["outcome"] in OUTCOMES else "",
        since=_midnight(asked["since"], zone),
        until=_midnight(asked["until"], zone, days=1),
    )
    return _show(request, asked, wanted)


def _show(request: AnyRequest, asked: dict[str, str], wanted: LineFilter) -> Template:
    parts = parts_of(request)
    limit = parts.settings.rows_per_page
    with reading(parts.engine) as connection:
        rows = access_log.newest_lines(connection, wanted, number_of(asked["before"]), limit)
        people = patients.of_ids(connection, {row.patient_id for row in rows if row.patient_id is not None})
        root = access_log.last_root_at(connection)
    whom: Any = sorted(wanted.patients) if wanted.patients else (None,)
    record_alone(parts, request.user, "access_view", patients=whom, what=_summary(wanted), purpose=asked["purpose"])
    older = rows[-1].id if len(rows) == limit else None
    return page(request, "access.html", wanted=asked, rows=rows, people=people, older=older, root=root, fault=False)


def _summary(wanted: LineFilter) -> str:
    named = {"actor": wanted.actor, "action": wanted.action, "outcome": wanted.outcome}
    times = {"since": wanted.since, "until": wanted.until}
    dates = {name: at.astimezone(UTC).isoformat() for name, at in times.items() if at is not None}
    return " ".join(f"{name} {value}" for name, value in (named | dates).items() if value)[:400]


def _midnight(day: str, zone: ZoneInfo, days: int = 0) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(day) + timedelta(days=days), time(), zone)
    except (ValueError, OverflowError):
        return None
