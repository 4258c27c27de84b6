"""The Celery app. It carries message ids only; what must not be lost is in the database.

Redis may lose a task (when a worker is killed just after BRPOP), so safety depends on no setting here: the sweep
queues it again. The settings make that rare and recovery quick.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlsplit

import redis
import structlog
from celery import Celery
from kombu.entity import Queue
from kombu.exceptions import KombuError, OperationalError
from kombu.utils.scheduling import priority_cycle
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from ivigilant.task_text import task_text
from store import heartbeats
from store.message_queries import SLOW

PROCESS: Final = "ivigilant.process"
DELIVER: Final = "ivigilant.deliver"
PROVE: Final = "ivigilant.prove"

CROWDED: Final = 2  # waiting tasks; at this number, messages are held back to go together in the next
BUSY: Final = 300  # waiting tasks; queueing their messages again would only lengthen the queue

# Notices are few and must not wait behind a backlog of history.
URGENT: Final = ("orders", "deliver")
QUEUES: Final = (*URGENT, "history")
EVERY_QUEUE: Final = (*QUEUES, SLOW)
TASK_S: Final = 40  # after this each message of a task is processed alone; longer than any wait for a lock
SLOW_TASK_S: Final = 600
AFTER_S: Final = 50  # a task still running this much later is ended together with its process
REDIS_S: Final = 10  # for an answer of Redis
REDIS_CONNECT_S: Final = 3
REDIS_CHECK_S: Final = 10  # after this much silence a connection is tried before it is used
KEEP_PROOF_S: Final = 300  # after this the queue of a worker that has gone is removed
DUMB: Final = (KombuError, RedisError, OSError)  # raised when Redis is unreachable, hangs, or is out of memory

log = structlog.get_logger()


class UrgentFirst(priority_cycle):
    """Asks a worker's own queue first, then `orders`, `deliver` and `history`; kombu cannot do that itself."""

    def consume(self, n: int) -> list[str]:
        """Return the queues to ask, the most urgent first."""
        return sorted(self.items[:n], key=lambda name: QUEUES.index(name) if name in QUEUES else -1)


_SILENT = {  # no gossip between workers: it leaks, breaks on reconnection, and nothing uses it
    "worker_enable_remote_control": False,
    "worker_send_task_events": False,
    "task_send_sent_event": False,
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
}


def make_celery(redis_url: str) -> Celery:
    """Return an app that survives the loss of Redis or of a worker."""
    app = Celery("ivigilant", broker=broker_url(redis_url), set_as_current=False)
    app.conf.update(
        task_queues=[Queue(name) for name in EVERY_QUEUE],  # type: ignore[no-untyped-call]  # kombu's own signature
        task_default_queue="history",
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        result_backend=None,
        # A task is acknowledged when it has run, not when it was received.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        task_soft_time_limit=TASK_S,
        task_time_limit=TASK_S + AFTER_S,
        worker_max_tasks_per_child=5000,
        worker_max_memory_per_child=300_000,
        # After a lost connection Celery would prefetch less, sometimes for ever: the worker then waits without end.
        # A task that is received twice meanwhile does nothing the second time.
        worker_enable_prefetch_count_reduction=False,
        worker_soft_shutdown_timeout=20,
        worker_enable_soft_shutdown_on_idle=True,
        # Redis may be down for a night; publishing gives up at once, because the sweep will queue the messages.
        broker_connection_retry_on_startup=True,
        broker_connection_retry=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=3,
        broker_transport_options=transport_options(),
        task_publish_retry=False,
        enable_utc=True,
        timezone="UTC",
        **_SILENT,
    )
    return app


def own_queue(name: str, expires_s: int = KEEP_PROOF_S) -> Queue:
    """Return the queue over which one worker sends itself probes."""
    return Queue(name, expires=expires_s)  # type: ignore[no-untyped-call]  # kombu's own signature


def transport_options() -> dict[str, Any]:
    """Return when an abandoned task is delivered again, and how soon a dead connection is noticed."""
    return {
        "visibility_timeout": 120,  # above most time limits; a task delivered too soon finds its messages locked
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "queue_order_strategy": UrgentFirst,
        "priority_steps": [0],
        "socket_timeout": REDIS_S,
        "socket_connect_timeout": REDIS_CONNECT_S,
        "socket_keepalive": True,
        "health_check_interval": REDIS_CHECK_S,
        "retry_on_timeout": True,
        "max_retries": 0,  # a publisher hears at once that Redis is unreachable
    }


