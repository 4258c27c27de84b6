"""Messages as they were received: which are parked and why, and where in them a fact stands."""

from typing import Annotated

from litestar import get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect, Template

from inbox.acting import carry_out
from inbox.http.api_requests import id_of, number_of
from inbox.http.masking import masker, numbers_masked
from inbox.http.pages import page, to_page
from inbox.http.parts import AnyRequest, parts_of
from inbox.messages.acts import Reprocess
from inbox.messages.reading import as_text, read_segments
from inbox.people.access import patients_in_message, record, record_alone
from inbox.people.permissions import Permission, needs
from store import feeds
from store.engine import reading
from store.message_queries import MessageFilter, find_message, list_messages

STATES = ("parked", "received", "processed", "ignored")

Chosen = Annotated[list[str] | None, QueryParameter(name="state")]


@get("/messages", opt=needs(Permission.MESSAGES_READ), include_in_schema=False, sync_to_thread=True)
def show_messages(
    request: AnyRequest,
    states: Chosen = None,
    control_id: FromQuery[str] = "",
    feed: FromQuery[str] = "",
    before: FromQuery[str] = "",
) -> Template:
    """Show what was received: parked messages apart, then all that was asked for, newest first."""
    parts = parts_of(request)
    chosen = [name for name in states or [] if name in STATES]
    limit = parts.settings.rows_per_page
    wanted = MessageFilter(chosen, control_id.strip(), feed)
    with reading(parts.engine) as connection:
        filtered = bool(chosen or wanted.control_id or feed or before)
        parked = [] if filtered else list_messages(connection, MessageFilter(("parked",)), None, limit)
        rows = list_messages(connection, wanted, number_of(before), limit)
        names = [each.name for each in feeds.every(connection)]
    record_alone(parts, request.user, "list_messages")
    return page(
        request,
        "messages.html",
        parked=parked,
        rows=rows,
        older=rows[-1].id if len(rows) == limit else None,
        chosen={"state": chosen, "control_id": wanted.control_id, "feed": feed},
        states=STATES,
        feeds=names,
    )


@get("/messages/{message_id:str}", opt=needs(Permission.MESSAGES_READ), include_in_schema=False, sync_to_thread=True)
def show_message(request: AnyRequest, message_id: FromPath[str], path: FromQuery[str] = "") -> Template:
    """Show one message field by field, the field at `path` marked."""
    parts, number = parts_of(request), id_of(message_id)
    with parts.engine.begin() as connection:
        row = find_message(connection, number)
        if row is None:
            raise NotFoundException("there is no such message")
        patients = patients_in_message(connection, number)
        authorities = parts.settings.masked_authorities
        known = numbers_masked(connection, patients, authorities)
        record(connection, request.user, "view_message", parts.clock(), patients=patients, what=f"message {number}")
    raw = row.text
    masked = masker(raw, authorities, known)
    return page(
        request,
        "message.html",
        message=row,
        segments=read_segments(raw, row.hl7_version, path),
        text=masked(as_text(raw)),
        masked=masked,
        path=path,
    )


@post(
    "/messages/{message_id:str}/reprocess",
    opt=needs(Permission.MESSAGES_REPROCESS),
    include_in_schema=False,
    sync_to_thread=True,
)
def reprocess_message(request: AnyRequest, message_id: FromPath[str]) -> Redirect:
    """Let a worker try a parked message again."""
    number = id_of(message_id)
    carry_out(parts_of(request), request.user, Reprocess(number))
    return to_page(f"/messages/{number}")
