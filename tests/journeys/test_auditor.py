"""Somebody looks whether the telling holds who is not the one that tells."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from forwarding.errors import Unreachable
from forwarding.policy import TellingPolicy
from inbox.alerts.settling import TakenOn
from inbox.people.accounts import add_user
from inbox.people.credentials import open_session
from ivigilant.cli import app
from ivigilant.telling_proof import figures_of
from rules.knowledge import Knowledge
from store import due, feeds, incidents, tables, telling_audit
from tests.journeys.stories import Ordered, Problem, messages
from tests.journeys.ward import NOON, WardOnCall
from tests.store.builders import a_feed, a_message
from worker.auditor import Auditor
from worker.deliver import deliver
from worker.due import carry_out_due

TWICE = {"destination": "pager", "repeat_minutes": 15, "at_most": 2}
ONCE = {"destination": "pager", "repeat_minutes": 15, "at_most": 1}


@pytest.fixture
def ward(sqlite_engine: sa.Engine, knowledge: Knowledge) -> WardOnCall:
    return WardOnCall(sqlite_engine, knowledge)


def raises_unsent(ward: WardOnCall) -> None:
    ward.hospital.sends(*messages([Problem(), Ordered(at=3, starts=34)]))


def looks(ward: WardOnCall) -> list[str]:
    """What stands after an auditor looked that has been up for an hour."""
    Auditor(ward.hospital.worker, began_at=ward.hospital.clock() - timedelta(hours=1)).look()
    return still_standing(ward)


def still_standing(ward: WardOnCall) -> list[str]:
    with ward.hospital.engine.connect() as connection:
        return [each.subject for each in incidents.standing(connection)]


def faults(ward: WardOnCall) -> list[str]:
    return [fault.subject for fault in ward.sinks["pager"].faults]


def test_while_everything_is_carried_out_it_finds_nothing(ward: WardOnCall) -> None:
    ward.raises_an_alert()
    ward.waits(50)

    assert looks(ward) == []
    assert faults(ward) == []


def test_a_sender_that_stopped_is_told_of_within_a_minute_and_once_when_it_sends_again(ward: WardOnCall) -> None:
    raises_unsent(ward)
    auditor = Auditor(ward.hospital.worker)
    for _ in range(12):
        ward.hospital.clock.passes(seconds=5)
        auditor.look()
    began = faults(ward)

    deliver(ward.hospital.worker)
    ward.hospital.clock.passes(seconds=15)
    auditor.look()

    assert began == ["notices-not-tried"]
    assert [fault.kind for fault in ward.sinks["pager"].faults] == ["began", "ended"]


def test_a_sender_that_stopped_after_its_first_try_is_told_of(ward: WardOnCall) -> None:
    ward.sinks["pager"].fails = Unreachable("HTTP 500")
    ward.raises_an_alert()
    ward.sinks["pager"].fails = None

    ward.hospital.clock.passes(minutes=2)

    assert looks(ward) == ["notices-not-tried"]


def test_steps_that_nobody_carries_out_are_told_of(ward: WardOnCall) -> None:
    ward.raises_an_alert()
    ward.hospital.clock.passes(minutes=15, seconds=31)

    assert looks(ward) == ["due-not-tried"]

    carry_out_due(ward.hospital.worker)
    deliver(ward.hospital.worker)
    assert looks(ward) == []


def test_what_became_late_while_everything_was_down_is_told_of_only_when_nobody_catches_up(ward: WardOnCall) -> None:
    raises_unsent(ward)
    ward.hospital.clock.passes(minutes=20)
    auditor = Auditor(ward.hospital.worker)
    stood = []
    for _ in range(3):
        auditor.look()
        stood.append(still_standing(ward))
        ward.hospital.clock.passes(seconds=15)

    assert stood[:2] == [[], []]
    assert sorted(stood[2]) == ["due-not-tried", "notices-not-tried"]


def test_with_a_clock_that_is_set_back_the_auditor_looks_all_the_same(ward: WardOnCall) -> None:
    auditor = Auditor(ward.hospital.worker)
    auditor.look()
    ward.hospital.clock.passes(hours=-2)
    raises_unsent(ward)
    for _ in range(4):
        ward.hospital.clock.passes(seconds=20)
        auditor.look()

    assert "notices-not-tried" in still_standing(ward)


def test_after_a_restart_what_is_caught_up_with_calls_nobody(ward: WardOnCall) -> None:
    raises_unsent(ward)
    ward.hospital.clock.passes(minutes=20)
    auditor = Auditor(ward.hospital.worker)
    auditor.look()

    carry_out_due(ward.hospital.worker)
    deliver(ward.hospital.worker)
    for _ in range(4):
        ward.hospital.clock.passes(seconds=15)
        auditor.look()

    assert faults(ward) == []


def test_an_alert_whose_chain_ended_without_anybody_is_told_of(sqlite_engine: sa.Engine, knowledge: Knowledge) -> None:
    ward = WardOnCall(sqlite_engine, knowledge, chains=[{"name": "once", "steps": [ONCE]}])
    ward.raises_an_alert()
    ward.waits(29)
    before = looks(ward)

    ward.waits(2)

    assert (before, looks(ward)) == ([], ["no-next-step"])


def test_a_chain_that_ended_goes_on_once_the_policy_is_mended(sqlite_engine: sa.Engine, knowledge: Knowledge) -> None:
    ward = WardOnCall(sqlite_engine, knowledge, chains=[{"name": "once", "steps": [TWICE]}])
    ward.raises_an_alert()
    ward.waits(31)
    unmended = (looks(ward), ward.steps())

    mended = TellingPolicy.model_validate({"chains": [{"name": "once", "steps": [{**TWICE, "at_most": None}]}]})
    site = replace(ward.hospital.worker.site, telling=mended)
    ward.hospital.worker = replace(ward.hospital.worker, site=site)
    stands = looks(ward)

    assert unmended == (["no-next-step"], [])
    assert (stands, ward.steps()) == ([], [45])
    ward.waits(15)
    assert ward.minutes_told()[-1] == 45


def test_another_alert_whose_chain_ended_is_told_of_while_the_first_still_waits(
    sqlite_engine: sa.Engine, knowledge: Knowledge
) -> None:
    ward = WardOnCall(sqlite_engine, knowledge, chains=[{"name": "once", "steps": [ONCE]}])
    ward.raises_an_alert()
    ward.waits(31)
    looks(ward)
    ward.sends(Problem(who="2"), Ordered(who="2", at=3, starts=34, number="900"))
    ward.waits(31)

    again = [looks(ward) for _ in range(3)]

    assert again == [["no-next-step"]] * 3
    assert [fault.kind for fault in ward.sinks["pager"].faults] == ["began", "began"]


def test_an_alert_past_its_time_that_reached_nobody_is_told_of_until_it_reaches_somebody(ward: WardOnCall) -> None:
    for sink in ward.sinks.values():
        sink.fails = Unreachable("HTTP 500")
    ward.raises_an_alert()
    ward.waits(29)
    in_time = looks(ward)
    ward.waits(3)
    late = looks(ward)

    for sink in ward.sinks.values():
        sink.fails = None
    ward.waits(20)

    assert "told-nobody" not in in_time
    assert "told-nobody" in late
    assert looks(ward) == []


@pytest.mark.parametrize(("starts", "is_found"), [(34, False), (8, True)])
def test_an_alert_that_waits_for_the_end_of_quiet_hours_is_told_of_when_its_order_starts_before(
    engine: sa.Engine, knowledge: Knowledge, starts: int, is_found: bool
) -> None:
    quiet = [{"from": "12:00", "until": "20:00", "silence_contraindications": True}]
    ward = WardOnCall(engine, knowledge, quiet_hours=quiet, chains=[{"name": "pager", "steps": [TWICE]}])
    ward.sends(Problem(), Ordered(at=3, starts=starts))
    ward.hospital.clock.passes(hours=1)  # and nothing is carried out

    assert ("told-nobody" in looks(ward)) is is_found


def test_an_alert_from_before_there_were_chains_gets_one(ward: WardOnCall) -> None:
    ward.raises_an_alert()
    with ward.hospital.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM due"))
    ward.hospital.clock.passes(minutes=5)
    ward.sends(Problem(who="2"), Ordered(who="2", at=3, starts=34, number="900"))

    found = looks(ward)
    ward.waits(1)

    assert found == []
    assert ward.steps() == [20, 20]  # from when the auditor looked


@pytest.mark.parametrize("kept", ["kind = 'take_on'", "FALSE"])
def test_an_alert_from_before_the_upgrade_gets_a_chain_though_it_must_be_taken_on_by_a_time_or_by_none(
    ward: WardOnCall, kept: str
) -> None:
    ward.raises_an_alert()
    with ward.hospital.engine.begin() as connection:
        connection.execute(sa.text(f"DELETE FROM due WHERE NOT ({kept})"))
        if kept == "FALSE":
            connection.execute(sa.text("UPDATE alert SET due_at = NULL"))
    ward.hospital.clock.passes(minutes=5)

    looks(ward)

    assert ward.steps() == [5]


def test_what_somebody_has_gets_no_chain_from_the_auditor(ward: WardOnCall) -> None:
    ward.raises_an_alert()
    ward.does(TakenOn())
    with ward.hospital.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM due WHERE kind = 'step'"))

    looks(ward)

    assert ward.steps() == []


class _Switch(BaseHTTPRequestHandler):
    pings = 0

    def do_GET(self) -> None:
        type(self).pings += 1
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def switch() -> Iterator[ThreadingHTTPServer]:
    _Switch.pings = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), _Switch) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_the_dead_mans_switch_is_pinged_each_minute_while_all_is_well(
    ward: WardOnCall, switch: ThreadingHTTPServer
) -> None:
    policy = TellingPolicy(dead_mans_switch=f"http://127.0.0.1:{switch.server_address[1]}/ping")
    worker = ward.hospital.worker
    auditor = Auditor(replace(worker, site=replace(worker.site, telling=policy)))
    for _ in range(25):
        auditor.look()
        ward.hospital.clock.passes(seconds=5)
    well = _Switch.pings

    raises_unsent(ward)
    for _ in range(24):
        ward.hospital.clock.passes(seconds=5)
        auditor.look()

    assert well == 3
    assert _Switch.pings <= well + 1  # until it is late


def test_nothing_is_looked_for_that_nobody_could_be_told(ward: WardOnCall) -> None:
    with ward.hospital.engine.begin() as connection:
        assert telling_audit.audit(connection, ward.hospital.clock(), has_destinations=False) == []
        assert due.standing(connection, [1]) == []


def test_a_day_of_telling_is_proved(ward: WardOnCall) -> None:
    ward.raises_an_alert()
    ward.waits(20)
    ward.does(TakenOn())
    ward.sends(Problem(who="2"), Ordered(who="2", at=3, starts=34, number="900"))
    ward.waits(2)
    with ward.hospital.engine.begin() as connection:
        connection.execute(sa.text("UPDATE delivery SET state = 'refused' WHERE alert_id = 2"))

    proved = ward.proves(NOON)
    found = figures_of(proved)

    assert [(one.fate, one.how) for one in proved] == [
        ("answered", "taken_on by els, 2026-11-02 11:20:00 UTC"),
        ("sent up to the last step", "step 1 of 1"),
    ]
    assert (found.alerts, found.fates) == (2, {"answered": 1, "sent up to the last step": 1})
    assert (found.longest_to_answer, found.late) == (timedelta(minutes=20), [timedelta(0)])
    assert (found.states, found.sent_twice) == ({"sent": 6, "refused": 2}, 0)
    assert [(lack.alert_id, lack.step, lack.what) for one in proved for lack in one.missing] == [
        (2, "raised of 2026-11-02 11:20:00 UTC", "no destination took it")
    ]


def test_verify_exits_with_1_when_a_destination_took_nothing(ward: WardOnCall, monkeypatch: pytest.MonkeyPatch) -> None:
    ward.raises_an_alert()
    url = ward.hospital.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("IVIGILANT_DATABASE_URL", url)
    well = CliRunner().invoke(app, ["telling", "verify", "--days", "366"])

    with ward.hospital.engine.begin() as connection:
        incidents.begin(connection, "destination", "pager", "HTTP 500", NOON)
    wrong = CliRunner().invoke(app, ["telling", "verify", "--days", "366"])

    assert wrong.exit_code == 1
    assert "WRONG  incident pager since 2026-11-02 11:00" in wrong.output
    assert "1 alerts sent in 366 days: 0 answered" in well.output


def test_a_feed_that_falls_silent_is_told_of_once_and_once_when_it_sends_again(ward: WardOnCall) -> None:
    auditor, clock = Auditor(ward.hospital.worker), ward.hospital.clock
    heard = sa.update(tables.feed).values(silence_after_s=900, name="EPD of C4", known=True)
    with ward.hospital.engine.begin() as connection:
        connection.execute(heard.values(last_heard_at=clock()))

    for _ in range(48):
        clock.passes(minutes=1)
        auditor.look()
    silent = [(fault.fault, fault.kind, fault.subject) for fault in ward.sinks["pager"].faults]
    with ward.hospital.engine.begin() as connection:
        connection.execute(heard.values(last_heard_at=clock()))
    for _ in range(5):
        clock.passes(minutes=1)
        auditor.look()

    assert silent == [("feed", "began", "EPD_of_C4")]
    assert [fault.kind for fault in ward.sinks["pager"].faults] == ["began", "ended"]


def test_a_feed_that_is_declared_and_never_heard_is_told_of_once_and_once_when_it_is_heard(
    engine: sa.Engine, knowledge: Knowledge
) -> None:
    ward = WardOnCall(engine, knowledge)
    auditor, clock = Auditor(ward.hospital.worker), ward.hospital.clock
    expected = {"EPD of C4": 900, "lab": None}
    with engine.begin() as connection:
        feeds.declare(connection, expected | {"old name": 900}, clock())

    def told_after(minutes: int) -> list[tuple[str, str, str]]:
        for _ in range(minutes):
            clock.passes(minutes=1)
            auditor.look()
        return [(fault.fault, fault.kind, fault.subject) for fault in ward.sinks["pager"].faults]

    with engine.begin() as connection:
        feeds.declare(connection, expected, clock())
    early, late = told_after(15), told_after(30)
    with engine.begin() as connection:
        feeds.heard(connection, feeds.ids_of(connection, ["EPD of C4"])["EPD of C4"], clock())

    assert early == []
    assert late == [("never_heard", "began", "EPD_of_C4")]
    assert told_after(5) == [*late, ("never_heard", "ended", "EPD_of_C4")]


@pytest.mark.parametrize(
    ("minutes", "differs"),
    [([61, 60, 75], True), ([-3, -2.1, -5], True), ([61, 0, 75], False), ([1.9, 60, 70], False), ([-61, -62], False)],
)
def test_a_feed_of_which_every_stamp_differs_is_told_of_once_and_once_when_one_is_right(
    ward: WardOnCall, minutes: list[float], differs: bool
) -> None:
    auditor, clock = Auditor(ward.hospital.worker), ward.hospital.clock
    clock.passes(seconds=10)

    def stamped(behind: list[float]) -> list[tuple[str, str, str]]:
        with ward.hospital.engine.begin() as connection:
            for number, each in enumerate(behind):
                at = clock() - timedelta(minutes=each)
                a_message(connection, f"{clock():%H%M}-{number}", received_at=clock(), message_time=at)
        for _ in range(3):
            auditor.look()
            clock.passes(minutes=6)
        return [(fault.fault, fault.kind, fault.subject) for fault in ward.sinks["pager"].faults]

    first = stamped(minutes)
    stamped([])  # nothing is sent: nothing is heard of the clock
    last = stamped([0.1, 0.2, 40])

    assert first == ([("clock", "began", "ehr")] if differs else [])
    assert last == ([("clock", "began", "ehr"), ("clock", "ended", "ehr")] if differs else [])


@pytest.mark.parametrize(("is_declared", "hours"), [(True, 24), (False, 1)])
def test_a_clock_that_differs_is_over_when_its_feed_sends_no_more(
    ward: WardOnCall, is_declared: bool, hours: int
) -> None:
    auditor, clock = Auditor(ward.hospital.worker), ward.hospital.clock
    with ward.hospital.engine.begin() as connection:
        feed_id = feeds.ids_of(connection, ["lab of C4"])["lab of C4"]
        for number in range(3):
            at = clock() - timedelta(minutes=61)
            a_message(connection, f"lab-{number}", feed_id=feed_id, received_at=clock(), message_time=at)
        feeds.declare(connection, {"lab of C4": None} if is_declared else {}, clock())
    auditor.look()
    clock.passes(hours=2)
    with ward.hospital.engine.begin() as connection:
        feeds.heard(connection, feed_id, clock() - timedelta(minutes=30))
    auditor.look()

    clock.passes(hours=hours, minutes=-31)
    auditor.look()
    before = [fault.kind for fault in ward.sinks["pager"].faults if fault.fault == "clock"]
    clock.passes(minutes=2)
    auditor.look()

    assert before == ["began"]
    assert [fault.kind for fault in ward.sinks["pager"].faults if fault.fault == "clock"] == ["began", "ended"]


def test_messages_of_days_ago_that_are_sent_again_say_nothing_of_a_clock(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        for number, feed in enumerate(("replayed", "late") * 3):
            behind = timedelta(days=3 if feed == "replayed" else 0, minutes=7)
            values = {"feed_id": a_feed(connection, feed), "received_at": NOON, "message_time": NOON - behind}
            a_message(connection, str(number), **values)

        found = feeds.clock_skews(connection, NOON)

    assert found == {"late": -timedelta(minutes=7)}


def test_an_account_for_an_emergency_is_told_of_while_somebody_is_signed_in_with_it(ward: WardOnCall) -> None:
    auditor, clock = Auditor(ward.hospital.worker), ward.hospital.clock
    with ward.hospital.engine.begin() as connection:
        number = add_user(connection, "Night safe", "seven herons at dusk", "lead", clock())
        open_session(connection, number, clock(), timedelta(hours=12))
        incidents.renew(connection, "break_glass", "Night_safe", "from 10.0.0.7", clock())

    def told_after(minutes: int) -> list[tuple[str, str, str]]:
        for _ in range(minutes):
            clock.passes(minutes=1)
            auditor.look()
        return [(fault.fault, fault.kind, fault.subject) for fault in ward.sinks["pager"].faults]

    assert told_after(29) == [("break_glass", "began", "Night_safe")]
    assert told_after(2) == [("break_glass", "began", "Night_safe"), ("break_glass", "ended", "Night_safe")]
