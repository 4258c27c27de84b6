"""The stream of a demonstration: what is not answered is sent again."""

import asyncio

from ivigilant.replaying import send_until_answered
from listener.client import Target
from tests.ivigilant.site_hospital import a_message
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
            tally = await send_until_answered(messages, Target(*server.sockets[0].getsockname()[:2]), within_s=30)
        return tally.sent, tally.accepted

    assert asyncio.run(demonstrate()) == (5, 5)
    assert set(receiver.heard) == {f"C{number}".encode() for number in range(5)}
    assert len(receiver.heard) == 8
