"""Server-sent events: the ids of alerts something happened to, and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import msgspec
from litestar import get
from litestar.response import ServerSentEvent, ServerSentEventMessage

from inbox.http.api_requests import Heard
from inbox.http.parts import AnyRequest, parts_of
from inbox.http.problems import LISTED
from inbox.live.events import AlertNews, Events
from inbox.people.authentication import UNATTENDED
from inbox.people.permissions import Permission, needs

QUIET_S = 15.0  # a proxy closes a line on which nothing is said
APART_S = 0.5  # between two signals to a page: in a rush of alerts a list is drawn for several at once
LONGEST_QUIETS = 20  # then the reader connects anew, and is asked again who she is


def _position(request: AnyRequest, after: int | None) -> int | None:
    """Return the last event the reader has: the one sent on reconnecting, else that of the page."""
    heard = request.headers.get("Last-Event-ID", "")
    return int(heard) if heard.isascii() and heard.isdigit() and len(heard) < 19 else after


async def _at_once() -> None:
    """Wait for nothing."""


async def stream_of(
    events: Events,
    after: int | None,
    tell: Callable[[AlertNews], ServerSentEventMessage],
    pause: Callable[[], Awaitable[None]] = _at_once,
) -> AsyncIterator[ServerSentEventMessage]:
    """Tell what happens; what happens during the pause after each message is in the next one."""
    yield ServerSentEventMessage(comment="connected", data=None, retry=2000)
    quiets = 0
    async for happening in events.subscribe(after, QUIET_S):
        if happening is None:
            quiets += 1
            yield ServerSentEventMessage(comment="quiet", data=None)
            if quiets >= LONGEST_QUIETS:
                return
        else:
            yield tell(happening)
            await pause()


def _ids(happening: AlertNews) -> ServerSentEventMessage:
    data = msgspec.json.encode({"alerts": [str(alert) for alert in happening.alerts]})
    return ServerSentEventMessage(event="alerts", id=happening.last, data=data)


def signal(happening: AlertNews) -> ServerSentEventMessage:
    """For the inbox page: that something happened; it asks for its list anew."""
    return ServerSentEventMessage(event="alerts", id=happening.last, data="")


@get(
    "/events",
    responses=LISTED,
    opt=needs(Permission.ALERTS_READ),
    tags=["events"],
    summary="What happened, as it happens: ids only",
)
async def api_events(request: AnyRequest, after: Heard = None) -> ServerSentEvent:
    """`event: alerts`, `data: {"alerts": ["12"]}`; an id per event, so `Last-Event-ID` resumes."""
    return ServerSentEvent(stream_of(parts_of(request).events, _position(request, after), _ids))


@get("/live", opt=needs(Permission.ALERTS_READ) | {UNATTENDED: True}, include_in_schema=False)
async def page_events(request: AnyRequest, after: Heard = None) -> ServerSentEvent:
    """Tell an open page that it is behind."""
    events, apart = parts_of(request).events, partial(asyncio.sleep, APART_S)
    return ServerSentEvent(stream_of(events, _position(request, after), signal, apart))
