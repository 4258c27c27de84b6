"""The page of notices: per destination whether they arrive, and the chain of one alert: who was told, what comes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

import sqlalchemy as sa
from litestar import get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from clinical.words import ALERT_TIERS, FoundTier, Language
from forwarding.policy_sentences import sentences
from forwarding.wording import words_in
from inbox.acting import Acting, Concerned, Done, carry_out
from inbox.http.api_requests import number_of
from inbox.http.pages import language_of, page, to_page
from inbox.http.parts import AnyRequest, Parts, parts_of
from inbox.http.settings import DestinationShown
from inbox.people.access import record_alone
from inbox.people.permissions import Permission, needs
from store import alerts, canary, deliveries, due, feeds, heartbeats, incidents, telling_audit
from store.alerts import Alert
from store.deliveries import Delivery, DestinationState
from store.engine import reading
from store.incidents import Incident

MOST_CHAINS = 20  # alerts to choose from


@dataclass(frozen=True)
class OnDestination:
    """What is done with one destination."""

    permission: ClassVar[Permission] = Permission.NOTICES_SEND

    destination: str

    def concerns(self, connection: sa.Connection) -> Concerned:
        """Return the destination."""
        return Concerned(f"destination {self.destination}")


@dataclass(frozen=True)
class SendTest(OnDestination):
    """Send a test notice, without anything of a patient or an alert."""

    action: ClassVar[str] = "send_test_notice"

    def perform(self, acting: Acting) -> Done[bool]:
        """Let whoever tells incidents send it; return False when one is on its way."""
        begun = incidents.begin(acting.connection, "test", self.destination, acting.actor, acting.now)
        return Done(begun, f"destination {self.destination}")


@dataclass(frozen=True)
class SendAgain(OnDestination):
    """Send again what the destination refused, once its cause is mended."""

    action: ClassVar[str] = "send_notices_again"

    def perform(self, acting: Acting) -> Done[int]:
        """Let the workers try again; return how many notices that are."""
        again = deliveries.retry_all(acting.connection, self.destination, acting.now)
        return Done(again, f"destination {self.destination}: {again} notices")


@dataclass(frozen=True, slots=True)
class DestinationRow:
    """One destination, and how its notices fare."""

    name: str
    kind: str  # "": the site file does not name it any more
    state: DestinationState
    incident: Incident | None
    tested: Incident | None  # the last test notice

    @property
    def status(self) -> str:
        """The word for it."""
        if self.incident is not None:
            return "dead"
        return "ok" if self.state.last_sent_at is not None else "untried"


@dataclass(frozen=True, slots=True)
class ChainLine:
    """One line of an alert's record that was told, or will be."""

    at: datetime
    kind: str  # of the line in the record; "next": it comes
    step: int | None
    of: int | None
    sent: Sequence[Delivery] = ()

    @property
    def status(self) -> str:
        """The word for it: one destination that took it is enough."""
        states = {each.state for each in self.sent}
        if self.kind == "next":
            return "next"
        return "sent" if "sent" in states else "pending" if "pending" in states else "refused"


@get("/notices", opt=needs(Permission.NOTICES_READ), include_in_schema=False, sync_to_thread=True)
def show_notices(request: AnyRequest, alert: FromQuery[str] = "") -> Template:
    """Show the destinations, the chain of one alert, what the auditor found, and the policy."""
    parts = parts_of(request)
    record_alone(parts, request.user, "list_notices")
    with reading(parts.engine) as connection:
        rows = _rows(connection, parts.settings.destinations)
        waiting = _waiting(connection)
        chosen = number_of(alert) or (waiting[0].id if waiting else None)
        chain = _chain(connection, chosen) if chosen is not None else []
        faults = telling_audit.audit(connection, parts.clock(), has_destinations=bool(parts.settings.destinations))
        audited_at = heartbeats.last(connection).get("auditor")
        every_feed = feeds.every(connection)
        rounds = canary.state(connection) if parts.settings.canary_counts_for is not None else None
    return page(
        request,
        "notices.html",
        rows=rows,
        waiting=waiting,
        chosen=chosen,
        chain=chain,
        faults=faults,
        audited_at=audited_at,
        canary=rounds,
        feeds=every_feed,
        switch=parts.settings.telling.dead_mans_switch is not None,
        policy=_policy(parts, language_of(request)),
    )


@post("/notices/{name:str}/test", opt=needs(Permission.NOTICES_SEND), include_in_schema=False, sync_to_thread=True)
def send_test(request: AnyRequest, name: FromPath[str]) -> Redirect:
    """Send a test notice to one destination."""
    parts = parts_of(request)
    carry_out(parts, request.user, SendTest(_named(parts, name)))
    return to_page("/notices")


@post("/notices/{name:str}/again", opt=needs(Permission.NOTICES_SEND), include_in_schema=False, sync_to_thread=True)
def send_again(request: AnyRequest, name: FromPath[str]) -> Redirect:
    """Send again what one destination refused."""
    parts = parts_of(request)
    carry_out(parts, request.user, SendAgain(_named(parts, name)))
    return to_page("/notices")


def _named(parts: Parts, name: str) -> str:
    if name not in {each.name for each in parts.settings.destinations}:
        raise NotFoundException
    return name


def _policy(parts: Parts, language: Language) -> list[str]:
    take_on: dict[FoundTier, timedelta] = {tier: parts.settings.due.of(tier) for tier in ALERT_TIERS}
    return sentences(parts.settings.telling, words_in(language).policy, take_on, parts.settings.due.before_start)


def _rows(connection: sa.Connection, named: Sequence[DestinationShown]) -> list[DestinationRow]:
    """Return the destinations of the site file, and those that have notices left from before."""
    states = deliveries.by_destination(connection)
    ongoing = {each.subject: each for each in incidents.standing(connection) if each.kind == "destination"}
    tests = incidents.last_tests(connection)
    kinds = {each.name: each.kind for each in named}
    left = sorted(name for name, state in states.items() if name not in kinds and (state.pending or state.refused))
    return [
        DestinationRow(
            name, kinds.get(name, ""), states.get(name, DestinationState()), ongoing.get(name), tests.get(name)
        )
        for name in [*kinds, *left]
    ]


def _waiting(connection: sa.Connection) -> list[Alert]:
    """Return the alerts that are being told, the one that is told next first."""
    steps = due.next_of_kind(connection, "step", MOST_CHAINS)
    found = (alerts.get(connection, each.alert_id) for each in steps)
    return [each for each in found if each is not None]


def _chain(connection: sa.Connection, alert_id: int) -> list[ChainLine]:
    """Return what was told of the alert, oldest first, and when it is told next."""
    sent: dict[int, list[Delivery]] = {}
    for each in deliveries.of_alert(connection, alert_id):
        sent.setdefault(each.event_id, []).append(each)
    lines = [
        ChainLine(event.at, event.kind, event.data.get("step"), event.data.get("of"), sent[event.id])
        for event in alerts.events_of(connection, alert_id)
        if event.id in sent
    ]
    steps = [each for each in due.standing(connection, [alert_id]) if each.kind == "step"]
    return [*lines, *(ChainLine(each.due_at, "next", None, None) for each in steps)]
