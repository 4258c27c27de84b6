"""Messages without SB: dropped and named, or taken where the feed is known to send so."""

import asyncio

import sqlalchemy as sa
from structlog.testing import capture_logs

from ivigilant.recognition import Recognition
from ivigilant.site import SiteFile
from listener.batching import Saving
from listener.client import read_answer
from listener.config import ListenerConfig, Port
from listener.feeds import FeedNumbers, FeedProfile, Origin
from listener.framing import FrameLimits
from store.messages import raw_of
from tests.listener.builders import a_hospital, a_message, framed, run

CUTS_OUT = ListenerConfig(ports=(Port(port=0, limits=FrameLimits(unframed=True, quiet_s=0.2)),), tick_s=0.02)


def willing(feed_id: int) -> FeedProfile:
    return FeedProfile(feed_id, name="old lab", accepts_unframed=True)


def test_an_unframed_message_is_dropped_and_its_feed_named_without_its_contents(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(sqlite_engine) as hospital, hospital.link() as link:
            with capture_logs() as logs:
                await link.send(a_message("M1") + framed(a_message("M2")))
                assert await link.answers(1) == [("AA", b"M2")]

            (warning,) = [line for line in logs if line["log_level"] == "warning"]
            assert warning["event"] == "link.junk"
            assert (warning["feed"], warning["unframed_message"]) == ("default", True)
            assert "Jansen" not in str(logs)
            assert len(hospital.kept()) == 1

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


def test_unframed_messages_are_answered_like_any_other_where_that_is_wanted(engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(engine, config=CUTS_OUT, feed=willing) as hospital, hospital.link() as link:
            await link.send(a_message("M1") + b"\x1c\r" + a_message("M2") + a_message("M3") + framed(a_message("M4")))
            assert await link.answers(4) == [("AA", b"M1"), ("AA", b"M2"), ("AA", b"M3"), ("AA", b"M4")]

            rows = hospital.kept()
            assert [raw_of(row) for row in rows] == [a_message(f"M{number}") for number in (1, 2, 3, 4)]
            assert [row.flags for row in rows] == [["unframed"]] * 3 + [[]]

    run(main())


def test_an_unframed_message_ends_with_a_pause_or_with_the_link(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(sqlite_engine, config=CUTS_OUT, feed=willing) as hospital, hospital.link() as link:
            for byte in a_message("M1"):
                await link.send(bytes([byte]))
            assert await link.answers(1) == [("AA", b"M1")]

            await link.send(a_message("M2"))
            link.writer.write_eof()
            assert read_answer((await link.rest())[1:-2]) == ("AA", b"M2")

    run(main())


def test_an_unframed_message_that_the_end_of_the_link_cut_is_kept_for_a_person(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(sqlite_engine, config=CUTS_OUT, feed=willing) as hospital:
            async with hospital.link() as link:
                await link.send(a_message("M1")[:-5])

            (row,) = await hospital.keeps(1)
            assert (row.reason, row.ack_code) == ("truncated_frame", "")

    run(main())


def test_of_two_senders_on_one_port_only_the_willing_one_may_leave_out_sb(sqlite_engine: sa.Engine) -> None:
    def feed_of(source: Origin) -> FeedProfile:
        return FeedProfile(1, name=source.sending_application, accepts_unframed=source.sending_application == "LAB")

    async def main() -> None:
        async with a_hospital(sqlite_engine, config=CUTS_OUT, feed_of=feed_of) as hospital, hospital.link() as link:
            with capture_logs() as logs:
                await link.send(a_message("M1") + a_message("M2", msh3="LAB") + framed(a_message("M3")))
                assert await link.answers(2) == [("AA", b"M2"), ("AA", b"M3")]

            assert [line["feed"] for line in logs if line["event"] == "link.junk"] == ["EHR"]
            assert hospital.listener.metrics.junk.value == len(a_message("M1"))

    run(main())


def test_an_unframed_message_that_is_too_large_is_refused_only_where_it_would_have_been_taken(
    sqlite_engine: sa.Engine,
) -> None:
    async def main() -> None:
        limits = FrameLimits(unframed=True, max_frame=5000, kept_prefix=1000)
        config = ListenerConfig(ports=(Port(port=0, limits=limits),), tick_s=0.02)
        large = a_message("M1") + b"OBX|" + b"x" * 9000 + b"\r"
        async with a_hospital(sqlite_engine, config=config, feed=willing) as hospital, hospital.link() as link:
            await link.send(large + framed(a_message("M2")))
            assert await link.answers(2) == [("AR", b"M1"), ("AA", b"M2")]
        async with a_hospital(sqlite_engine, config=config) as hospital, hospital.link() as link:
            await link.send(large + framed(a_message("M3")))
            assert await link.answers(1) == [("AA", b"M3")]

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
