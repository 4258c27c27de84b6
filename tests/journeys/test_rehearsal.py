"""A dry run without a database answers every order as the database does."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from history.choices import Site
from history.messages import ReadMessage
from history.person import judge_messages
from listener.receive import body_hash
from parsers.defaults import Defaults
from parsers.hl7.header import read_header_line
from parsers.reading import read
from rules.knowledge import Knowledge
from store import tables
from synthetic.stream import hospital_messages
from tests.journeys.hospital import Hospital

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SITE = Site()


def a_message(number: int, raw: bytes) -> ReadMessage:
    reading = read(raw, Defaults(zone=SITE.zone))
    sent = reading.header.sent_at
    return ReadMessage(
        number, reading.header.control_id, body_hash(raw, read_header_line(raw)), sent.at if sent else None, reading
    )


def without_rows(told: dict[str, Any]) -> dict[str, Any]:
    """The conclusion without what only a database has: row numbers, and how complete the history was."""
    plain = msgspec.json.decode(msgspec.json.encode(told))

    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: strip(part) for name, part in value.items() if name != "message_id"}
        return [strip(part) for part in value] if isinstance(value, list) else value

    return {name: strip(plain[name]) for name in ("text", "findings", "missing", "mitigating", "order", "trace")}


def test_a_dry_run_of_a_day_answers_every_order_as_the_database_does(
    sqlite_engine: sa.Engine, knowledge: Knowledge
) -> None:
    messages = list(hospital_messages(now=NOON))
    hospital = Hospital(sqlite_engine, knowledge, SITE)
    ids = hospital.receives(*messages)
    for start in range(0, len(ids), 200):
        hospital.processes(ids[start : start + 200])

    read = [a_message(number, raw) for number, raw in enumerate(messages, 1)]
    answers = [answer for each in judge_messages(read, knowledge, SITE) for answer in each.answers]

    with sqlite_engine.connect() as connection:
        answer = tables.assessment
        newest = sa.select(sa.func.max(answer.c.id)).group_by(answer.c.order_id, answer.c.stream)
        rows = connection.execute(sa.select(answer.c.conclusion, answer.c.stream).where(answer.c.id.in_(newest)))
        stored = {(row.conclusion["order"]["placer"], row.stream): without_rows(row.conclusion) for row in rows}
    told = {
        (each.conclusion.content["order"]["placer"], each.stream): without_rows(each.conclusion.content)
        for each in answers
    }
    assert told == stored
