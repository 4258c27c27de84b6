"""Traces from frame to notice (OpenTelemetry): spans around the parts, of which the parts know nothing.

Where a span belongs follows from what is stored: the trace from the message, and an alert from the message that its
order was read from. So nothing travels with the messages. Imported only where `tracing` is set.
"""

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from importlib.metadata import version

import sqlalchemy as sa
import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)
from opentelemetry.util.types import AttributeValue

from forwarding.contract import Destination
from forwarding.notice import AnyNotice, Notice
from listener.batching import Save
from store import traces
from store.engine import reading
from store.messages import Arrival, Saved
from store.traces import AlertLine, MessageEnd, TraceRoot
from worker.raise_alerts import Effects
from worker.worker import Worker

log = structlog.get_logger()

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RECEIVE, JUDGE, SEND = "message.receive", "message.judge", "notice.send"  # between the last two: alert.raised, …

Process = Callable[[Worker, Sequence[int]], Effects]


def batched_export() -> SpanProcessor:
    """Return what sends spans from a thread of its own, as the OTEL_… variables say; it never holds anybody up."""
    return BatchSpanProcessor(OTLPSpanExporter())


class _StoredIds(RandomIdGenerator):
    """Ids of spans that follow from what is stored: the next span of a thread gets those that it expects."""

    def __init__(self) -> None:
        self._next = threading.local()

    def expect(self, trace_id: int, span_id: int | None) -> None:
        """Use these for the next span of this thread; without a span id a random one."""
        self._next.trace_id, self._next.span_id = trace_id, span_id

    def generate_trace_id(self) -> int:
        """Return the expected id."""
        return int(self._next.trace_id)

    def generate_span_id(self) -> int:
        """Return the expected id, or a random one."""
        return self._next.span_id or super().generate_span_id()


