"""`/api/v1/handover`: what one shift leaves to the next, and taking it over."""

from collections.abc import Collection
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.params import JSONBody

from clinical.words import in_language
from inbox.alerts.act import MOST_TOGETHER
from inbox.alerts.api import alert_shape
from inbox.alerts.handover_page import HandedOver, handover_of, taken_over
from inbox.http.api_requests import language_of, number_of
from inbox.http.api_shapes import (
    FeedShape,
    HandedOverShape,
    HandoverShape,
    ReturningShape,
    TakenOverShape,
    Text,
)
from inbox.http.masking import masked_for
from inbox.http.parts import AnyRequest
from inbox.http.problems import ACTED, LISTED
from inbox.people.permissions import Permission, needs


class TakeOver(msgspec.Struct, frozen=True):
    """Whose alerts, and which of them: the ids that were shown under that name."""

    user: Text
    alerts: Annotated[list[str], msgspec.Meta(max_length=MOST_TOGETHER)]


@get(
    "/",
    responses=LISTED,
    opt=needs(Permission.ALERTS_READ),
    sync_to_thread=True,
    summary="What one shift leaves to the next",
)
def handover(request: AnyRequest) -> HandoverShape:
    """Contra-indications that start soon, what stands under a name, what comes back, and feeds in trouble."""
    language, masked = language_of(request), masked_for(request)
    found = handover_of(request, language)
    return HandoverShape(
        soon=[_entry(each, language, masked) for each in found.soon],
        held=[_entry(each, language, masked) for each in found.held],
        returning=[
            ReturningShape(
                alert=alert_shape(each.card.alert, language, masked),
                at=each.due.due_at,
                kind=each.due.kind,
                look_at=each.due.look_at if each.due.kind == "follow_up" else "",
            )
            for each in found.returning
        ],
        feeds_in_trouble=[FeedShape(name=feed.name, last_heard_at=feed.last_heard_at) for feed in found.in_trouble],
    )


def _entry(each: HandedOver, language: str, masked: Collection[str]) -> HandedOverShape:
    lines = [in_language(line, language) for line in each.to_do]
    return HandedOverShape(alert=alert_shape(each.card.alert, language, masked), note=each.note, to_do=lines)


@post(
    "/take",
    status_code=200,
    responses=ACTED,
    opt=needs(Permission.ALERTS_ACT),
    sync_to_thread=True,
    summary="Take over what a colleague holds",
)
def take_handover(request: AnyRequest, data: JSONBody[TakeOver]) -> TakenOverShape:
    """Put these alerts under the caller's name, those that wait and are still under the colleague's."""
    taken = taken_over(request, data.user, {number_of(each) for each in data.alerts})
    return TakenOverShape([str(each) for each in taken])


router = Router("/handover", route_handlers=[handover, take_handover], tags=["hand-over"])