def broker_url(redis_url: str) -> str:
    """Return the address as Celery writes it: `redis+socket:///path` for `unix:///path` of redis-py."""
    return redis_url.replace("unix://", "redis+socket://", 1) if redis_url.startswith("unix://") else redis_url


def plain_url(address: str) -> str:
    """Return the address as redis-py writes it: the reverse of `broker_url`."""
    return address.replace("redis+socket://", "unix://", 1)


@dataclass(frozen=True, slots=True)
class WorkerRole:
    """What one kind of worker does, and how long a task of it may take."""

    name: str
    queues: tuple[str, ...]
    task_s: int = TASK_S

    @property
    def is_slow(self) -> bool:
        """Whether it processes only the slow lane."""
        return self.queues == (SLOW,)


WORKER: Final = WorkerRole("worker", QUEUES)
ORDER_WORKER: Final = WorkerRole("order-worker", URGENT)
SLOW_WORKER: Final = WorkerRole(heartbeats.SLOW_WORKER, (SLOW,), SLOW_TASK_S)


@dataclass(frozen=True)
class Bell:
    """Puts ids on a queue. When Redis is unreachable nothing is queued, and the next beat finds what waits.

    A task is written to Redis as Celery would write it, over a connection that stays: through Celery a ring costs the
    listener as much as ten messages.
    """

    app: Celery

    @cached_property
    def _redis(self) -> redis.Redis:
        address = plain_url(self.app.conf.broker_url)
        of_a_network: dict[str, Any] = {"socket_connect_timeout": REDIS_CONNECT_S, "socket_keepalive": True}
        return redis.Redis.from_url(
            address,
            socket_timeout=REDIS_S,
            health_check_interval=REDIS_CHECK_S,
            retry=Retry(NoBackoff(), 1),  # over a new connection: the old one may have died while it was idle
            **({} if address.startswith("unix://") else of_a_network),  # a socket file takes neither
        )

    def process(self, lane: str, ids: Sequence[int]) -> None:
        """Queue these messages, if Redis can be reached."""
        self._try(PROCESS, lane, ids)

    def deliver(self, ids: Sequence[int] = ()) -> None:
        """Queue these deliveries, or all that are due, if Redis can be reached."""
        self._try(DELIVER, "deliver", ids)

    def prove(self, queue: str) -> bool:
        """Send one worker a probe over its own queue; return whether it was sent."""
        try:
            self.app.send_task(PROVE, args=[[]], queue=queue, ignore_result=True)  # its queue expires
        except DUMB as error:
            _say_unreachable(queue, 0, error)
            return False
        return True

    def must_process(self, lane: str, ids: Sequence[int]) -> None:
        """Queue these messages, or raise kombu's OperationalError."""
        self._ring(PROCESS, lane, ids)

    def process_unless_busy(self, lane: str, ids: Sequence[int]) -> None:
        """Queue these messages, unless the queue is so long that they are probably still in it."""
        if self._waiting(lane) < BUSY:
            self.process(lane, ids)

    def is_crowded(self, lane: str) -> bool:
        """Return whether enough is queued to keep the workers busy; False when Redis cannot be asked."""
        return self._waiting(lane) >= CROWDED

    def _waiting(self, queue: str) -> int:
        try:
            return int(self._redis.llen(queue))
        except DUMB:
            return 0

    def _try(self, task: str, queue: str, ids: Sequence[int]) -> None:
        try:
            self._ring(task, queue, ids)
        except DUMB as error:
            _say_unreachable(queue, len(ids), error)

    def _ring(self, task: str, queue: str, ids: Sequence[int]) -> None:
        try:
            self._redis.lpush(queue, task_text(task, queue, ids))
        except RedisError as error:
            raise OperationalError(type(error).__name__) from None


def _say_unreachable(queue: str, ids: int, error: Exception) -> None:
    log.warning("queue.unreachable", queue=queue, ids=ids, error=type(error).__name__)


def where(redis_url: str) -> str:
    """Return the address without its password, for display."""
    parts = urlsplit(redis_url)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
