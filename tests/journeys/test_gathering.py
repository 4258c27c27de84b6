"""One notice per patient, destination and minute."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from forwarding.errors import Unreachable
from forwarding.wording import subject
from inbox.alerts.act import OnAlert
from inbox.alerts.settling import TakenOn
from rules.knowledge import Knowledge
from tests.journeys.stories import Controlled, Ordered, Problem, Seen
from tests.journeys.ward import WardOnCall
from worker.deliver import deliver

ONE_STEP = {"chains": [{"name": "pager", "steps": [{"destination": "pager"}]}]}


@pytest.fixture
def ward(engine: sa.Engine, knowledge: Knowledge) -> WardOnCall:
    return WardOnCall(engine, knowledge, **ONE_STEP)


def forty(ward: WardOnCall) -> list[Ordered]:
    ward.sends(Seen(), Problem())
    return [Ordered(at=3, starts=34 + number, number=f"3{number:02}") for number in range(40)]


def unsent(ward: WardOnCall) -> int:
    return len(ward.hospital.rows("SELECT id FROM delivery WHERE state <> 'sent'"))


def test_forty_orders_at_once_are_one_notice(ward: WardOnCall) -> None:
    ward.sends(*forty(ward))
    ward.waits(2)

    (notice,) = ward.sinks["pager"].asked
    assert len(notice.gathered) == len(ward.hospital.inbox()) == 40
    assert (
        subject(notice) == "[IVIg] 40 signalen, zwaarste contra-indicatie, spoed, eerste start 03-11 18:00, C4 (nieuw)"
    )
    assert unsent(ward) == 0


def test_forty_orders_one_by_one_are_two_notices(ward: WardOnCall) -> None:
    for order in forty(ward):
        ward.sends(order)
        ward.hospital.clock.passes(seconds=1)
    ward.waits(1)

    first, rest = ward.sinks["pager"].asked
    assert (len(first.gathered), len(rest.gathered)) == (0, 40)  # the first once more: the dose of its day grew
    assert unsent(ward) == 0
    alerts = {row[0] for row in ward.hospital.rows("SELECT alert_id FROM alert_event WHERE kind = 'raised'")}
    covered = {first.alert, *(each.alert for each in rest.gathered)}
    assert covered == {str(alert) for alert in alerts}  # every event is in a notice


def test_another_patient_waits_for_nobody(ward: WardOnCall) -> None:
    ward.raises_an_alert()

    ward.sends(Problem(who="2"), Ordered(who="2", at=3, starts=34, number="900"))

    assert len(ward.sinks["pager"].asked) == 2


def test_what_calls_somebody_waits_for_nothing_that_says_how_it_goes(ward: WardOnCall) -> None:
    ward.raises_an_alert()
    ward.hospital.clock.passes(minutes=5)
    ward.does(TakenOn())
    deliver(ward.hospital.worker)
    ward.hospital.clock.passes(seconds=2)

    ward.sends(Ordered(at=4, starts=34, grams="90", control="XO"))

    assert [notice.kind for notice in ward.sinks["pager"].asked] == ["raised", "taken_on", "reopened"]


def test_what_starts_soon_or_is_graver_than_what_was_told_goes_at_once(ward: WardOnCall) -> None:
    ward.hospital.clock.passes(minutes=50)
    ward.raises_an_alert()
    ward.sends(Ordered(at=4, starts=5, number="101"))
    with_soon = len(ward.sinks["pager"].asked)
    ward.sends(Ordered(at=4, starts=40, number="102"))
    with_later = len(ward.sinks["pager"].asked)
    with ward.hospital.engine.begin() as connection:
        connection.execute(sa.text("UPDATE assessment SET tier = 'high'"))
    ward.hospital.clock.passes(seconds=1)

    ward.sends(Ordered(at=4, starts=50, number="103"))

    assert (with_soon, with_later, len(ward.sinks["pager"].asked)) == (2, 2, 3)


def test_a_clock_that_is_set_back_withholds_nothing(ward: WardOnCall) -> None:
    ward.hospital.clock.passes(hours=3)
    ward.raises_an_alert()

    ward.hospital.clock.passes(hours=-3)
    ward.sends(Ordered(at=3, starts=40, number="101"))

    assert len(ward.sinks["pager"].asked) == 2


def test_what_calls_somebody_leads_a_notice_that_says_more(ward: WardOnCall) -> None:
    ward.sends(Problem(), Ordered(at=3, starts=34), Ordered(at=3, starts=40, number="101"))
    first, second = (row["id"] for row in ward.hospital.alerts())
    ward.waits(1)
    ward.hospital.does(OnAlert(first, TakenOn()))
    deliver(ward.hospital.worker)

    ward.hospital.clock.passes(seconds=10)
    ward.sends(Controlled(at=4, control="DC"), Ordered(at=4, starts=50, number="102"))
    ward.waits(1)

    last = ward.sinks["pager"].asked[-1]
    assert (last.kind, {each.kind for each in last.gathered}) == ("raised", {"raised", "resolved"})
    assert str(second) not in {each.alert for each in last.gathered}  # nothing happened to it


def test_what_was_tried_together_is_tried_again_together_and_what_came_since_goes_by_itself(ward: WardOnCall) -> None:
    pager = ward.sinks["pager"]
    pager.fails = Unreachable("HTTP 500")
    ward.sends(Problem(), Ordered(at=3, starts=34), Ordered(at=3, starts=40, number="101"))
    ward.sends(Ordered(at=3, starts=50, number="102"))

    pager.fails = None
    ward.waits(3)

    keys = [notice.idempotency_key for notice in pager.asked]
    together = [notice for notice in pager.asked if len(notice.gathered) == 2]
    assert len({notice.idempotency_key for notice in together}) == 1 < len(together)
    assert len(set(keys)) == 2
    assert unsent(ward) == 0


def test_a_sender_that_dies_leaves_its_notice_whole_to_the_next(ward: WardOnCall) -> None:
    ward.sinks["pager"].fails = KeyboardInterrupt()  # type: ignore[assignment]  # what kills a process while sending
    with pytest.raises(KeyboardInterrupt):
        ward.sends(Problem(), Ordered(at=3, starts=34), Ordered(at=3, starts=40, number="101"))
    ward.sinks["pager"].fails = None
    ward.hospital.clock.passes(seconds=timedelta(minutes=3).total_seconds())

    deliver(ward.hospital.worker)

    first, again = ward.sinks["pager"].asked
    assert (first.idempotency_key, first.gathered) == (again.idempotency_key, again.gathered)
    assert unsent(ward) == 0
