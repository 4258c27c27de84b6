"""The hand-over: what is held by whom, what comes back when, what starts soon, and what is not ticked off yet."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from litestar import Response, get, post
from litestar.params import URLEncodedBody
from litestar.response import Template

from clinical.conclusions import Words
from clinical.words import PENDING
from inbox.acting import carry_out
from inbox.alerts.act import OnAlert
from inbox.alerts.cards import Card, ListSection
from inbox.alerts.inbox_page import cards_of
from inbox.alerts.remarks import Assignment
from inbox.alerts.steps import steps_of
from inbox.alerts.ticks import handover_note, ticks_of
from inbox.errors import InboxError
from inbox.http.api_requests import number_of
from inbox.http.pages import language_of, page, to_page
from inbox.http.parts import AnyRequest, parts_of
from inbox.people.access import record_list
from inbox.people.permissions import Permission, needs
from store import alerts, due, feeds
from store.alerts import AlertFilter, find_alert, list_alerts
from store.due import Due
from store.engine import reading
from store.feeds import Feed

Form = URLEncodedBody[dict[str, str]]
SOON = timedelta(hours=12)
NEXT_SHIFTS = timedelta(hours=36)


@dataclass(frozen=True, slots=True)
class HandedOver:
    """One alert in the hand-over: its note, and the lines to do now that nobody ticked off."""

    card: Card
    note: str
    to_do: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Returning:
    """An alert that comes back, and why."""

    due: Due
    card: Card


@dataclass(frozen=True, slots=True)
class Handover:
    """What one shift leaves to the next, in one language."""

    soon: list[HandedOver]  # open contra-indications that run, or may start within twelve hours
    held: list[HandedOver]  # what stands under a name
    returning: list[Returning]
    in_trouble: list[Feed]
    heard_feeds: int


@get("/handover", opt=needs(Permission.ALERTS_READ), include_in_schema=False, sync_to_thread=True)
def show_handover(request: AnyRequest) -> Template:
    """Show what one shift leaves to the next."""
    found = handover_of(request, language_of(request))
    mine = [each for each in found.held if each.card.alert.assigned_to == request.user.name]
    owners = sorted({each.card.alert.assigned_to or "" for each in found.held} - {request.user.name})
    return page(
        request,
        "handover.html",
        soon=found.soon,
        mine=mine,
        others={owner: [each for each in found.held if each.card.alert.assigned_to == owner] for owner in owners},
        returning=found.returning,
        in_trouble=found.in_trouble,
        heard_feeds=found.heard_feeds,
    )


def handover_of(request: AnyRequest, language: str) -> Handover:
    """Return what one shift leaves to the next, and record whose alerts were looked at."""
    parts = parts_of(request)
    now = parts.clock()
    with reading(parts.engine) as connection:
        waiting = cards_of(parts, list_alerts(connection, AlertFilter(PENDING), None, None), language, now)
        known = {card.alert.id: card for card in waiting}
        coming = due.coming_back(connection, now + NEXT_SHIFTS)
        settled = [find_alert(connection, number) for number in {each.alert_id for each in coming} - known.keys()]
        known |= {card.alert.id: card for card in cards_of(parts, filter(None, settled), language, now)}
        returning = [Returning(each, known[each.alert_id]) for each in coming if each.alert_id in known]
        soon = _entries(connection, (card for card in waiting if is_soon(card, now)))
        held = _entries(connection, (card for card in waiting if card.alert.assigned_to))
        every_feed = feeds.every(connection)
    cards = [*(each.card for each in (*soon, *held)), *(each.card for each in returning)]
    shown = {card.alert.id: card.alert for card in cards}
    record_list(request, "view_handover", "alerts", list(shown.values()))
    in_trouble = [feed for feed in every_feed if not feed.is_heard(now)]
    return Handover(soon, held, returning, in_trouble, len(every_feed) - len(in_trouble))


def is_soon(card: Card, now: datetime) -> bool:
    """Return whether this is an open contra-indication whose order runs, or may start within twelve hours."""
    is_far = card.starts is not None and card.starts > now + SOON
    return card.is_urged and card.section == ListSection.NOW and not is_far


def _entries(connection: sa.Connection, cards: Iterable[Card]) -> list[HandedOver]:
    found = []
    for card in sorted(cards, key=lambda card: card.rank):
        events, conclusion = alerts.events_of(connection, card.alert.id), card.alert.conclusion
        note = handover_note(events)
        ticks = ticks_of(events, conclusion.advice)
        places = steps_of(card).now[: conclusion.now]
        to_do = tuple(conclusion.advice[place] for place in places if ticks[place] is None)
        found.append(HandedOver(card, note.note or "" if note else "", to_do))
    return found


@post("/handover/take", opt=needs(Permission.ALERTS_ACT), include_in_schema=False, sync_to_thread=True)
def take_over(request: AnyRequest, data: Form) -> Response[Any]:
    """Put what the page showed under a colleague's name under one's own."""
    taken_over(request, data.get("from", ""), {number_of(each) for each in data.get("shown", "").split()})
    return to_page("/handover")


def taken_over(request: AnyRequest, colleague: str, shown: Collection[int | None]) -> list[int]:
    """Put those of these alerts that wait under a colleague's name under one's own, and return them."""
    parts, taken = parts_of(request), []
    with reading(parts.engine) as connection:
        waiting = list_alerts(connection, AlertFilter(PENDING), None, None)
    for alert in waiting:
        if colleague and alert.assigned_to == colleague and alert.id in shown:
            try:
                carry_out(parts, request.user, OnAlert(alert.id, Assignment(request.user.name)))
            except InboxError:
                continue  # settled meanwhile: it needs no one any more
            taken.append(alert.id)
    return taken
