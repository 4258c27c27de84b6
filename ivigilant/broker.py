"""The Celery app: a doorbell. It carries message ids; what must not be lost stands in the database.

Redis may lose a task (a worker killed between BRPOP and its note of it), so no setting here is load-bearing: the sweep
rings again. The settings make that rare and quick to heal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from celery import Celery
from kombu.entity import Queue
from kombu.exceptions import KombuError, OperationalError
from kombu.utils.scheduling import priority_cycle
from redis.exceptions import RedisError

from store import heartbeats
from store.message_queries import SLOW

PROCESS: Final = "ivigilant.process"
DELIVER: Final = "ivigilant.deliver"
PROVE: Final = "ivigilant.prove"

CROWDED: Final = 2  # tasks that wait for a worker; while there are, messages gather for the next
BUSY: Final = 300  # tasks; ringing again for what is still queued would only make it longer

# Notices of alerts are few and must not wait behind a backlog of history.
URGENT: Final = ("orders", "deliver")
QUEUES: Final = (*URGENT, "history")
EVERY_QUEUE: Final = (*QUEUES, SLOW)
TASK_S: Final = 40  # then each message of a task goes on alone; longer than anybody waits for a lock
SLOW_TASK_S: Final = 600
AFTER_S: Final = 50  # a task that does not end by itself within so much more is ended with its process
KEEP_PROOF_S: Final = 300  # how long the queue of a worker that is gone stays
DUMB: Final = (KombuError, RedisError, OSError)  # what a Redis raises that is away, hangs, or has no memory left

log = structlog.get_logger()


class UrgentFirst(priority_cycle):
    """Take a worker's proof first, then `orders`, `deliver`, `history`; kombu's own orders are by set or alphabet."""

    def consume(self, n: int) -> list[str]:
        """Give the queues to ask, the most urgent first."""
        return sorted(self.items[:n], key=lambda name: QUEUES.index(name) if name in QUEUES else -1)


def make_celery(redis_url: str) -> Celery:
    """Give an app that outlives every loss of Redis or of a worker."""
    app = Celery("ivigilant", broker=broker_url(redis_url), set_as_current=False)
    app.conf.update(
        task_queues=[Queue(name) for name in EVERY_QUEUE],  # type: ignore[no-untyped-call]  # kombu's own signature
        task_default_queue="history",
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        result_backend=None,
        # A task is done when it has run, not when it was taken.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        task_soft_time_limit=TASK_S,
        task_time_limit=TASK_S + AFTER_S,
        worker_max_tasks_per_child=5000,
        worker_max_memory_per_child=300_000,
        # After a lost connection Celery would take less, and sometimes never take more again: the worker then waits
        # for ever. What it takes twice meanwhile does nothing the second time.
        worker_enable_prefetch_count_reduction=False,
        worker_soft_shutdown_timeout=20,
        worker_enable_soft_shutdown_on_idle=True,
        # Redis may be away for a night; publishing gives up at once, because the sweep is there.
        broker_connection_retry_on_startup=True,
        broker_connection_retry=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=3,
        broker_transport_options=transport_options(),
        task_publish_retry=False,
        # No chatter between workers: it leaks and breaks on reconnection, and nobody listens.
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        task_send_sent_event=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        enable_utc=True,
        timezone="UTC",
    )
    return app


def own_queue(name: str, expires_s: int = KEEP_PROOF_S) -> Queue:
    """Give the queue over which one worker rings itself."""
    return Queue(name, expires=expires_s)  # type: ignore[no-untyped-call]  # kombu's own signature


def transport_options() -> dict[str, Any]:
    """Say when an abandoned task comes back, and how soon a dead connection is noticed."""
    return {
        "visibility_timeout": 120,  # above the time limit of most; whoever comes too soon finds the message locked
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "queue_order_strategy": UrgentFirst,
        "priority_steps": [0],
        "socket_timeout": 10,
        "socket_connect_timeout": 3,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "retry_on_timeout": True,
        "max_retries": 0,  # who publishes is told at once that Redis is away
    }


def broker_url(redis_url: str) -> str:
    """Give the address as Celery writes it: redis-py says `unix:///path`, Celery `redis+socket:///path`."""
    return redis_url.replace("unix://", "redis+socket://", 1) if redis_url.startswith("unix://") else redis_url


@dataclass(frozen=True, slots=True)
class WorkerRole:
    """What one kind of worker does, and how long it may take over it."""

    name: str
    queues: tuple[str, ...]
    task_s: int = TASK_S

    @property
    def is_slow(self) -> bool:
        """Whether it is there for what takes long, and nothing else."""
        return self.queues == (SLOW,)


WORKER: Final = WorkerRole("worker", QUEUES)
ORDER_WORKER: Final = WorkerRole("order-worker", URGENT)
SLOW_WORKER: Final = WorkerRole(heartbeats.SLOW_WORKER, (SLOW,), SLOW_TASK_S)


@dataclass(frozen=True, slots=True)
class Bell:
    """Rings by putting ids on a queue. When Redis is away nothing rings, and the next beat finds what waits."""

    app: Celery

    def process(self, lane: str, ids: Sequence[int]) -> None:
        """Ring for these messages, if anybody can hear it."""
        self._try(PROCESS, lane, ids)

    def deliver(self, ids: Sequence[int] = ()) -> None:
        """Ring for these deliveries, or for all that are due, if anybody can hear it."""
        self._try(DELIVER, "deliver", ids)

    def prove(self, queue: str) -> bool:
        """Ring one worker, over its own queue; whether that went out."""
        return self._try(PROVE, queue, ())

    def must_process(self, lane: str, ids: Sequence[int]) -> None:
        """Ring for these messages, or raise kombu's OperationalError."""
        self._ring(PROCESS, lane, ids)

    def process_unless_busy(self, lane: str, ids: Sequence[int]) -> None:
        """Ring for these messages, unless so much waits that they are probably still in the queue themselves."""
        if self._waiting(lane) < BUSY:
            self.process(lane, ids)

    def is_crowded(self, lane: str) -> bool:
        """Whether the workers have enough to do with what is queued; not, when nobody can tell."""
        return self._waiting(lane) >= CROWDED

    def _waiting(self, queue: str) -> int:
        try:
            with self.app.pool.acquire(block=True) as connection:
                return int(connection.default_channel.client.llen(queue))
        except DUMB:
            return 0

    def _try(self, task: str, queue: str, ids: Sequence[int]) -> bool:
        try:
            self._ring(task, queue, ids)
        except DUMB as error:
            log.warning("queue.unreachable", queue=queue, ids=len(ids), error=type(error).__name__)
            return False
        return True

    def _ring(self, task: str, queue: str, ids: Sequence[int]) -> None:
        numbers = [list(ids)]
        try:
            self.app.send_task(task, args=numbers, argsrepr=repr(numbers), queue=queue, ignore_result=True)
        except RedisError as error:  # kombu leaves it as it is when Redis has no memory left
            raise OperationalError(type(error).__name__) from None


def where(redis_url: str) -> str:
    """Give the address without its password, to show."""
    parts = urlsplit(redis_url)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
