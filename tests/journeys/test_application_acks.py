"""A sender that asked for it hears how its messages ended: later, over a link of ours, until it has answered."""

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from ivigilant.checkup import look_at
from ivigilant.errors import UnusableSite
from ivigilant.receiving import routes
from ivigilant.settings import Settings
from ivigilant.site import load_site
from listener.client import control_id_of, read_answer
from parsers.hl7.header import read_header_line
from store import application_acks, message_queries
from store.tables import application_ack_route
from tests.ivigilant.site_hospital import NOW, SiteHospital, a_message
from tests.ivigilant.waiting import soon
from tests.journeys.acknowledged import Ears, Watch, receives, rows, settles, telling
from tests.listener.authority import Authority, server
from tests.listener.builders import run
from worker.tasks import process_messages

Told = Callable[[str], SiteHospital]
NAMELESS = {"pid": "PID|1||||Jansen^Willem", "kind": "ORU^R01"}


@pytest.fixture
def set_up(engine: sa.Engine, tmp_path: Path) -> Told:
    """A hospital whose order system wants to be told at this place."""
    site = "feeds: [{{name: cpoe, sending_application: EPD, app_ack_route: '{}'}}, {{name: lab, port: 2600}}]"
    return lambda place: SiteHospital(engine, tmp_path, site.format(place))


def test_a_sender_hears_that_its_message_was_processed(set_up: Told) -> None:
    async def main() -> None:
        ears = Ears()
        async with ears.listening() as route:
            hospital = set_up(route.name)
            async with telling(hospital.engine, route):
                at_once = await receives(hospital, a_message(control=" É-1 ", accept="AL", application="AL"))
                (told,) = await ears.hears(1)
                await settles(hospital.engine, "sent")

        assert "MSA|CA| É-1 \r" in at_once
        line = read_header_line(told)
        assert read_answer(told) == ("AA", " É-1 ".encode())
        assert (line.raw(3), line.raw(5), line.raw(9)) == (b"IVIGILANT", b"EPD", b"ACK^A08^ACK")
        assert (line.raw(15), line.raw(16)) == (b"AL", b"NE")
        assert line.control_id.startswith(b"IWR")
        assert b"ERR" not in told

    run(main())


@pytest.mark.parametrize("is_known", [True, False])
def test_a_sender_hears_over_tls_when_its_feed_asks_for_it_and_a_stranger_hears_nothing(
    sqlite_engine: sa.Engine, tmp_path: Path, is_known: bool
) -> None:
    authority = Authority(tmp_path)
    trusted = authority if is_known else Authority(tmp_path, "Another CA")
    own = "certificate_file: {}, key_file: {}".format(*authority.signs("ivigilant"))

    async def main() -> None:
        ears = Ears()
        async with ears.listening(server(authority).context) as place:
            tls = f"app_ack_tls: {{ca_file: '{trusted.path}', {own}}}"
            feed = f"{{name: cpoe, sending_application: EPD, app_ack_route: '{place.name}', {tls}}}"
            hospital = SiteHospital(sqlite_engine, tmp_path, f"feeds: [{feed}]")
            (route,) = routes(load_site(tmp_path / "site.yaml"))
            async with telling(sqlite_engine, route):
                await receives(hospital, a_message(accept="AL", application="AL"))
                if is_known:
                    await ears.hears(1)
                else:
                    await asyncio.to_thread(soon, lambda: rests(sqlite_engine))

        assert len(ears.heard) == is_known

    run(main())


def rests(engine: sa.Engine) -> bool:
    """Return whether a route was tried in vain."""
    with engine.connect() as connection:
        return connection.execute(sa.select(application_ack_route.c.silences)).scalar() == 1


def test_a_route_whose_certificates_cannot_be_used_is_named_with_its_feed(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    tls = "app_ack_tls: {ca_file: /absent.pem}"
    site.write_text(f"feeds: [{{name: cpoe, sending_application: EPD, app_ack_route: 'ehr:2576', {tls}}}]")

    with pytest.raises(UnusableSite, match="feed cpoe"):
        routes(load_site(site))


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        ("", b"ERR||PID^1^3|101^Required field missing^HL70357|E"),
        ("1" * 251, b"ERR|||102^Data type error^HL70357|E"),
    ],
    ids=["none", "too long"],
)
def test_a_sender_hears_that_its_message_waits_for_a_person_and_nothing_of_the_patient(
    set_up: Told, number: str, fault: bytes
) -> None:
    async def main() -> None:
        ears = Ears()
        async with ears.listening() as route:
            hospital = set_up(route.name)
            async with telling(hospital.engine, route):
                thrombosis = "DG1|1||I80.2^DVT been^I10||20190614|F"
                pid = f"PID|1||{number}||Jansen"
                await receives(hospital, a_message(thrombosis, accept="AL", application="AL", pid=pid))
                (told,) = await ears.hears(1)

        assert read_answer(told) == ("AE", b"C1")
        assert fault in told
        assert b"Jansen" not in told
        assert [state for _, state, _ in hospital.messages()] == ["parked"]

    run(main())


