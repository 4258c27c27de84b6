"""An alert that nobody answers is told again, step by step, until somebody acts."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from forwarding.policy import Situation, TellingPolicy
from history.chains import chain_step
from history.choices import NoticeRoute, Site
from inbox.alerts.act import AlertAct
from inbox.alerts.settling import Acknowledgement, Override, TakenOn
from inbox.alerts.sleeping import Snooze
from inbox.alerts.taking_back import Reopening, Undo
from rules.knowledge import Knowledge
from store import alerts, deliveries, due
from tests.journeys.stories import Controlled, Ordered, Problem
from tests.journeys.ward import NOON, WardOnCall
from worker.deliver import deliver
from worker.due import LEASE, carry_out_due

TWO_STEPS = {
    "people": {"jansen": "sms-jansen"},
    "chains": [
        {
            "name": "two-steps",
            "tiers": ["contraindication"],
            "steps": [
                {"destination": "pager", "repeat_minutes": 15, "at_most": 3},
                {"person": "jansen", "after_minutes": 45},
            ],
        }
    ],
}


KINDS: dict[type[AlertAct], str] = {
    TakenOn: "taken_on",
    Snooze: "taken_on",
    Acknowledgement: "acknowledged",
    Override: "acknowledged",
}


@pytest.fixture
def ward(engine: sa.Engine, knowledge: Knowledge) -> WardOnCall:
    return WardOnCall(engine, knowledge, **TWO_STEPS)


def test_nobody_acts_and_the_second_step_follows_the_third_notice_and_goes_on(ward: WardOnCall) -> None:
    ward.raises_an_alert()

    ward.waits(61)

    assert ward.told() == [
        (0, "pager", "raised"),
        (15, "pager", "escalated"),
        (30, "pager", "escalated"),
        (45, "sms-jansen", "escalated"),
        (60, "sms-jansen", "escalated"),
    ]
    steps = [notice.step for sink in ward.sinks.values() for notice in sink.asked if notice.step is not None]
    assert [(step.number, step.of, step.times) for step in steps] == [(1, 2, 2), (1, 2, 3), (2, 2, 1), (2, 2, 2)]
    keys = [notice.idempotency_key for sink in ward.sinks.values() for notice in sink.asked]
    assert len(set(keys)) == len(keys) == 5


def test_without_a_chain_every_destination_is_told_each_quarter(engine: sa.Engine, knowledge: Knowledge) -> None:
    ward = WardOnCall(engine, knowledge)
    ward.raises_an_alert()

    ward.waits(31)

    both = ("pager", "sms-jansen")
    assert ward.told() == [
        (minute, name, "raised" if minute == 0 else "escalated") for minute in (0, 15, 30) for name in both
    ]


@pytest.mark.parametrize(
    "act",
    [
        TakenOn(),
        Acknowledgement(done_as="order_stopped"),
        Override("tolerated_before", "as in May"),
        Snooze(NOON + timedelta(hours=9), "awaits_result"),
    ],
)
def test_whoever_acts_ends_the_chain(ward: WardOnCall, act: AlertAct) -> None:
    ward.raises_an_alert()
    ward.waits(16)

    ward.does(act)

    assert ward.steps() == []
    ward.waits(13)
    assert ward.told() == [(0, "pager", "raised"), (15, "pager", "escalated"), (16, "pager", KINDS[type(act)])]


def test_a_stopped_order_ends_the_chain_and_all_who_heard_are_told(ward: WardOnCall) -> None:
    ward.raises_an_alert()
    ward.waits(46)

    ward.sends(Controlled(at=4, control="DC"))

    assert ward.steps() == []
    assert ward.told()[-2:] == [(46, "pager", "resolved"), (46, "sms-jansen", "resolved")]


def test_an_alert_that_was_settled_is_not_told_to_be_resolved_as_well(ward: WardOnCall) -> None:
    ward.raises_an_alert()
    ward.waits(1)
    ward.does(Acknowledgement(done_as="order_stopped"))

    ward.sends(Controlled(at=4, control="DC"))
    ward.waits(1)

    assert [kind for _, _, kind in ward.told()] == ["raised", "acknowledged"]


def test_an_act_that_is_undone_lets_the_chain_go_on(ward: WardOnCall) -> None:
    ward.raises_an_alert()
    ward.does(TakenOn())

    ward.does(Undo())
    ward.waits(1)

    assert ward.steps() == [15]
    assert [kind for _, _, kind in ward.told()] == ["raised", "reopened"]  # in one minute; the last counts


def test_a_reopening_that_is_undone_leaves_the_chain_as_it_was_though_a_step_was_carried_out(ward: WardOnCall) -> None:
    ward.raises_an_alert()
    ward.does(TakenOn())
    ward.waits(31)  # she is late, and the chain goes on
    late = ward.steps()
    ward.does(Reopening())
    carry_out_due(ward.hospital.worker)

    ward.does(Undo())

    assert late == [45]
    assert ward.hospital.alerts()[0]["status"] == "taken_on"
    assert ward.steps() == late


def test_an_alert_that_is_opened_again_begins_its_chain_anew(ward: WardOnCall) -> None:
    ward.raises_an_alert()
    ward.does(Acknowledgement(done_as="no_action_needed"))
    ward.waits(60)

    ward.does(Reopening())
    ward.waits(46)

    assert ward.told() == [
        (0, "pager", "acknowledged"),
        (0, "pager", "raised"),
        (60, "pager", "reopened"),
        (75, "pager", "escalated"),
        (90, "pager", "escalated"),
        (105, "sms-jansen", "escalated"),
    ]


def test_what_becomes_worse_begins_the_chain_anew(ward: WardOnCall) -> None:
    ward.raises_an_alert()
    ward.waits(40)

    ward.sends(Ordered(at=4, starts=34, grams="90", control="XO"))

    assert ward.steps() == [55]


def test_whoever_is_late_with_what_she_took_on_resumes_the_chain(ward: WardOnCall) -> None:
    ward.raises_an_alert()
    ward.does(TakenOn())

    ward.waits(90)

    assert ward.told()[2:] == [
        (30, "pager", "overdue"),
        (45, "pager", "escalated"),
        (60, "pager", "escalated"),
        (75, "sms-jansen", "escalated"),
        (90, "sms-jansen", "escalated"),
    ]


def test_a_chain_that_goes_on_after_the_start_lets_everybody_hear_that_nobody_was_in_time(
    engine: sa.Engine, knowledge: Knowledge
) -> None:
    ward = WardOnCall(engine, knowledge, **TWO_STEPS)
    ward.hospital.clock.passes(minutes=50)
    ward.sends(Problem(), Ordered(at=4, starts=5))  # in ten minutes

    ward.waits(9)

    assert ward.told() == [(50, "pager", "raised"), (55, "pager", "overdue"), (55, "sms-jansen", "overdue")]


def test_a_chain_that_told_nobody_yet_lets_everybody_hear_that_nobody_was_in_time(
    engine: sa.Engine, knowledge: Knowledge
) -> None:
    chain = {"name": "late", "steps": [{"destination": "pager", "after_minutes": 60}]}
    ward = WardOnCall(engine, knowledge, chains=[chain])
    ward.raises_an_alert()

    ward.waits(31)

    assert ward.told() == [(30, "pager", "overdue"), (30, "sms-jansen", "overdue")]


def test_quiet_hours_put_off_what_is_not_exempt(engine: sa.Engine, knowledge: Knowledge) -> None:
    quiet = [{"from": "12:00", "until": "13:00", "silence_contraindications": True}]
    ward = WardOnCall(engine, knowledge, **TWO_STEPS, quiet_hours=quiet)
    ward.raises_an_alert()

    ward.waits(61)

    assert ward.told() == [
        (60, "pager", "raised"),
        (60, "sms-jansen", "raised"),
    ]  # once, by every step that was put off


def test_a_chain_that_is_exchanged_under_way_begins_with_its_first_step(
    engine: sa.Engine, knowledge: Knowledge
) -> None:
    ward = WardOnCall(engine, knowledge, **TWO_STEPS)
    ward.raises_an_alert()
    ward.waits(1)
    first = {"destination": "sms-jansen", "repeat_minutes": 15, "at_most": 1}
    chains = [{"name": "other", "steps": [first, {"destination": "pager", "after_minutes": 20}]}]
    site = replace(ward.hospital.worker.site, telling=TellingPolicy.model_validate({"chains": chains}))
    ward.hospital.worker = replace(ward.hospital.worker, site=site)

    ward.waits(28)

    assert ward.told() == [(0, "pager", "raised"), (15, "sms-jansen", "escalated")]
    assert ward.steps() == [35]


def test_a_step_that_names_nobody_is_told_to_everybody() -> None:
    chain = {"name": "heads", "steps": [{"role": "heads"}]}
    policy = TellingPolicy.model_validate({"chains": [chain], "people": {"els": "pager"}, "roles": {"heads": ["els"]}})
    site = Site(
        destinations=(NoticeRoute("pager"), NoticeRoute("mail")),
        telling=policy.model_copy(update={"roles": {"heads": ()}}),
    )

    assert chain_step(site, Situation(NOON, "contraindication"), None, NOON).destinations == ["pager", "mail"]


def test_the_rota_of_the_moment_is_told(engine: sa.Engine, knowledge: Knowledge) -> None:
    rota = {"people": ["els", "jan"], "from": (NOON - timedelta(days=1)).date(), "days": 1, "hand_over": "12:20"}
    ward = WardOnCall(
        engine,
        knowledge,
        people={"els": "pager", "jan": "sms-jansen"},
        rotas={"day": rota},
        chains=[{"name": "on-call", "steps": [{"rota": "day"}]}],
    )
    ward.raises_an_alert()

    ward.waits(31)

    assert ward.told() == [(0, "pager", "raised"), (15, "pager", "escalated"), (30, "sms-jansen", "escalated")]


def test_everything_is_restarted_in_mid_chain_and_nothing_is_told_twice_or_left_out(ward: WardOnCall) -> None:
    ward.raises_an_alert()
    ward.waits(15)
    with ward.hospital.engine.begin() as connection:
        ward.hospital.clock.passes(minutes=15)
        claimed = due.claim_due(connection, ward.hospital.clock(), LEASE, 10)  # by a process that dies now

    ward.restarts()
    at_once = carry_out_due(ward.hospital.worker)
    ward.hospital.clock.passes(seconds=10)
    carry_out_due(ward.hospital.worker)
    deliver(ward.hospital.worker)
    ward.waits(20)

    assert (len(claimed), at_once) == (2, 0)  # the step, and that nobody took it on in time
    assert [minute for minute, _, _ in ward.told()] == [0, 15, 30, 45]


def test_an_order_on_hold_is_told_again_when_it_goes_on(ward: WardOnCall) -> None:
    ward.raises_an_alert()
    ward.sends(Controlled(at=4, control="HD"))
    held = ward.steps()

    ward.hospital.clock.passes(minutes=20)
    ward.sends(Controlled(at=5, control="RL"))

    assert (held, ward.steps(), ward.minutes_told()) == ([], [35], [0, 20])


def test_what_the_ledger_wants_of_a_step_is_stored_with_it(ward: WardOnCall) -> None:
    ward.raises_an_alert()

    ward.waits(16)

    with ward.hospital.engine.connect() as connection:
        last = alerts.events_of(connection, ward.hospital.alerts()[0]["id"])[-1]
        sent = deliveries.of_alert(connection, last.alert_id)[-1]
    assert last.data == {"chain": "two-steps", "step": 1, "of": 2, "times": 2, "destinations": ["pager"]}
    assert (sent.event_id, sent.destination, sent.state) == (last.id, "pager", "sent")


def test_whoever_is_reached_as_a_person_gets_a_link_to_reply_by(ward: WardOnCall) -> None:
    worker = ward.hospital.worker
    ward.hospital.worker = replace(
        worker, reply_link=lambda alert, _, who, __: f"https://inbox.example/reply/{who}-{alert}"
    )
    ward.raises_an_alert()

    ward.waits(45)
    ward.does(TakenOn())
    ward.waits(1)

    replies = {name: [notice.reply for notice in sink.asked] for name, sink in ward.sinks.items()}
    assert replies == {"pager": [""] * 4, "sms-jansen": ["https://inbox.example/reply/jansen-1", ""]}
