"""What a listener counts. No label holds anything a sender wrote."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_COMMIT_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_ADDRESSES_NAMED = 200
_BATCH = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The counters of one process."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = CollectorRegistry() if registry is None else registry
        name = "ivigilant_listener_"
        self.registry = registry
        parts = Counter(f"{name}parts", "What was cut out of the stream", ["kind"], registry=registry)
        self.parts = {kind: parts.labels(kind) for kind in ("frame", "oversized", "truncated", "empty", "junk")}
        self.bytes = Counter(f"{name}received_bytes", "Bytes read from senders", registry=registry)
        answers = Counter(f"{name}answers", "Answers by code; none: none was wanted", ["code"], registry=registry)
        self.answers = {code: answers.labels(code or "none") for code in ("AA", "AE", "AR", "CA", "CE", "CR", "")}
        self.junk = Counter(f"{name}junk_bytes", "Bytes outside frames", registry=registry)
        self.duplicates = Counter(f"{name}duplicates", "Messages that were here before", registry=registry)
        self.refused_links = Counter(
            f"{name}refused_links", "Links from an address that may not connect", registry=registry
        )
        self.evicted_links = Counter(
            f"{name}evicted_links", "Links closed because there were too many", registry=registry
        )
        self._handshakes = Counter(
            f"{name}failed_handshakes",
            "TLS handshakes that failed; the first addresses by name, the rest as others",
            ["address", "reason"],
            registry=registry,
        )
        self._addresses: set[str] = set()
        self.unanswered = Counter(f"{name}unanswered", "Frames whose link was closed instead", registry=registry)
        self.unpublished = Counter(f"{name}unpublished", "Ids left to the sweep", registry=registry)
        self.acknowledgements = Counter(
            f"{name}acknowledgements", "Messages that only answered one of ours", registry=registry
        )
        self.application_acks = Counter(
            f"{name}application_acks",
            "What became of sending one, by the code it was answered with",
            ["answer"],
            registry=registry,
        )
        self.links = Gauge(f"{name}open_links", "Links that are open", registry=registry)
        self.commit = Histogram(
            f"{name}commit_seconds", "One commit, with what is saved in it", registry=registry, buckets=_COMMIT_S
        )
        self.batch = Histogram(f"{name}batch_frames", "Frames in one commit", registry=registry, buckets=_BATCH)
        self.certificate_expires = Gauge(
            f"{name}certificate_expires_seconds", "When the server certificate ends", ["port"], registry=registry
        )

    def handshake_failed(self, address: str, reason: str) -> None:
        """Count one; a label for each of endless addresses would fill memory."""
        if len(self._addresses) < _ADDRESSES_NAMED:
            self._addresses.add(address)
        self._handshakes.labels(address if address in self._addresses else "others", reason).inc()
