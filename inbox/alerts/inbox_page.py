"""The inbox: open alerts by what can still be prevented, live."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args
from urllib.parse import urlencode

import sqlalchemy as sa
from litestar import get
from litestar.response import Redirect, Template
from markupsafe import Markup

from clinical.words import ALERT_TIERS, PENDING, STATUSES
from inbox.alerts.cards import Card, ListRow, card_of, groups_of, rows_of
from inbox.alerts.changes import flag_of
from inbox.alerts.drawn import RowView
from inbox.health.readiness import readiness
from inbox.http.api_requests import Heard
from inbox.http.notation import Notation
from inbox.http.pages import environment_of, is_fragment, language_of, page, titles_of, to_page
from inbox.http.parts import AnyRequest, Parts, parts_of
from inbox.people.access import record_list
from inbox.people.accounts import names_of_accounts
from inbox.people.authentication import UNATTENDED
from inbox.people.permissions import Permission, needs
from store import event_order, feeds
from store.alerts import AlertFilter, ConcludedAlert, events_of_each, list_alerts
from store.assessments import orders_answered_since
from store.engine import reading
from store.merges import joined_persons
from store.message_queries import last_message_at

Reach = Literal["interrupt", "worklist"]
REACHES: tuple[Reach, ...] = get_args(Reach)
Whose = Literal["mine", "nobody"]
WHOSE: tuple[Whose, ...] = get_args(Whose)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the viewer chose to see; an empty text stands for all."""

    status: str = ""  # "": everything that waits for somebody
    channel: str = ""
    tier: str = ""
    ward: str = ""
    whose: str = ""

    @property
    def is_usual(self) -> bool:
        """Whether all that waits is shown and nothing else."""
        return self == Wanted()

    @property
    def statuses(self) -> Sequence[str]:
        """The statuses that are shown."""
        return (self.status,) if self.status else PENDING

    def query(self, page: int = 1) -> str:
        """Return the address of these filters, and of a page of their list."""
        asked = {name: getattr(self, name) for name in self.__dataclass_fields__} | {"page": page if page > 1 else ""}
        chosen = {name: value for name, value in asked.items() if value}
        return f"/?{urlencode(chosen)}" if chosen else "/"

    def holds(self, card: Card, viewer: str) -> bool:
        """Return whether an alert is among those chosen, its channel left aside."""
        owner = card.alert.assigned_to
        is_whose = {"mine": owner == viewer, "nobody": owner is None}.get(self.whose, True)
        return is_whose and self.ward in ("", card.patient.ward) and self.tier in ("", card.alert.tier)


@dataclass(frozen=True, slots=True)
class Listing:
    """The list as it was asked for: the rows of one page, and counts over all."""

    rows: tuple[ListRow, ...]  # every row that was chosen
    shown: tuple[ListRow, ...]
    number: int  # of the page
    pages: int
    by_channel: dict[str, int]  # "": of both


def wanted_in(request: AnyRequest) -> Wanted:
    """Read the filters; an unknown value is left out."""
    asked = request.query_params
    choices = {"status": STATUSES, "channel": REACHES, "tier": ALERT_TIERS, "whose": WHOSE}
    chosen = {name: asked.get(name, "") for name in choices}
    known = {name: value if value in choices[name] else "" for name, value in chosen.items()}
    return Wanted(ward=asked.get("ward", ""), **known)


@get("/", opt=needs(Permission.ALERTS_READ), include_in_schema=False, sync_to_thread=True)
def show_inbox(request: AnyRequest) -> Template:
    """Show the alerts, those that wait for somebody unless others are asked for."""
    return _inbox(request, "inbox.html", wanted_in(request), None)


@get("/alerts", opt=needs(Permission.ALERTS_READ) | {UNATTENDED: True}, include_in_schema=False, sync_to_thread=True)
def refresh_inbox(request: AnyRequest, after: Heard = None) -> Template | Redirect:
    """Return the list anew to an open page that heard that something happened, or whose filter was changed."""
    if not is_fragment(request):
        return to_page("/")
    wanted = wanted_in(request)
    answer = _inbox(request, "alerts.html", wanted, after)
    if after is None:
        answer.headers["HX-Replace-Url"] = wanted.query()
    return answer


def _inbox(request: AnyRequest, template: str, wanted: Wanted, after: int | None) -> Template:
    parts, language = parts_of(request), language_of(request)
    now, notation = parts.clock(), parts.notation(language)
    with reading(parts.engine) as connection:
        heard = event_order.position(connection)
        pending = list_alerts(connection, AlertFilter(PENDING), None, None, parts.drawn.conclusions)
        waiting = cards_of(parts, pending, language, now)
        cards, has_older = _cards(connection, parts, wanted, waiting, language, now)
        listing = _list(connection, request, wanted, cards)
        every_feed, last = feeds.every(connection), last_message_at(connection)
        # Only the page without alerts shows it; it reads every answer of the day.
        answered = 0 if listing.rows else orders_answered_since(connection, notation.midnight(now))
        shown = {card.alert.id: card.alert for row in listing.shown for card in row.cards}
        flags = _flags(connection, parts, [alert.id for alert in shown.values() if alert.is_open], notation, now)
        looking = _looking(connection, request, shown)
        new = shown.keys() if after is None else shown.keys() & _changed_since(connection, after)
    # Of a list that was only brought up to date, the viewer has not seen these before.
    if new or after is None:
        record_list(request, "list_alerts", "alerts", [row for row in shown.values() if row.id in new])
    return page(
        request,
        template,
        fragment=template == "alerts.html",
        groups=groups_of(listing.rows, listing.shown),
        listing=listing,
        total=sum(len(row.cards) for row in listing.rows),
        has_older=has_older,
        urged=[card for card in sorted(waiting, key=lambda card: card.rank) if card.is_urged],
        listening=last is not None and bool(every_feed) and all(feed.is_heard(now) for feed in every_feed),
        is_unheard=last is None and not any(feed.last_heard_at for feed in every_feed),
        chosen=wanted,
        wards=sorted({card.patient.ward for card in cards if card.patient.ward} | ({wanted.ward} - {""})),
        choices={"tier": ALERT_TIERS, "status": STATUSES, "channel": REACHES, "whose": WHOSE},
        heard=heard,
        feeds=every_feed,
        last_message_at=last,
        answered=answered,
        strips=_strips(request, listing.shown, flags, looking, notation),
        called=[] if after is None else sorted(new & _calling(listing, request.user.name)),
    )


