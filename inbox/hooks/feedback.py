"""`/cds-services/{id}/feedback`: what a prescriber did with a card, in the record of the alert about the same order.

It settles nothing: the alert stays the pharmacist's. Feedback that comes before the order waits for it.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
import sqlalchemy as sa
from litestar import Response, Router, post
from litestar.params import FromPath

from clinical.words import ABOUT_ORDER
from inbox.alerts.act import LONGEST_TEXT
from inbox.alerts.settling import REASONS
from inbox.hooks.cards import REASON_SYSTEM
from inbox.hooks.reading import decoded, wrong
from inbox.hooks.service import PATH, admit, refusals_recorded, service_of, settings_of, viewer_of
from inbox.hooks.tokens import Client
from inbox.http.forms import UNSIGNED
from inbox.http.parts import AnyRequest, parts_of
from inbox.people.access import record
from inbox.people.permissions import ANYONE
from store import alerts, cards, merges, orders, patients
from store.cards import NewFeedback, ShownCard
from store.locks import lock_people

MOST = 100  # entries of one request


class OverrideCoding(msgspec.Struct, frozen=True):
    """A reason that was chosen: one of the card's, or one of the client's own."""

    code: str
    system: str = ""
    display: str = ""


class OverrideReason(msgspec.Struct, frozen=True, rename="camel"):
    """Why, as a code and in words."""

    reason: OverrideCoding | None = None
    user_comment: str = ""


class FeedbackEntry(msgspec.Struct, frozen=True, rename="camel"):
    """What was done with one card."""

    card: str
    outcome: Literal["accepted", "overridden"]
    outcome_timestamp: datetime
    override_reason: OverrideReason | None = None


class FeedbackRequest(msgspec.Struct, frozen=True):
    """The body."""

    feedback: list[FeedbackEntry]


_decoder: Final = msgspec.json.Decoder(FeedbackRequest)


@post("/{service_id:str}/feedback", opt={ANYONE: True, UNSIGNED: True}, status_code=200, include_in_schema=False)
async def take_feedback(request: AnyRequest, service_id: FromPath[str]) -> Response[Any]:
    """Write down what prescribers did; all of it, or nothing when one entry is wrong."""
    settings = settings_of(parts_of(request))
    service = service_of(service_id).id
    client = await asyncio.to_thread(admit, request, settings, f"/{service}", f"/{service}/feedback")
    changed = await asyncio.to_thread(_take, request, service, client, await request.body())
    if changed:
        parts_of(request).events.publish(changed)
    return Response({}, status_code=200)


def _take(request: AnyRequest, service: str, client: Client, raw: bytes) -> list[int]:
    with refusals_recorded(request, client, "card_feedback", service):
        return _write(request, service, client, _read(raw))


def _read(raw: bytes) -> list[FeedbackEntry]:
    entries = decoded(_decoder, raw).feedback
    if len(entries) > MOST:
        raise wrong("feedback", f"there are more than {MOST}")
    for index, entry in enumerate(entries):
        if entry.outcome_timestamp.tzinfo is None:
            raise wrong(f"feedback[{index}].outcomeTimestamp", "a time has a zone")
        if entry.override_reason and len(entry.override_reason.user_comment) > LONGEST_TEXT:
            raise wrong(f"feedback[{index}].overrideReason.userComment", f"is longer than {LONGEST_TEXT}")
    return entries


def _write(request: AnyRequest, service: str, client: Client, entries: Sequence[FeedbackEntry]) -> list[int]:
    """Write everything in one transaction; return the alerts whose record has a new line."""
    parts, changed = parts_of(request), []
    now = parts.clock()
    with parts.engine.begin() as connection:
        about: dict[str, ShownCard] = {}
        for index, entry in enumerate(entries):
            shown = cards.find(connection, entry.card, client.name, service)
            if shown is None:
                raise wrong(f"feedback[{index}].card", "this service showed no such card to this client")
            about[entry.card] = shown
        _lock(connection, about.values())
        for entry in entries:
            shown = about[entry.card]
            new = _feedback(entry, shown, client, now)
            row = cards.record_feedback(connection, new)
            alert = _alert_of(connection, shown) if row is not None else None
            if row is not None and alert is not None:
                cards.put_in_record(connection, row, new, alert)
                changed.append(alert)
        for shown in about.values():
            viewer, what = viewer_of(request, client, shown.shown_to), f"card {shown.uuid}"
            record(connection, viewer, "card_feedback", now, patients=[shown.patient_id], what=what)
    return changed


def _lock(connection: sa.Connection, shown: Iterable[ShownCard]) -> None:
    """Hold the patients of all cards: a worker that raises an alert at this moment is waited for."""
    ids = {id_ for each in shown for id_ in _identities_of(connection, each)}
    if ids:
        lock_people(connection, ids)


def _identities_of(connection: sa.Connection, shown: ShownCard) -> set[int]:
    """Return the patient of one card, by its row and its numbers."""
    ids = set(patients.found(connection, shown.numbers).values()) if shown.numbers else set()
    return ids if shown.patient_id is None else ids | {shown.patient_id}


def _feedback(entry: FeedbackEntry, shown: ShownCard, client: Client, now: datetime) -> NewFeedback:
    override = entry.override_reason if entry.outcome == "overridden" else None
    coding = override.reason if override else None
    is_ours = coding is not None and coding.code in REASONS and coding.system in ("", REASON_SYSTEM)
    own = "" if coding is None or is_ours else coding.display or coding.code
    note = ": ".join(part for part in (own.strip(), override.user_comment.strip() if override else "") if part)
    return NewFeedback(
        card_uuid=shown.uuid,
        outcome=entry.outcome,
        reason=coding.code if coding is not None and is_ours else None,
        note=note[:LONGEST_TEXT],
        actor=f"{client.name}: {client.user or shown.shown_to}",
        acted_at=entry.outcome_timestamp,
        received_at=now,
    )


def _alert_of(connection: sa.Connection, shown: ShownCard) -> int | None:
    """Return the alert about the order of a card, among the orders of its own patient; none before the order came."""
    ids = _identities_of(connection, shown)
    members = merges.merge_set(connection, ids) if ids else set()
    rows = orders.of_patients(connection, members) if members else []
    same = [row.id for row in rows if shown.is_about(orders.number_of(row.placer), row.starts_at)]
    found = alerts.of_orders(connection, same) if same else {}
    about = [alert.id for (_, stream), alert in sorted(found.items()) if stream == ABOUT_ORDER]
    return about[-1] if about else None


router = Router(PATH, route_handlers=[take_feedback])
