"""The inbox: open alerts by patient, live."""

import sqlalchemy as sa
from litestar import get
from litestar.params import FromQuery
from litestar.response import Redirect, Template

from inbox.access import record
from inbox.authentication import UNATTENDED
from inbox.overview import Group, groups_of, on_wards, wards_of
from inbox.pages import is_fragment, language_of, page, to_page
from inbox.parts import AnyRequest, Parts, parts_of
from inbox.readiness import readiness
from store import feeds
from store.inbox_queries import AlertFilter, Rows, events_after, gravest_alerts, last_event, list_alerts
from store.merges import persons
from store.status_queries import last_message_at

SHOWN_TIERS = ("contraindication", "high", "moderate")
STATUSES = ("open", "acknowledged", "overridden", "covered", "resolved")

ALL_NEWS = 10_000  # more than happens between two looks

Chosen = FromQuery[list[str] | None]


def _alerts(connection: sa.Connection, parts: Parts, statuses: list[str], tiers: list[str]) -> Rows:
    """Open alerts by tier; of those that were settled, of which there are ever more, the newest."""
    wanted, limit = AlertFilter(statuses, tiers), parts.settings.alerts_per_page
    if statuses == ["open"]:
        return gravest_alerts(connection, wanted, limit)
    return list_alerts(connection, wanted, None, limit)


def _groups(connection: sa.Connection, rows: Rows, language: str) -> list[Group]:
    person_of = {
        member: person.root
        for person in persons(connection, {row.patient_id for row in rows})
        for member in person.members
    }
    return groups_of(rows, person_of, language)


@get("/", include_in_schema=False, sync_to_thread=True)
def show_inbox(request: AnyRequest, status: Chosen = None, tier: Chosen = None, ward: Chosen = None) -> Template:
    """Show the alerts, those that are open unless others are asked for."""
    return _inbox(request, "inbox.html", status, tier, ward)


@get("/alerts", opt={UNATTENDED: True}, include_in_schema=False, sync_to_thread=True)
def refresh_inbox(
    request: AnyRequest,
    status: Chosen = None,
    tier: Chosen = None,
    ward: Chosen = None,
    after: FromQuery[int | None] = None,
) -> Template | Redirect:
    """Give the list anew to an open page that heard that something happened, or whose filter was changed."""
    if not is_fragment(request):
        return to_page("/")
    answer = _inbox(request, "alerts.html", status, tier, ward, after)
    if after is None:
        answer.headers["HX-Replace-Url"] = f"/?{request.url.query}" if request.url.query else "/"
    return answer


def _inbox(
    request: AnyRequest,
    template: str,
    status: list[str] | None,
    tier: list[str] | None,
    ward: list[str] | None,
    after: int | None = None,
) -> Template:
    parts = parts_of(request)
    statuses = [name for name in status or [] if name in STATUSES] or ["open"]
    tiers = [name for name in tier or [] if name in SHOWN_TIERS]
    with parts.engine.begin() as connection:
        heard = last_event(connection)
        rows = _alerts(connection, parts, statuses, tiers)
        every = _groups(connection, rows, language_of(request))
        groups = on_wards(every, [name for name in ward or [] if name])
        every_feed, last = feeds.every(connection), last_message_at(connection)
        shown = {card.id for group in groups for card in group.cards}
        _record_view(connection, request, rows, shown, after)
    chosen = {"status": statuses, "tier": tiers, "ward": [name for name in ward or [] if name]}
    return page(
        request,
        template,
        groups=groups,
        count=len(shown),
        full=len(rows) == parts.settings.alerts_per_page,
        chosen=chosen,
        wards=sorted({*wards_of(every), *chosen["ward"]}),
        tiers=SHOWN_TIERS,
        statuses=STATUSES,
        heard=heard,
        narrowed=bool(tiers or chosen["ward"] or statuses != ["open"]),
        feeds=every_feed,
        last_message_at=last,
    )


def _record_view(
    connection: sa.Connection, request: AnyRequest, rows: Rows, shown: set[int], after: int | None
) -> None:
    """Record whom the viewer sees now; of a list that was only brought up to date, whom she did not see before."""
    if after is not None:
        shown = shown & {alert for _, alert in events_after(connection, after, ALL_NEWS)}
    patients = sorted({row.patient_id for row in rows if row.id in shown})
    what = f"alerts {' '.join(str(number) for number in sorted(shown))}"
    record(connection, request.user, "list_alerts", parts_of(request).clock(), patients=patients, what=what)


@get("/banners", opt={UNATTENDED: True}, include_in_schema=False)
async def show_banners(request: AnyRequest) -> Template:
    """Say what is not as it should be; and when there is nothing to say, that somebody is listening."""
    return page(request, "banners.html", readiness=await readiness(parts_of(request)))
