"""`/cds-services`: what a prescriber's own system asks of an order before it is placed (CDS Hooks 2.0).

No account opens these routes: each request carries a signed token of a client. Nothing of the order is stored but that
a card was shown, the token that asked, and the access.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
import structlog
from litestar import Response, Router, get, post
from litestar.exceptions import HTTPException, NotAuthorizedException, NotFoundException
from litestar.params import FromPath

from clinical.words import ABOUT_ORDER, Channel
from history.drafts import JudgedDrafts, PatientUnknown
from history.order_answers import OrderAnswer
from inbox.errors import TokenRefused
from inbox.hooks.cards import CardShape, CardStyle, card_of
from inbox.hooks.reading import HookQuestion, Precondition, question_of, read_request, unreadable
from inbox.hooks.tokens import Client, verify_token
from inbox.http.forms import UNSIGNED
from inbox.http.parts import AnyRequest, Parts, languages_wished, parts_of
from inbox.http.settings import HookSettings
from inbox.people.access import record, record_alone
from inbox.people.permissions import ANYONE
from inbox.people.viewer import Viewer, source_of
from parsers.errors import UnreadableMessage
from store import alerts, cards, orders
from store.access_log import REFUSED
from store.alerts import Alert
from store.cards import ShownCard
from store.engine import snapshot

ROLE: Final = "cds-client"
PATH: Final = "/cds-services"
LONGEST_LINE = 500  # of what was refused: a client may send anything
_PREFETCH: Final = {
    "patient": "Patient/{{context.patientId}}",
    "conditions": "Condition?patient={{context.patientId}}",
    "procedures": "Procedure?patient={{context.patientId}}",
    "allergies": "AllergyIntolerance?patient={{context.patientId}}",
    "medications": "MedicationRequest?patient={{context.patientId}}&status=active",
    "statements": "MedicationStatement?patient={{context.patientId}}&status=active",
    "administrations": "MedicationAdministration?patient={{context.patientId}}",
    "laboratory": "Observation?patient={{context.patientId}}&category=laboratory&_sort=-date&_count=100",
    "measurements": "Observation?patient={{context.patientId}}&category=vital-signs&_sort=-date&_count=20",
}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class HookService:
    """One service: the hook it answers, and from which channel on it speaks."""

    hook: str
    speaks_from: Channel

    @property
    def id(self) -> str:
        """Its name in the address."""
        return f"ivig-{self.hook}"


# While an order is still being filled in, what only says that something is missing would be noise.
SERVICES: Final = {
    service.id: service
    for service in (
        HookService("order-select", Channel.WORKLIST),
        HookService("order-sign", Channel.WITH_ORDER),
        HookService("patient-view", Channel.WORKLIST),
    )
}


@get("/", opt={ANYONE: True}, sync_to_thread=True, include_in_schema=False)
def discover(request: AnyRequest) -> Response[Any]:
    """List the services, in the hospital's language."""
    parts = parts_of(request)
    admit(request, settings_of(parts), "")
    words = parts.words[_language(request)]
    services = [
        {
            "id": each.id,
            "hook": each.hook,
            "title": words(f"hooks.title.{each.hook}"),
            "description": words(f"hooks.description.{each.hook}"),
            "prefetch": _PREFETCH,
        }
        for each in SERVICES.values()
    ]
    return Response({"services": services}, status_code=200)


@post("/{service_id:str}", opt={ANYONE: True, UNSIGNED: True}, status_code=200, include_in_schema=False)
async def call(request: AnyRequest, service_id: FromPath[str]) -> Response[Any]:
    """Judge the order, and answer with cards."""
    settings = settings_of(parts_of(request))
    service = service_of(service_id)
    client = await asyncio.to_thread(admit, request, settings, f"/{service.id}")
    shown = await asyncio.to_thread(_cards, request, settings.feed, service, client, await request.body())
    return Response({"cards": shown}, status_code=200)


def _cards(request: AnyRequest, feed: str, service: HookService, client: Client, raw: bytes) -> list[CardShape]:
    with refusals_recorded(request, client, "judge_draft", service.id):
        body = read_request(raw, service.id, service.hook)
    what = f"{service.id} {body.instance} Patient/{body.patient}"
    with refusals_recorded(request, client, "judge_draft", what, body.user):
        return _answer(request, service, client, question_of(body, feed, parts_of(request).clock()))


def _answer(request: AnyRequest, service: HookService, client: Client, asked: HookQuestion) -> list[CardShape]:
    parts = parts_of(request)
    viewer = viewer_of(request, client, asked.user)
    assert parts.judge_drafts is not None
    with snapshot(parts.engine) as connection:
        try:
            found = parts.judge_drafts(connection, asked.request)
        except PatientUnknown:
            raise Precondition("prefetch.patient is needed: this patient is not known here") from None
        except UnreadableMessage as error:
            raise unreadable(error, asked.places) from None
        standing = _standing(connection, found)
    settings = settings_of(parts)
    style = CardStyle(parts.notation(_language(request)), settings.address, parts.settings.site_name, asked.request.at)
    unclear = found.judged.person.is_unclear
    shown: list[tuple[OrderAnswer, CardShape]] = []
    for answer in _spoken_of(service, asked, found, standing):
        alert = _alert_about(answer, standing)
        card = card_of(answer, style, alert=alert.id if alert else None, is_unclear=unclear)
        shown.append((answer, card))
    _keep(parts, viewer, client, service, asked, found, shown)
    return [card for _, card in shown]


