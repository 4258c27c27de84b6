"""`/metrics`: counts and ages for Prometheus. Nothing in it is about a patient."""

from collections import Counter
from collections.abc import Iterator
from itertools import product
from threading import Lock

import sqlalchemy as sa
from litestar import Response, get
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from clinical.words import FAULT_KINDS, FOUND_TIERS, STREAMS
from inbox.http.parts import AnyRequest, Parts
from inbox.people.authentication import AnyAuthentication
from inbox.people.permissions import Permission, needs
from store import alerts, application_acks, deliveries, incidents, message_queries
from store.engine import reading


class SettledMessages:
    """Counts messages that are done with. Those counted once are not counted again: there are millions."""

    def __init__(self) -> None:
        self._until = 0
        self._counts = {"processed": 0, "ignored": 0}
        self._lock = Lock()

    def count(self, connection: sa.Connection) -> dict[str, int]:
        """Return how many were processed and how many ignored, since the oldest message that is kept."""
        with self._lock:
            until = message_queries.settled_until(connection)
            for state in self._counts:
                self._counts[state] += message_queries.count_messages(connection, state, self._until, until)
            self._until = max(until, self._until)
            counted = dict(self._counts)
        for state in counted:
            counted[state] += message_queries.count_messages(connection, state, until)
        return counted


class StoreCollector(Collector):
    """Reads the figures from the database whenever they are asked for."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._settled = SettledMessages()

    def describe(self) -> list[Metric]:
        """Promise nothing beforehand, so that registering asks the database nothing."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield alerts by tier, messages and deliveries by state, and how long the oldest message waits."""
        with reading(self._parts.engine) as connection:
            opened_now = alerts.count_open(connection)
            messages = self._settled.count(connection) | message_queries.counts(connection)
            unsent = deliveries.counts(connection)
            acks = application_acks.counts(connection)
            ongoing = incidents.standing(connection)
            oldest = message_queries.oldest_received_age(connection, self._parts.clock())
        named = {place.name for place in self._parts.settings.destinations}
        waiting = {key: count for key, count in unsent.items() if key[1] == "pending" or key[0] in named}
        opened = GaugeMetricFamily("ivigilant_alerts_open", "Open alerts", labels=["stream", "tier"])
        for labels, count in sorted((dict.fromkeys(product(STREAMS, FOUND_TIERS), 0) | opened_now).items()):
            opened.add_metric(labels, count)
        yield opened
        yield _family("ivigilant_messages", "Messages in the store", "state", messages)
        yield _unsent("ivigilant_deliveries", "Deliveries not sent", "destination", waiting)
        yield _unsent("ivigilant_application_acks", "Application acknowledgements not sent", "route", acks)
        kinds = Counter(each.kind for each in ongoing)
        yield _family("ivigilant_incidents", "Faults of the telling", "kind", {k: kinds[k] for k in FAULT_KINDS})
        waited = oldest.total_seconds() if oldest else 0.0
        yield GaugeMetricFamily("ivigilant_oldest_received_age_seconds", "How long the oldest message waits", waited)


def _unsent(name: str, text: str, place: str, counts: dict[tuple[str, str], int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[place, "state"])
    for labels, count in sorted(counts.items()):
        family.add_metric(labels, count)
    return family


def _family(name: str, text: str, label: str, counts: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family


def registry_of(parts: Parts) -> CollectorRegistry:
    """Return the registry of one inbox."""
    registry = CollectorRegistry()
    registry.register(StoreCollector(parts))
    return registry


@get(
    "/metrics",
    opt=needs(Permission.METRICS_READ),
    middleware=[AnyAuthentication],
    sync_to_thread=True,
    include_in_schema=False,
)
def metrics(request: AnyRequest) -> Response[bytes]:
    """Return the figures of the store and of this process."""
    registry: CollectorRegistry = request.app.state.registry
    return Response(generate_latest(registry) + generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)