def _looking(connection: sa.Connection, request: AnyRequest, alerts: Collection[int]) -> dict[int, list[str]]:
    """Return the names of the others who have each of these alerts open; of an alert that nobody has open, nothing."""
    parts, account = parts_of(request), request.user.user_id
    there = parts.presence.at_each(alerts, parts.clock())
    names = names_of_accounts(connection, sorted({each for found in there.values() for each in found} - {account}))
    named = {alert: [names[each] for each in found if each in names] for alert, found in there.items()}
    return {alert: found for alert, found in named.items() if found}


def _flags(
    connection: sa.Connection, parts: Parts, alerts: Collection[int], notation: Notation, now: datetime
) -> dict[int, str]:
    """Return why each of these alerts was opened again, of those that were."""
    titles = titles_of(parts.knowledge, notation.words.language)
    records = events_of_each(connection, alerts, holding="reopened")
    return {number: flag_of(events, notation, titles, now) for number, events in records.items()}


def _strips(
    request: AnyRequest,
    rows: Iterable[ListRow],
    flags: Mapping[int, str],
    looking: Mapping[int, Sequence[str]],
    notation: Notation,
) -> dict[int, Markup]:
    """Return each of these rows as the viewer sees it, by the number of its first alert."""
    views = (
        RowView(
            row,
            flags.get(row.card.alert.id, ""),
            list(dict.fromkeys(name for card in row.cards for name in looking.get(card.alert.id, ()))),
            row.card.alert.assigned_to == request.user.name,
        )
        for row in rows
    )
    return parts_of(request).drawn.draw(environment_of(request), views, notation)


def _calling(listing: Listing, viewer: str) -> set[int]:
    """Return the alerts that ask for the attention of the viewer where they are new on the list."""
    cards = (card for row in listing.shown for card in row.cards)
    return {
        card.alert.id for card in cards if card.alert.is_open and not card.is_quiet and card.alert.assigned_to != viewer
    }


def _changed_since(connection: sa.Connection, after: int) -> set[int]:
    return event_order.alerts_of(event_order.after(connection, after))


def cards_of(parts: Parts, alerts: Iterable[ConcludedAlert], language: str, now: datetime) -> list[Card]:
    """Return alerts as the list shows them."""
    notation, rates = parts.notation(language), parts.knowledge.terms.rates
    return [parts.drawn.same(card_of(alert, notation, rates, now)) for alert in alerts]


def _cards(
    connection: sa.Connection, parts: Parts, wanted: Wanted, waiting: list[Card], language: str, now: datetime
) -> tuple[list[Card], bool]:
    """Return what waits, or the newest of the settled ones that are asked for, and whether there are older ones."""
    if wanted.status in ("", *PENDING):
        return [card for card in waiting if card.alert.status in wanted.statuses], False
    limit = parts.settings.alerts_per_page
    found = list_alerts(connection, AlertFilter(wanted.statuses, [wanted.tier] if wanted.tier else ()), None, limit + 1)
    return cards_of(parts, found[:limit], language, now), len(found) > limit


def _list(connection: sa.Connection, request: AnyRequest, wanted: Wanted, cards: Sequence[Card]) -> Listing:
    chosen = [card for card in cards if wanted.holds(card, request.user.name)]
    of_channel: dict[str, list[Card]] = {
        reach: [card for card in chosen if card.is_quiet == (reach == "worklist")] for reach in REACHES
    }
    people = joined_persons(connection, {card.alert.patient_id for card in chosen})
    person_of = {member: person.root for person in people for member in person.members}
    rows = rows_of(of_channel.get(wanted.channel, chosen), person_of)
    size = parts_of(request).settings.alerts_per_page
    pages = max(1, -(-len(rows) // size))
    asked = request.query_params.get("page", "")
    number = min(max(int(asked), 1), pages) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 1
    counts = {reach: len(found) for reach, found in of_channel.items()} | {"": len(chosen)}
    return Listing(tuple(rows), tuple(rows[(number - 1) * size : number * size]), number, pages, counts)


@get("/banners", opt=needs(Permission.STATUS_READ) | {UNATTENDED: True}, include_in_schema=False)
async def show_banners(request: AnyRequest) -> Template:
    """Return what is not as it should be; and when there is nothing to say, that somebody is listening."""
    parts = parts_of(request)
    version = await asyncio.to_thread(lambda: parts.knowledge.version)  # files may have to be read
    ready = await readiness(parts)
    context: dict[str, Any] = {"readiness": ready, "rulebook": parts.rulebook, "version": version}
    return page(request, "banners.html", approval=parts.settings.approval, **context)
