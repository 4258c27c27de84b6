"""A synthetic order goes the whole way every few minutes, and nothing of it is left for anybody to see."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ivigilant.site import SiteFile
from rules.knowledge import Knowledge
from store import feeds, incidents, message_queries
from store.errors import PeopleMoved
from synthetic.canary import AUTHORITY, canary_messages
from tests.journeys.canary_rounds import Rounds
from tests.journeys.hospital import Hospital
from tests.journeys.stories import Ordered, Problem, messages
from tests.journeys.ward import WardOnCall
from worker.auditor import Auditor
from worker.batch import Judge, record_and_judge
from worker.incidents import tell_incidents
from worker.memory import HistoryMemory
from worker.raise_alerts import Effects
from worker.rebuild import rebuild
from worker.record import MessageContent
from worker.sweep import sweep
from worker.transactions import MOST_DEADLOCKS, OUT_OF_TIME


@pytest.fixture
def rounds(hospital: Hospital) -> Rounds:
    """On each kind of database: what locks, rolls back or deletes."""
    return Rounds(hospital)


@pytest.fixture
def one_hospital(sqlite_engine: sa.Engine, knowledge: Knowledge) -> Hospital:
    return Hospital(sqlite_engine, knowledge)


@pytest.fixture
def one_rounds(one_hospital: Hospital) -> Rounds:
    """On SQLite, for what has nothing to do with the database."""
    return Rounds(one_hospital)


def test_it_goes_from_the_listener_to_the_notice_and_leaves_nothing(rounds: Rounds) -> None:
    rounds.goes_round()

    passed = rounds.state().passed
    assert passed is not None
    assert (passed.missed, passed.outcome) == (None, "passed")
    assert passed.seconds == pytest.approx(1.5, abs=1)
    assert rounds.left() == {}
    assert rounds.incidents() == []


def test_it_is_time_for_another_only_after_some_minutes(one_rounds: Rounds) -> None:
    one_rounds.canary.look()
    sent = len(one_rounds.sent)
    one_rounds.hospital.clock.passes(minutes=4)
    one_rounds.canary.look()
    early = len(one_rounds.sent)

    one_rounds.hospital.clock.passes(minutes=1)
    one_rounds.canary.look()

    assert (sent, early, len(one_rounds.sent)) == (3, 3, 6)


@pytest.mark.parametrize(
    ("fault", "detail"),
    [
        ({"listens": False}, "accepted: no answer (ConnectionRefusedError)"),
        ({"works": False}, "raised: no worker did it"),
        ({"sends": False}, "notified: no worker did it"),
    ],
)
def test_a_step_that_is_not_reached_is_an_incident_until_one_passes(
    one_rounds: Rounds, fault: dict[str, bool], detail: str
) -> None:
    for name in fault:
        setattr(one_rounds, name, False)
    one_rounds.goes_round(3)
    stuck = one_rounds.incidents()
    with one_rounds.hospital.engine.connect() as connection:
        began = [each.began_at for each in incidents.standing(connection)]

    for name in fault:
        setattr(one_rounds, name, True)
    one_rounds.goes_round()

    assert stuck == [detail]
    assert len(began) == 1
    assert one_rounds.incidents() == []
    assert one_rounds.left() == {}


def test_a_failure_is_told_once_outside_the_inbox_and_once_when_it_is_over(
    sqlite_engine: sa.Engine, knowledge: Knowledge
) -> None:
    ward = WardOnCall(sqlite_engine, knowledge)
    rounds = Rounds(ward.hospital, works=False)
    for working in (False, False, True, True):
        rounds.works = working
        rounds.goes_round()
        tell_incidents(ward.hospital.worker)

    told = [(each.fault, each.kind) for sink in ward.sinks.values() for each in sink.faults]

    assert told == [("canary", "began"), ("canary", "ended")] * 2  # both destinations
    assert all(sink.asked == [] for sink in ward.sinks.values())


def test_an_alert_that_cannot_be_raised_or_resolved_stops_it(rounds: Rounds) -> None:
    engine = rounds.hospital.engine
    refuse = {
        "sqlite": ["CREATE TRIGGER no_alert BEFORE INSERT ON alert BEGIN SELECT RAISE(ABORT, 'no'); END"],
        "postgresql": [
            "CREATE FUNCTION no_alert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$",
            "CREATE TRIGGER no_alert BEFORE INSERT ON alert FOR EACH ROW EXECUTE FUNCTION no_alert()",
        ],
    }[engine.dialect.name]
    with engine.begin() as connection:
        for statement in refuse:
            connection.execute(sa.text(statement))

    rounds.goes_round()

    (detail,) = rounds.incidents()
    assert detail.startswith("raised: ")
    assert "no worker" not in detail
    assert rounds.left() == {}


def test_whoever_runs_it_dies_and_the_next_gives_the_round_up(rounds: Rounds) -> None:
    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    for pauses in (0, 1):
        rounds.at_each_pause = _after(pauses, die)
        with pytest.raises(Killed):
            rounds.canary.look()
        rounds.hospital.clock.passes(minutes=2)
    rounds.at_each_pause = lambda: None
    rounds.work()

    rounds.goes_round()

    passed = rounds.state().passed
    assert passed is not None
    assert passed.outcome == "passed"
    assert rounds.incidents() == []
    assert rounds.left() == {}
    assert rounds.hospital.waiting() == []


def _after(times: int, do: Callable[[], None]) -> Callable[[], None]:
    left = [times]

    def count() -> None:
        if not left[0]:
            do()
        left[0] -= 1

    return count


def test_two_that_run_it_send_one(rounds: Rounds) -> None:
    other = Rounds(rounds.hospital)
    rounds.at_each_pause = other.canary.look

    rounds.goes_round()

    assert (len(rounds.sent), len(other.sent)) == (3, 0)
    assert rounds.state().passed is not None


def test_a_month_of_rounds_takes_no_more_room_than_a_few(rounds: Rounds) -> None:
    rounds.goes_round(8)
    ids = set(rounds.hospital.rows("SELECT id FROM message"))
    rounds.hospital.sends(*messages([Problem(), Ordered(at=3, starts=34)]))

    kept = rounds.hospital.rows("SELECT count(*) FROM message WHERE sending_application = 'IVIGILANT-CANARY'")
    rounds.hospital.clock.passes(days=30)
    rounds.goes_round(2)

    assert kept[0][0] <= 12
    assert len(ids) == kept[0][0]
    assert len(rounds.hospital.rows("SELECT id FROM canary_run")) == 2  # the last, and the one that passed before it
    assert len(rounds.hospital.rows("SELECT run_id FROM canary_message")) == 6


def test_a_sender_that_uses_its_name_and_its_numbers_hides_nobody(hospital: Hospital) -> None:
    rounds = Rounds(hospital)
    rounds.goes_round()
    borrowed = [
        message.replace(b"Canary^Synthetic", b"Vermeer^Jo").replace(b"19600101", b"19620202") for message in rounds.sent
    ][:2]

    for message in borrowed:
        rounds.send(message)
    rounds.work()

    (number,) = {row[0] for row in hospital.rows("SELECT value FROM patient")}
    assert f"{number}^^^{AUTHORITY}".encode() in rounds.sent[0]
    assert [row["status"] for row in hospital.alerts()] == ["open"]
    with hospital.engine.connect() as connection:
        listed = message_queries.list_messages(connection, message_queries.MessageFilter(), None, 50)
    assert [each.state for each in listed] == ["processed", "processed"]


def test_what_it_never_announced_is_a_patient_like_any(one_hospital: Hospital) -> None:
    rounds = Rounds(one_hospital)

    for message in canary_messages("1" * 32, "IVIGILANT-CANARY", one_hospital.clock())[:2]:
        rounds.send(message)
    rounds.work()

    assert [row["status"] for row in one_hospital.alerts()] == ["open"]


@pytest.mark.parametrize("reads", [{"unknown_sources": "park"}, {"mrn_authorities": ["ZKHA"], "zone": "Asia/Tokyo"}])
def test_it_passes_whatever_the_hospital_chose_for_its_senders(one_hospital: Hospital, reads: dict[str, Any]) -> None:
    feed = {"name": "cpoe", "sending_application": "EPD", "placer_authoritative": False, "silence_after_s": 900}
    rounds = Rounds(one_hospital, SiteFile.model_validate({**reads, "feeds": [feed]}))

    rounds.goes_round()

    assert rounds.incidents() == []
    assert rounds.state().passed is not None


def test_a_feed_that_is_silent_stays_so_while_it_flies(one_hospital: Hospital) -> None:
    with one_hospital.engine.begin() as connection:
        feeds.declare(connection, {"cpoe": 60}, one_hospital.clock())
    rounds = Rounds(one_hospital)

    rounds.goes_round(2)

    with one_hospital.engine.connect() as connection:
        silent = {feed.name: feed.is_silent(one_hospital.clock()) for feed in feeds.every(connection)}
        assert message_queries.last_message_at(connection) is None
    assert silent == {"cpoe": True, "default": False}


def test_the_dead_mans_switch_is_pinged_only_while_it_passes(
    ward_and_pings: tuple[WardOnCall, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ward, pings = ward_and_pings
    rounds = Rounds(ward.hospital)
    site = replace(ward.hospital.site, canary_counts_for=timedelta(minutes=10))
    auditor = Auditor(replace(ward.hospital.worker, site=site))

    def ping(_: Auditor) -> bool:
        pings.append(1)
        return True

    monkeypatch.setattr(Auditor, "_ping", ping)

    counted = []
    for working in (None, True, True, False, True):
        if working is not None:
            rounds.works = working
            rounds.canary.look()
        auditor.look()
        counted.append(len(pings))
        ward.hospital.clock.passes(minutes=5)
    ward.hospital.clock.passes(minutes=20)
    auditor.look()

    assert counted == [0, 1, 2, 2, 3]
    assert len(pings) == 3  # nothing was heard of it lately


@pytest.fixture
def ward_and_pings(sqlite_engine: sa.Engine, knowledge: Knowledge) -> tuple[WardOnCall, list[int]]:
    return WardOnCall(sqlite_engine, knowledge), []


def test_a_rebuild_and_a_sweep_find_nothing_of_it(one_rounds: Rounds) -> None:
    one_rounds.goes_round()
    sweep(one_rounds.hospital.worker)
    rebuild(one_rounds.hospital.worker, lambda _done: None)
    one_rounds.work()

    assert one_rounds.left() == {}


def test_a_worker_remembers_no_history_of_it(one_rounds: Rounds) -> None:
    memory = HistoryMemory(least=0)
    one_rounds.hospital.worker = replace(one_rounds.hospital.worker, memory=memory)

    one_rounds.goes_round()

    assert one_rounds.incidents() == []
    assert memory.of(range(1_000)) == {}  # their numbers were rolled back: the next patient may have them


@pytest.mark.parametrize("times", [1, MOST_DEADLOCKS + 1])
def test_people_who_move_while_it_is_judged_are_no_fault(
    one_rounds: Rounds, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    left = [times]

    def moving(connection: sa.Connection, judge: Judge, contents: Sequence[MessageContent]) -> Effects:
        if left[0]:
            left[0] -= 1
            raise PeopleMoved
        return record_and_judge(connection, judge, contents)

    monkeypatch.setattr("worker.canary.record_and_judge", moving)
    monkeypatch.setattr(one_rounds, "work", _whatever_fails(one_rounds.work, PeopleMoved))

    one_rounds.goes_round()

    assert left == [0]
    assert one_rounds.incidents() == []
    assert one_rounds.left() == {}


def _whatever_fails(do: Callable[[], None], error: type[Exception]) -> Callable[[], None]:
    """As a worker whose task failed: what it was about still waits, and is taken again."""

    def attempt() -> None:
        with contextlib.suppress(error):
            do()

    return attempt


def test_a_task_that_runs_out_of_time_in_it_is_stopped_as_any(
    one_rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: object) -> Effects:
        raise OUT_OF_TIME

    monkeypatch.setattr("worker.canary.record_and_judge", slow)

    one_rounds.goes_round()

    assert one_rounds.incidents() == ["raised: no worker did it"]
    assert one_rounds.hospital.rows("SELECT count(*) FROM message WHERE state = 'parked'") == [(1,)]
    with one_rounds.hospital.engine.connect() as connection:
        assert not any(message_queries.counts(connection).values())
    assert one_rounds.left() == {}
