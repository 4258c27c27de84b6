"""The stream of a demonstration: what is not answered is sent again, and the figures are those of the inbox."""

import asyncio
import re
from datetime import UTC, datetime

import sqlalchemy as sa

from ivigilant.demonstration import OpenAlert, count_outcomes, in_the_inbox, line_of
from ivigilant.replaying import send_until_answered
from listener.client import Target
from rules.knowledge import Knowledge
from tests.ivigilant.site_hospital import a_message
from tests.journeys.stories import Controlled, Ordered, Problem
from tests.journeys.ward import WardOnCall
from tests.listener.builders import framed


class Forgetful:
    """Closes some links without an answer, and answers each message on the others."""

    def __init__(self, forgets: int) -> None:
        self.forgets = forgets
        self.heard: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                number = (await reader.readuntil(b"\x1c\r")).split(b"|")[9]
                self.heard.append(number)
                if self.forgets:
                    self.forgets -= 1
                    break
                writer.write(framed(b"MSH|^~\\&|||||2026||ACK|1|P|2.5\rMSA|AA|%s\r" % number))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the sender has gone
        writer.close()


def test_what_is_not_answered_is_sent_again_and_counted_once() -> None:
    receiver = Forgetful(forgets=3)
    messages = [a_message(control=f"C{number}") for number in range(5)]

    async def demonstrate() -> tuple[int, int]:
        server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
        async with server:
            tally = await send_until_answered(messages, Target(*server.sockets[0].getsockname()[:2]), within_s=120)
        return tally.sent, tally.accepted

    assert asyncio.run(demonstrate()) == (5, 5)
    assert set(receiver.heard) == {f"C{number}".encode() for number in range(5)}
    assert len(receiver.heard) == 8


def test_an_alert_that_was_resolved_meanwhile_is_not_among_the_figures(
    sqlite_engine: sa.Engine, knowledge: Knowledge
) -> None:
    ward = WardOnCall(sqlite_engine, knowledge)
    ward.sends(Problem(), Ordered(at=1, number="1"), Ordered(at=2, number="2"))
    ward.sends(Controlled(at=3, number="1"))

    with sqlite_engine.connect() as connection:
        found = count_outcomes(connection)

    assert found["ivig_orders"] == 2
    assert found["alerts"] == {"contraindication": 1, "high": 0, "moderate": 0}
    assert in_the_inbox(found) == "1 alerts: 1 about orders, 0 about a thrombosis after an infusion"


def test_an_alert_is_a_line_of_120_characters_with_its_patient_why_and_where_to_look() -> None:
    titles = ("Prior venous thromboembolism (KNMP 7097)", "VTE without treatment-dose anticoagulation", "First dose")
    alert = OpenAlert(id=1204, tier="contraindication", priority="urgent", titles=titles, patient="Anna de Vries")
    now = datetime(2026, 11, 30, 8, tzinfo=UTC)

    line = re.sub(
        r"\x1b\[[0-9;]*m", "", line_of(alert, "http://127.0.0.1:8080", now, again=True)
    )  # without its colours

    assert len(line) == 120
    assert line.startswith("08:00:00 contraindication urgent  Anna de Vries: changed: Prior venous")
    assert line.endswith(" http://127.0.0.1:8080/alerts/1204")
    assert "…" in line
