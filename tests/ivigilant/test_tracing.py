"""One order is one trace, from its frame to its notice, and nothing of the patient stands in it."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from forwarding.errors import Unreachable
from history.choices import NoticeRoute, Site
from ivigilant.errors import UnusableSettings
from ivigilant.settings import Settings
from ivigilant.tracing import Tracing
from ivigilant.wiring import make_tracing
from listener.batching import Saving
from rules.knowledge import Knowledge
from store import feeds
from tests.fakes import RememberingDestination
from tests.journeys.canary import GOOD, ODD, traces
from tests.listener.builders import a_hospital, framed, run
from worker.deliver import deliver
from worker.tasks import process_messages
from worker.worker import Worker

ORDER = GOOD[3]
THROMBOSIS = GOOD[0]


class TickingClock:
    """Moves on whenever it is read, so that every span has its place."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


class TracedHospital:
    """A listener, a worker and a pager whose spans are kept; each of the three stands for a process of its own."""

    def __init__(self, engine: sa.Engine, knowledge: Knowledge) -> None:
        self.engine, self.clock, self.pager = engine, TickingClock(), RememberingDestination()
        self.exporter = InMemorySpanExporter()
        site = Site(destinations=(NoticeRoute("pager", "contraindication"),))
        self._worker = Worker(
            engine, knowledge, site, self.clock, link_of=lambda alert: f"https://inbox.example/alerts/{alert}"
        )

    def traces(self) -> Tracing:
        """Return what one process traces with."""
        return Tracing(self.engine, self.clock, lambda: SimpleSpanProcessor(self.exporter))

    def receives(self, *messages: str) -> list[int]:
        """Send them over a socket, and return the rows that were published."""
        published: list[int] = []

        async def main() -> None:
            save = self.traces().saving(Saving(self.engine))
            async with a_hospital(self.engine, save=save) as hospital, hospital.link() as link:
                for message in messages:
                    await link.send(framed(message.encode()))
                    await link.answer()
            published.extend(id_ for _, ids in hospital.published for id_ in ids)

        run(main())
        self.clock.now = datetime.now(UTC)
        return published

    def processes(self, ids: Sequence[int]) -> None:
        """Do the work of one task."""
        self.traces().processing(process_messages)(self._worker, ids)

    def notifies(self) -> None:
        """Send what is due."""
        tracing = self.traces()
        deliver(replace(self._worker, destinations=tracing.sending({"pager": self.pager}, {"pager": "webhook"})))

    def spans(self) -> list[ReadableSpan]:
        """Return the spans, in the order in which they began."""
        return sorted(self.exporter.get_finished_spans(), key=lambda span: span.start_time or 0)


@pytest.fixture
def hospital(sqlite_engine: sa.Engine, knowledge: Knowledge) -> TracedHospital:
    return TracedHospital(sqlite_engine, knowledge)


def test_an_order_is_one_trace_from_its_frame_to_its_notice(engine: sa.Engine, knowledge: Knowledge) -> None:
    hospital = TracedHospital(engine, knowledge)
    hospital.processes(hospital.receives(THROMBOSIS))
    before = {span.context.trace_id for span in hospital.spans() if span.context}

    hospital.processes(hospital.receives(ORDER))
    hospital.notifies()

    spans = [span for span in hospital.spans() if span.context and span.context.trace_id not in before]
    assert len({span.context.trace_id for span in spans if span.context}) == 1
    assert [span.name for span in spans] == ["message.receive", "message.judge", "alert.raised", "notice.send"]
    parents = [span.parent.span_id if span.parent else None for span in spans]
    assert parents == [None, *(span.context.span_id for span in spans[:3] if span.context)]
    assert [span.attributes["ivigilant.state"] for span in spans[:2] if span.attributes] == ["received", "processed"]
    assert spans[2].attributes is not None
    assert spans[2].attributes["ivigilant.tier"] == "contraindication"
    assert spans[2].attributes["ivigilant.rules"]
    assert spans[3].attributes is not None
    assert spans[3].attributes["ivigilant.destination"] == "webhook"


