"""The auditor: looks every few seconds whether the telling holds, beside whoever carries it out and sends it.

What does not hold is an incident, told by the second path, until it holds again. While all is well, and the canary
passed lately, it pings the dead-man's switch that the site file names, which calls people when the pings stop.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
import structlog

from clinical.words import Channel
from forwarding.notice import code_of
from history.alerting import is_quiet
from history.chains import BEGAN_AT, chain_step
from history.choices import Site
from history.conclusion import channel_of
from store import alerts, canary, due, heartbeats, incidents, sessions, telling_audit
from store.alerts import ConcludedAlert
from store.due import NewDue
from store.incidents import Incident
from store.locks import lock_people
from store.telling_audit import LATE_AFTER, NAMED, TellingFault
from worker.due import situation_of
from worker.feed_faults import FeedWatch
from worker.incidents import tell_incidents
from worker.plan_due import next_step
from worker.worker import Worker

log = structlog.get_logger()

AUDITOR: Final = "auditor"  # its heartbeat
AUDIT_EVERY: Final = timedelta(seconds=15)
BEGIN_EVERY: Final = timedelta(minutes=10)
PING_EVERY: Final = timedelta(minutes=1)
PING_WITHIN_S: Final = 5.0


@dataclass(slots=True)
class Auditor:
    """One auditor, and when it last looked and pinged."""

    worker: Worker
    audited_at: datetime | None = None
    pinged_at: datetime | None = None
    begun_at: datetime | None = None  # when it last began the chains that were missing
    began_at: datetime | None = None  # when it first looked
    feeds: FeedWatch = field(default_factory=FeedWatch)

    def look(self) -> None:
        """Audit when it is time, tell what began or ended, and ping while all is well."""
        now = self.worker.clock()
        if _is_time(self.audited_at, AUDIT_EVERY, now):
            self.audited_at = now
            self.began_at = now if self.began_at is None else min(self.began_at, now)
            well = self._audit(now)
            if well and _is_time(self.pinged_at, PING_EVERY, now) and self._canary_passed(now) and self._ping():
                self.pinged_at = now
        tell_incidents(self.worker)

    def _audit(self, now: datetime) -> bool:
        has_destinations = bool(self.worker.site.destinations)
        if has_destinations and _is_time(self.begun_at, BEGIN_EVERY, now):
            self.begun_at = now
            _begin_chains(self.worker, now)
        with self.worker.engine.begin() as connection:
            faults = telling_audit.audit(connection, now, has_destinations=has_destinations)
            standing = {each.subject: each for each in incidents.standing(connection) if each.kind == "telling"}
            for fault in faults:
                if fault.stops_telling and fault.what not in standing and self._has_just_begun(now):
                    continue  # after a restart of everything it became late while all were down: they catch up now
                detail = f"{fault.count}: {', '.join(str(alert) for alert in fault.alerts)}"
                before = standing.get(fault.what)
                record = incidents.renew if before is not None and _is_of_more(fault, before) else incidents.begin
                if record(connection, "telling", fault.what, detail, now):
                    log.error("telling.fault", what=fault.what, count=fault.count, alerts=list(fault.alerts))
            for subject in standing.keys() - {fault.what for fault in faults}:
                incidents.end(connection, "telling", subject, now)
            self.feeds.look(connection, self.worker.site, now)
            _look_at_emergency_accounts(connection, now)
            self._forget_destinations(connection, now)
            incidents.end_what_is_calm(connection, now)
            incidents.renew_what_stays(connection, now)
            heartbeats.beat(connection, AUDITOR, now)
        return not faults

    def _has_just_begun(self, now: datetime) -> bool:
        """Return whether what is late may have become so before anybody was up."""
        return self.began_at is None or now - self.began_at < LATE_AFTER

    def _forget_destinations(self, connection: sa.Connection, now: datetime) -> None:
        """End the incidents of destinations that the site file names no more: nothing will arrive there."""
        named = {place.name for place in self.worker.site.destinations}
        for each in incidents.standing(connection):
            if each.kind == "destination" and each.subject not in named:
                incidents.end(connection, "destination", each.subject, now, for_good=True)

    def _canary_passed(self, now: datetime) -> bool:
        """Return whether the last round of the canary passed, and lately; true where there is none."""
        counts_for = self.worker.site.canary_counts_for
        if counts_for is None:
            return True
        with self.worker.engine.connect() as connection:
            return canary.state(connection).is_well(now, counts_for)

    def _ping(self) -> bool:
        """Ping the dead-man's switch; return whether it answered."""
        url = self.worker.site.telling.dead_mans_switch
        if url is None:
            return False
        import httpx  # imported here: few hospitals have one

        try:
            answer = httpx.get(url, timeout=PING_WITHIN_S, trust_env=False)
        except httpx.HTTPError as error:
            log.warning("dead_mans_switch.unreachable", error=type(error).__name__)
            return False
        return answer.is_success


