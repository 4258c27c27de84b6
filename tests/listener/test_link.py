"""Whatever happens on the wire: every row of the interface, over a real socket."""

import asyncio
import random
from ipaddress import ip_network

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from ivigilant.recognition import Recognition
from ivigilant.site import SiteFile
from listener.batching import Saving
from listener.client import read_answer
from listener.config import Port
from listener.errors import OddConfig
from listener.feeds import FeedNumbers, FeedProfile, Origin
from listener.framing import FrameLimits
from store.messages import raw_of
from tests.listener.builders import a_config, a_hospital, a_message, framed, run


def test_a_message_sent_byte_by_byte_with_junk_around_it_is_answered(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(sqlite_engine) as hospital, hospital.link() as link:
            for byte in b"\0\r\n" + framed(a_message("M1")) + b"\r\n" + framed(a_message("M2")):
                await link.send(bytes([byte]))

            assert await link.answers(2) == [("AA", b"M1"), ("AA", b"M2")]

    run(main())


def test_a_missing_cr_is_forgiven(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(sqlite_engine) as hospital, hospital.link() as link:
            await link.send(b"\x0b" + a_message("M1") + b"\x1c")
            assert await link.answers(1) == [("AA", b"M1")]

            await link.send(b"\r" + framed(a_message("M2")))
            assert await link.answers(1) == [("AA", b"M2")]

    run(main())


def test_an_unframed_message_an_empty_frame_and_a_truncated_one_get_no_answer(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(sqlite_engine) as hospital, hospital.link() as link:
            await link.send(a_message("M1") + framed(b"", b" \r\n") + b"\x0b" + a_message("M2")[:50])
            await link.send(framed(a_message("M3")))

            assert await link.answers(1) == [("AA", b"M3")]
            assert [(row.reason, row.state) for row in hospital.kept()] == [
                ("truncated_frame", "parked"),
                (None, "received"),
            ]
            assert hospital.listener.metrics.junk.value > 50

    run(main())


def test_a_frame_cut_by_the_end_of_the_link_is_kept_for_a_human(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(sqlite_engine) as hospital:
            async with hospital.link() as link:
                await link.send(b"\x0b" + a_message("M1")[:60])

            (row,) = await hospital.keeps(1)
            assert (row.reason, row.ack_code, raw_of(row)) == ("truncated_frame", "", a_message("M1")[:60])

    run(main())


def test_a_sender_that_stops_inside_a_frame_loses_its_link_and_nobody_elses(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        port = Port(port=0, limits=FrameLimits(stalled_s=0.2))
        config = a_config(port)
        async with (
            a_hospital(sqlite_engine, config=config) as hospital,
            hospital.link() as link,
            hospital.link() as other,
        ):
            await link.send(b"\x0b" + a_message("M1")[:60])

            assert await link.rest() == b""
            assert read_answer(await other.ask(a_message("M2"))) == ("AA", b"M2")
            assert [row.reason for row in hospital.kept()] == ["truncated_frame", None]

    run(main())


def test_an_idle_link_stays_open(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(sqlite_engine) as hospital, hospital.link() as link:
            await link.ask(a_message("M1"))
            assert await link.hears_nothing(0.5)
            assert read_answer(await link.ask(a_message("M2"))) == ("AA", b"M2")

    run(main())


def test_an_idle_link_is_closed_where_that_is_wanted(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        config = a_config(idle_s=0.1)
        async with a_hospital(sqlite_engine, config=config) as hospital, hospital.link() as link:
            assert await link.rest() == b""

    run(main())


def test_a_frame_that_is_too_large_is_refused_and_the_link_goes_on(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        port = Port(port=0, limits=FrameLimits(max_frame=100_000, kept_prefix=1000))
        async with a_hospital(sqlite_engine, config=a_config(port)) as hospital, hospital.link() as link:
            answer = await link.ask(a_message("M1") + b"x" * 200_000)

            assert read_answer(answer) == ("AR", b"M1")
            assert b"|207^" in answer
            assert read_answer(await link.ask(a_message("M2"))) == ("AA", b"M2")
            rows = hospital.kept()
            assert (rows[0].reason, rows[0].raw_size, rows[0].state) == ("too_large", 1000, "parked")

    run(main())


def test_a_frame_without_end_is_refused_before_its_link_is_closed(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        port = Port(port=0, limits=FrameLimits(max_frame=10_000, drain_cap=50_000))
        async with a_hospital(sqlite_engine, config=a_config(port)) as hospital, hospital.link() as link:
            await link.send(b"\x0b" + a_message("M1") + b"x" * 200_000)

            assert read_answer(await link.answer()) == ("AR", b"M1")
            assert await link.rest() == b""

    run(main())


def test_twenty_megabytes_are_received(engine: sa.Engine) -> None:
    async def main() -> None:
        port = Port(port=0, limits=FrameLimits(max_frame=32 * 1024 * 1024))
        async with a_hospital(engine, config=a_config(port)) as hospital, hospital.link() as link:
            raw = a_message("M1") + b"OBX|1|ED|x|" + b"QUJD" * 5_000_000 + b"\r"

            assert read_answer(await link.ask(raw)) == ("AA", b"M1")
            assert raw_of(hospital.kept()[0]) == raw

    run(main())


def test_bytes_that_are_no_message_are_refused_and_the_link_goes_on(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(sqlite_engine) as hospital, hospital.link() as link:
            assert read_answer(await link.ask(bytes(range(128, 256)))) == ("AR", b"")
            assert read_answer(await link.ask("MSH|^~\\&|Zoë|É\r".encode("latin-1"))) == ("AA", b"")
            assert read_answer(await link.ask(a_message("é").decode().encode("latin-1"))) == ("AA", b"\xe9")

            assert [row.reason for row in hospital.kept()] == ["no_msh", None, None]
            assert hospital.kept()[2].control_id == "é"

    run(main())


def test_release_2_of_mllp_hears_of_the_commit_first(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        config = a_config(Port(port=0, mllp_v2=True))
        async with a_hospital(sqlite_engine, config=config) as hospital, hospital.link() as link:
            assert await link.ask(a_message("M1")) == b"\x06"
            assert read_answer(await link.answer()) == ("AA", b"M1")

            await link.send(framed(b"\x06"))
            assert await link.hears_nothing()
            assert len(hospital.kept()) == 1

    run(main())


def test_a_sender_that_does_not_wait_is_held_back(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        config = a_config(queued_frames=8)
        async with a_hospital(sqlite_engine, config=config) as hospital, hospital.link() as link:
            with sqlite_engine.begin():
                sending = asyncio.create_task(
                    link.send(framed(*(a_message(f"M{n}") + b"x" * 9000 for n in range(2000))))
                )
                while not (links := hospital.listener._links):
                    await asyncio.sleep(0.01)
                (open_link,) = links
                while len(open_link._queue.waiting) < 8:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.3)
                assert not sending.done()
                assert len(open_link._queue.waiting) == 8
            answers = await link.answers(2000)

            await sending
            assert answers == [("AA", f"M{number}".encode()) for number in range(2000)]

    run(main())


def test_a_sender_that_hangs_up_after_sending_is_heard(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(sqlite_engine) as hospital, hospital.link() as link:
            await link.send(framed(a_message("M1"), a_message("M2")))
            link.writer.write_eof()

            assert len((await link.rest()).split(b"\x1c\r")) == 3
            await hospital.keeps(2)

    run(main())


def test_a_health_probe_leaves_nothing_behind(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(sqlite_engine) as hospital:
            for _ in range(20):
                async with hospital.link():
                    pass
            while hospital.listener._links:
                await asyncio.sleep(0.01)

            assert hospital.kept() == []

    run(main())


def test_a_half_open_link_makes_room_for_a_new_one(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        config = a_config(links_per_source=2)
        async with (
            a_hospital(sqlite_engine, config=config) as hospital,
            hospital.link() as first,
            hospital.link() as second,
        ):
            await first.ask(a_message("M1"))
            await second.ask(a_message("M2"))
            async with hospital.link() as third:
                assert read_answer(await third.ask(a_message("M3"))) == ("AA", b"M3")
                assert await first.rest() == b""
                assert read_answer(await second.ask(a_message("M4"))) == ("AA", b"M4")

    run(main())


def test_only_those_who_may_connect_do(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        config = a_config(Port(port=0, allowed=(ip_network("10.0.0.0/8"),)))
        async with a_hospital(sqlite_engine, config=config) as hospital, hospital.link() as link:
            with pytest.raises(ConnectionError):
                link.writer.write(framed(a_message("M1")))
                assert await link.rest() == b""
                raise ConnectionResetError

            assert hospital.kept() == []
            assert hospital.listener.metrics.refused_links._value.get() == 1

    run(main())


def test_clear_text_beyond_this_machine_must_be_meant() -> None:
    with pytest.raises(OddConfig):
        Port(host="0.0.0.0")
    assert Port(host="0.0.0.0", plaintext=True).plaintext


def test_two_thousand_frames_of_noise_leave_the_listener_standing(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        noise = random.Random(7)
        frames = [
            noise.randbytes(noise.randint(1, 200)).replace(b"\x0b", b"").replace(b"\x1c", b"") for _ in range(2000)
        ]
        async with a_hospital(sqlite_engine) as hospital:
            async with hospital.link() as link:
                sending = asyncio.create_task(link.send(framed(*frames)))
                wanted = sum(1 for frame in frames if frame.strip(b" \t\r\n\0"))
                assert {code for code, _ in await link.answers(wanted)} == {"AR"}
                await sending
            async with hospital.link() as link:
                assert read_answer(await link.ask(a_message("M1"))) == ("AA", b"M1")

    run(main())


def test_what_a_sender_calls_itself_stays_out_of_the_log(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        numbers = FeedNumbers({"unknown": 1, "Jansen|UZ": 2})
        feed_of = Recognition(SiteFile(), numbers)
        async with a_hospital(sqlite_engine, feed_of=feed_of) as hospital, hospital.link() as link:
            with capture_logs() as logs:
                await link.send(a_message("M1", msh3="Jansen") + framed(b"\r"))
                while not hospital.listener.metrics.parts["empty"].value:
                    await asyncio.sleep(0.01)

        assert [line["feed"] for line in logs if line["event"] == "link.junk"] == ["unknown"]
        assert "Jansen" not in str(logs)

    run(main())


def test_a_database_that_is_locked_when_a_new_sender_comes_stalls_nobody_else(sqlite_engine: sa.Engine) -> None:
    """The loop must go on: this test itself runs on it, and is the one who lets go of the lock."""

    async def main() -> None:
        numbers = FeedNumbers()

        def feed_of(source: Origin) -> FeedProfile:
            return FeedProfile(numbers(source.sending_application), name=source.sending_application)

        async with (
            a_hospital(sqlite_engine, feed_of=feed_of, save=Saving(sqlite_engine, numbers)) as hospital,
            hospital.link() as new,
            hospital.link() as other,
        ):
            with sqlite_engine.begin():
                await new.send(framed(*(a_message(f"N{number}", msh3=f"NEW{number % 3}") for number in range(6))))
                await other.send(b"junk that needs no database")
                while hospital.listener.metrics.parts["frame"].value < 6:
                    await asyncio.sleep(0.01)
                assert await new.hears_nothing()
                async with hospital.link():
                    while len(hospital.listener._links) < 3:
                        await asyncio.sleep(0.01)
            assert await new.answers(6) == [("AA", f"N{number}".encode()) for number in range(6)]
            assert read_answer(await other.ask(a_message("O1", msh3="NEW1"))) == ("AA", b"O1")

            feeds = [row.feed_id for row in hospital.kept()]
            assert feeds[:3] == feeds[3:6]
            assert len(set(feeds)) == 3
            assert feeds[6] == feeds[1]
            assert min(feeds) > 0

    run(main())
