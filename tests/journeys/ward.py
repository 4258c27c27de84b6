"""A ward with two destinations and a policy of telling, on a clock that a test moves."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from forwarding.policy import TellingPolicy
from history.choices import NoticeRoute, Site
from inbox.alerts.act import AlertAct, OnAlert
from ivigilant.telling_proof import Period, ProvedAlert, prove
from rules.knowledge import Knowledge
from store import due
from store.engine import snapshot
from tests.fakes import RememberingDestination
from tests.journeys.hospital import Clock, Hospital
from tests.journeys.stories import FIRST_DAY, Happening, Ordered, Problem, messages
from worker.deliver import deliver
from worker.due import carry_out_due
from worker.incidents import tell_incidents

NOON = FIRST_DAY + timedelta(hours=4)  # on the clock of the hospital, too


class WardOnCall:
    """A hospital with two destinations and a policy, at noon of the first day."""

    def __init__(self, engine: sa.Engine, knowledge: Knowledge, **policy: Any) -> None:
        self.sinks = {name: RememberingDestination(name) for name in ("pager", "sms-jansen")}
        routes = (NoticeRoute("pager"), NoticeRoute("sms-jansen", "contraindication"))
        site = Site(destinations=routes, telling=TellingPolicy.model_validate(policy))
        self.hospital = Hospital(engine, knowledge, site, Clock(NOON))
        self.restarts()

    def restarts(self) -> None:
        """Everything that was in memory is gone."""
        worker = self.hospital.worker
        self.hospital.worker = type(worker)(
            worker.engine,
            worker.knowledge,
            worker.site,
            worker.clock,
            destinations=self.sinks,
            link_of="https://inbox.example/alerts/{}".format,
            home="https://inbox.example/",
        )

    def sends(self, *story: Happening) -> None:
        """Send what happens next; messages are numbered on."""
        sent = len(self.hospital.states())
        self.hospital.sends(*[each.replace(b"|M0", f"|N{sent}".encode()) for each in messages(story)])
        deliver(self.hospital.worker)

    def raises_an_alert(self) -> None:
        self.sends(Problem(), Ordered(at=3, starts=34))

    def does(self, act: AlertAct) -> None:
        self.hospital.does(OnAlert(self.hospital.alerts()[0]["id"], act))

    def waits(self, minutes: float, every: float = 1) -> None:
        """Let minutes pass; every so many, what is due is carried out."""
        for _ in range(round(minutes / every)):
            self.hospital.clock.passes(minutes=every)
            carry_out_due(self.hospital.worker)
            deliver(self.hospital.worker)
            tell_incidents(self.hospital.worker)

    def proves(self, since: datetime, *, has_destinations: bool = True) -> list[ProvedAlert]:
        """What `ivigilant telling verify` finds now of each alert."""
        site = self.hospital.worker.site
        chains = {chain.name: len(chain.steps) for chain in site.telling.chains}
        now = self.hospital.clock()
        period = Period(since, now + timedelta(microseconds=1), now)
        with snapshot(self.hospital.engine) as connection:
            return list(prove(connection, period, chains, has_destinations=has_destinations))

    def told(self) -> list[tuple[int, str, str]]:
        """The minute from noon, the destination and the kind of every notice that went out."""
        found = [
            (minutes_from_noon(notice.occurred_at), name, notice.kind)
            for name, sink in self.sinks.items()
            for notice in sink.asked
        ]
        return sorted(found)

    def minutes_told(self) -> list[int]:
        return sorted({minute for minute, _, _ in self.told()})

    def steps(self) -> list[int]:
        """When the chain goes on, in minutes from noon."""
        ids = [row["id"] for row in self.hospital.alerts()]
        with self.hospital.engine.connect() as connection:
            found: Sequence[due.Due] = due.standing(connection, ids)
        return [minutes_from_noon(each.due_at) for each in found if each.kind == "step"]


def minutes_from_noon(moment: datetime) -> int:
    return int((moment - NOON).total_seconds()) // 60