def _is_of_more(fault: TellingFault, before: Incident) -> bool:
    """Return whether an alert is forgotten of which nobody was told yet; what stops all telling is told once."""
    named = {int(alert) for alert in before.detail.partition(": ")[2].split(", ") if alert}
    if fault.count > NAMED:  # not all are named: which of the older ones were, nobody can tell
        return not fault.stops_telling and max(fault.alerts) > max(named, default=0)
    return not fault.stops_telling and not named.issuperset(fault.alerts)


def _is_time(last: datetime | None, every: timedelta, now: datetime) -> bool:
    """Return whether it is so long ago, or lies ahead: from before the clock was set back."""
    return last is None or not last <= now < last + every


def _look_at_emergency_accounts(connection: sa.Connection, now: datetime) -> None:
    """Record of which account for an emergency nobody is signed in any more."""
    in_use = {code_of(name) for name in sessions.names_in_use(connection, now)}
    for each in incidents.standing(connection):
        if each.kind == "break_glass" and each.subject not in in_use:
            incidents.end(connection, "break_glass", each.subject, now)


def _begin_chains(worker: Worker, now: datetime) -> None:
    """Begin the chains of alerts that were raised before there were chains, or without a destination.

    Chains that ended without anybody go on where the policy was mended since.
    """
    with worker.engine.connect() as connection:
        missing = telling_audit.never_begun(connection, now)
        ended = telling_audit.told_no_more(connection, now)
    for alert_id in missing:
        with worker.engine.begin() as connection:
            _begin_chain(connection, worker.site, alert_id, now)
    for alert_id in ended:
        with worker.engine.begin() as connection:
            _resume_chain(connection, worker.site, alert_id, now)


def _begin_chain(connection: sa.Connection, site: Site, alert_id: int, now: datetime) -> None:
    alert = _locked(connection, alert_id)
    if alert is None or alert_id not in telling_audit.never_begun(connection, now, alert_id):
        return  # somebody acted meanwhile
    if not _calls_somebody(alert, now):
        return
    if chain_step(site, situation_of(alert, alert.opened_at), None, alert.opened_at).next_at is not None:
        due.plan(connection, [NewDue(alert_id, "step", now, now, data={BEGAN_AT: now.isoformat()})])


def _resume_chain(connection: sa.Connection, site: Site, alert_id: int, now: datetime) -> None:
    """Plan the next step of a chain that had ended, counted from when it began; what was due meanwhile is past."""
    alert = _locked(connection, alert_id)
    if alert is None or alert_id not in telling_audit.told_no_more(connection, now, alert_id):
        return
    steps = [each for each in due.of_alert(connection, alert_id) if each.kind == "step"]
    if not steps or not _calls_somebody(alert, now):
        return
    began_at = datetime.fromisoformat(steps[-1].data[BEGAN_AT])
    planned = next_step(alert_id, chain_step(site, situation_of(alert, began_at), now, now), now)
    if planned is not None:
        due.plan(connection, [planned])


def _locked(connection: sa.Connection, alert_id: int) -> ConcludedAlert | None:
    unlocked = alerts.get(connection, alert_id)
    if unlocked is None:
        return None
    lock_people(connection, {unlocked.patient_id})
    return alerts.find_alert(connection, alert_id)


def _calls_somebody(alert: ConcludedAlert, now: datetime) -> bool:
    interrupts = channel_of(alert.conclusion.channel, alert.tier) >= Channel.INTERRUPT
    return interrupts and not is_quiet(alert.stream, frozenset(alert.badges), alert.order_ends_at, now)
