"""The metrics of a listener. No label holds anything a sender wrote."""

from collections.abc import Iterable, Iterator
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import CounterMetricFamily
from prometheus_client.registry import Collector

_COMMIT_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_ADDRESSES_NAMED = 200
_BATCH = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Count:
    """One counter. Only the event loop's thread increments it, so it needs no lock."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def inc(self, amount: int = 1) -> None:
        """Count so many."""
        self.value += amount


class _Counts(Collector):
    """The counters incremented for every frame: one of prometheus costs as much as reading the header."""

    def __init__(self) -> None:
        self._families: list[tuple[str, str, str, dict[str, Count]]] = []

    def one(self, name: str, documentation: str) -> Count:
        """Return a counter without a label."""
        return self.by(name, documentation, "", ("",))[""]

    def by(self, name: str, documentation: str, label: str, values: Iterable[str]) -> dict[str, Count]:
        """Return a counter for each of these values."""
        counts = {value: Count() for value in values}
        self._families.append((name, documentation, label, counts))
        return counts

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield the metrics to expose."""
        for name, documentation, label, counts in self._families:
            family = CounterMetricFamily(name, documentation, labels=[label] if label else None)
            for value, count in counts.items():
                family.add_metric([value or "none"] if label else [], count.value)
            yield family


class Metrics:
    """The counters of one process."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = CollectorRegistry() if registry is None else registry
        name = "ivigilant_listener_"
        self.registry = registry
        counts = _Counts()
        registry.register(counts)
        kinds = ("frame", "oversized", "truncated", "empty", "junk", "canary")
        self.parts = counts.by(f"{name}parts", "Parts of the stream by kind", "kind", kinds)
        self.bytes = counts.one(f"{name}received_bytes", "Bytes read from senders")
        codes = ("AA", "AE", "AR", "CA", "CE", "CR", "")
        self.answers = counts.by(f"{name}answers", "Answers by code; none: no answer was requested", "code", codes)
        self.junk = counts.one(f"{name}junk_bytes", "Bytes outside frames")
        self.duplicates = counts.one(f"{name}duplicates", "Messages that were received before")
        self.unanswered = counts.one(f"{name}unanswered", "Frames not saved, whose link was closed")
        self.acknowledgements = counts.one(f"{name}acknowledgements", "Messages that only acknowledge one of ours")
        counter = partial(Counter, registry=registry)
        self.refused_links = counter(f"{name}refused_links", "Links from an address that may not connect")
        self.evicted_links = counter(f"{name}evicted_links", "Links closed because there were too many")
        self._handshakes = counter(
            f"{name}failed_handshakes",
            "Failed TLS handshakes; the first addresses by name, the rest as others",
            ["address", "reason"],
        )
        self._addresses: set[str] = set()
        self.unpublished = counter(f"{name}unpublished", "Ids left to the sweep")
        self.application_acks = counter(
            f"{name}application_acks", "Application acknowledgements sent, by the code of the answer", ["answer"]
        )
        self.links = Gauge(f"{name}open_links", "Open links", registry=registry)
        self.commit = Histogram(f"{name}commit_seconds", "Duration of one commit", registry=registry, buckets=_COMMIT_S)
        self.batch = Histogram(f"{name}batch_frames", "Frames in one commit", registry=registry, buckets=_BATCH)
        self.certificate_expires = Gauge(
            f"{name}certificate_expires_seconds", "When the server certificate expires", ["port"], registry=registry
        )

    def handshake_failed(self, address: str, reason: str) -> None:
        """Count a failed handshake; a label for every address would fill memory."""
        if len(self._addresses) < _ADDRESSES_NAMED:
            self._addresses.add(address)
        self._handshakes.labels(address if address in self._addresses else "others", reason).inc()
