"""Sending messages, to our own listener and to receivers that behave badly."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import sqlalchemy as sa

from listener.client import Reply, Sender, Target, control_id_of, read_answer, send_all
from tests.listener.builders import a_hospital, a_message, framed, run
from tests.ports import free_port

Receiver = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def a_receiver(receive: Receiver, timeout_s: float = 60.0) -> AsyncIterator[Target]:
    """Listens, and does with each link what it is told; how long a sender waits for each answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await receive(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield Target("127.0.0.1", server.sockets[0].getsockname()[1], timeout_s=timeout_s)
    finally:
        server.close()


async def number_of(reader: asyncio.StreamReader) -> bytes:
    return control_id_of((await reader.readuntil(b"\x1c\r"))[1:-2])


def an_ack(number: bytes, code: bytes = b"AA") -> bytes:
    return b"MSH|^~\\&|||||2026||ACK|1|P|2.5\rMSA|%s|%s\r" % (code, number)


async def answers_to(target: Target, count: int, window: int = 1, links: int = 1) -> list[Reply]:
    messages = [a_message(f"M{number}") for number in range(count)]
    return [answer async for answer in send_all(messages, target, window=window, links=links)]


@pytest.mark.parametrize(("links", "window"), [(1, 1), (1, 50), (8, 1), (4, 16)])
def test_every_message_gets_its_answer(sqlite_engine: sa.Engine, links: int, window: int) -> None:
    async def main() -> None:
        async with a_hospital(sqlite_engine) as hospital:
            target = Target("127.0.0.1", hospital.listener.ports[0])

            answers = await answers_to(target, 200, window, links)

            assert sorted(answer.control_id for answer in answers) == sorted(f"M{number}" for number in range(200))
            assert all(answer.accepted for answer in answers)
            assert len(hospital.kept()) == 200

    run(main())


def test_a_refused_message_is_told(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(sqlite_engine) as hospital:
            target = Target("127.0.0.1", hospital.listener.ports[0])

            answers = [answer async for answer in send_all([a_message("M1", msh12="3.0"), b"junk"], target)]

            assert answers == [Reply("M1", "AR"), Reply("", "AR")]

    run(main())


def test_one_message_after_the_other_over_one_link(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with (
            a_hospital(sqlite_engine) as hospital,
            Sender(Target("127.0.0.1", hospital.listener.ports[0])) as sender,
        ):
            assert [await sender.exchange(a_message(f"M{number}")) for number in range(3)] == ["AA"] * 3

    run(main())


def test_nobody_listening_leaves_every_message_unanswered() -> None:
    async def main() -> None:
        answers = await answers_to(Target("127.0.0.1", free_port()), 3)

        assert answers == [Reply(f"M{number}", "") for number in range(3)]

    run(main())


def test_a_receiver_that_hangs_up_costs_what_was_under_way_and_is_tried_anew() -> None:
    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(framed(an_ack(await number_of(reader))))
        await number_of(reader)

    async def main() -> None:
        async with a_receiver(receive) as target:
            answers = await answers_to(target, 6)

            assert [answer.code for answer in answers] == ["AA", "", "AA", "", "AA", ""]

    run(main())


def test_a_receiver_that_is_silent_is_not_waited_for_for_ever() -> None:
    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def main() -> None:
        async with a_receiver(receive, timeout_s=0.3) as target:
            assert await answers_to(target, 2) == [Reply("M0", ""), Reply("M1", "")]

    run(main())


def test_a_message_without_an_answer_does_not_take_that_of_the_next() -> None:
    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            number = await number_of(reader)
            if number != b"M1":
                writer.write(framed(an_ack(number)))

    async def main() -> None:
        async with a_receiver(receive) as target:
            answers = await answers_to(target, 4, window=4)

            assert answers == [Reply("M0", "AA"), Reply("M1", ""), Reply("M2", "AA"), Reply("M3", "AA")]

    run(main())


def test_an_answer_without_its_cr_and_one_after_a_commit_block_are_answers() -> None:
    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(framed(b"\x06", an_ack(await number_of(reader))))
        writer.write(framed(an_ack(await number_of(reader)))[:-1])
        await reader.read()

    async def main() -> None:
        async with a_receiver(receive) as target:
            assert await answers_to(target, 2) == [Reply("M0", "AA"), Reply("M1", "AA")]

    run(main())


def test_the_rate_is_kept_over_all_links(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(sqlite_engine) as hospital:
            target = Target("127.0.0.1", hospital.listener.ports[0])
            started = time.monotonic()

            async for _ in send_all([a_message(f"M{number}") for number in range(40)], target, links=4, rate=100):
                pass

            assert time.monotonic() - started >= 0.35

    run(main())


def test_an_answer_that_is_no_acknowledgement_is_no_answer() -> None:
    assert read_answer(a_message()) == ("", b"")
    assert read_answer(b"") == ("", b"")
    assert read_answer(b"MSH#^~\\&\nMSA#CA#M1\n") == ("CA", b"M1")
