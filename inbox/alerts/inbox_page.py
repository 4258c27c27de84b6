"""The inbox: open alerts by what can still be prevented, live."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from litestar import get
from litestar.response import Redirect, Template

from clinical.words import ALERT_TIERS, PENDING, STATUSES
from inbox.alerts.cards import PatientCard, first_of, groups_of, is_urged, on_wards, wards_of
from inbox.health.readiness import readiness
from inbox.http.api_requests import Heard
from inbox.http.pages import is_fragment, language_of, page, to_page
from inbox.http.parts import AnyRequest, Parts, parts_of
from inbox.people.access import record_list
from inbox.people.authentication import UNATTENDED
from store import event_order, feeds
from store.alerts import AlertFilter, ConcludedAlert, list_alerts
from store.engine import reading
from store.merges import persons
from store.message_queries import last_message_at


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the viewer chose to see."""

    status: list[str]
    tier: list[str]
    ward: list[str]

    @property
    def is_usual(self) -> bool:
        """Whether every alert that waits is shown and nothing else."""
        return self.status == list(PENDING) and not self.tier and not self.ward


def wanted_in(request: AnyRequest) -> Wanted:
    """Read the filters; without a status, the alerts are meant that are nobody's or that somebody is on."""
    asked = request.query_params
    return Wanted(
        [name for name in asked.getall("status", []) if name in STATUSES] or list(PENDING),
        [name for name in asked.getall("tier", []) if name in ALERT_TIERS],
        [name for name in asked.getall("ward", []) if name],
    )


@get("/", include_in_schema=False, sync_to_thread=True)
def show_inbox(request: AnyRequest) -> Template:
    """Show the alerts, those that are open unless others are asked for."""
    return _inbox(request, "inbox.html", wanted_in(request), None)


@get("/alerts", opt={UNATTENDED: True}, include_in_schema=False, sync_to_thread=True)
def refresh_inbox(request: AnyRequest, after: Heard = None) -> Template | Redirect:
    """Return the list anew to an open page that heard that something happened, or whose filter was changed."""
    if not is_fragment(request):
        return to_page("/")
    answer = _inbox(request, "alerts.html", wanted_in(request), after)
    if after is None:
        answer.headers["HX-Replace-Url"] = f"/?{request.url.query}" if request.url.query else "/"
    return answer


def _inbox(request: AnyRequest, template: str, wanted: Wanted, after: int | None) -> Template:
    parts = parts_of(request)
    with reading(parts.engine) as connection:
        heard = event_order.position(connection)
        every_open = list_alerts(connection, AlertFilter(PENDING), None, None)
        rows, has_older = _alerts(connection, parts, wanted, every_open)
        every = _groups(connection, rows, language_of(request), parts.clock())
        every_feed, last = feeds.every(connection), last_message_at(connection)
        chosen = on_wards(every, wanted.ward)
        groups = first_of(chosen, parts.settings.alerts_per_page)
        shown = {card.alert.id for group in groups for card in group.cards}
        new = shown if after is None else shown & event_order.alerts_of(event_order.after(connection, after))
    # Of a list that was only brought up to date, the viewer has not seen these before.
    if new or after is None:
        record_list(request, "list_alerts", "alerts", [row for row in rows if row.id in new])
    return page(
        request,
        template,
        fragment=template == "alerts.html",
        groups=groups,
        patients=len({group.person for group in groups}),
        count=len(shown),
        of=sum(len(group.cards) for group in chosen),
        has_older=has_older,
        totals=Counter(card.section for group in chosen for card in group.cards),
        contraindications=sum(is_urged(row, parts.clock()) for row in every_open),
        listening=last is not None and all(feed.is_heard(parts.clock()) for feed in every_feed),
        chosen=wanted,
        wards=sorted({*wards_of(every), *wanted.ward}),
        tiers=ALERT_TIERS,
        statuses=STATUSES,
        heard=heard,
        feeds=every_feed,
        last_message_at=last,
    )


def _alerts(
    connection: sa.Connection, parts: Parts, wanted: Wanted, every_open: Sequence[ConcludedAlert]
) -> tuple[list[ConcludedAlert], bool]:
    """Return every open alert, the newest of the settled ones, and whether there are older ones than those."""
    limit = parts.settings.alerts_per_page
    rows = [row for row in every_open if row.status in wanted.status and (not wanted.tier or row.tier in wanted.tier)]
    settled = [status for status in wanted.status if status not in PENDING]
    if not settled:
        return rows, False
    found = list_alerts(connection, AlertFilter(settled, wanted.tier), None, limit + 1)
    return rows + found[:limit], len(found) > limit


def _groups(
    connection: sa.Connection, rows: Sequence[ConcludedAlert], language: str, now: datetime
) -> list[PatientCard]:
    found = persons(connection, {row.patient_id for row in rows})
    person_of = {member: person.root for person in found for member in person.members}
    return groups_of(rows, person_of, language, now)


@get("/banners", opt={UNATTENDED: True}, include_in_schema=False)
async def show_banners(request: AnyRequest) -> Template:
    """Return what is not as it should be; and when there is nothing to say, that somebody is listening."""
    parts = parts_of(request)
    version = await asyncio.to_thread(lambda: parts.knowledge.version)  # files may have to be read
    ready = await readiness(parts)
    return page(
        request,
        "banners.html",
        readiness=ready,
        rulebook=parts.rulebook,
        version=version,
        approval=parts.settings.approval,
    )
