"""A destination that takes nothing: another gets what interrupts, and people hear of it once, by another path."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from forwarding.errors import Refused, Unreachable
from forwarding.notice import AnyNotice
from forwarding.policy import TellingPolicy
from history.choices import NoticeRoute
from ivigilant.checkup import look_at
from ivigilant.settings import Settings
from rules.knowledge import Knowledge
from store import alerts, deliveries, incidents
from store.alerts import Happening
from store.deliveries import NewDelivery
from tests.fakes import RememberingDestination
from tests.journeys.hospital import Clock
from tests.journeys.stories import Controlled, Ordered, Problem
from tests.journeys.ward import WardOnCall
from worker.auditor import Auditor
from worker.deliver import deliver
from worker.incidents import tell_incidents

ONE_STEP = {"chains": [{"name": "pager", "steps": [{"destination": "pager"}]}]}


class Odd(RememberingDestination):
    """Raises what nobody expects."""

    def forward(self, notice: AnyNotice) -> None:
        raise KeyError("word")


class Hanging(RememberingDestination):
    """Takes ten seconds to say nothing."""

    clock: Clock

    def forward(self, notice: AnyNotice) -> None:
        super().forward(notice)
        self.clock.passes(seconds=10)
        raise Unreachable("no answer: TimeoutError")


@pytest.fixture
def ward(engine: sa.Engine, knowledge: Knowledge) -> WardOnCall:
    return WardOnCall(engine, knowledge, **ONE_STEP)


def with_a_dead_pager(ward: WardOnCall) -> None:
    """An alert is raised, and the pager answers 500 three times: at once, after ten and after thirty seconds more."""
    ward.sinks["pager"].fails = Unreachable("HTTP 500")
    ward.raises_an_alert()
    ward.waits(1, every=1 / 12)


def stands(ward: WardOnCall) -> list[str]:
    with ward.hospital.engine.connect() as connection:
        return [each.subject for each in incidents.standing(connection)]


def test_after_the_third_failure_the_next_destination_is_told_within_a_minute(ward: WardOnCall) -> None:
    with_a_dead_pager(ward)

    assert len(ward.sinks["pager"].asked) == 3
    assert [notice.kind for notice in ward.sinks["sms-jansen"].asked] == ["raised"]
    assert stands(ward) == ["pager"]


def another_patient(ward: WardOnCall, who: str) -> None:
    ward.sends(Problem(who=who), Ordered(who=who, at=3, starts=34, number=f"9{who}"))


def test_what_comes_while_a_destination_takes_nothing_goes_to_the_next_at_once(ward: WardOnCall) -> None:
    with_a_dead_pager(ward)
    ward.waits(1)
    tried = len(ward.sinks["pager"].asked)

    for who in ("2", "3"):
        another_patient(ward, who)
    deliver(ward.hospital.worker)

    assert len(ward.sinks["pager"].asked) - tried <= 1  # to see whether it takes notices again
    assert [notice.kind for notice in ward.sinks["sms-jansen"].asked] == ["raised"] * 3


def test_a_destination_that_takes_nothing_is_tried_once_in_half_a_minute_however_many_notices_wait(
    ward: WardOnCall,
) -> None:
    with_a_dead_pager(ward)
    for who in ("2", "3", "4"):
        another_patient(ward, who)
    before = len(ward.sinks["pager"].asked)

    ward.waits(5, every=1 / 12)

    assert 2 <= len(ward.sinks["pager"].asked) - before <= 10


def test_all_that_waits_arrives_once_a_destination_takes_notices_again(ward: WardOnCall) -> None:
    with_a_dead_pager(ward)
    for who in ("2", "3", "4"):
        another_patient(ward, who)
    ward.waits(5, every=1 / 2)

    ward.sinks["pager"].fails = None
    ward.waits(20, every=1 / 2)

    with ward.hospital.engine.connect() as connection:
        assert deliveries.counts(connection) == {}
    assert stands(ward) == []


def test_with_the_first_notice_that_a_destination_takes_again_all_others_go_out_as_well(ward: WardOnCall) -> None:
    with_a_dead_pager(ward)
    for who in ("2", "3", "4"):
        another_patient(ward, who)
        ward.waits(2, every=1 / 2)
    ward.waits(40, every=1 / 2)  # by now each is tried every 15 minutes

    ward.sinks["pager"].fails = None
    while stands(ward):
        ward.waits(1 / 12, every=1 / 12)
    ward.waits(1, every=1 / 12)

    with ward.hospital.engine.connect() as connection:
        assert deliveries.counts(connection) == {}


def test_a_destination_that_hangs_holds_its_sender_up_once(ward: WardOnCall) -> None:
    hanging = Hanging()
    hanging.clock = ward.hospital.clock
    ward.hospital.worker.destinations["pager"] = hanging  # type: ignore[index]  # a plain dict

    for who in ("1", "2", "3", "4"):
        another_patient(ward, who)

    assert len(hanging.asked) == 1


def test_with_a_clock_that_is_set_back_a_destination_is_tried_again_all_the_same(ward: WardOnCall) -> None:
    with_a_dead_pager(ward)
    ward.waits(3)
    ward.sinks["pager"].fails = None

    ward.hospital.clock.passes(hours=-2)
    another_patient(ward, "2")

    assert [notice.alert for notice in ward.sinks["pager"].asked[-2:]] == ["2", "1"]  # and what waited for it


def test_when_no_other_destination_takes_anything_either_the_next_waits_for_the_first_that_does(
    ward: WardOnCall,
) -> None:
    for sink in ward.sinks.values():
        sink.fails = Unreachable("HTTP 500")
    ward.raises_an_alert()
    ward.waits(5, every=1 / 12)
    another_patient(ward, "2")

    ward.sinks["sms-jansen"].fails = None
    ward.waits(20, every=1 / 2)

    assert {notice.alert for notice in ward.sinks["sms-jansen"].asked[-2:]} == {"1", "2"}


def test_the_incident_is_told_once_when_it_begins_and_once_when_it_ends(ward: WardOnCall) -> None:
    with_a_dead_pager(ward)
    ward.waits(10)
    began = [(fault.kind, fault.subject) for fault in ward.sinks["sms-jansen"].faults]

    ward.sinks["pager"].fails = None
    ward.waits(10)

    assert began == [("began", "pager")]
    assert [fault.kind for fault in ward.sinks["sms-jansen"].faults] == ["began", "ended"]
    assert ward.sinks["pager"].faults == []
    assert stands(ward) == []
    keys = {notice.idempotency_key for notice in ward.sinks["pager"].asked[:4]}
    assert len(keys) == 1  # until it is taken, with the same key


def test_who_was_told_instead_hears_how_it_goes_on(ward: WardOnCall) -> None:
    with_a_dead_pager(ward)

    ward.sends(Controlled(at=4, control="DC"))
    ward.waits(1)

    assert [notice.kind for notice in ward.sinks["sms-jansen"].asked] == ["raised", "resolved"]


def test_what_a_destination_refuses_goes_to_the_fallback_at_once(engine: sa.Engine, knowledge: Knowledge) -> None:
    ward = WardOnCall(engine, knowledge, **ONE_STEP, fallback="sms-jansen")
    ward.sinks["pager"].fails = Refused("HTTP 404")

    ward.raises_an_alert()

    assert [len(sink.asked) for sink in ward.sinks.values()] == [1, 1]
    assert stands(ward) == ["pager"]


def test_a_fallback_that_takes_nothing_either_passes_it_on_to_the_third(ward: WardOnCall) -> None:
    worker = ward.hospital.worker
    ward.sinks["mail"] = RememberingDestination("mail")
    routes = (NoticeRoute("mail"), NoticeRoute("pager"), NoticeRoute("sms-jansen"))
    policy = TellingPolicy.model_validate(ONE_STEP | {"fallback": "mail"})
    ward.hospital.worker = replace(worker, site=replace(worker.site, destinations=routes, telling=policy))
    ward.restarts()
    ward.sinks["mail"].fails = Unreachable("no connection")

    with_a_dead_pager(ward)
    ward.waits(2, every=1 / 12)

    assert [notice.kind for notice in ward.sinks["sms-jansen"].asked] == ["raised"]


def test_a_destination_with_a_fault_of_its_own_fails_as_one_that_does_not_answer(ward: WardOnCall) -> None:
    ward.sinks["pager"] = Odd("pager")

    with_a_dead_pager(ward)

    assert [notice.kind for notice in ward.sinks["sms-jansen"].asked] == ["raised"]
    with ward.hospital.engine.connect() as connection:
        (detail,) = {each.detail for each in incidents.standing(connection)}
    assert detail == "KeyError"


def test_a_destination_with_a_fault_of_its_own_keeps_no_other_from_hearing_of_an_incident(ward: WardOnCall) -> None:
    worker = ward.hospital.worker
    ward.sinks["mail"] = Odd("mail")
    routes = (NoticeRoute("mail"), NoticeRoute("pager"), NoticeRoute("sms-jansen"))
    ward.hospital.worker = replace(worker, site=replace(worker.site, destinations=routes))
    ward.restarts()

    with_a_dead_pager(ward)

    assert ("began", "pager") in [(fault.kind, fault.subject) for fault in ward.sinks["sms-jansen"].faults]


def test_a_notice_that_cannot_be_written_is_in_the_way_of_no_other(ward: WardOnCall) -> None:
    ward.raises_an_alert()
    alert = ward.hospital.alerts()[0]["id"]
    with ward.hospital.engine.begin() as connection:
        step = alerts.update(connection, alert, Happening("escalated", ward.hospital.clock(), data={})).event_id
        wanted = [NewDelivery(alert, step, "pager", ward.hospital.clock())]
        deliveries.enqueue(connection, wanted, ward.hospital.clock())
    ward.hospital.clock.passes(minutes=2)

    ward.sends(Problem(who="2"), Ordered(who="2", at=3, starts=34, number="900"))

    assert len(ward.sinks["pager"].asked) == 2


def test_when_no_destination_takes_anything_it_stands_and_is_tried_again(ward: WardOnCall) -> None:
    ward.sinks["sms-jansen"].fails = Unreachable("no connection")
    with_a_dead_pager(ward)
    ward.waits(3)
    with ward.hospital.engine.connect() as connection:
        told = [each.told_at for each in incidents.standing(connection)]

    ward.sinks["sms-jansen"].fails = None
    ward.hospital.clock.passes(minutes=2)
    tell_incidents(ward.hospital.worker)

    assert told == [None, None]
    assert "pager" in [fault.subject for fault in ward.sinks["sms-jansen"].faults]


def test_the_doctor_says_which_destination_takes_nothing_and_how_old_the_notices_are(ward: WardOnCall) -> None:
    with_a_dead_pager(ward)
    ward.waits(3)
    settings = Settings(database_url=ward.hospital.engine.url.render_as_string(hide_password=False))

    with ward.hospital.engine.connect() as connection:
        since = deliveries.oldest_waiting(connection)["pager"]
    assert ward.hospital.clock() - since == timedelta(minutes=4)  # attempts put off nothing
    for what in ("notices to pager", "incident pager"):
        (line,) = [line for line in look_at(settings, ward.hospital.clock()) if line.what == what]
        assert not line.well


def test_notices_that_arrive_leave_nothing_to_say(ward: WardOnCall) -> None:
    ward.sends(Problem(), Ordered(at=3, starts=34))

    assert stands(ward) == []
    assert ward.sinks["sms-jansen"].faults == []


def test_a_test_notice_goes_to_its_own_destination_once(ward: WardOnCall) -> None:
    for name, error in (("pager", None), ("sms-jansen", Unreachable("no connection"))):
        ward.sinks[name].fails = error
        with ward.hospital.engine.begin() as connection:
            incidents.begin(connection, "test", name, "els", ward.hospital.clock())

    tell_incidents(ward.hospital.worker)
    tell_incidents(ward.hospital.worker)

    assert [[(fault.fault, fault.subject) for fault in sink.faults] for sink in ward.sinks.values()] == [
        [("test", "pager")],
        [("test", "sms-jansen")],
    ]
    with ward.hospital.engine.connect() as connection:
        ended = {name: test.told_at is not None for name, test in incidents.last_tests(connection).items()}
    assert ended == {"pager": True, "sms-jansen": False}
    assert stands(ward) == []


def test_a_test_notice_that_arrives_ends_the_incident(ward: WardOnCall) -> None:
    ward.sinks["pager"].fails = Refused("HTTP 404")
    ward.raises_an_alert()
    before = stands(ward)

    ward.sinks["pager"].fails = None
    with ward.hospital.engine.begin() as connection:
        incidents.begin(connection, "test", "pager", "els", ward.hospital.clock())
    tell_incidents(ward.hospital.worker)

    assert (before, stands(ward)) == (["pager"], [])


def test_with_a_test_notice_that_arrives_all_that_waited_goes_out(ward: WardOnCall) -> None:
    with_a_dead_pager(ward)

    ward.sinks["pager"].fails = None
    with ward.hospital.engine.begin() as connection:
        incidents.begin(connection, "test", "pager", "els", ward.hospital.clock())
    tell_incidents(ward.hospital.worker)
    deliver(ward.hospital.worker)

    assert ward.sinks["pager"].asked[-1].kind == "raised"


def test_what_waits_for_a_destination_that_is_removed_goes_to_another_and_is_no_incident(ward: WardOnCall) -> None:
    ward.sinks["pager"].fails = Unreachable("HTTP 500")
    ward.raises_an_alert()
    del ward.hospital.worker.destinations["pager"]  # type: ignore[attr-defined]  # a plain dict
    site = replace(ward.hospital.worker.site, destinations=(NoticeRoute("sms-jansen"),), telling=TellingPolicy())
    ward.hospital.worker = replace(ward.hospital.worker, site=site)

    ward.waits(1, every=1 / 12)

    assert [notice.kind for notice in ward.sinks["sms-jansen"].asked] == ["raised"]
    assert ward.sinks["sms-jansen"].faults == []
    assert stands(ward) == []
    settings = Settings(database_url=ward.hospital.engine.url.render_as_string(hide_password=False))
    assert [line for line in look_at(settings, ward.hospital.clock()) if line.what.startswith("notices to")] == []


def test_a_destination_that_the_site_file_names_no_more_is_no_incident(ward: WardOnCall) -> None:
    with ward.hospital.engine.begin() as connection:
        incidents.begin(connection, "destination", "old-pager", "HTTP 500", ward.hospital.clock())

    Auditor(ward.hospital.worker).look()

    assert stands(ward) == []
