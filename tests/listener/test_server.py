"""Many links at once, also those that take what they can get."""

import asyncio
import contextlib
import resource
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from listener.client import read_answer
from listener.config import Port
from listener.feeds import FeedProfile, Origin
from listener.framing import FrameLimits
from parsers.hl7.header import read_header_line
from store.messages import raw_of
from tests.listener.authority import Authority, sender, server
from tests.listener.builders import Hospital, Wire, a_config, a_hospital, a_message, framed, run
from tests.ports import free_port

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

        config = a_config(Port(port=0), Port(port=0))
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


MANY = 1000


@pytest.fixture
def descriptors() -> Iterator[int]:
    """As many descriptors as this machine allows; how many links a test may open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = 4 * MANY if hard == resource.RLIM_INFINITY else min(4 * MANY, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, enough), hard))
    yield min(MANY, max(soft, enough) // 3)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextlib.asynccontextmanager
async def besieged(hospital: Hospital, many: int, first: bytes) -> AsyncIterator[list[socket.socket]]:
    """So many links, each of which sends these bytes and no more."""
    loop = asyncio.get_running_loop()
    links: list[socket.socket] = []
    try:
        for _ in range(many):
            link = socket.socket()
            links.append(link)
            link.setblocking(False)
            await loop.sock_connect(link, ("127.0.0.1", hospital.listener.ports[0]))
            if first:
                with contextlib.suppress(ConnectionError):
                    await loop.sock_sendall(link, first)
        yield links
    finally:
        for link in links:
            link.close()


async def is_served(wire: Wire, control_id: str) -> bool:
    return read_answer(await wire.ask(a_message(control_id))) == ("AA", control_id.encode())


@pytest.mark.parametrize("first", [b"", b"\x0b", b"\x0bMSH|^~\\&|", b"\0"], ids=["idle", "begun", "header", "junk"])
def test_a_thousand_links_that_send_no_message_cost_no_sender_its_link(
    sqlite_engine: sa.Engine, descriptors: int, first: bytes
) -> None:
    async def main() -> None:
        async with a_hospital(sqlite_engine) as hospital, hospital.link() as old:
            assert await is_served(old, "M1")
            async with besieged(hospital, descriptors, first):
                assert await is_served(old, "M2")
                async with hospital.link() as new:
                    assert await is_served(new, "M3")
                assert len(hospital.listener._links) <= hospital.listener.config.links_per_source

    run(main())


def test_senders_of_one_byte_at_a_time_are_ended_and_others_served_meanwhile(
    sqlite_engine: sa.Engine, descriptors: int
) -> None:
    async def main() -> None:
        port = Port(port=0, limits=FrameLimits(slow_after_s=0.5, stalled_s=5.0))
        config = a_config(port, links_per_source=1000)
        async with (
            a_hospital(sqlite_engine, config=config) as hospital,
            hospital.link() as old,
            besieged(hospital, min(descriptors, 300), b"\x0bM") as slow,
        ):
            asked = 0
            while len(hospital.listener._links) > 1:
                for link in slow:
                    with contextlib.suppress(OSError):
                        link.send(b"S")
                asked += 1
                assert await is_served(old, f"M{asked}")

    run(main())


def test_links_of_one_address_leave_room_for_those_of_others(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        config = a_config(links=20, links_per_source=12)
        async with a_hospital(sqlite_engine, config=config) as hospital, besieged(hospital, 40, b""):
            _, writer = await asyncio.open_connection(
                "127.0.0.1", hospital.listener.ports[0], local_addr=("127.0.0.2", 0)
            )
            while "127.0.0.2" not in hospital.listener._of_address:
                await asyncio.sleep(0.01)

            assert {address: len(links) for address, links in hospital.listener._of_address.items()} == {
                "127.0.0.1": 12,
                "127.0.0.2": 1,
            }
            writer.close()

    run(main())


def test_a_link_that_waits_for_an_answer_is_never_closed_for_a_newer_one(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        config = a_config(links_per_source=2)
        async with (
            a_hospital(sqlite_engine, config=config) as hospital,
            hospital.link() as first,
            hospital.link() as second,
        ):
            with sqlite_engine.begin():  # holds the write lock: nobody can be answered
                for number, wire in enumerate((first, second)):
                    await wire.send(b"\x0b" + a_message(f"M{number}") + b"\x1c\r")
                while not all(link.is_owed_an_answer for link in hospital.listener._links):
                    await asyncio.sleep(0.01)
                async with hospital.link() as third:
                    assert await third.rest() == b""

            assert await first.answers(1) == [("AA", b"M0")]
            assert await second.answers(1) == [("AA", b"M1")]

    run(main())


def test_a_link_that_never_says_anything_is_closed_in_the_end(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        config = a_config(first_byte_s=1.0)
        async with a_hospital(sqlite_engine, config=config) as hospital, hospital.link() as spoke:
            assert await is_served(spoke, "M1")
            async with hospital.link() as silent:
                assert await silent.rest() == b""
            assert await spoke.hears_nothing(0.3)

    run(main())


def test_half_a_handshake_is_given_up_and_costs_no_sender_its_link(
    sqlite_engine: sa.Engine, tmp_path: Path, descriptors: int
) -> None:
    async def main() -> None:
        authority = Authority(tmp_path)
        port = Port(port=0, tls=server(authority))
        config = a_config(port, handshake_s=5.0)
        tls = sender(authority, "ehr")
        async with a_hospital(sqlite_engine, config=config) as hospital, hospital.link(tls) as old:
            assert await is_served(old, "M1")
            async with besieged(hospital, descriptors, b"\x16\x03\x01\x02\x00\x01"):
                assert len(hospital.listener._links) <= config.links_per_source
                assert await is_served(old, "M2")
                async with hospital.link(tls) as new:
                    assert await is_served(new, "M3")
                while len(hospital.listener._links) > 2:
                    await asyncio.sleep(0.01)
            assert ("127.0.0.1", "too_slow") in failed_handshakes(hospital)
            assert await is_served(old, "M4")

    run(main())


def failed_handshakes(hospital: Hospital) -> set[tuple[str, str]]:
    (family,) = [each for each in hospital.listener.metrics.registry.collect() if each.name.endswith("handshakes")]
    return {(each.labels["address"], each.labels["reason"]) for each in family.samples if each.name.endswith("_total")}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
@pytest.mark.parametrize(
    ("speaks", "reason"),
    [
        ("plain", "not_tls"),
        ("nothing", "hung_up"),
        ("http", "not_tls"),
        ("without a certificate", "no_certificate"),
        ("another authority's", "certificate_not_trusted"),
        ("trusts another", "ours_not_trusted"),
        ("old", "old_tls"),
    ],
)
def test_a_handshake_that_fails_is_counted_by_address_and_reason(
    sqlite_engine: sa.Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str], speaks: str, reason: str
) -> None:
    async def main() -> None:
        authority = Authority(tmp_path)
        config = a_config(Port(port=0, tls=server(authority)))
        async with a_hospital(sqlite_engine, config=config) as hospital:
            await fails(hospital, authority, tmp_path, speaks)
            while not failed_handshakes(hospital):
                await asyncio.sleep(0.01)

            assert failed_handshakes(hospital) == {("127.0.0.1", reason)}
            assert len(hospital.listener._links) == 0

    run(main())
    told = capsys.readouterr().out
    assert f"reason={reason}" in told
    assert "127.0.0.1" in told


async def fails(hospital: Hospital, authority: Authority, folder: Path, speaks: str) -> None:
    """Meet the listener in a way that leads to nothing."""
    raw = {"plain": b"\x0b" + a_message("M1") + b"\x1c\r", "nothing": b"", "http": b"GET / HTTP/1.1\r\n\r\n"}
    if speaks in raw:
        async with hospital.link() as wire:
            await wire.send(raw[speaks])
            wire.writer.write_eof()
            with contextlib.suppress(ConnectionError):
                await wire.rest()
        return
    (folder / "other").mkdir()
    other = Authority(folder / "other", "Another CA")
    tls = {
        "without a certificate": sender(authority),
        "another authority's": sender(authority),
        "trusts another": sender(other, "ehr"),
        "old": sender(authority, "ehr"),
    }[speaks]
    if speaks == "another authority's":
        tls.load_cert_chain(*other.signs("ehr"))
    if speaks == "old":
        tls.minimum_version = tls.maximum_version = ssl.TLSVersion.TLSv1_1
        tls.set_ciphers("ALL:@SECLEVEL=0")
    await asyncio.to_thread(_shake_hands, hospital.listener.ports[0], tls)


def _shake_hands(port: int, tls: ssl.SSLContext) -> None:
    """As OpenSSL does it over a socket: it says what is wrong before it hangs up."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", port)) as plain,
        tls.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
    ):
        secured.sendall(b"\x0b")
        secured.recv(1)


