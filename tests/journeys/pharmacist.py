"""A pharmacist in a test: reads answers and settles alerts through the JSON API."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from litestar import Litestar
from litestar.testing import TestClient

from inbox.app import make_parts
from inbox.http.settings import InboxSettings
from inbox.live.events import LiveEvents
from inbox.people.credentials import create_token
from tests.inbox.sites import an_app
from tests.journeys.hospital import Hospital

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pharmacist:
    """Somebody with a token of the inbox."""

    client: TestClient[Litestar]
    headers: dict[str, str]

    def answers(self, order: str) -> list[Json]:
        """Every answer for an order, the latest first."""
        return self._items(f"/api/v1/assessments?order={order}")

    def alerts(self, order: str) -> list[Json]:
        """The alerts of an order, by stream."""
        return sorted(self._items(f"/api/v1/alerts?order={order}"), key=lambda alert: str(alert["stream"]))

    def acknowledges(self, order: str) -> None:
        """Settle every alert of an order that is open."""
        for alert in self.alerts(order):
            if alert["status"] == "open":
                told = {"note": "discussed", "assessment": alert["assessment"]}
                response = self.client.post(
                    f"/api/v1/alerts/{alert['id']}/acknowledge", json=told, headers=self.headers
                )
                assert response.status_code == 200, response.text

    def overrides(self, order: str, reason: str) -> None:
        """Let the order pass for a reason."""
        for alert in self.alerts(order):
            if alert["status"] == "open":
                told = {"reason": reason, "note": "discussed", "assessment": alert["assessment"]}
                response = self.client.post(f"/api/v1/alerts/{alert['id']}/override", json=told, headers=self.headers)
                assert response.status_code == 200, response.text

    def report(self, alert: str) -> Json:
        """The report of a case, with the ten questions as they stand."""
        response = self.client.get(f"/api/v1/alerts/{alert}/report", headers=self.headers)
        assert response.status_code == 200, response.text
        found: Json = response.json()
        return found

    def _items(self, path: str) -> list[Json]:
        response = self.client.get(path, headers=self.headers)
        assert response.status_code == 200, response.text
        items: list[Json] = response.json()["items"]
        return items


@contextmanager
def pharmacist_of(hospital: Hospital, name: str = "a pharmacist") -> Iterator[Pharmacist]:
    """Return somebody who looks at this hospital's inbox."""
    settings = InboxSettings(secret="s" * 32, zone=hospital.site.zone, secure_cookies=False)
    parts = make_parts(
        engine=hospital.engine,
        knowledge=hospital.knowledge,
        settings=settings,
        clock=hospital.clock,
        events=LiveEvents(hospital.engine, None),
    )
    with hospital.engine.begin() as connection:
        token = create_token(connection, name, "pharmacist", hospital.clock())
    with an_app(parts) as app, TestClient(app=app) as client:
        yield Pharmacist(client, {"Authorization": f"Bearer {token}"})