@pytest.mark.parametrize(
    ("accept", "application", "kind", "at_once", "later"),
    [
        ("AL", "AL", "ADT^A08", "CA", ["AA"]),
        ("AL", "SU", "ADT^A08", "CA", ["AA"]),
        ("AL", "ER", "ADT^A08", "CA", []),
        ("AL", "AL", "SIU^S12", "CA", ["AA"]),  # ignored is well too
        ("ER", "AL", "ADT^A08", "", ["AA"]),
        ("SU", "AL", "ADT^A08", "CA", ["AA"]),
        ("AL", "NE", "ADT^A08", "CA", []),
        ("AL", "", "ADT^A08", "CA", []),
        ("NE", "AL", "ADT^A08", "AA", []),  # the one answer there is
        ("", "", "ADT^A08", "AA", []),
        ("NE", "NE", "ADT^A08", "", []),
    ],
)
def test_only_who_asked_for_it_is_told_later(
    set_up: Told, accept: str, application: str, kind: str, at_once: str, later: list[str]
) -> None:
    hospital = set_up("ehr:2575")

    answer = hospital.receives(a_message(kind=kind, accept=accept, application=application))

    assert answer.partition("MSA|")[2][:2] == at_once
    assert [row.code for row in rows(hospital.engine)] == later


def test_a_refused_message_and_one_of_another_feed_are_not_told_of_later(set_up: Told) -> None:
    hospital = set_up("ehr:2575")

    hospital.receives(a_message(accept="AL", application="AL").replace(b"|2.5|", b"|3.0|"))
    hospital.receives(a_message(accept="AL", application="AL", sender="LAB", control="C2"))

    assert rows(hospital.engine) == []


def test_a_feed_that_is_always_enhanced_is_told_whatever_msh_15_says(engine: sa.Engine, tmp_path: Path) -> None:
    feed = "{name: cpoe, sending_application: EPD, ack_mode: enhanced, app_ack_route: 'ehr:2575'}"
    hospital = SiteHospital(engine, tmp_path, f"feeds: [{feed}]")

    answer = hospital.receives(a_message(accept="NE", application="AL"))

    assert "MSA|CA|C1" in answer
    assert [(row.code, row.route) for row in rows(engine)] == [("AA", "ehr:2575")]


def test_a_message_that_is_run_again_is_told_of_once(set_up: Told) -> None:
    hospital = set_up("ehr:2575")
    hospital.receives(a_message(accept="AL", application="AL"))
    hospital.receives(a_message(accept="AL", application="AL"))
    with hospital.engine.begin() as connection:
        again = message_queries.reprocess(connection, [1], NOW)

    process_messages(hospital.worker, [each.id for each in again])

    assert len(rows(hospital.engine)) == 1


def test_an_end_that_is_rolled_back_is_not_told(set_up: Told) -> None:
    """The row stands in the transaction that ends the message: without the one there is not the other."""
    hospital = set_up("ehr:2575")

    class Cut(Exception):
        pass

    def cut(connection: sa.Connection) -> None:
        raise Cut

    sa.event.listen(hospital.engine, "commit", cut)
    with pytest.raises(Cut):
        hospital.receives(a_message(accept="AL", application="AL"))
    sa.event.remove(hospital.engine, "commit", cut)

    assert [state for _, state, _ in hospital.messages()] in ([], ["received"])
    assert rows(hospital.engine) == []


def test_silence_is_followed_by_the_same_message_again(set_up: Told) -> None:
    async def main() -> None:
        ears, clock = Ears(("", "wrong", "AA")), Watch()
        async with ears.listening() as route:
            hospital = set_up(route.name)
            async with telling(hospital.engine, route, clock=clock, answer_within_s=1.5):
                await receives(hospital, a_message(accept="AL", application="AL"))
                for attempt, seconds in ((1, 2), (2, 3)):
                    await ears.hears(attempt)
                    await rested(hospital.engine, attempt)
                    clock.now += timedelta(seconds=seconds)
                await settles(hospital.engine, "sent")

        assert len(ears.heard) == 3
        assert len(set(ears.heard)) == 1

    run(main())


async def rested(engine: sa.Engine, silences: int) -> None:
    """Until the route has been left alone for this many silences."""
    query = sa.select(application_ack_route.c.silences).where(application_ack_route.c.claimed_until.is_(None))
    while True:
        with engine.connect() as connection:
            if connection.scalar(query) == silences:
                return
        await asyncio.sleep(0.01)


