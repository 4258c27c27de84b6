"""What the listener does when the database, the queue or the listener itself goes away."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from listener.batching import Batcher, PendingFrame, Saving
from listener.client import read_answer
from listener.feeds import FeedProfile, Origin
from listener.metrics import Metrics
from listener.receive import Received
from store.errors import MessageRefused, StoreUnavailable
from store.messages import Arrival, Saved
from tests.listener.builders import a_config, a_hospital, a_message, framed, run

DEADLINE_S = 60.0


def test_a_queue_that_hangs_delays_no_answer(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        everybody_answered = threading.Event()

        def hang(_lane: str, _ids: Sequence[int]) -> None:
            everybody_answered.wait(DEADLINE_S)

        async with a_hospital(sqlite_engine, enqueue=hang) as hospital, hospital.link() as link:
            answers = [await link.ask(a_message(f"M{number}")) for number in range(20)]
            assert not everybody_answered.is_set()
            everybody_answered.set()

        assert len(answers) == 20

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
        config = a_config(batch_frames=1)
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

        def feed_of(source: Origin) -> FeedProfile:
            return FeedProfile(99 if source.sending_application == "BAD" else 7)

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
        config = a_config(tick_s=0.02, answer_within_s=3.0)
        async with a_hospital(sqlite_engine, config=config) as hospital:
            async with hospital.link() as link:
                await link.ask(a_message("M1"))
                with sqlite_engine.begin():  # holds the write lock
                    await link.send(framed(a_message("M2")))
                    assert await link.rest() == b""
            async with hospital.link() as link:
                assert read_answer(await link.ask(a_message("M2"))) == ("AA", b"M2")
            assert len(hospital.kept()) == 2

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


@dataclass
class SilentLink:
    """A link of which only the name matters."""

    name: str
    given_up: bool = False

    def settle(self, frames: Sequence[PendingFrame]) -> None:
        raise AssertionError

    __hash__ = object.__hash__


def a_frame(link: SilentLink, size: int) -> PendingFrame:
    arrival = Arrival(feed_id=1, body_hash=b"", raw=b"", received_at=None, ack_code="AA", control_id=link.name)  # type: ignore[arg-type]  # nobody reads it
    return PendingFrame(link, Received((arrival,), lambda _saved, _now: ("", b"")), size, 0.0)


def test_a_batch_holds_one_large_message_and_the_small_ones_of_others() -> None:
    batches: list[list[str]] = []
    done, begun, go = threading.Event(), threading.Event(), threading.Event()

    def save(arrivals: Sequence[Arrival]) -> list[Saved]:
        begun.set()
        go.wait(90)
        batches.append([each.control_id for each in arrivals])
        return [Saved(1, False, "AA") for _ in arrivals]

    def settled(frames: list[PendingFrame]) -> None:
        if sum(map(len, batches)) == 7:
            done.set()

    batcher: Batcher = Batcher(save, settled, Metrics(), large=100)
    first, a, b, c = (SilentLink(name) for name in ("first", "A", "B", "C"))
    small = SilentLink("b")
    batcher.put([a_frame(first, 1)])
    begun.wait(90)
    sizes = [(a, 500), (b, 500), (small, 1), (b, 1), (a, 1), (c, 500)]
    batcher.put([a_frame(link, size) for link, size in sizes])
    go.set()
    done.wait(90)
    batcher.close(90)

    assert batches == [["first"], ["A", "b", "A"], ["B", "B"], ["C"]]


def test_a_fault_in_answering_one_link_leaves_the_others_their_answers(sqlite_engine: sa.Engine) -> None:
    answered: list[str] = []

    class Answers(SilentLink):
        def settle(self, frames: Sequence[PendingFrame]) -> None:
            if self.name.startswith("bad"):
                raise ZeroDivisionError
            answered.append(self.name)

        __hash__ = object.__hash__

    async def main() -> None:
        faults: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context["exception"]))
        async with a_hospital(sqlite_engine) as hospital:
            names = ("one", "bad", "two", "bad too", "three")
            asyncio.get_running_loop().call_soon(
                hospital.listener._settle, [a_frame(Answers(name), 1) for name in names]
            )
            while len(answered) + len(faults) < len(names):
                await asyncio.sleep(0)
        assert sorted(answered) == ["one", "three", "two"]

    run(main())
