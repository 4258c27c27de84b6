"""Application acknowledgements to senders: one message in transit per route, repeated until answered.

They wait in the database, which is read in threads so that no sender waits for it.
"""

import asyncio
import contextlib
import secrets
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import sqlalchemy as sa
import structlog

from listener.acknowledge import acknowledge
from listener.client import Sender, Target, read_answer
from listener.feeds import Refusal
from listener.metrics import Metrics
from parsers.defaults import Defaults
from parsers.hl7.header import header_of, read_header_line
from store import application_acks
from store.application_acks import Ack
from store.engine import reading

log = structlog.get_logger()
T = TypeVar("T")

_TOO_LONG = Refusal("102")  # a text in the place of a number
_FAULTS = {  # why a message is parked, in table 0357
    "no_patient": Refusal("101", "PID^1^3"),
    "long_patient_number": _TOO_LONG,
    "long_order_number": _TOO_LONG,
    "long_entry_number": _TOO_LONG,
}
_OTHER_FAULT = Refusal("207")
_CODES = ("AA", "AE", "AR", "CA", "CE", "CR")
_AT_ONCE = 100  # read from the database
_START_AGAIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Route:
    """The address to which one sender, or several, want acknowledgements sent."""

    host: str
    port: int
    tls: ssl.SSLContext | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The route as written in the site file and in the database."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Pace:
    """The timeouts of sending."""

    look_every_s: float = 0.5
    answer_within_s: float = 10.0
    lease: timedelta = timedelta(
        seconds=25
    )  # longer than one message takes; a process that dies keeps the route for this long


class ApplicationAcks:
    """Sends waiting acknowledgements on some routes until stopped."""

    def __init__(
        self,
        engine: sa.Engine,
        routes: Sequence[Route],
        clock: Callable[[], datetime],
        metrics: Metrics,
        pace: Pace | None = None,
    ) -> None:
        self._engine = engine
        self._routes = routes
        self._clock = clock
        self._metrics = metrics
        self._pace = pace or Pace()
        self._who = secrets.token_hex(8)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    def start(self) -> None:
        """Start a task for every route."""
        for route in self._routes:
            self._begin(route)

    async def stop(self) -> None:
        """Stop, leaving messages in transit to the next attempt and the routes to others."""
        self._stopping = True
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for name in self._tasks:
            with contextlib.suppress(sa.exc.SQLAlchemyError):  # then the claim expires by itself
                await self._ask(partial(application_acks.release, route=name, who=self._who))

    def _begin(self, route: Route) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            """Contain an internal error, which stops one route for a moment and nothing else."""
            if not self._stopping and not task.cancelled():
                log.error("application_acks.failed", route=route.name, error=type(task.exception()).__name__)
                asyncio.get_running_loop().call_later(_START_AGAIN_S, self._begin, route)

        self._tasks[route.name] = asyncio.get_running_loop().create_task(self._serve(route))
        self._tasks[route.name].add_done_callback(ended)

    async def _serve(self, route: Route) -> None:
        while True:
            try:
                if await asyncio.to_thread(self._has_due, route):
                    await self._round(route)
            except sa.exc.SQLAlchemyError as error:
                log.warning("application_acks.database_unreachable", error=type(error).__name__)
            await asyncio.sleep(self._pace.look_every_s)

    def _has_due(self, route: Route) -> bool:
        with reading(self._engine) as connection:
            return application_acks.has_due(connection, route.name, self._clock())

    async def _round(self, route: Route) -> None:
        """Send what is due over one link, unless another process does."""
        name, who, lease = route.name, self._who, self._pace.lease
        if not await self._ask(lambda c: application_acks.claim(c, name, who, self._clock(), lease)):
            return
        try:
            async with Sender(
                Target(route.host, route.port, route.tls, timeout_s=self._pace.answer_within_s)
            ) as sender:
                while acks := await self._ask(lambda c: application_acks.due(c, name, self._clock(), _AT_ONCE)):
                    for ack in acks:
                        if not await self._sent(route, ack, await self._exchange(sender, ack)):
                            return
        except OSError as error:
            wait = await self._ask(lambda c: application_acks.rest(c, name, who, self._clock()))
            self._metrics.application_acks.labels("unanswered").inc()
            log.warning(
                "application_ack.unanswered", route=name, error=type(error).__name__, again_in_s=wait.total_seconds()
            )
        else:
            await self._ask(lambda c: application_acks.release(c, name, who))

    async def _exchange(self, sender: Sender, ack: Ack) -> str:
        """Send it and return MSA-1 of its own answer; raise OSError if none comes in time."""
        async with asyncio.timeout(self._pace.answer_within_s):
            await sender.send(written(ack))
            while True:
                code, answered = read_answer(await sender.answer())
                if answered == ack.control_id and code in _CODES:
                    return code

    async def _sent(self, route: Route, ack: Ack, code: str) -> bool:
        """Record the answer; return False when the route is no longer ours."""
        now, name = self._clock(), route.name

        def note(connection: sa.Connection) -> tuple[str | None, bool]:
            state = application_acks.answered(connection, ack.id, code, now)
            return state, application_acks.renew(connection, name, self._who, now, self._pace.lease)

        state, ours = await self._ask(note)
        self._metrics.application_acks.labels(code).inc()
        if state == "refused":
            log.error("application_ack.refused", route=name, ack=ack.id, code=code)
        return ours

    async def _ask(self, question: Callable[[sa.Connection], T]) -> T:
        return await asyncio.to_thread(self._in_transaction, question)

    def _in_transaction(self, question: Callable[[sa.Connection], T]) -> T:
        with self._engine.begin() as connection:
            return question(connection)


def written(ack: Ack) -> bytes:
    """Return the message, the same bytes at every attempt; it asks for an answer itself."""
    line = read_header_line(ack.request)
    return acknowledge(
        line,
        header_of(line, ack.request, Defaults()),
        ack.code,
        control_id=ack.control_id,
        now=ack.created_at,
        fault=_FAULTS.get(ack.reason or "", _OTHER_FAULT) if ack.code == "AE" else None,
        conditions=(b"AL", b"NE"),
    )
