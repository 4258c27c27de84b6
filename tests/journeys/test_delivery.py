"""An alert on its way to people: written with the alert, sent at least once, tried again, no patient in it."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from forwarding.errors import Refused, Unreachable
from history.choices import NoticeRoute, Site
from rules.knowledge import Knowledge
from synthetic.stream import hospital_messages
from tests.fakes import RememberingDestination
from tests.journeys.hospital import Hospital
from tests.journeys.stories import FIRST_DAY, Diagnosed, Ordered, messages
from worker.deliver import deliver


@pytest.fixture
def pager() -> RememberingDestination:
    return RememberingDestination()


@pytest.fixture
def hospital(engine: sa.Engine, knowledge: Knowledge, pager: RememberingDestination) -> Hospital:
    hospital = Hospital(engine, knowledge, Site(destinations=(NoticeRoute("pager", "contraindication"),)))
    hospital.worker = replace(
        hospital.worker, destinations={"pager": pager}, link_of=lambda alert: f"https://inbox.example/alerts/{alert}"
    )
    return hospital


def raises_an_alert(hospital: Hospital) -> None:
    """Paran's first case: nine messages, one contra-indication."""
    hospital.sends(*list(hospital_messages(now=hospital.clock()))[:9])
    assert [tier for _, tier, _ in hospital.inbox()] == ["contraindication"]


def test_an_alert_is_told_once(hospital: Hospital, pager: RememberingDestination) -> None:
    raises_an_alert(hospital)

    deliver(hospital.worker)
    deliver(hospital.worker)

    assert [(notice.kind, notice.tier) for notice in pager.asked] == [("raised", "contraindication")]


def test_a_destination_that_does_not_answer_is_asked_again_with_the_same_key(
    hospital: Hospital, pager: RememberingDestination
) -> None:
    pager.fails = Unreachable("nobody answered")
    raises_an_alert(hospital)
    deliver(hospital.worker)
    deliver(hospital.worker)
    assert len(pager.asked) == 1

    pager.fails = None
    hospital.clock.passes(seconds=60)
    deliver(hospital.worker)

    assert len({notice.idempotency_key for notice in pager.asked}) == 1
    assert len(pager.asked) == 2


def test_a_destination_that_refuses_is_not_asked_again(hospital: Hospital, pager: RememberingDestination) -> None:
    pager.fails = Refused("no such recipient")
    raises_an_alert(hospital)

    for _ in range(3):
        deliver(hospital.worker)
        hospital.clock.passes(hours=1)

    assert len(pager.asked) == 1


def test_a_sender_that_died_leaves_the_delivery_to_the_next(hospital: Hospital, pager: RememberingDestination) -> None:
    raises_an_alert(hospital)
    pager.fails = KeyboardInterrupt()  # type: ignore[assignment]  # what kills a process in the middle of sending
    with pytest.raises(KeyboardInterrupt):
        deliver(hospital.worker)
    pager.fails = None

    deliver(hospital.worker)
    assert len(pager.asked) == 1
    hospital.clock.passes(seconds=timedelta(minutes=3).total_seconds())
    deliver(hospital.worker)

    assert len(pager.asked) == 2


def test_a_replayed_or_test_message_raises_an_alert_and_tells_nobody(
    hospital: Hospital, pager: RememberingDestination
) -> None:
    messages = list(hospital_messages(now=hospital.clock()))[:9]
    hospital.clock.passes(days=60)

    hospital.sends(*messages)
    deliver(hospital.worker)

    assert [tier for _, tier, _ in hospital.inbox()] == ["contraindication"]
    assert pager.asked == []


@pytest.mark.parametrize(("days", "told"), [(20, 1), (40, 0)])
def test_history_that_comes_late_calls_nobody_once_the_risk_window_has_closed(
    hospital: Hospital, pager: RememberingDestination, days: int, told: int
) -> None:
    hospital.sends(*messages([Ordered(number="100")]))
    hospital.clock.now = FIRST_DAY + timedelta(days=days)

    hospital.sends(*messages([Diagnosed(at=24 * days, on=-24 * 400)]))
    deliver(hospital.worker)

    assert [tier for _, tier, _ in hospital.inbox()] == ["contraindication"]
    assert len(pager.asked) == told


def test_a_moderate_alert_stands_in_the_worklist_and_calls_nobody_though_the_destination_would_take_it(
    engine: sa.Engine, knowledge: Knowledge, pager: RememberingDestination
) -> None:
    ward = Hospital(engine, knowledge, Site(destinations=(NoticeRoute("pager", "moderate"),)))
    ward.worker = replace(ward.worker, destinations={"pager": pager}, link_of="https://inbox.example/alerts/{}".format)

    suspicion, order, thrombosis = messages(
        [Diagnosed(certainty="W"), Ordered(at=1, number="100"), Diagnosed(at=2, on=-24 * 400)]
    )

    ward.sends(suspicion, order)
    deliver(ward.worker)
    quiet = (ward.inbox(), list(pager.asked))
    ward.sends(thrombosis)
    deliver(ward.worker)

    assert ([tier for _, tier, _ in quiet[0]], quiet[1]) == (["moderate"], [])
    assert [tier for _, tier, _ in ward.inbox()] == ["contraindication"]
    assert len(pager.asked) == 1


def test_an_alert_that_comes_after_the_infusion_began_says_that_it_runs(
    hospital: Hospital, pager: RememberingDestination
) -> None:
    begun = Ordered(at=0, starts=0, days=5)
    late = [Diagnosed(code="I26.9", on=-200, at=3)]
    hospital.sends(*messages([begun]))
    hospital.clock.now = FIRST_DAY + timedelta(hours=3)
    hospital.sends(*[each.replace(b"|M0", b"|N0") for each in messages(late)])
    deliver(hospital.worker)

    assert [(notice.kind, notice.starts_at, notice.runs_since) for notice in pager.asked] == [
        ("changed", None, FIRST_DAY)
    ]
