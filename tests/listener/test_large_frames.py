"""Large messages, of which only some are held at once."""

import asyncio
from dataclasses import dataclass

import sqlalchemy as sa

from listener.client import read_answer
from listener.config import ListenerConfig, Port
from listener.framing import FrameLimits
from listener.link import LargeFrames
from tests.listener.builders import Hospital, a_config, a_hospital, a_message, framed, run


def narrow(stalled_s: float = 60.0) -> ListenerConfig:
    """Room for one large message at a time."""
    port = Port(port=0, limits=FrameLimits(stalled_s=stalled_s))
    return a_config(port, tick_s=0.02, large_at_once=1, large_bytes=20_000)


def a_large_message(number: str) -> bytes:
    return a_message(number) + b"OBX|1|ED|x|" + b"QUJD" * 100_000 + b"\r"


async def has_a_place(hospital: Hospital) -> None:
    """Return when a large message is let in."""
    while not hospital.listener.large._inside:
        await asyncio.sleep(0.01)


def test_one_large_message_waits_for_another_and_small_ones_for_none(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with (
            a_hospital(sqlite_engine, config=narrow()) as hospital,
            hospital.link() as first,
            hospital.link() as second,
            hospital.link() as small,
        ):
            half = framed(a_large_message("L1"))
            await first.send(half[:200_000])
            await has_a_place(hospital)
            sending = asyncio.create_task(second.send(framed(a_large_message("L2"))))
            for number in range(5):
                assert read_answer(await small.ask(a_message(f"S{number}")))[0] == "AA"
            assert await second.hears_nothing(0.1)

            await first.send(half[200_000:])

            assert await first.answers(1) == [("AA", b"L1")]
            assert await second.answers(1) == [("AA", b"L2")]
            await sending

    run(main())


def test_who_holds_a_place_and_stalls_loses_it_and_who_waited_is_not_blamed(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with (
            a_hospital(sqlite_engine, config=narrow(stalled_s=2.0)) as hospital,
            hospital.link() as stalls,
            hospital.link() as waits,
        ):
            await stalls.send(framed(a_large_message("L1"))[:200_000])
            await has_a_place(hospital)
            sending = asyncio.create_task(waits.send(framed(a_large_message("L2"))))

            assert await stalls.rest() == b""
            assert await waits.answers(1) == [("AA", b"L2")]
            await sending

    run(main())


def test_many_large_messages_at_once_are_all_answered(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(sqlite_engine, config=narrow()) as hospital:

            async def one(name: str) -> None:
                async with hospital.link() as link:
                    for number in range(3):
                        assert read_answer(await link.ask(a_large_message(f"{name}-{number}")))[0] == "AA"

            await asyncio.gather(*(one(f"L{number}") for number in range(12)))

            assert len(hospital.kept()) == 36
            assert hospital.listener.large._inside == set()

    run(main())


def test_a_large_batch_and_what_follows_it_are_answered_in_order(engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(engine) as hospital, hospital.link() as link, hospital.link() as other:
            many = b"".join(a_message(f"N{number}") for number in range(3000))
            night = b"BHS|^~\\&|||||||||B1\r" + many + b"BTS|3000\r"
            frames = framed(a_message("M1"), night, a_message("M2"), a_large_message("L1"))
            sending = asyncio.create_task(link.send(frames))
            assert read_answer(await other.ask(a_message("O1"))) == ("AA", b"O1")

            assert await link.answers(4) == [("AA", b"M1"), ("AA", b"B1"), ("AA", b"M2"), ("AA", b"L1")]
            await sending
            numbers = [row.control_id for row in hospital.kept() if row.control_id != "O1"]
            assert numbers == ["M1", *(f"N{number}" for number in range(3000)), "M2", "L1"]

    run(main())


def test_a_large_frame_before_the_end_of_the_link_is_answered(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(sqlite_engine) as hospital, hospital.link() as link:
            await link.send(framed(a_large_message("L1"), a_message("M1")))
            link.writer.write_eof()

            assert (await link.rest()).count(b"MSA|AA|") == 2
            assert len(hospital.kept()) == 2

    run(main())


def test_a_flood_of_headers_is_refused_as_too_large(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(sqlite_engine) as hospital, hospital.link() as link:
            answer = await link.ask(a_message("F1") + b"MSH|^~\\&|\r" * 500_000)

            assert read_answer(answer) == ("AR", b"F1")
            (row,) = hospital.kept()
            assert (row.reason, row.raw_size, row.state) == ("too_large", 64 * 1024, "parked")
            assert read_answer(await link.ask(b"MSH|^~\\&|" + b"|" * 10_000_000)) == ("AR", b"")

    run(main())


@dataclass
class Visitor:
    """Counts how often it was admitted."""

    admissions: int = 0

    def admitted(self) -> None:
        self.admissions += 1

    __hash__ = object.__hash__


def test_places_are_given_in_the_order_of_coming() -> None:
    places = LargeFrames(places=1, small=10)
    first, second, third = Visitor(), Visitor(), Visitor()

    entered = [places.enter(each) for each in (first, second, third, first, second)]
    places.leave(first)
    places.leave(first)

    assert entered == [True, False, False, True, False]
    assert [each.admissions for each in (first, second, third)] == [0, 1, 0]
    places.leave(third)
    places.leave(second)
    assert places.enter(first)