def test_the_wait_after_silence_grows_to_five_minutes(set_up: Told) -> None:
    hospital, now = set_up("ehr:2575"), NOW
    waits = []
    for _ in range(11):
        with hospital.engine.begin() as connection:
            assert application_acks.claim(connection, "ehr:2575", "me", now, timedelta(seconds=60))
            waits.append(application_acks.rest(connection, "ehr:2575", "me", now))
            assert not application_acks.claim(connection, "ehr:2575", "me", now, timedelta(seconds=60))
        now += waits[-1]

    assert [wait.total_seconds() for wait in waits] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_a_no_is_heard_four_times_and_then_shown(set_up: Told) -> None:
    async def main() -> None:
        ears, clock = Ears(("AE", "CR", "CE", "AR", "AA")), Watch()
        async with ears.listening() as route:
            hospital = set_up(route.name)
            async with telling(hospital.engine, route, clock=clock):
                await receives(hospital, a_message(accept="AL", application="AL"))
                for attempt in (1, 2, 3, 4):
                    await ears.hears(attempt)
                    while rows(hospital.engine)[0].attempts < attempt:
                        await asyncio.sleep(0.01)
                    clock.now += timedelta(seconds=20)
                await settles(hospital.engine, "refused")
                await receives(hospital, a_message(accept="AL", application="AL", control="C2"))
                await settles(hospital.engine, "refused", "sent")

            url = SecretStr(hospital.engine.url.render_as_string(hide_password=False))
            lines = look_at(Settings(database_url=url), NOW)
            (line,) = [line for line in lines if line.what == f"answers to {route.name}"]
            assert (line.well, line.detail[:9]) == (False, "1 refused")
        assert [control_id_of(told) for told in ears.heard] == [b"IWR1"] * 4 + [b"IWR2"]

    run(main())


def test_two_listeners_send_one_at_a_time_and_each_once(set_up: Told) -> None:
    async def main() -> None:
        ears = Ears()
        async with ears.listening() as route:
            hospital = set_up(route.name)
            for number in range(20):
                await receives(hospital, a_message(accept="AL", application="AL", control=f"C{number}"))
            async with telling(hospital.engine, route), telling(hospital.engine, route):
                await settles(hospital.engine, *["sent"] * 20)

        assert ears.most_at_once == 1
        assert [read_answer(told)[1] for told in ears.heard] == [f"C{number}".encode() for number in range(20)]

    run(main())


def test_a_listener_that_died_leaves_the_route_to_the_next(set_up: Told) -> None:
    async def main() -> None:
        ears, clock = Ears(), Watch()
        async with ears.listening() as route:
            hospital = set_up(route.name)
            await receives(hospital, a_message(accept="AL", application="AL"))
            with hospital.engine.begin() as connection:
                assert application_acks.claim(connection, route.name, "the dead", NOW, timedelta(seconds=60))
            async with telling(hospital.engine, route, clock=clock):
                await asyncio.sleep(0.1)
                assert ears.heard == []
                clock.now += timedelta(seconds=61)
                await ears.hears(1)

    run(main())


def test_an_answer_that_comes_as_a_message_of_its_own_settles_what_it_answers(set_up: Told) -> None:
    hospital = set_up("ehr:2575")
    hospital.receives(a_message(accept="AL", application="AL"))
    ack = b"MSH|^~\\&|EPD|ZKHA|IVIGILANT|ZKHA|20261121120000||ACK^A08^ACK|A1|P|2.5|||AL|AL\rMSA|AA|IWR1\r"

    answer = hospital.receives(ack)
    stranger = hospital.receives(ack.replace(b"|A1|", b"|A2|").replace(b"IWR1", b"IWR999"))

    assert (answer, stranger) == ("", "")
    assert [row.state for row in rows(hospital.engine)] == ["sent"]
    assert hospital.messages()[1:] == [("cpoe", "ignored", "acknowledgement")] * 2


def test_a_slow_receiver_of_acknowledgements_holds_up_no_message(set_up: Told) -> None:
    async def main() -> None:
        ears = Ears(("",))
        async with ears.listening() as route:
            hospital = set_up(route.name)
            async with telling(hospital.engine, route):
                await receives(hospital, a_message(accept="AL", application="AL"))
                await ears.hears(1)
                threads = threading.active_count()
                for number in range(5):
                    await receives(hospital, a_message(accept="AL", application="AL", control=f"C{number + 2}"))

        assert [state for _, state, _ in hospital.messages()] == ["processed"] * 6
        assert threading.active_count() <= threads + 2

    run(main())