def _spoken_of(
    service: HookService, asked: HookQuestion, found: JudgedDrafts, standing: Mapping[str, Alert]
) -> Iterator[OrderAnswer]:
    """Yield the answers to show: of the drafts that are selected; where a chart is opened, of what nobody settled."""
    if service.hook != "patient-view":
        chosen = (found.drafts[each] for each in sorted(found.drafts) if each in asked.selected)
    else:
        chosen = (each for each in found.judged.answers if _still_matters(each, asked.request.at, standing))
    yield from (each for each in chosen if each.assessment.channel >= service.speaks_from)


def _still_matters(answer: OrderAnswer, now: datetime, standing: Mapping[str, Alert]) -> bool:
    alert = _alert_about(answer, standing)
    is_over = answer.order.is_stopped or (answer.ends_at is not None and answer.ends_at < now)
    return answer.stream == ABOUT_ORDER and not is_over and (alert is None or alert.is_pending)


def _standing(connection: sa.Connection, found: JudgedDrafts) -> dict[str, Alert]:
    """Return the alerts about the person's orders, by the key of the order."""
    members = found.judged.person.members
    known = {row.id: row.key for row in orders.of_patients(connection, members)} if members else {}
    rows = alerts.of_orders(connection, known).items() if known else ()
    return {known[order]: alert for (order, stream), alert in rows if stream == ABOUT_ORDER and not alert.is_resolved}


def _alert_about(answer: OrderAnswer, standing: Mapping[str, Alert]) -> Alert | None:
    return next((standing[key] for key in sorted(answer.order.numbers) if key in standing), None)


def _keep(
    parts: Parts,
    viewer: Viewer,
    client: Client,
    service: HookService,
    asked: HookQuestion,
    found: JudgedDrafts,
    shown: Sequence[tuple[OrderAnswer, CardShape]],
) -> None:
    """Write down which cards were shown, and who looked at whom."""
    now, person = parts.clock(), found.judged.person
    rows = [
        ShownCard(
            uuid=card.uuid,
            created_at=now,
            client=client.name,
            service=service.id,
            shown_to=viewer.on_behalf,
            patient_id=found.root,
            numbers=sorted({*person.identities, *person.numbers}),
            order_number=orders.number_of(answer.order.placer),
            starts_at=answer.case.order.starts,
            tier=answer.tier.word,
            signature=answer.conclusion.signature,
        )
        for answer, card in shown
    ]
    what = f"{service.id} {asked.instance}" + ("" if found.root is not None else f" Patient/{asked.request.patient}")
    with parts.engine.begin() as connection:
        cards.add(connection, rows, now)
        record(connection, viewer, "judge_draft", now, patients=[found.root], what=what)


def settings_of(parts: Parts) -> HookSettings:
    """Return the settings, or refuse: without a client in the site file there is nothing here."""
    settings = parts.settings.hooks
    if settings is None or not settings.issuers or parts.judge_drafts is None:
        raise NotFoundException("CDS Hooks is not in use here")
    return settings


def service_of(service_id: str) -> HookService:
    """Return the service of this id, or refuse."""
    if service_id not in SERVICES:
        raise NotFoundException("there is no such service")
    return SERVICES[service_id]


def admit(request: AnyRequest, settings: HookSettings, *paths: str) -> Client:
    """Return who asks, with the token used up before any work is done for it, whatever comes of the request."""
    client, parts = _client_of(request, settings, paths), parts_of(request)
    with parts.engine.begin() as connection:
        if not cards.spend(connection, client.issuer, client.token_id, client.expires_at, parts.clock()):
            raise _refused("this token was used before")
    return client


def _client_of(request: AnyRequest, settings: HookSettings, paths: Sequence[str]) -> Client:
    """Return who asks, or refuse: the token must be for one of these addresses below `/cds-services`."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    audiences = [f"{settings.address}{PATH}{path}" for path in paths]
    try:
        if scheme.lower() != "bearer" or not token.strip():
            raise TokenRefused("send `Authorization: Bearer` and a JSON web token")
        return verify_token(token.strip(), settings.issuers, audiences, parts_of(request).clock())
    except TokenRefused as error:
        log.info("hooks.refused", why=str(error), source=source_of(request))
        raise _refused(str(error)) from None


def viewer_of(request: AnyRequest, client: Client, user: str) -> Viewer:
    """Return who looks: the client, for the user of its token, else the one that the request names."""
    return Viewer(client.name, ROLE, source_of(request), on_behalf=client.user or user)


@contextmanager
def refusals_recorded(request: AnyRequest, client: Client, action: str, what: str, user: str = "") -> Iterator[None]:
    """Write in the access record what this client asked and did not get, with the reason."""
    try:
        yield
    except HTTPException as refusal:
        viewer, line = viewer_of(request, client, user), f"{what}: {refusal.detail}".replace("\0", "")
        record_alone(parts_of(request), viewer, action, what=line[:LONGEST_LINE], outcome=REFUSED)
        raise


def _refused(why: str) -> NotAuthorizedException:
    return NotAuthorizedException(why, headers={"WWW-Authenticate": "Bearer"})


def _language(request: AnyRequest) -> str:
    return parts_of(request).language(*languages_wished(request.headers.get("Accept-Language", "")))


router = Router(PATH, route_handlers=[discover, call])
