"""An alert that is acted on, as another system reads it by FHIR."""

from typing import Any

import pytest
import sqlalchemy as sa

from rules.knowledge import Knowledge
from tests.forwarding.fhir_server import faults_of
from tests.journeys.hospital import Hospital
from tests.journeys.pharmacist import Pharmacist, pharmacist_of
from tests.journeys.stories import Ordered, Problem, messages

Json = dict[str, Any]


@pytest.fixture
def one_hospital(sqlite_engine: sa.Engine, knowledge: Knowledge) -> Hospital:
    """A hospital on SQLite."""
    return Hospital(sqlite_engine, knowledge)


def read(pharmacist: Pharmacist, path: str, **headers: str) -> Any:
    return pharmacist.client.get(f"/fhir/{path}", headers=pharmacist.headers | headers)


def every(pharmacist: Pharmacist, path: str) -> list[Json]:
    """Every resource of a search, page by page, each judged as R4."""
    found: list[Json] = []
    while path:
        page = read(pharmacist, path).json()
        found += [each["resource"] for each in page.get("entry", ())]
        following = [each["url"] for each in page["link"] if each["relation"] == "next"]
        path = following[0].rpartition("/fhir/")[2] if following else ""
    assert [fault for each in found for fault in faults_of(each)] == []
    return found


def test_an_alert_that_is_acted_on_is_another_version_each_time(one_hospital: Hospital) -> None:
    one_hospital.sends_one_by_one(messages([Problem(), Ordered(at=1)]))
    seen: list[tuple[str, list[str], str]] = []

    with pharmacist_of(one_hospital, "els") as pharmacist:
        (alert,) = pharmacist.alerts("100")
        for act, filled in (
            ("", {}),
            ("take_on", {}),
            ("undo", {}),
            ("override", {"reason": "will_monitor", "note": "x"}),
        ):
            if act:
                path = f"/api/v1/alerts/{alert['id']}/{act}"
                assert pharmacist.client.post(path, json=filled or None, headers=pharmacist.headers).is_success
            answer = read(pharmacist, f"DetectedIssue/{alert['id']}")
            done = [each["action"]["coding"][-1]["code"] for each in answer.json().get("mitigation", ())]
            seen.append((answer.json()["status"], done, answer.headers["etag"]))
        origins = every(pharmacist, f"Provenance?target=DetectedIssue/{alert['id']}&_sort=_id")

    assert [(status, done) for status, done, _ in seen] == [
        ("preliminary", []),
        ("preliminary", ["taken_on"]),
        ("preliminary", []),
        ("final", ["will_monitor"]),
    ]
    assert len({tag for _, _, tag in seen}) == 4
    acts = [each["activity"]["coding"][1]["code"] for each in origins]
    assert [act for act in acts if act not in ("notified", "escalated")] == [
        "raised",
        "taken_on",
        "undone",
        "overridden",
    ]
    assert origins[0]["agent"][0]["who"]["reference"] == "#rules"
