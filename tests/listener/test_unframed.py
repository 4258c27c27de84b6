"""Messages without a start block, from senders that are known to leave it out."""

import sqlalchemy as sa
from structlog.testing import capture_logs

from listener.client import read_answer
from listener.config import Port
from listener.feeds import FeedProfile, Origin
from listener.framing import FrameLimits
from store.messages import raw_of
from tests.listener.builders import a_config, a_hospital, a_message, framed, run

CUTS_OUT = a_config(Port(port=0, limits=FrameLimits(unframed=True, quiet_s=1.5)), tick_s=0.02)


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
        config = a_config(Port(port=0, limits=limits), tick_s=0.02)
        large = a_message("M1") + b"OBX|" + b"x" * 9000 + b"\r"
        async with a_hospital(sqlite_engine, config=config, feed=willing) as hospital, hospital.link() as link:
            await link.send(large + framed(a_message("M2")))
            assert await link.answers(2) == [("AR", b"M1"), ("AA", b"M2")]
        async with a_hospital(sqlite_engine, config=config) as hospital, hospital.link() as link:
            await link.send(large + framed(a_message("M3")))
            assert await link.answers(1) == [("AA", b"M3")]

    run(main())
