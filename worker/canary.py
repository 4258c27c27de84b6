"""The canary's messages: judged as any, in a transaction that is rolled back, so that nothing of them is left.

Its history and order are recorded and judged by the knowledge of this hospital, the alert is raised with its delivery,
the notice is written from them; then the order is stopped and the alert must be resolved. All of it happens in the
tables of the patients, and none of it is ever seen by another connection. The notice itself goes out of the queue of
deliveries, to nobody.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
import structlog

from clinical.words import ABOUT_ORDER
from forwarding.contract import hand_over
from forwarding.notice import AnyNotice, Notice
from forwarding.policy import TellingPolicy
from history.choices import NoticeRoute, Site
from store import alerts, canary, deliveries, message_queries
from store.alerts import Alert
from store.canary import CanaryPart
from store.errors import PeopleMoved
from store.message_queries import MessageOutcome, StoredMessage
from worker.batch import Judge, record_and_judge
from worker.deliver import written
from worker.failures import failure_of
from worker.local_codes import knowledge_now
from worker.record import MessageContent, content_of, open_message
from worker.transactions import OUT_OF_TIME, in_transaction, is_passing
from worker.worker import Worker

log = structlog.get_logger()

NOBODY: Final = "canary"  # the destination of its notices
_NOT_LATER: Final = timedelta(0)


class _WrongAnswer(Exception):
    """The round failed: an expected result is missing. The text says which, and names no patient."""


class _RolledBack(Exception):
    """Everything went as expected: undo it."""


class Nobody:
    """The destination that takes every notice and notifies nobody."""

    name = NOBODY

    def forward(self, notice: AnyNotice) -> None:
        """Take it."""


def follow(worker: Worker, messages: Sequence[StoredMessage]) -> None:
    """Judge what these messages of the canary complete, and record which step that was; nothing else is left."""
    for message in messages:
        with worker.engine.connect() as connection:
            found = canary.part_of(connection, message.body_hash)
        if found is not None and found[1] != "history":
            _follow(worker, *found)
        with worker.engine.begin() as connection:
            message_queries.mark(connection, [MessageOutcome(message.id, "processed")], worker.clock())


def _follow(worker: Worker, run_id: int, part: CanaryPart) -> None:
    try:
        in_transaction(worker.engine, lambda connection: _run_round(connection, worker, run_id, part))
    except _RolledBack:
        fault = None
    except _WrongAnswer as error:
        fault = str(error)
    except (OUT_OF_TIME, PeopleMoved):
        raise  # these say nothing about the product: it is tried again, until the step is late
    except Exception as error:
        if is_passing(error):
            raise
        fault = failure_of(error)  # whatever is wrong, it is what the canary is for
    with worker.engine.begin() as connection:
        if fault is not None:
            log.error("canary.stuck", run=run_id, part=part, fault=fault)
            canary.note(connection, run_id, fault)
        else:
            canary.reach(connection, run_id, "raised" if part == "order" else "resolved", worker.clock())
    if fault is None and part == "order":
        worker.ring_deliveries([])


def _run_round(connection: sa.Connection, worker: Worker, run_id: int, part: CanaryPart) -> None:
    """Do everything up to this part of the round, and raise: _RolledBack, or what was wrong."""
    parts = canary.message_ids(connection, run_id)
    knowledge = knowledge_now(worker, connection)
    judge = Judge(knowledge, _own_choices(worker.site), worker.clock())
    rows = {row.id: row for row in message_queries.of_ids(connection, parts)}
    contents = {named: _content(rows[id_], judge) for id_, named in parts.items() if named != "stop" or part == "stop"}
    effects = record_and_judge(connection, judge, [contents[each] for each in ("history", "order")])
    alert = _only(connection, effects.alerts)
    if not alert.is_open:
        raise _WrongAnswer(f"the alert is {alert.status}, not open")
    if effects.deliveries:
        _write_notice(connection, worker, judge.site, effects.deliveries)
    if part == "stop":
        record_and_judge(connection, judge, [contents["stop"]])
        if not _only(connection, [alert.id]).is_resolved:
            raise _WrongAnswer("the alert stands though its order was stopped")
    raise _RolledBack


def _own_choices(site: Site) -> Site:
    """Return choices of its own: no real destination, and none that make its messages read otherwise."""
    return replace(
        site,
        defaults={},
        of_unknown=None,
        stops_need_confirmation=frozenset(),
        destinations=(NoticeRoute(NOBODY),),
        telling=TellingPolicy(),
        shows_cards=False,
    )


def _content(message: StoredMessage, judge: Judge) -> MessageContent:
    found = open_message(message, judge.knowledge, judge.site)
    if isinstance(found, MessageOutcome):
        raise _WrongAnswer(f"a message is {found.state}: {found.reason}")
    return content_of(found, judge.knowledge)


def _only(connection: sa.Connection, ids: Sequence[int]) -> Alert:
    found = [alert for id_ in ids if (alert := alerts.get(connection, id_)) is not None]
    about_order = [alert for alert in found if alert.stream == ABOUT_ORDER]
    if len(about_order) != 1:
        raise _WrongAnswer(f"{len(about_order)} alerts were raised, not one")
    return about_order[0]


def _write_notice(connection: sa.Connection, worker: Worker, site: Site, ids: Sequence[int]) -> None:
    """Claim the delivery and write its notice, as whoever sends does."""
    claimed = deliveries.claim_together(connection, worker.clock(), worker.leases.lease, len(ids), _NOT_LATER, ids)
    for group in claimed or ():
        rows = alerts.in_brief(connection, [each.event_id for each in group])
        written(replace(worker, site=site), group, rows)


def notify_nobody(worker: Worker) -> None:
    """Send the notice of a round whose alert was raised, out of the queue of deliveries, to nobody."""
    with worker.engine.connect() as connection:
        waiting = canary.unnotified(connection)
    for run_id in waiting:
        now = worker.clock()
        notice = Notice(
            idempotency_key=f"ivigilant-canary-{run_id}",
            kind="raised",
            tier="contraindication",
            priority="prompt",
            ward="",
            link=worker.home,
            alert=f"canary-{run_id}",
            sequence=run_id,
            occurred_at=now,
            language=worker.site.language,
        )
        hand_over(Nobody(), notice)
        with worker.engine.begin() as connection:
            canary.reach(connection, run_id, "notified", now)
