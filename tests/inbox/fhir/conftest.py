"""A hospital whose alerts are read by FHIR clients, each with a token of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from tests.forwarding.fhir_server import faults_of
from tests.inbox.builders import NOW, a_case, a_person
from tests.inbox.sites import Client, Site

Json = dict[str, Any]


@dataclass
class Reader:
    """A program that reads FHIR, and judges everything that it gets as R4."""

    client: Client
    token: dict[str, str]

    def asks(self, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        """Ask, and return the answer, which is R4 if it says anything."""
        headers = self.token | options.pop("headers", {})
        answer = self.client.request(method, f"/fhir/{path}", headers=headers, **options)
        if answer.content:
            content = answer.json()
            inner = [each["resource"] for each in content.get("entry", ())]
            assert [fault for each in (content, *inner) for fault in faults_of(each)] == []
        return answer

    def finds(self, path: str) -> list[str]:
        """Search, and return the ids that match."""
        answer = self.asks(path)
        assert answer.status_code == 200, answer.text
        return ids_in(answer.json())


def ids_in(bundle: Json, mode: str = "match") -> list[str]:
    """Return the ids of the entries of a bundle."""
    return [each["resource"]["id"] for each in bundle.get("entry", ()) if each["search"]["mode"] == mode]


def with_three(site: Site) -> list[int]:
    """Three alerts: of two patients, of three tiers, raised an hour apart, the last of them settled."""
    rows = (("contraindication", "open", 1), ("high", "taken_on", 1), ("moderate", "acknowledged", 2))
    with site.engine.begin() as connection:
        people = {1: a_person(connection), 2: a_person(connection, "1000002", "999900029")}
        return [
            a_case(
                connection,
                patient=people[patient],
                number=f"90000{place}",
                tier=tier,
                status=status,
                opened_at=NOW - timedelta(hours=3 - place),
                changed_at=NOW - timedelta(hours=3 - place),
            )
            for place, (tier, status, patient) in enumerate(rows)
        ]


@pytest.fixture
def reader(client: Client, site: Site) -> Reader:
    """A program of the electronic record, on each kind of database."""
    return Reader(client, site.token("viewer"))


@pytest.fixture
def one_reader(one_client: Client, one_site: Site) -> Reader:
    """The same, on SQLite."""
    return Reader(one_client, one_site.token("viewer"))


@pytest.fixture
def auditor(client: Client, site: Site) -> Reader:
    """A program of the auditor."""
    return Reader(client, site.token("auditor"))


@pytest.fixture
def one_auditor(one_client: Client, one_site: Site) -> Reader:
    """The same, on SQLite."""
    return Reader(one_client, one_site.token("auditor"))


@pytest.fixture
def statements(engine: sa.Engine) -> Iterator[list[str]]:
    """Every statement that is spoken meanwhile."""
    said: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    yield said
    sa.event.remove(engine, "before_cursor_execute", note)
