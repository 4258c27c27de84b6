"""Answering again when the knowledge changes: current orders, and those whose risk window is open."""

from functools import partial

import sqlalchemy as sa
import structlog

from history.alerting import RISK_WINDOW
from store import orders
from store.locks import lock_people
from worker.batch import Judge, judge_again
from worker.local_codes import knowledge_now
from worker.raise_alerts import Effects
from worker.record import Touched
from worker.transactions import in_transaction
from worker.worker import Worker

log = structlog.get_logger()

TOGETHER = 50  # people in one transaction


def rejudge(worker: Worker) -> Effects:
    """Answer again whatever was last answered by other knowledge; new findings are pushed as usual. Safe to repeat."""
    worker = worker.up_to_date()
    total, after = Effects(), 0
    while (found := in_transaction(worker.engine, partial(_some, worker=worker, after=after))) is not None:
        after, done = found
        total.include(done)
        if done.alerts:
            worker.announce(done.alerts)
        if done.deliveries:
            worker.ring_deliveries(done.deliveries)
    if total.answers:
        log.info("rejudge.done", answers=total.answers, alerts=len(total.alerts))
    return total


def _some(connection: sa.Connection, worker: Worker, after: int) -> tuple[int, Effects] | None:
    now, version = worker.clock(), worker.knowledge.version
    ids = orders.owners_answered_by_others(connection, version, now - RISK_WINDOW, after, TOGETHER)
    if not ids:
        return None
    lock_people(connection, ids)
    judge = Judge(knowledge_now(worker, connection), worker.site, now)
    return ids[-1], judge_again(connection, judge, Touched(set(ids), set()))


class KnowledgeWatch:
    """Detects a change of knowledge, while running or since the last run, and has open orders answered again."""

    def __init__(self) -> None:
        self._version = ""

    def look(self, worker: Worker) -> None:
        """Answer open orders again if the knowledge changed since the last check."""
        version = worker.up_to_date().knowledge.version
        if version != self._version:
            rejudge(worker)
            self._version = version