class Tracing:
    """The spans of one process, each made when what it is about has ended; a fault here is logged and harms nothing."""

    def __init__(
        self, engine: sa.Engine, clock: Callable[[], datetime], export: Callable[[], SpanProcessor] = batched_export
    ) -> None:
        self.clock = clock
        self._engine = engine
        self._export = export
        self._ids = _StoredIds()

    @cached_property
    def _provider(self) -> TracerProvider:
        """Made with the first span, and so after a fork."""
        ours = Resource({SERVICE_NAME: "ivigilant", SERVICE_VERSION: version("ivigilant")})
        provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()), id_generator=self._ids)
        provider.add_span_processor(self._export())
        return provider

    @cached_property
    def _tracer(self) -> Tracer:
        return self._provider.get_tracer("ivigilant")

    def close(self) -> None:
        """Send what was not sent yet, if anything was made."""
        if "_provider" in self.__dict__:
            self._provider.shutdown()

    def saving(self, save: Save) -> Save:
        """Return the same saving with a span per new message, from its last byte to the commit."""

        def traced(arrivals: Sequence[Arrival]) -> Sequence[Saved]:
            saved = save(arrivals)
            self._attempt(lambda: self._note_received(arrivals, saved))
            return saved

        return traced

    def processing(self, process: Process) -> Process:
        """Return the same processing with a span per message that ended and per alert that it wrote about."""

        def traced(worker: Worker, ids: Sequence[int]) -> Effects:
            started = self.clock()
            done = process(worker, ids)
            if done.ended:
                self._attempt(lambda: self._note_processed(started, done))
            return done

        return traced

    def sending(self, destinations: Mapping[str, Destination], kinds: Mapping[str, str]) -> dict[str, Destination]:
        """Return the same destinations with a span per alert and attempt; `kinds` are theirs in the site file."""
        return {name: TracedDestination(each, kinds.get(name, ""), self) for name, each in destinations.items()}

    def note_sent(self, notice: Notice, kind: str, started: datetime, fault: str) -> None:
        """Make the spans of one attempt to send a notice: one in the trace of each alert that it is about."""
        ended = self.clock()

        def note() -> None:
            with reading(self._engine) as connection:
                lines = traces.lines_of(connection, [each.sequence for each in notice.alerts])
            for line in lines:
                values: dict[str, AttributeValue] = {"alert": line.alert_id, "kind": notice.kind, "destination": kind}
                parent = _alert_span(line) if line.is_judged else _span_id(line.root, JUDGE)
                self._span(SEND, line.root, started, ended, values, parent=parent, fault=fault)

        self._attempt(note)

    def _note_received(self, arrivals: Sequence[Arrival], saved: Sequence[Saved]) -> None:
        ended = self.clock()
        for arrival, row in zip(arrivals, saved, strict=True):
            if not row.duplicate:
                root = TraceRoot(row.id, arrival.received_at)
                values: dict[str, AttributeValue] = {
                    "message": row.id,
                    "lane": arrival.lane,
                    "state": arrival.state,
                    "together": len(arrivals),
                }
                self._span(RECEIVE, root, arrival.received_at, ended, values, span_id=_span_id(root, RECEIVE))

    def _note_processed(self, started: datetime, done: Effects) -> None:
        ended = self.clock()
        with reading(self._engine) as connection:
            ends = traces.ends_of(connection, done.ended)
            lines = traces.last_lines(connection, done.alerts) if done.alerts else []
        for each in ends:
            self._note_end(each, started, ended, len(ends))
        for line in lines:
            values: dict[str, AttributeValue] = {"alert": line.alert_id, "tier": line.tier, "rules": line.rules}
            parent, own = _span_id(line.root, JUDGE), _alert_span(line)
            self._span(f"alert.{line.kind}", line.root, line.at, ended, values, parent=parent, span_id=own)

    def _note_end(self, each: MessageEnd, started: datetime, ended: datetime, together: int) -> None:
        values: dict[str, AttributeValue] = {
            "message": each.root.message_id,
            "feed": each.feed,
            "lane": each.lane,
            "state": each.state,
            "together": together,
        }
        parent, own = _span_id(each.root, RECEIVE), _span_id(each.root, JUDGE)
        self._span(JUDGE, each.root, started, ended, values, parent=parent, span_id=own)

    def _span(
        self,
        name: str,
        root: TraceRoot,
        started: datetime,
        ended: datetime,
        values: Mapping[str, AttributeValue],
        *,
        parent: int | None = None,
        span_id: int | None = None,
        fault: str = "",
    ) -> None:
        trace_id = _trace_id(root)
        self._ids.expect(trace_id, span_id)
        span = self._tracer.start_span(
            name,
            context=Context() if parent is None else self._below(trace_id, parent),
            attributes={f"ivigilant.{key}": value for key, value in values.items()},
            start_time=_nanoseconds(started),
        )
        if fault:
            span.set_attribute("error.type", fault)
            span.set_status(Status(StatusCode.ERROR))
        span.end(_nanoseconds(max(started, ended)))

    def _below(self, trace_id: int, parent: int) -> Context:
        """Return the context of a span that another process made, and sampled as this one would have."""
        decision = self._provider.sampler.should_sample(Context(), trace_id, RECEIVE).decision
        flags = TraceFlags(TraceFlags.SAMPLED if decision is Decision.RECORD_AND_SAMPLE else TraceFlags.DEFAULT)
        return set_span_in_context(NonRecordingSpan(SpanContext(trace_id, parent, True, flags)), Context())

    def _attempt(self, note: Callable[[], None]) -> None:
        """Make spans; what was traced is done already, and stands whatever happens here."""
        try:
            note()
        except Exception as error:  # noqa: BLE001  # no fault of a trace may cost an acknowledgement
            log.warning("trace.failed", error=type(error).__name__)


@dataclass(frozen=True, slots=True)
class TracedDestination:
    """A destination whose attempts are traced."""

    destination: Destination
    kind: str
    tracing: Tracing

    @property
    def name(self) -> str:
        """The name in the delivery rows."""
        return self.destination.name

    def forward(self, notice: AnyNotice) -> None:
        """Send the notice; of what went wrong the trace holds the class alone."""
        started, fault = self.tracing.clock(), "interrupted"
        try:
            self.destination.forward(notice)
            fault = ""
        except Exception as error:
            fault = type(error).__name__
            raise
        finally:
            if isinstance(notice, Notice):
                self.tracing.note_sent(notice, self.kind, started, fault)


def _trace_id(root: TraceRoot) -> int:
    """Return the trace of a message: evenly spread, so that a share of the traces can be sampled by it."""
    return _hashed(f"{root.message_id} {root.received_at.astimezone(UTC).isoformat()}", 16)


def _span_id(root: TraceRoot, name: str) -> int:
    return _hashed(f"{_trace_id(root)} {name}", 8)


def _alert_span(line: AlertLine) -> int:
    return _span_id(line.root, f"alert {line.alert_id} {line.id}")


def _hashed(text: str, size: int) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:size]) or 1  # 0 is not an id


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
