"""Who asked to be told how a message ended, and which messages are answers to what we told.

Noted in the transaction that ends the message, so that no crash loses it; the listener sends it.
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

ACKNOWLEDGEMENT = "acknowledgement"  # why a message that only answers another is ignored
_KEPT = ("CA", "")  # what was said at once; "": the sender wanted to hear only of failures
_WANTED = {"AL": ("AA", "AE"), "SU": ("AA",), "ER": ("AE",)}  # MSH-16, table 0155


@dataclass(frozen=True, slots=True)
class WantedAck:
    """A sender wants to be told how its message ended."""

    route: str
    request: bytes  # its MSH
    codes: tuple[str, ...]  # those it wants to hear


@dataclass(frozen=True, slots=True)
class Correspondence:
    """What the messages of a batch ask for and answer, beside what they say of patients; by message."""

    asked: Mapping[int, WantedAck] = field(default_factory=dict)
    answers: Mapping[int, tuple[str, int]] = field(default_factory=dict)  # MSA-1, and which of ours MSA-2 names

    def settle(
        self, connection: sa.Connection, outcomes: Iterable[MessageOutcome], again: Collection[int], now: datetime
    ) -> list[MessageOutcome]:
        """Note what must be told, and what was answered; gives the ends with that said of the answers."""
        settled = list(outcomes)
        new = [ack for end in settled if end.id not in again and (ack := self._told(end)) is not None]
        application_acks.note(connection, new, now)
        return [self._answered(connection, end, now) for end in settled] if self.answers else settled

    def _told(self, end: MessageOutcome) -> NewAck | None:
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
    """Find the messages whose senders want to be told, and those that answer us; the usual batch has neither."""
    routed = [row for row in rows if row.feed_name in site.ack_routes]
    answers = [row for row in rows if _is_acknowledgement(ends.get(row.id))]
    if not routed and not answers:
        return NOTHING
    codes = _codes_told(engine, [row.id for row in routed]) if routed else {}
    asked = ((row.id, _asked(row, codes[row.id], site.ack_routes[row.feed_name])) for row in routed)
    answered = ((row.id, _answer_in(row.text)) for row in answers)
    return Correspondence(
        {id_: each for id_, each in asked if each is not None},
        {id_: each for id_, each in answered if each is not None},
    )


def _is_acknowledgement(end: object) -> bool:
    return isinstance(end, MessageOutcome) and end.reason == ACKNOWLEDGEMENT


def _codes_told(engine: sa.Engine, ids: Collection[int]) -> dict[int, str]:
    message = tables.message
    with reading(engine) as connection:
        query = sa.select(message.c.id, message.c.ack_code).where(among(connection, message.c.id, ids))
        return {row.id: row.ack_code for row in connection.execute(query)}


def _asked(row: StoredMessage, told: str, way: AckRoute) -> WantedAck | None:
    """What the sender wants to hear later: nothing when MSH-15 and 16 mean the original mode."""
    if told not in _KEPT:
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
