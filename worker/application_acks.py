"""Requests for application acknowledgements, and the answers to those we sent.

Recorded in the transaction that ends the message, so that no crash loses one; the listener sends them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
import structlog

from history.choices import AckRoute, Site
from parsers.errors import UnreadableHeader
from parsers.hl7.header import read_header_line
from parsers.hl7.segments import header_line
from store import application_acks, tables
from store.application_acks import NewAck
from store.engine import reading
from store.message_queries import MessageOutcome, StoredMessage
from store.rowsets import among

log = structlog.get_logger()

ACKNOWLEDGEMENT = "acknowledgement"  # why a message that only acknowledges another is ignored
_KEPT = ("CA", "")  # the immediate answer; "": the sender wanted only failures
_WANTED = {"AL": ("AA", "AE"), "SU": ("AA",), "ER": ("AE",)}  # MSH-16, table 0155


@dataclass(frozen=True, slots=True)
class WantedAck:
    """A sender's request for an application acknowledgement."""

    route: str
    request: bytes  # its MSH
    codes: tuple[str, ...]  # the codes it wants to get


@dataclass(frozen=True, slots=True)
class Correspondence:
    """The requests and answers in a batch, apart from patient content, by message."""

    asked: Mapping[int, WantedAck] = field(default_factory=dict)
    answers: Mapping[int, tuple[str, int]] = field(default_factory=dict)  # MSA-1, and which of ours MSA-2 names

    def settle(
        self, connection: sa.Connection, outcomes: Iterable[MessageOutcome], again: Collection[int], now: datetime
    ) -> list[MessageOutcome]:
        """Record requests and answers; return the outcomes, with the answers described."""
        settled = list(outcomes)
        new = [ack for end in settled if end.id not in again and (ack := self._application_ack(end)) is not None]
        application_acks.record(connection, new, now)
        return [self._answered(connection, end, now) for end in settled] if self.answers else settled

    def _application_ack(self, end: MessageOutcome) -> NewAck | None:
        asked = self.asked.get(end.id)
        code = "AE" if end.state == "parked" else "AA"
        if asked is None or code not in asked.codes or end.reason == ACKNOWLEDGEMENT:
            return None
        return NewAck(end.id, asked.route, asked.request, code, end.reason if code == "AE" else None)

    def _answered(self, connection: sa.Connection, end: MessageOutcome, now: datetime) -> MessageOutcome:
        if end.id not in self.answers:
            return end
        code, number = self.answers[end.id]
        state = application_acks.answered(connection, number, code, now)
        log.info("application_ack.answered", message=end.id, ack=number, code=code, state=state)
        return MessageOutcome(end.id, end.state, end.reason, f"{code} to our IWR{number}")


NOTHING = Correspondence()


def correspondence(
    engine: sa.Engine, site: Site, rows: Sequence[StoredMessage], ends: Mapping[int, object]
) -> Correspondence:
    """Find the requests for acknowledgements and the answers to ours; most batches have neither."""
    routed = [row for row in rows if row.feed_name in site.ack_routes]
    answers = [row for row in rows if _is_acknowledgement(ends.get(row.id))]
    if not routed and not answers:
        return NOTHING
    codes = _codes_answered(engine, [row.id for row in routed]) if routed else {}
    asked = ((row.id, _asked(row, codes[row.id], site.ack_routes[row.feed_name])) for row in routed)
    answered = ((row.id, _answer_in(row.text)) for row in answers)
    return Correspondence(
        {id_: each for id_, each in asked if each is not None},
        {id_: each for id_, each in answered if each is not None},
    )


def _is_acknowledgement(end: object) -> bool:
    return isinstance(end, MessageOutcome) and end.reason == ACKNOWLEDGEMENT


def _codes_answered(engine: sa.Engine, ids: Collection[int]) -> dict[int, str]:
    message = tables.message
    with reading(engine) as connection:
        query = sa.select(message.c.id, message.c.ack_code).where(among(connection, message.c.id, ids))
        return {row.id: row.ack_code for row in connection.execute(query)}


def _asked(row: StoredMessage, answered: str, way: AckRoute) -> WantedAck | None:
    """Return the codes the sender wants later: none if MSH-15 and 16 mean the original mode."""
    if answered not in _KEPT:
        return None
    raw = row.text
    try:
        line = read_header_line(raw)
    except UnreadableHeader:
        return None
    accept, application = (line.raw(number).strip().upper().decode("ascii", "replace") for number in (15, 16))
    codes = _WANTED.get(application)
    if codes is None or (accept not in _WANTED and not way.always_enhanced):
        return None
    return WantedAck(way.route, header_line(raw), codes)


def _answer_in(raw: bytes) -> tuple[str, int] | None:
    """MSA-1, and the number of ours in MSA-2."""
    try:
        separator = read_header_line(raw).separator
    except UnreadableHeader:
        return None
    for line in raw.replace(b"\n", b"\r").split(b"\r"):
        if line.startswith(b"MSA" + separator):
            code, control_id = (*line.split(separator)[1:3], b"", b"")[:2]
            number = application_acks.number_in(control_id.strip())
            return None if number is None else (code.decode("ascii", "replace")[:2], number)
    return None
