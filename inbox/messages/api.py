"""`/api/v1/messages`: what was received, and what became of it."""

from typing import Annotated, Any

from litestar import Router, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from inbox.acting import carry_out
from inbox.http.api_requests import PAGE, Cursor, Limit, Sought, id_of, page_of, position_of, several_of, words_of
from inbox.http.api_shapes import Field, MessageShape, PageShape, WholeMessage
from inbox.http.masking import masked_for, masker, numbers_masked
from inbox.http.parts import AnyRequest, parts_of
from inbox.http.problems import ACTED, FOUND, LISTED
from inbox.messages.acts import Reprocess
from inbox.messages.reading import as_text, read_segments
from inbox.people.access import patients_in_message, record, record_alone
from inbox.people.permissions import Permission, needs
from store.engine import reading
from store.message_queries import STATES, MessageFilter, MessageLine, find_message, list_messages

States = Annotated[list[str] | None, several_of(STATES, name="state")]


@get("/", responses=LISTED, opt=needs(Permission.MESSAGES_READ), sync_to_thread=True, summary="Messages, newest first")
def all_messages(
    request: AnyRequest,
    states: States = None,
    control_id: Sought = "",
    feed: Sought = "",
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> PageShape[MessageShape]:
    """Messages by state, control id (MSH-10) and feed, without their text."""
    parts = parts_of(request)
    wanted = MessageFilter(words_of(states, STATES), control_id, feed)
    with reading(parts.engine) as connection:
        rows = list_messages(connection, wanted, position_of(cursor), limit)
    record_alone(parts, request.user, "list_messages")
    items = [MessageShape(**message_shape(row)) for row in rows]
    return page_of(items, len(rows), limit, rows[-1].id if rows else None)


@get(
    "/{message_id:str}",
    responses=FOUND,
    opt=needs(Permission.MESSAGES_READ),
    sync_to_thread=True,
    summary="One message, as sent and as read",
)
def one_message(request: AnyRequest, message_id: FromPath[str]) -> WholeMessage:
    """Return one message: its text as it was sent, and its fields by name; of a citizen service number the end."""
    parts, number = parts_of(request), id_of(message_id)
    with parts.engine.begin() as connection:
        row = find_message(connection, number)
        if row is None:
            raise NotFoundException("there is no such message")
        patients = patients_in_message(connection, number)
        authorities = masked_for(request)
        known = numbers_masked(connection, patients, authorities)
        record(connection, request.user, "view_message", parts.clock(), patients=patients, what=f"message {number}")
    raw = row.text
    masked = masker(raw, authorities, known)
    lines = [line for segment in read_segments(raw, row.hl7_version) for line in segment.fields]
    fields = [Field(path=line.path, name=line.name, value=masked(line.value)) for line in lines]
    return WholeMessage(**message_shape(row), raw=masked(as_text(raw)), fields=fields)


@post(
    "/{message_id:str}/reprocess",
    status_code=202,
    responses=ACTED,
    opt=needs(Permission.MESSAGES_REPROCESS),
    sync_to_thread=True,
)
def reprocess_message(request: AnyRequest, message_id: FromPath[str]) -> MessageShape:
    """Let a worker try the message again, however it ended; 409 when it waits for one already."""
    return MessageShape(**message_shape(carry_out(parts_of(request), request.user, Reprocess(id_of(message_id)))))


def message_shape(row: MessageLine) -> dict[str, Any]:
    """Return the values of a message, for either of its shapes."""
    return {
        "id": str(row.id),
        "control_id": row.control_id,
        "feed": row.feed_name,
        "type": f"{row.type}^{row.event}" if row.event else row.type,
        "state": row.state,
        "reason": row.reason,
        "flags": list(row.flags),
        "received_at": row.received_at,
        "pruned_at": row.pruned_at,
    }


router = Router("/messages", route_handlers=[all_messages, one_message, reprocess_message], tags=["messages"])
