"""Days of a ward: a rota that hands over, quiet hours, hours of a dead destination, and nobody is forgotten."""

import random
from datetime import datetime, timedelta

import sqlalchemy as sa

from forwarding.errors import Unreachable
from inbox.alerts.act import OnAlert
from inbox.alerts.settling import Acknowledgement, TakenOn
from rules.knowledge import Knowledge
from store import incidents, tables, telling_audit
from tests.journeys.stories import Ordered, Problem
from tests.journeys.ward import NOON, WardOnCall
from worker.auditor import Auditor
from worker.deliver import deliver
from worker.due import carry_out_due

DAYS = {
    "people": {"els": "pager", "jan": "sms-jansen"},
    "rotas": {
        "day": {
            "people": ["els", "jan"],
            "from": "2026-11-02",
            "days": 1,
            "swaps": [{"from": "2026-11-03T08:00", "until": "2026-11-04T08:00", "person": "jan"}],
        }
    },
    "chains": [
        {"name": "days", "steps": [{"rota": "day", "repeat_minutes": 120, "at_most": 2}, LAST]}
        for LAST in ({"everybody": True, "after_minutes": 240, "repeat_minutes": 480},)
    ],
    "quiet_hours": [{"from": "22:00", "until": "07:00", "except": [], "silence_contraindications": True}],
}


def next_moment(ward: WardOnCall) -> datetime:
    """When something is due next."""
    due, delivery = tables.due, tables.delivery
    with ward.hospital.engine.connect() as connection:
        of_due = connection.scalar(sa.select(sa.func.min(due.c.due_at)).where(due.c.done_at.is_(None)))
        of_notice = connection.scalar(sa.select(sa.func.min(delivery.c.next_at)).where(delivery.c.state == "pending"))
    return min(moment for moment in (of_due, of_notice, ward.hospital.clock() + timedelta(hours=2)) if moment)


def thirty_hours(ward: WardOnCall) -> set[str]:
    """Let them pass, with four alerts, answers to three and a pager that is dead for two hours; give what failed."""
    auditor, clock, draw = Auditor(ward.hospital.worker), ward.hospital.clock, random.Random(7)
    ends, dead = NOON + timedelta(hours=30), (NOON + timedelta(hours=2), NOON + timedelta(hours=4))
    answers: list[tuple[datetime, int]] = []
    raised, found = 0, set[str]()
    while clock.now < ends:
        ward.sinks["pager"].fails = Unreachable("HTTP 500") if dead[0] <= clock.now < dead[1] else None
        if raised < 4 and clock.now >= NOON + timedelta(hours=5 * raised):
            raised += 1
            ward.sends(Problem(who=str(raised)), Ordered(who=str(raised), at=3, starts=400, number=f"9{raised}"))
            if raised % 3:  # of every three alerts somebody answers two
                answers.append((clock.now + timedelta(minutes=draw.randint(5, 600)), raised))
        for at, alert in [each for each in answers if each[0] <= clock.now]:
            for act in (TakenOn(), Acknowledgement(done_as="order_stopped")):
                ward.hospital.does(OnAlert(alert, act))
            answers.remove((at, alert))
        carry_out_due(ward.hospital.worker)
        deliver(ward.hospital.worker)
        auditor.look()
        with ward.hospital.engine.connect() as connection:
            found |= {each.subject for each in incidents.standing(connection)}
        clock.now = max(next_moment(ward), clock.now + timedelta(seconds=1))
    return found


def test_days_of_telling_end_with_every_alert_answered_or_told_to_the_last_step(
    sqlite_engine: sa.Engine, knowledge: Knowledge
) -> None:
    ward = WardOnCall(sqlite_engine, knowledge, **DAYS)

    found = thirty_hours(ward)

    with ward.hospital.engine.connect() as connection:
        faults = telling_audit.audit(connection, ward.hospital.clock(), has_destinations=True)
        standing = incidents.standing(connection)
        last = connection.execute(
            sa.select(tables.alert_event.c.alert_id, tables.alert_event.c.data)
            .where(tables.alert_event.c.kind == "escalated")
            .order_by(tables.alert_event.c.id)
        ).all()
    reached = {row.alert_id: (row.data["step"], row.data["of"]) for row in last}
    assert [row["status"] for row in ward.hospital.alerts()].count("acknowledged") == 3
    proved = ward.proves(NOON)
    assert [one.fate for one in proved].count("sent up to the last step") == 1
    assert [one.fate for one in proved].count("answered") == 3
    assert reached[3] == (2, 2)  # sent up to the last step, and again and again
    assert [lacks for one in proved for lacks in one.missing] == []
    assert [one.alert_id for one in proved if "refused" in one.states] == []
    assert (faults, standing) == ([], [])
    assert found == {"pager"}  # on the day that it was dead, and nothing else
    quiet = [event.at for event in told_at(ward) if event.at.hour in (*range(21, 24), *range(6))]
    assert quiet == []  # 22:00 to 07:00 on the ward


def told_at(ward: WardOnCall) -> list[sa.Row[tuple[datetime]]]:
    """The steps that were carried out, but for what was overdue."""
    event = tables.alert_event
    query = sa.select(event.c.at).where(event.c.kind.in_(("notified", "escalated")))
    with ward.hospital.engine.connect() as connection:
        return list(connection.execute(query))