def test_the_log_says_a_flood_of_failures_once_a_minute(
    sqlite_engine: sa.Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def main() -> None:
        config = a_config(Port(port=0, tls=server(Authority(tmp_path))))
        async with (
            a_hospital(sqlite_engine, config=config) as hospital,
            besieged(hospital, 50, b"GET / HTTP/1.1\r\n\r\n"),
        ):
            counter = hospital.listener.metrics._handshakes.labels("127.0.0.1", "not_tls")
            while counter._value.get() < 50:
                await asyncio.sleep(0.01)

    run(main())
    assert capsys.readouterr().out.count("listener.handshake_failed") == 1


def test_several_listeners_share_a_port_and_between_them_answer_everybody(sqlite_engine: sa.Engine) -> None:
    async def main() -> None:
        config = a_config(Port(port=free_port(), reuse_port=True))
        async with (
            a_hospital(sqlite_engine, config=config) as one,
            a_hospital(sqlite_engine, config=config) as other,
            contextlib.AsyncExitStack() as open_links,
        ):
            wires = [await open_links.enter_async_context(one.link()) for _ in range(60)]
            assert all([await is_served(wire, f"M{at}") for at, wire in enumerate(wires)])

            shares = [len(each.listener._links) for each in (one, other)]
            assert sum(shares) == 60
            assert min(shares) > 0
            assert len(one.kept()) == 60

    run(main())
