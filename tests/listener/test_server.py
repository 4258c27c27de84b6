"""What is kept and what is answered, with real sockets and real databases."""

import asyncio
from pathlib import Path

import sqlalchemy as sa

from listener.client import read_answer
from listener.config import ListenerConfig, Port
from listener.feeds import FeedProfile, Origin
from parsers.hl7.header import read_header_line
from store.messages import raw_of
from tests.listener.builders import Hospital, a_hospital, a_message, framed, run

SAMPLES = Path(__file__).parents[1] / "samples"


def test_an_answered_message_is_in_the_database(engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(engine) as hospital, hospital.link() as link:
            answer = await link.ask(a_message("M1"))

            (row,) = hospital.kept()
            assert read_answer(answer) == ("AA", b"M1")
            assert (row.control_id, row.state, raw_of(row)) == ("M1", "received", a_message("M1"))

    run(main())


def test_many_messages_on_one_link_are_answered_and_kept_in_order(engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(engine) as hospital, hospital.link() as link:
            numbers = [f"M{number:04}" for number in range(1000)]
            sending = asyncio.create_task(link.send(framed(*map(a_message, numbers))))

            answers = await link.answers(1000)

            await sending
            assert answers == [("AA", number.encode()) for number in numbers]
            assert [row.control_id for row in hospital.kept()] == numbers

    run(main())


def test_many_links_get_each_their_own_answers(sqlite_engine: sa.Engine) -> None:
    async def one(hospital: Hospital, name: str) -> None:
        async with hospital.link() as link:
            for number in range(10):
                assert read_answer(await link.ask(a_message(f"{name}-{number}"))) == ("AA", f"{name}-{number}".encode())

    async def main() -> None:
        async with a_hospital(sqlite_engine) as hospital:
            await asyncio.gather(*(one(hospital, f"L{number}") for number in range(50)))

            assert len(hospital.kept()) == 500

    run(main())


def test_every_sample_is_accepted_byte_for_byte(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(sqlite_engine) as hospital, hospital.link() as link:
            for raw in (path.read_bytes() for path in sorted(SAMPLES.rglob("*.hl7"))):
                kept = len(hospital.kept())
                code, number = read_answer(await link.ask(raw))
                rows = hospital.kept()[kept:]
                assert code in ("AA", "CA")
                assert b"".join(raw_of(row) for row in rows) in raw
                batch = (rows[0].batch_control_id or "").encode()
                assert number == (batch or read_header_line(raw_of(rows[0])).control_id)

    run(main())


def test_a_message_sent_again_is_answered_again_and_kept_once(engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(engine) as hospital, hospital.link() as link:
            await link.send(framed(a_message("M1"), a_message("M1"), a_message("M2")))
            await link.send(framed(a_message("M1", msh7="20270101")))

            assert await link.answers(4) == [("AA", b"M1"), ("AA", b"M1"), ("AA", b"M2"), ("AA", b"M1")]
            assert [row.control_id for row in hospital.kept()] == ["M1", "M2"]
            assert hospital.listener.metrics.duplicates.value == 2

    run(main())


def test_the_same_number_with_another_body_is_another_message(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(sqlite_engine) as hospital, hospital.link() as link:
            await link.ask(a_message("M1"))
            await link.ask(a_message("M1", pid="PID|2"))

            assert [row.flags for row in hospital.kept()] == [[], ["control_id_reuse"]]

    run(main())


def test_a_batch_is_kept_whole_with_one_answer(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(sqlite_engine) as hospital, hospital.link() as link:
            raw = (
                b"BHS|^~\\&|EHR|||||||||\r".replace(b"||\r", b"|B1\r") + a_message("M1") + a_message("M2") + b"BTS|2\r"
            )

            assert read_answer(await link.ask(raw))[0] == "AA"
            assert await link.hears_nothing()
            assert [row.control_id for row in hospital.kept()] == ["M1", "M2"]

    run(main())


def test_enhanced_mode_and_no_answer_at_all(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(sqlite_engine) as hospital, hospital.link() as link:
            assert read_answer(await link.ask(a_message("M1", msh15="AL", msh16="NE"))) == ("CA", b"M1")

            await link.send(framed(a_message("M2", msh15="NE", msh16="NE")))
            await hospital.keeps(2)
            assert await link.hears_nothing()

    run(main())


def test_ids_are_published_by_lane_once_they_are_committed(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        def is_order(_raw: bytes, header: object) -> bool:
            return getattr(header, "type", "") == "OMP"

        async with a_hospital(sqlite_engine, is_order=is_order) as hospital:
            async with hospital.link() as link:
                await link.send(framed(a_message("M1"), a_message("M2", msh9="OMP^O09"), a_message("M1"), b"no header"))
                await link.answers(4)
            rows = {row.control_id: row.id for row in hospital.kept()}
            while sum(len(ids) for _, ids in hospital.published) < 2:
                await asyncio.sleep(0.01)

            assert sorted(hospital.published) == [("history", [rows["M1"]]), ("orders", [rows["M2"]])]

    run(main())


def test_two_ports_are_two_sources(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        seen: list[Origin] = []

        def feed_of(source: Origin) -> FeedProfile:
            seen.append(source)
            return FeedProfile(1)

        config = ListenerConfig(ports=(Port(port=0), Port(port=0)))
        async with a_hospital(sqlite_engine, config=config, feed_of=feed_of) as hospital:
            for number in (0, 1):
                async with hospital.link(port=number) as link:
                    await link.ask(a_message(f"M{number}"))

            assert Origin(hospital.listener.ports[1], "127.0.0.1", (), "EHR", "UZ") in seen

    run(main())


def test_when_a_feed_was_heard_is_noted(engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(engine) as hospital, hospital.link() as link:
            await link.ask(a_message("M1"))

            with engine.connect() as connection:
                assert connection.execute(sa.text("SELECT last_heard_at FROM feed")).scalar() is not None

    run(main())
