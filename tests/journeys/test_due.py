"""What is due with an alert: planned as it is raised, ended when it is over, and carried out when its time has come."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from clinical.words import Tier
from forwarding.policy import TellingChain, TellingPolicy, TellingStep
from history.choices import NoticeRoute, Site
from inbox.alerts.act import OnAlert
from inbox.alerts.settling import Acknowledgement, Override, TakenOn
from inbox.alerts.sleeping import Snooze
from rules.knowledge import Knowledge
from store import alerts, deliveries, due
from store.alerts import ConcludedAlert
from store.due import Due
from tests.journeys.hospital import Clock, Hospital
from tests.journeys.stories import (
    FIRST_DAY,
    Controlled,
    Diagnosed,
    Happening,
    Measured,
    Ordered,
    Problem,
    Seen,
    messages,
)
from worker.due import CARRIED_OUT, LEASE, DueContext, carry_out_due
from worker.raise_alerts import Effects

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


def test_what_becomes_worse_is_due_no_later_unless_it_was_late_already(hospital: Hospital) -> None:
    sends(hospital, Problem(), Ordered(at=3, starts=34))
    hospital.clock.passes(minutes=10)
    sends(hospital, Ordered(at=4, starts=34, grams="90", control="XO"))
    in_time = planned(hospital)
    hospital.clock.passes(minutes=25)

    sends(hospital, Ordered(at=5, starts=34, grams="180", control="XO"))

    assert (in_time, planned(hospital)) == ([("take_on", 30)], [("take_on", 65)])


@pytest.fixture
def telling(engine: sa.Engine, knowledge: Knowledge) -> Hospital:
    """The same hospital, with somewhere to send notices to, once each: chains are the subject of test_chains.py."""
    once = TellingStep(destination="pager", repeat_minutes=15, at_most=1)
    policy = TellingPolicy(chains=(TellingChain(name="once", steps=(once,)),))
    return Hospital(engine, knowledge, Site(destinations=(NoticeRoute("pager"),), telling=policy), Clock(NOON))


def record(hospital: Hospital) -> list[tuple[str, str]]:
    """The kinds of the lines in the record of the one alert, with why."""
    with hospital.engine.connect() as connection:
        events = alerts.events_of(connection, the_alert(hospital).id)
    return [(event.kind, event.data.get("why", "")) for event in events]


def told(hospital: Hospital) -> list[str]:
    """What was told of the alert, in kinds of lines of its record."""
    alert = the_alert(hospital).id
    with hospital.engine.connect() as connection:
        events = {event.id: event.kind for event in alerts.events_of(connection, alert)}
        return [events[each.event_id] for each in deliveries.of_alert(connection, alert)]


def later(hospital: Hospital, **time: float) -> int:
    """Let time pass, and carry out what is due."""
    hospital.clock.passes(**time)
    return carry_out_due(hospital.worker)


def test_an_alert_that_nobody_takes_on_is_told_again_once(telling: Hospital) -> None:
    sends(telling, Problem(), Ordered(at=3, starts=34))

    done = [later(telling, minutes=29, seconds=59), later(telling, seconds=1), later(telling, minutes=5)]

    assert done == [0, 1, 0]
    assert record(telling) == [("raised", ""), ("overdue", "")]
    assert told(telling) == ["raised", "overdue"]
    assert the_alert(telling).due_at == NOON + timedelta(minutes=30)  # past: the page says by how much


def test_whoever_is_late_keeps_the_alert_and_it_is_told(telling: Hospital) -> None:
    sends(telling, Problem(), Ordered(at=3, starts=34))
    telling.does(OnAlert(the_alert(telling).id, TakenOn()))

    later(telling, minutes=31)

    assert (the_alert(telling).status, the_alert(telling).assigned_to) == ("taken_on", "els")
    assert record(telling)[-1] == ("overdue", "")
    assert told(telling) == ["raised", "taken_on", "overdue"]


def test_what_is_done_in_time_is_never_late(telling: Hospital) -> None:
    sends(telling, Problem(), Ordered(at=3, starts=34))
    telling.does(OnAlert(the_alert(telling).id, TakenOn()))
    telling.does(OnAlert(the_alert(telling).id, Acknowledgement(done_as="order_stopped")))

    assert later(telling, hours=9) == 0


def test_a_reason_that_ends_opens_its_alert_again_and_those_that_stood_under_it(telling: Hospital) -> None:
    sends(telling, Problem(), Ordered(at=3, starts=34))
    first = the_alert(telling).id
    until = NOON + timedelta(days=2)
    telling.does(OnAlert(first, Override("tolerated_before", "as in May", valid_until=until)))
    sends(telling, Ordered(at=4, starts=60, number="101"))
    covered = [row["status"] for row in telling.alerts()]

    later(telling, days=2)

    assert covered == ["overridden", "covered"]
    assert [row["status"] for row in telling.alerts()] == ["open", "open"]
    ids = [row["id"] for row in telling.alerts()]
    with telling.engine.connect() as connection:
        notices = [len(deliveries.of_alert(connection, id_)) for id_ in ids]
        kinds = {each.kind for each in due.standing(connection, ids)}
    assert notices == [3, 0]  # raised, settled, opened again: one notice tells of all
    assert kinds == {"take_on"}


def test_a_reason_that_ends_long_after_the_last_dose_opens_nothing(telling: Hospital) -> None:
    sends(telling, Problem(), Ordered(at=3, starts=34))
    until = NOON + timedelta(days=60)
    telling.does(OnAlert(the_alert(telling).id, Override("tolerated_before", "as in May", valid_until=until)))

    later(telling, days=60)

    assert the_alert(telling).status == "overridden"


def test_a_snooze_that_ends_wakes_the_alert_for_everybody(telling: Hospital) -> None:
    sends(telling, Problem(), Ordered(at=3, starts=34))
    telling.does(OnAlert(the_alert(telling).id, Snooze(NOON + timedelta(hours=2), "awaits_result")))
    asleep = later(telling, minutes=119), the_alert(telling).snoozed_until

    later(telling, minutes=1)

    assert asleep == (0, NOON + timedelta(hours=2))
    assert (the_alert(telling).snoozed_until, the_alert(telling).assigned_to) == (None, None)
    assert record(telling)[-1] == ("reopened", "snooze_ended")
    assert planned(telling) == [("take_on", 150)]
    assert told(telling) == ["raised", "snoozed", "reopened"]


def test_a_start_moved_from_tomorrow_to_this_afternoon_after_settling_is_told(telling: Hospital) -> None:
    sends(telling, Problem(), Ordered(at=3, starts=34))
    telling.does(OnAlert(the_alert(telling).id, Acknowledgement(done_as="no_action_needed")))

    sends(telling, Ordered(at=4, starts=6, control="XO"))

    with telling.engine.connect() as connection:
        last = alerts.events_of(connection, the_alert(telling).id)[-1]
    assert (last.kind, last.reason) == ("reopened", "starts_sooner")
    assert the_alert(telling).status == "open"
    assert planned(telling) == [("take_on", 30)]
    assert told(telling) == ["raised", "acknowledged", "reopened"]


def test_a_new_embolism_after_settling_opens_the_alert_again_once(telling: Hospital) -> None:
    sends(telling, Problem(), Ordered(at=3, starts=34))
    telling.does(OnAlert(the_alert(telling).id, Acknowledgement(done_as="no_action_needed")))

    sends(telling, Diagnosed(code="I80.2", on=0, at=4))
    said_again = the_alert(telling).status
    sends(telling, Diagnosed(code="I26.9", on=5, at=6))
    with telling.engine.connect() as connection:
        last = alerts.events_of(connection, the_alert(telling).id)[-1]
    back = the_alert(telling).status, told(telling)
    telling.does(OnAlert(the_alert(telling).id, Acknowledgement(done_as="no_action_needed")))
    sends(telling, Diagnosed(code="I26.9", on=5, at=7, number="D9"))

    assert said_again == "acknowledged"
    assert back == ("open", ["raised", "acknowledged", "reopened"])
    assert (last.kind, last.reason) == ("reopened", "new_fact")
    assert [(new["code"], new["at"][:10]) for new in last.data["new_facts"]] == [("I26.9", "2026-11-02")]
    assert the_alert(telling).status == "acknowledged"


def test_a_decision_does_not_stand_for_a_later_order_after_a_new_embolism(hospital: Hospital) -> None:
    sends(hospital, Problem(), Ordered(at=3, starts=34))
    hospital.does(OnAlert(the_alert(hospital).id, Acknowledgement(done_as="no_action_needed")))

    sends(hospital, Ordered(number="101", at=4, starts=60))
    covered = [row["status"] for row in hospital.alerts()]
    sends(hospital, Diagnosed(code="I26.9", on=5, at=6), Ordered(number="102", at=7, starts=80))

    assert covered == ["acknowledged", "covered"]
    assert [row["status"] for row in hospital.alerts()] == ["open", "open", "open"]


def test_what_became_worse_wakes_a_sleeping_alert(telling: Hospital) -> None:
    sends(telling, Problem(), Ordered(at=3, starts=34))
    telling.does(OnAlert(the_alert(telling).id, Snooze(NOON + timedelta(hours=2), "awaits_result")))

    sends(telling, Ordered(at=4, starts=34, grams="90", control="XO"))

    assert the_alert(telling).snoozed_until is None
    assert planned(telling) == [("take_on", 30)]


def monitored(hospital: Hospital) -> None:
    """An order that goes ahead while the INR is looked at tomorrow at noon."""
    sends(hospital, Problem(), Ordered(at=3, starts=34))
    again = NOON + timedelta(days=1)
    watched = Override("will_monitor", "INR", look_again_at=again, look_at="inr")
    hospital.does(OnAlert(the_alert(hospital).id, watched))


def test_monitoring_that_is_due_comes_back_and_the_result_closes_it(telling: Hospital) -> None:
    monitored(telling)

    later(telling, days=1)
    back = (the_alert(telling).status, record(telling)[-1], planned(telling)[0][0], told(telling))
    sends(telling, Measured(at=29, taken=29, value="2.4"))

    assert back == ("open", ("reopened", "follow_up"), "take_on", ["raised", "overridden", "reopened"])
    assert the_alert(telling).status == "overridden"
    assert record(telling)[-1] == ("followed_up", "result")
    assert told(telling)[-1] == "followed_up"
    assert planned(telling) == []


def test_a_result_that_comes_first_ends_the_follow_up_and_says_where_it_was_read(telling: Hospital) -> None:
    monitored(telling)

    sends(telling, Measured(at=5, taken=5, value="2.4"))

    assert later(telling, days=2) == 0
    assert the_alert(telling).status == "overridden"
    with telling.engine.connect() as connection:
        event = alerts.events_of(connection, the_alert(telling).id)[-1]
    assert (event.kind, event.actor) == ("followed_up", "system")
    assert (event.data["look_at"], event.data["value"], event.data["path"]) == ("inr", "2.4", "OBX[1]-5")


@pytest.mark.parametrize(
    "other", [Measured(at=5, taken=3, value="2.4"), Measured(at=5, taken=5, test="777-3^trombocyten^LN", value="200")]
)
def test_another_result_or_one_taken_before_answers_nothing(telling: Hospital, other: Measured) -> None:
    monitored(telling)

    sends(telling, other)
    later(telling, days=1)

    assert the_alert(telling).status == "open"


def test_a_stop_ends_a_follow_up(telling: Hospital) -> None:
    monitored(telling)

    sends(telling, Controlled(at=5, control="DC"))

    assert the_alert(telling).is_resolved
    assert later(telling, days=2) == 0


def test_an_alert_that_somebody_acted_on_since_is_not_closed_by_a_result(telling: Hospital) -> None:
    monitored(telling)
    later(telling, days=1)
    telling.does(OnAlert(the_alert(telling).id, TakenOn()))

    sends(telling, Measured(at=29, taken=29, value="2.4"))

    assert the_alert(telling).status == "taken_on"


def test_many_processes_carry_out_each_once(telling: Hospital) -> None:
    sends(telling, Problem(), Ordered(at=3, starts=34), *(Ordered(at=3, starts=34, number=f"2{n}") for n in range(8)))
    telling.clock.passes(minutes=30)
    done: list[int] = []
    threads = [threading.Thread(target=lambda: done.append(carry_out_due(telling.worker))) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while carry_out_due(telling.worker):
        done.append(1)

    overdue = telling.rows("SELECT alert_id FROM alert_event WHERE kind = 'overdue'")
    assert len(overdue) == len({row[0] for row in overdue}) == len(telling.inbox()) == sum(done)


def test_a_process_that_died_with_a_claim_delays_it_by_seconds(telling: Hospital) -> None:
    sends(telling, Problem(), Ordered(at=3, starts=34))
    telling.clock.passes(minutes=30)
    with telling.engine.begin() as connection:
        claimed = due.claim_due(connection, telling.clock(), LEASE, 10)

    at_once, soon = carry_out_due(telling.worker), later(telling, seconds=10)

    assert (len(claimed), at_once, soon) == (1, 0, 1)


def test_what_fails_is_left_for_the_next_turn_and_does_not_stop_the_others(
    telling: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    sends(telling, Problem(), Ordered(at=3, starts=34))
    monkeypatch.setitem(CARRIED_OUT, "take_on", fails)

    failed = later(telling, minutes=30)
    monkeypatch.undo()
    again = later(telling, seconds=10)

    assert (failed, again) == (0, 1)


def fails(context: DueContext, each: Due, alert: ConcludedAlert) -> Effects:
    raise ValueError(alert.id)
