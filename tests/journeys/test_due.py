"""By when somebody must be on an alert: planned as it is raised, moved with the start, ended when it is over."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from clinical.words import Tier
from inbox.alerts.act import OnAlert
from inbox.alerts.settling import Acknowledgement, TakenOn
from rules.knowledge import Knowledge
from store import alerts, due
from store.alerts import ConcludedAlert
from store.due import Due
from tests.journeys.hospital import Clock, Hospital
from tests.journeys.stories import FIRST_DAY, Controlled, Happening, Ordered, Problem, Seen, messages

NOON = FIRST_DAY + timedelta(hours=4)


@pytest.fixture
def hospital(engine: sa.Engine, knowledge: Knowledge) -> Hospital:
    """A hospital at noon of the first day."""
    return Hospital(engine, knowledge, clock=Clock(NOON))


def sends(hospital: Hospital, *story: Happening) -> None:
    """Send what happens next; messages are numbered on."""
    sent = len(hospital.states())
    hospital.sends(*[each.replace(b"|M0", f"|N{sent}".encode()) for each in messages(story)])


def the_alert(hospital: Hospital) -> ConcludedAlert:
    (row,) = hospital.alerts()
    with hospital.engine.connect() as connection:
        found = alerts.find_alert(connection, row["id"])
    assert found is not None
    return found


def stands(hospital: Hospital) -> list[Due]:
    with hospital.engine.connect() as connection:
        return due.standing(connection, [the_alert(hospital).id])


def planned(hospital: Hospital) -> list[tuple[str, float]]:
    """What stands, with the minutes from noon."""
    return [(each.kind, (each.due_at - NOON).total_seconds() / 60) for each in stands(hospital)]


def test_an_alert_that_is_raised_must_be_taken_on(hospital: Hospital) -> None:
    sends(hospital, Problem(), Ordered(at=3, starts=34))

    assert the_alert(hospital).tier == Tier.CONTRAINDICATION.word
    assert planned(hospital) == [("take_on", 30)]
    assert the_alert(hospital).due_at == NOON + timedelta(minutes=30)


def test_half_an_hour_before_the_start_at_the_latest(hospital: Hospital) -> None:
    hospital.clock.now = NOON - timedelta(minutes=10)

    sends(hospital, Problem(), Ordered(at=3, starts=4))

    assert planned(hospital) == [("take_on", -5)]  # less than half an hour is left: half of what is


def test_a_start_that_moves_nearer_moves_the_time_with_it_and_one_that_moves_away_does_not(hospital: Hospital) -> None:
    sends(hospital, Problem(), Ordered(at=3, starts=34))
    hospital.clock.passes(minutes=10)

    sends(hospital, Ordered(at=4, starts=30, control="XO"))

    assert planned(hospital) == [("take_on", 30)]


def test_what_is_stopped_is_not_due_any_more(hospital: Hospital) -> None:
    sends(hospital, Problem(), Ordered(at=3, starts=34))

    sends(hospital, Controlled(at=4, control="DC"))

    assert the_alert(hospital).is_resolved
    assert planned(hospital) == []
    assert the_alert(hospital).due_at is None


def test_an_alert_about_somebody_who_died_is_not_due(hospital: Hospital) -> None:
    sends(hospital, Problem(), Ordered(at=3, starts=34))

    sends(hospital, Seen(at=4, died="Y"))

    assert planned(hospital) == []


def test_an_order_on_hold_is_not_due_until_it_goes_on(hospital: Hospital) -> None:
    sends(hospital, Problem(), Ordered(at=3, starts=34))

    sends(hospital, Controlled(at=4, control="HD"))
    held = planned(hospital)
    sends(hospital, Controlled(at=5, control="RL"))

    assert (held, planned(hospital)) == ([], [("take_on", 30)])


def test_what_was_settled_and_became_worse_must_be_taken_on_again(hospital: Hospital) -> None:
    sends(hospital, Problem(), Ordered(at=3, starts=34))
    hospital.does(OnAlert(the_alert(hospital).id, Acknowledgement(done_as="no_action_needed")))
    settled = planned(hospital)
    hospital.clock.passes(minutes=60)

    sends(hospital, Ordered(at=4, starts=34, grams="90", control="XO"))

    assert settled == []
    assert (the_alert(hospital).status, the_alert(hospital).assigned_to) == ("open", None)
    assert planned(hospital) == [("take_on", 90)]


def test_what_became_worse_while_somebody_was_on_it_is_open_again(hospital: Hospital) -> None:
    sends(hospital, Problem(), Ordered(at=3, starts=34))
    hospital.does(OnAlert(the_alert(hospital).id, TakenOn()))
    taken = planned(hospital)

    sends(hospital, Ordered(at=4, starts=34, grams="90", control="XO"))

    assert taken == [("owner", 30)]
    assert (the_alert(hospital).status, the_alert(hospital).assigned_to) == ("open", None)
    assert planned(hospital) == [("take_on", 30)]
