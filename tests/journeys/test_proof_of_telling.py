"""`ivigilant telling verify`: after a week every alert is accounted for, and what is missing is named."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from forwarding.errors import Unreachable
from inbox.alerts.act import OnAlert
from inbox.alerts.settling import Acknowledgement, TakenOn
from inbox.alerts.taking_back import Undo
from ivigilant.cli import app
from ivigilant.telling_proof import figures_of
from rules.knowledge import Knowledge
from store import deliveries, incidents, tables
from tests.journeys.stories import FIRST_DAY, ZONE, Controlled, Ordered, Problem, messages
from tests.journeys.ward import NOON, WardOnCall
from tests.thoroughness import ALERTS_OF_A_WARD, THOROUGH
from worker.auditor import Auditor
from worker.deliver import deliver
from worker.due import carry_out_due

POLICY = {
    "people": {"els": "pager", "jan": "sms-jansen"},
    "roles": {"heads": ["els", "jan"]},
    "rotas": {
        "day": {
            "people": ["els", "jan"],
            "from": "2026-10-21",
            "days": 1,
            "swaps": [{"from": "2026-10-24T08:00", "until": "2026-10-25T08:00", "person": "jan"}],
        }
    },
    "chains": [
        {
            "name": "week",
            "steps": [
                {"rota": "day"},
                {"role": "heads", "after_minutes": 60},
                {"everybody": True, "after_minutes": 240, "repeat_minutes": 1440},
            ],
        }
    ],
    "quiet_hours": [{"from": "22:00", "until": "07:00", "except": [], "silence_contraindications": True}],
    "gather_seconds": 0,
}


BURST = timedelta(hours=4)  # between alerts that come together
TICK = timedelta(seconds=20)  # nothing is looked at more often, so steps come late by as much
ONCE_EACH = {"chains": [{"name": "two", "steps": [{"destination": "pager"}, {"everybody": True, "after_minutes": 15}]}]}


def on(day: int, hour: int = 8) -> datetime:
    """A moment of October on the clock of the ward."""
    return datetime(2026, 10, day, hour, tzinfo=ZONE).astimezone(UTC)


@dataclass(frozen=True)
class Span:
    """From when until when, until when alerts are raised, and when a destination is dead, on the clock of the ward."""

    begins: datetime
    ends: datetime
    raises_until: datetime
    dead: tuple[datetime, datetime]


# On Sunday the 25th summer time ends.
WHOLE_WEEK = Span(on(21), on(28), on(27), (on(23), on(24)))
ONE_DAY = Span(on(24), on(25, 11), on(24, 20), (on(24, 11), on(24, 15)))


@dataclass
class WardInTime:
    """Days of a ward, in which many alerts are raised and most are answered."""

    ward: WardOnCall
    span: Span
    alerts: int
    draw: random.Random = field(default_factory=lambda: random.Random(11))
    raised: int = 0
    answers: list[tuple[datetime, int]] = field(default_factory=list)  # when somebody does what about which patient
    found: set[str] = field(default_factory=set)  # incidents

    def passes(self) -> None:
        """Let them pass; at the end nothing more is raised."""
        clock, span = self.ward.hospital.clock, self.span
        clock.now = burst_at = span.begins
        bursts = (span.raises_until - span.begins) // BURST
        auditor = Auditor(self.ward.hospital.worker)
        while clock.now < span.ends:
            is_dead = span.dead[0] <= clock.now < span.dead[1]
            self.ward.sinks["sms-jansen"].fails = Unreachable("HTTP 500") if is_dead else None
            if clock.now >= burst_at and self.raised < self.alerts:
                self._raises(-(-self.alerts // bursts))
                burst_at += BURST
                auditor.look()
            self._answers()
            carry_out_due(self.ward.hospital.worker)
            deliver(self.ward.hospital.worker)
            self._notes_incidents()
            at_least = clock.now + TICK
            clock.now = max(at_least, min(self._next_moment(), burst_at if self.raised < self.alerts else span.ends))

    def _raises(self, many: int) -> None:
        clock = self.ward.hospital.clock
        hour = (clock.now - FIRST_DAY) // timedelta(hours=1)
        first, self.raised = self.raised, min(self.raised + many, self.alerts)
        story = [
            each
            for at in range(first, self.raised)
            for each in (
                Problem(who=str(10_000 + at), at=hour, onset=hour - 40),
                Ordered(who=str(10_000 + at), at=hour, starts=hour + 240, number=str(10_000 + at)),
            )
        ]
        self.ward.sends(*story)
        for at in range(first, self.raised):
            share = self.draw.random()
            if share < 0.95:  # the others nobody answers
                within = (10, 50) if share < 0.7 else (70, 230) if share < 0.85 else (250, 900)
                minutes = self.draw.randint(within[0] // 10, within[1] // 10) * 10
                self.answers.append((clock.now + timedelta(minutes=minutes), at))

    def _answers(self) -> None:
        now = self.ward.hospital.clock.now
        for at, patient in [each for each in self.answers if each[0] <= now]:
            self.answers.remove((at, patient))
            if patient % 20 == 0:
                self.ward.sends(Controlled(who=str(10_000 + patient), number=str(10_000 + patient), control="CA", at=0))
            else:
                act = Acknowledgement(done_as="order_stopped") if patient % 2 else TakenOn()
                self.ward.hospital.does(OnAlert(patient + 1, act))

    def _next_moment(self) -> datetime:
        due, delivery = tables.due, tables.delivery
        of_due = sa.select(sa.func.min(due.c.due_at)).where(due.c.done_at.is_(None))
        first = (delivery.c.state == "pending") & (delivery.c.attempts == 0)  # what failed is tried again by the way
        of_notice = sa.select(sa.func.min(delivery.c.next_at)).where(first)
        with self.ward.hospital.engine.connect() as connection:
            moments = [connection.scalar(of_due), connection.scalar(of_notice)]
        answer = min((at for at, _ in self.answers), default=None)
        latest = min(self.ward.hospital.clock.now + timedelta(hours=2), self.span.ends)
        soonest: datetime = min(at for at in (*moments, answer, latest) if at is not None)
        return soonest

    def _notes_incidents(self) -> None:
        with self.ward.hospital.engine.connect() as connection:
            self.found |= {each.subject for each in incidents.standing(connection)}


def test_days_over_the_end_of_summer_time_end_with_every_alert_accounted_for(
    sqlite_engine: sa.Engine, knowledge: Knowledge
) -> None:
    span = WHOLE_WEEK if THOROUGH else ONE_DAY
    time = WardInTime(WardOnCall(sqlite_engine, knowledge, **POLICY), span, ALERTS_OF_A_WARD)

    time.passes()

    proved = time.ward.proves(span.begins)
    figures = figures_of(proved)
    assert [lacks for one in proved for lacks in one.missing] == []
    assert figures.alerts == ALERTS_OF_A_WARD
    assert set(figures.fates) == {"answered", "ended", "sent up to the last step"}
    assert figures.fates["answered"] > ALERTS_OF_A_WARD * 0.8
    assert (figures.lateness(1) <= TICK, figures.sent_twice) == (True, 0)
    assert len(figures.late) > ALERTS_OF_A_WARD / 4
    assert time.found == {"sms-jansen"}  # while it was dead, and nothing else
    assert hours_told(time.ward) <= set(range(7, 22))


def hours_told(ward: WardOnCall) -> set[int]:
    """The hours, on the clock of the ward, in which a chain told somebody."""
    event = tables.alert_event
    with ward.hospital.engine.connect() as connection:
        query = sa.select(event.c.at).where(event.c.kind.in_(("notified", "escalated")))
        return {at.astimezone(ZONE).hour for at in connection.execute(query).scalars()}


@pytest.fixture
def ward(engine: sa.Engine, knowledge: Knowledge) -> WardOnCall:
    return WardOnCall(engine, knowledge, **ONCE_EACH)


def lacking(ward: WardOnCall) -> list[tuple[int, str, str]]:
    return [(each.alert_id, each.step, each.what) for one in ward.proves(NOON) for each in one.missing]


def test_a_step_that_nobody_carries_out_is_named(ward: WardOnCall) -> None:
    ward.raises_an_alert()
    ward.hospital.clock.passes(minutes=20)

    assert lacking(ward) == [(1, "step of 2026-11-02 11:15:00 UTC", "not carried out; it is 5 min late")]


def test_a_step_that_came_too_late_is_named(ward: WardOnCall) -> None:
    ward.raises_an_alert()
    ward.hospital.clock.passes(minutes=15, seconds=45)
    carry_out_due(ward.hospital.worker)
    deliver(ward.hospital.worker)

    assert lacking(ward) == [(1, "step of 2026-11-02 11:15:00 UTC", "carried out 45 s late")]
    assert figures_of(ward.proves(NOON)).lateness(0.5) == timedelta(seconds=45)


def test_with_the_sender_stopped_each_notice_is_named_with_its_step(ward: WardOnCall) -> None:
    ward.raises_an_alert()
    ward.hospital.clock.passes(minutes=15)
    carry_out_due(ward.hospital.worker)  # and nobody sends what it made
    ward.hospital.clock.passes(minutes=1)

    step = "escalated (step 2 of 2) of 2026-11-02 11:15:00 UTC"
    what = "not tried; no worker sends it"
    assert lacking(ward) == [(1, f"{step} to pager", what), (1, f"{step} to sms-jansen", what)]


def test_a_line_without_its_notice_is_named(ward: WardOnCall) -> None:
    ward.raises_an_alert()
    with ward.hospital.engine.begin() as connection:
        connection.execute(sa.delete(tables.delivery))

    assert lacking(ward) == [(1, "raised of 2026-11-02 11:00:00 UTC", "no notice to pager was made")]


def test_an_alert_whose_chain_never_began_or_is_lost_is_named(ward: WardOnCall) -> None:
    ward.raises_an_alert()
    ward.hospital.clock.passes(minutes=11)
    with ward.hospital.engine.begin() as connection:
        connection.execute(sa.delete(tables.due))
    lost = lacking(ward)
    with ward.hospital.engine.begin() as connection:
        connection.execute(sa.delete(tables.delivery))
        connection.execute(sa.update(tables.alert).values(due_at=None))

    assert lost == [(1, "next step", "there is none, and nobody has it")]
    assert lacking(ward) == [
        (1, "raised of 2026-11-02 11:00:00 UTC", "no notice to pager was made"),
        (1, "step 1", "it interrupts, and its chain never began"),
    ]


def test_what_an_undone_act_had_ended_counts_from_when_it_stands_again(ward: WardOnCall) -> None:
    ward.raises_an_alert()
    ward.hospital.clock.passes(minutes=14, seconds=45)
    ward.does(TakenOn())
    ward.hospital.clock.passes(seconds=29)
    ward.does(Undo())
    ward.hospital.clock.passes(seconds=25)  # 39 s after it was due, 25 s after it stands again
    carry_out_due(ward.hospital.worker)
    deliver(ward.hospital.worker)

    assert lacking(ward) == []
    assert [one.how for one in ward.proves(NOON)] == ["step 2 of 2"]


def test_a_sender_that_dies_once_may_have_sent_twice_and_one_that_dies_again_is_named(ward: WardOnCall) -> None:
    ward.hospital.sends(*messages([Problem(), Ordered(at=3, starts=34)]))
    dies_while_it_sends(ward)
    deliver(ward.hospital.worker)
    once = (lacking(ward), figures_of(ward.proves(NOON)).sent_twice)

    ward.hospital.clock.passes(minutes=2)
    ward.hospital.sends(*messages([Problem(who="2"), Ordered(who="2", at=3, starts=34, number="900")]))
    dies_while_it_sends(ward)
    dies_while_it_sends(ward)
    deliver(ward.hospital.worker)

    assert once == ([], 1)
    (named,) = lacking(ward)
    assert named[2] == "may have gone out 3 times under one key"


def dies_while_it_sends(ward: WardOnCall) -> None:
    clock = ward.hospital.clock
    with ward.hospital.engine.begin() as connection:
        claimed = deliveries.claim_together(connection, clock(), timedelta(seconds=10), 5, timedelta(minutes=1))
    assert claimed
    clock.passes(seconds=11)


def test_a_destination_that_fails_is_no_doubt_about_what_it_got(ward: WardOnCall) -> None:
    ward.sinks["pager"].fails = Unreachable("HTTP 500")
    ward.raises_an_alert()
    ward.waits(1, every=1 / 12)
    ward.sinks["pager"].fails = None
    ward.waits(3, every=1 / 12)

    assert len(ward.sinks["pager"].asked) > 3
    assert (lacking(ward), figures_of(ward.proves(NOON)).sent_twice) == ([], 0)


def test_verify_says_how_each_alert_ended_and_names_what_is_missing(
    ward: WardOnCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    ward.raises_an_alert()
    ward.waits(5)
    ward.does(TakenOn())
    ward.sends(Problem(who="2"), Ordered(who="2", at=3, starts=34, number="900"))
    ward.hospital.clock.passes(minutes=20)
    carry_out_due(ward.hospital.worker)
    deliver(ward.hospital.worker)
    ward.hospital.does(OnAlert(2, Acknowledgement(done_as="order_stopped")))
    deliver(ward.hospital.worker)
    ward.hospital.does(OnAlert(1, Acknowledgement(done_as="order_stopped")))
    ward.hospital.clock.passes(minutes=2)
    deliver(ward.hospital.worker)
    monkeypatch.setenv("IVIGILANT_DATABASE_URL", ward.hospital.engine.url.render_as_string(hide_password=False))

    def verifies(*options: str) -> tuple[int, list[str]]:
        result = CliRunner().invoke(app, ["telling", "verify", "--each", *options])
        return result.exit_code, result.output.splitlines()

    code, lines = verifies("--from", "2026-11-02", "--to", "2026-11-03")
    assert code == 1
    assert lines[:3] == [
        "alert 1  answered: acknowledged by els, 2026-11-02 11:25:00 UTC",
        "alert 2  answered: acknowledged by els, 2026-11-02 11:25:00 UTC",
        "WRONG  alert 2, step of 2026-11-02 11:20:00 UTC: carried out 5 min late",
    ]
    assert "1 later steps carried out, late by 300 s (p50), 300 s (p99), 300 s (most)" in lines
    assert lines[-1] == "missing: 1"
    assert verifies("--from", "2026-11-01", "--to", "2026-11-02")[0] == 0  # another day
    assert verifies("--from", "2026-11-03", "--to", "2026-11-02")[0] == 2


def test_the_proof_takes_as_many_statements_for_many_alerts_as_for_one(ward: WardOnCall) -> None:
    counts = []
    for first in (1, 2):
        story = [
            each
            for who in range(first, 12 if first > 1 else 2)
            for each in (
                Problem(who=str(700 + who)),
                Ordered(who=str(700 + who), at=3, starts=34, number=str(700 + who)),
            )
        ]
        ward.sends(*story)
        sent: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_rest: object, sent: list[str] = sent) -> None:
            sent += [statement] * statement.startswith("SELECT")

        sa.event.listen(ward.hospital.engine, "before_cursor_execute", note)
        proved = ward.proves(NOON)
        sa.event.remove(ward.hospital.engine, "before_cursor_execute", note)
        counts.append((len(proved), len(sent)))
    assert counts == [(1, 4), (11, 4)]
