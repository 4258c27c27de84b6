"""The listener with real sockets and real databases."""

import asyncio
import time
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path

import pytest
import sqlalchemy as sa

from listener.config import ListenerConfig, Port
from listener.errors import OddConfig
from listener.framing import FrameLimits
from listener.saving import Saving
from listener.sending import read_answer
from listener.sources import Feed, Source
from parsers.header import read_header_line
from store.errors import MessageRefused, StoreUnavailable
from store.messages import Arrival, Saved, raw_of
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


def test_a_message_sent_byte_by_byte_with_junk_around_it_is_answered(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(sqlite_engine) as hospital, hospital.link() as link:
            for byte in b"\0\r\n" + framed(a_message("M1")) + b"\r\n" + framed(a_message("M2")):
                await link.send(bytes([byte]))

            assert await link.answers(2) == [("AA", b"M1"), ("AA", b"M2")]

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
            assert hospital.listener.metrics.junk._value.get() > 50

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
        config = ListenerConfig(ports=(port,), tick_s=0.05)
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
        config = ListenerConfig(ports=(Port(port=0),), tick_s=0.05, idle_s=0.1)
        async with a_hospital(sqlite_engine, config=config) as hospital, hospital.link() as link:
            assert await link.rest() == b""

    run(main())


def test_a_frame_that_is_too_large_is_refused_and_the_link_goes_on(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        port = Port(port=0, limits=FrameLimits(max_frame=100_000, kept_prefix=1000))
        async with a_hospital(sqlite_engine, config=ListenerConfig(ports=(port,))) as hospital, hospital.link() as link:
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
        async with a_hospital(sqlite_engine, config=ListenerConfig(ports=(port,))) as hospital, hospital.link() as link:
            await link.send(b"\x0b" + a_message("M1") + b"x" * 200_000)

            assert read_answer(await link.answer()) == ("AR", b"M1")
            assert await link.rest() == b""

    run(main())


def test_twenty_megabytes_are_received(engine: sa.Engine) -> None:
    async def main() -> None:
        port = Port(port=0, limits=FrameLimits(max_frame=32 * 1024 * 1024))
        async with a_hospital(engine, config=ListenerConfig(ports=(port,))) as hospital, hospital.link() as link:
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


def test_a_message_sent_again_is_answered_again_and_kept_once(engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(engine) as hospital, hospital.link() as link:
            await link.send(framed(a_message("M1"), a_message("M1"), a_message("M2")))
            await link.send(framed(a_message("M1", msh7="20270101")))

            assert await link.answers(4) == [("AA", b"M1"), ("AA", b"M1"), ("AA", b"M2"), ("AA", b"M1")]
            assert [row.control_id for row in hospital.kept()] == ["M1", "M2"]
            assert hospital.listener.metrics.duplicates._value.get() == 2

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


def test_release_2_of_mllp_hears_of_the_commit_first(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        config = ListenerConfig(ports=(Port(port=0, mllp_v2=True),))
        async with a_hospital(sqlite_engine, config=config) as hospital, hospital.link() as link:
            assert await link.ask(a_message("M1")) == b"\x06"
            assert read_answer(await link.answer()) == ("AA", b"M1")

            await link.send(framed(b"\x06"))
            assert await link.hears_nothing()
            assert len(hospital.kept()) == 1

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


def test_a_queue_that_hangs_delays_no_answer(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        def hang(_lane: str, _ids: Sequence[int]) -> None:
            time.sleep(1)

        async with a_hospital(sqlite_engine, enqueue=hang) as hospital, hospital.link() as link:
            started = time.monotonic()
            for number in range(20):
                await link.ask(a_message(f"M{number}"))

            assert time.monotonic() - started < 0.9

    run(main())


class Broken:
    """A database that fails a number of times."""

    def __init__(self, save: Saving, error: Exception, times: int) -> None:
        self.save, self.error, self.times = save, error, times

    def __call__(self, arrivals: Sequence[Arrival]) -> Sequence[Saved]:
        if self.times:
            self.times -= 1
            raise self.error
        return self.save(arrivals)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("error", [StoreUnavailable("gone"), MessageRefused("odd"), ZeroDivisionError()])
def test_what_could_not_be_kept_is_not_answered_and_its_link_closed(engine: sa.Engine, error: Exception) -> None:
    async def main() -> None:
        async with a_hospital(engine, save=Broken(Saving(engine), error, 1)) as hospital:
            async with hospital.link() as link:
                await link.send(framed(a_message("M1")))
                assert await link.rest() == b""
            async with hospital.link() as link:
                assert read_answer(await link.ask(a_message("M1"))) == ("AA", b"M1")

            assert len(hospital.kept()) == 1

    run(main())


def test_nothing_after_a_frame_that_was_not_kept_is_kept_before_it(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        config = ListenerConfig(ports=(Port(port=0),), batch_frames=1)
        save = Broken(Saving(sqlite_engine), StoreUnavailable("gone"), 1)
        async with a_hospital(sqlite_engine, config=config, save=save) as hospital, hospital.link() as link:
            await link.send(framed(*(a_message(f"M{number}") for number in range(50))))

            assert await link.rest() == b""
            await asyncio.sleep(0.1)
            assert hospital.kept() == []

    run(main())


def test_a_message_the_database_refuses_costs_only_its_own_link(engine: sa.Engine) -> None:
    async def main() -> None:
        with engine.begin() as connection:
            connection.execute(sa.text("INSERT INTO feed (id, name, known) VALUES (7, 'real', true)"))

        def feed_of(source: Source) -> Feed:
            return Feed(99 if source.sending_application == "BAD" else 7)

        async with (
            a_hospital(engine, feed_of=feed_of) as hospital,
            hospital.link() as bad,
            hospital.link() as good,
        ):
            bad.writer.write(framed(*(a_message(f"B{number}", msh3="BAD") for number in range(5))))
            good.writer.write(framed(*(a_message(f"G{number}") for number in range(30))))

            assert [code for code, _ in await good.answers(30)] == ["AA"] * 30
            assert await bad.rest() == b""

    run(main())


def test_a_database_that_went_away_leaves_the_sender_to_send_again(postgres_engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(postgres_engine) as hospital:
            async with hospital.link() as link:
                await link.ask(a_message("M1"))
                _break_connections(postgres_engine)
                assert read_answer(await link.ask(a_message("M2"))) == ("AA", b"M2")

                with postgres_engine.begin() as connection:
                    connection.execute(sa.text("ALTER TABLE message RENAME TO gone"))
                await link.send(framed(a_message("M3")))
                assert await link.rest() == b""

            with postgres_engine.begin() as connection:
                connection.execute(sa.text("ALTER TABLE gone RENAME TO message"))
            async with hospital.link() as link:
                assert read_answer(await link.ask(a_message("M3"))) == ("AA", b"M3")

    run(main())


def _break_connections(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        others = "pid <> pg_backend_pid() AND datname = current_database()"
        connection.execute(sa.text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))


def test_a_database_that_does_not_answer_in_time_leaves_the_sender_to_send_again(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        config = ListenerConfig(ports=(Port(port=0),), tick_s=0.02, answer_within_s=0.2)
        async with a_hospital(sqlite_engine, config=config) as hospital:
            async with hospital.link() as link:
                await link.ask(a_message("M1"))
                with sqlite_engine.begin():  # holds the write lock
                    await link.send(framed(a_message("M2")))
                    assert await link.rest() == b""
            await hospital.keeps(2)
            async with hospital.link() as link:
                assert read_answer(await link.ask(a_message("M2"))) == ("AA", b"M2")
            assert len(hospital.kept()) == 2

    run(main())


def test_a_sender_that_does_not_wait_is_held_back(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        config = ListenerConfig(ports=(Port(port=0),), queued_frames=8, answer_within_s=30)
        async with a_hospital(sqlite_engine, config=config) as hospital, hospital.link() as link:
            with sqlite_engine.begin():
                sending = asyncio.create_task(
                    link.send(framed(*(a_message(f"M{n}") + b"x" * 9000 for n in range(2000))))
                )
                await asyncio.sleep(0.3)
                assert not sending.done()
                (open_link,) = hospital.listener._links
                assert len(open_link._queue.waiting) == 8
            answers = await link.answers(2000)

            await sending
            assert answers == [("AA", f"M{number}".encode()) for number in range(2000)]

    run(main())


def test_a_listener_that_stops_answers_what_it_received(engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(engine) as hospital, hospital.link() as link:
            await link.send(framed(*(a_message(f"M{number}") for number in range(100))))
            await hospital.keeps(1)
            (port,) = hospital.listener.ports
            await hospital.listener.stop()

            answers = (await link.rest()).split(b"\x1c\r")[:-1]
            acknowledged = {read_answer(answer[1:])[1].decode() for answer in answers}
            kept = {row.control_id for row in hospital.kept()}
            assert acknowledged == kept
            assert len(kept) >= 64
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)

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
        config = ListenerConfig(ports=(Port(port=0),), links_per_source=2, silent_s=0.0)
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
        config = ListenerConfig(ports=(Port(port=0, allowed=(ip_network("10.0.0.0/8"),)),))
        async with a_hospital(sqlite_engine, config=config) as hospital, hospital.link() as link:
            with pytest.raises(ConnectionError):
                link.writer.write(framed(a_message("M1")))
                assert await link.rest() == b""
                raise ConnectionResetError

            assert hospital.kept() == []

    run(main())


def test_two_ports_are_two_sources(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        seen: list[Source] = []

        def feed_of(source: Source) -> Feed:
            seen.append(source)
            return Feed(1)

        config = ListenerConfig(ports=(Port(port=0), Port(port=0)))
        async with a_hospital(sqlite_engine, config=config, feed_of=feed_of) as hospital:
            for number in (0, 1):
                async with hospital.link(port=number) as link:
                    await link.ask(a_message(f"M{number}"))

            assert Source(hospital.listener.ports[1], "127.0.0.1", (), "EHR", "UZ") in seen

    run(main())


def test_clear_text_beyond_this_machine_must_be_meant() -> None:
    with pytest.raises(OddConfig):
        Port(host="0.0.0.0")
    assert Port(host="0.0.0.0", plaintext=True).plaintext


def test_when_a_feed_was_heard_is_noted(engine: sa.Engine) -> None:
    async def main() -> None:
        async with a_hospital(engine) as hospital, hospital.link() as link:
            await link.ask(a_message("M1"))

            with engine.connect() as connection:
                assert connection.execute(sa.text("SELECT last_heard_at FROM feed")).scalar() is not None

    run(main())