def test_a_notice_that_fails_is_a_span_that_says_so_without_the_text_of_the_error(hospital: TracedHospital) -> None:
    hospital.pager.fails = Unreachable("Zwaluwstaartje")
    hospital.processes(hospital.receives(THROMBOSIS, ORDER))

    hospital.notifies()

    sent = hospital.spans()[-1]
    assert (sent.name, sent.status.is_ok) == ("notice.send", False)
    assert sent.attributes is not None
    assert sent.attributes["error.type"] == "Unreachable"
    assert "Zwaluwstaartje" not in sent.to_json()


@pytest.mark.parametrize(("is_named", "shown"), [(True, "default"), (False, "1")])
def test_a_feed_that_the_site_file_does_not_name_is_a_number(
    hospital: TracedHospital, is_named: bool, shown: str
) -> None:
    if is_named:
        with hospital.engine.begin() as connection:
            feeds.declare(connection, {"default": None}, datetime.now(UTC))

    hospital.processes(hospital.receives(ORDER))

    (judged,) = [span for span in hospital.spans() if span.name == "message.judge"]
    assert judged.attributes is not None
    assert judged.attributes["ivigilant.feed"] == shown


def test_a_message_sent_again_adds_nothing_to_its_trace(hospital: TracedHospital) -> None:
    hospital.receives(ORDER, ORDER)

    assert [span.name for span in hospital.spans()] == ["message.receive"]


def test_a_message_is_judged_once_also_by_a_task_that_comes_twice_or_takes_it_along(hospital: TracedHospital) -> None:
    ids = hospital.receives(THROMBOSIS, ORDER)

    for _ in range(2):
        hospital.processes(ids[1:])
        hospital.processes(ids)

    judged = [span.context.trace_id for span in hospital.spans() if span.name == "message.judge" and span.context]
    assert len(judged) == len(set(judged)) == 2


def test_a_patient_leaves_no_trace_in_spans(hospital: TracedHospital) -> None:
    hospital.processes(hospital.receives(*GOOD, *ODD))
    hospital.notifies()

    names = {span.name for span in hospital.spans()}
    assert {"message.receive", "message.judge", "alert.raised", "notice.send"} <= names
    assert traces(span.to_json().encode() for span in hospital.spans()) == []


def test_all_spans_of_a_trace_are_sampled_or_none(hospital: TracedHospital, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")

    hospital.processes(hospital.receives(*(ORDER.replace("CANARY4", f"M{number}") for number in range(40))))

    by_name = {
        name: {span.context.trace_id for span in hospital.spans() if span.context and span.name == name}
        for name in ("message.receive", "message.judge")
    }
    assert by_name["message.receive"] == by_name["message.judge"]
    assert 0 < len(by_name["message.receive"]) < 40


def test_a_fault_of_the_traces_costs_no_message(
    hospital: TracedHospital, monkeypatch: pytest.MonkeyPatch, sqlite_engine: sa.Engine
) -> None:
    def breaks() -> SimpleSpanProcessor:
        raise OSError("no such collector")

    monkeypatch.setattr(hospital, "traces", lambda: Tracing(sqlite_engine, hospital.clock, breaks))

    hospital.processes(hospital.receives(THROMBOSIS, ORDER))
    hospital.notifies()

    assert [notice.kind for notice in hospital.pager.asked] == ["raised"]
    assert hospital.spans() == []


def test_without_the_setting_there_is_nothing_to_load(sqlite_engine: sa.Engine) -> None:
    assert make_tracing(Settings(), sqlite_engine) is None
    # Not whether OpenTelemetry is loaded: redis does that itself wherever it is installed.
    loading = "import sys, ivigilant.wiring; print('ivigilant.tracing' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", loading], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"


def test_a_missing_library_stops_the_start_and_is_named(
    sqlite_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "ivigilant.tracing")
    monkeypatch.setitem(sys.modules, "opentelemetry.context", None)

    with pytest.raises(UnusableSettings, match=r"requirements-otel\.txt"):
        make_tracing(Settings(tracing=True), sqlite_engine)
