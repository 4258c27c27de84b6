"""FHIR R4, to a real server that judges what it gets."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest

from clinical.words import TierWord
from forwarding.errors import OddDestination, Refused, Unreachable
from forwarding.fhir import FhirForm, FhirServer
from forwarding.notice import GatheredAlert, Kind
from ivigilant.settings import Settings
from tests.forwarding.builders import ORDINARY, a_fault, a_notice
from tests.forwarding.contract import SECRET, ForwarderContract
from tests.forwarding.fhir_server import FhirStore, faults_of
from tests.forwarding.receivers import open_receiver

LINK = "https://ivigilant.example/alerts/"
LATER = ORDINARY.occurred_at + timedelta(minutes=5)


@pytest.fixture
def receiver() -> Iterator[FhirStore]:
    with open_receiver(FhirStore()) as receiver:
        yield receiver
        assert receiver.faults() == []  # every resource was R4


class TestFhir(ForwarderContract):
    pass


def test_an_alert_is_an_issue_and_a_communication_about_it(receiver: FhirStore) -> None:
    receiver.destination().forward(a_notice())

    (issue,), (said,) = receiver.of("DetectedIssue"), receiver.of("Communication")
    assert (issue["status"], issue["severity"], issue["reference"]) == ("preliminary", "high", f"{LINK}AL41")
    assert issue["identifier"] == [{"system": LINK.rstrip("/"), "value": "AL41"}]
    assert said["payload"][0]["contentString"] == "[IVIg] Contra-indicatie, spoed, C4NEU (nieuw)"
    assert said["priority"] == "stat"


def test_neither_names_a_patient(receiver: FhirStore) -> None:
    receiver.destination().forward(a_notice())

    assert not any({"patient", "subject", "encounter"} & set(each) for each in receiver.resources.values())


def test_a_notice_that_is_sent_again_makes_no_double(receiver: FhirStore) -> None:
    receiver.destination().forward(a_notice())
    before = dict(receiver.resources)

    receiver.destination().forward(a_notice())

    assert receiver.resources == before


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize("tier", get_args(TierWord))
def test_every_kind_and_tier_is_r4(receiver: FhirStore, kind: Kind, tier: TierWord) -> None:
    receiver.destination().forward(a_notice(kind=kind, tier=tier))

    assert len(receiver.of("DetectedIssue")) == 1


def test_the_issue_follows_its_alert_and_what_others_added_to_it_stays(receiver: FhirStore) -> None:
    receiver.destination().forward(a_notice())
    place = next(place for place in receiver.resources if place.startswith("DetectedIssue"))
    receiver.resources[place]["patient"] = {"reference": "Patient/1"}

    receiver.destination().forward(
        a_notice(kind="acknowledged", sequence=8, idempotency_key="alert-41:8:ehr", occurred_at=LATER)
    )

    issue = receiver.resources[place]
    assert issue["status"] == "final"
    assert issue["mitigation"][0]["action"]["coding"][0]["code"] == "acknowledged"
    assert issue["identifiedDateTime"] == ORDINARY.occurred_at.isoformat()
    assert issue["patient"] == {"reference": "Patient/1"}
    assert len(receiver.of("Communication")) == 2


def test_an_issue_that_is_opened_again_is_not_final_any_more(receiver: FhirStore) -> None:
    receiver.destination().forward(a_notice(kind="acknowledged"))

    receiver.destination().forward(a_notice(kind="reopened", sequence=8, idempotency_key="alert-41:8:ehr"))

    (issue,) = receiver.of("DetectedIssue")
    assert issue["status"] == "preliminary"
    assert "mitigation" not in issue


def test_a_notice_that_arrives_late_changes_nothing_that_is_newer(receiver: FhirStore) -> None:
    receiver.destination().forward(a_notice(kind="reopened", sequence=9, idempotency_key="alert-41:9:ehr"))

    receiver.destination().forward(a_notice(kind="acknowledged", sequence=8, idempotency_key="alert-41:8:ehr"))

    assert [issue["status"] for issue in receiver.of("DetectedIssue")] == ["preliminary"]
    assert len(receiver.of("Communication")) == 2


def test_several_alerts_are_an_issue_each_and_one_communication(receiver: FhirStore) -> None:
    receiver.destination().forward(a_notice(alert="AL42", link=f"{LINK}AL42"))
    both = (
        GatheredAlert("AL41", "raised", "contraindication", f"{LINK}AL41", 9),
        GatheredAlert("AL42", "resolved", "high", f"{LINK}AL42", 8),
    )

    receiver.destination().forward(a_notice(gathered=both, sequence=9, idempotency_key="alert-41:9:ehr"))

    assert sorted(issue["status"] for issue in receiver.of("DetectedIssue")) == ["final", "preliminary"]
    assert [len(said["about"]) for said in receiver.of("Communication")] == [1, 2]


def test_a_fault_of_the_telling_is_a_communication_alone(receiver: FhirStore) -> None:
    receiver.destination().forward(a_fault())

    assert receiver.of("DetectedIssue") == []
    assert "pager" in receiver.of("Communication")[0]["payload"][0]["contentString"]


def test_an_issue_that_another_notice_makes_meanwhile_is_looked_up_again(receiver: FhirStore) -> None:
    receiver.destination().forward(a_notice())
    receiver.hidden = True

    with pytest.raises(Unreachable, match="meanwhile"):
        receiver.destination().forward(a_notice(kind="resolved", sequence=8, idempotency_key="alert-41:8:ehr"))

    receiver.hidden = False
    receiver.destination().forward(a_notice(kind="resolved", sequence=8, idempotency_key="alert-41:8:ehr"))
    assert [issue["status"] for issue in receiver.of("DetectedIssue")] == ["final"]
    assert len(receiver.of("Communication")) == 2


@pytest.mark.parametrize("status", [408, 409, 412, 425, 429, 500, 502, 503, 504])
def test_a_temporary_answer_means_try_again(receiver: FhirStore, status: int) -> None:
    receiver.status = status

    with pytest.raises(Unreachable, match=str(status)):
        receiver.destination().forward(a_notice())


@pytest.mark.parametrize("status", [307, 400, 401, 403, 404, 410, 422])
def test_a_lasting_answer_means_never(receiver: FhirStore, status: int) -> None:
    receiver.status = status

    with pytest.raises(Refused, match=str(status)):
        receiver.destination().forward(a_notice())


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"resourceType": "OperationOutcome"}', b" " * (2**20 + 1)])
def test_what_is_no_answer_of_such_a_server_means_try_again(receiver: FhirStore, body: bytes) -> None:
    receiver.body = body

    with pytest.raises(Unreachable):
        receiver.destination().forward(a_notice())

    assert receiver.resources == {}


def a_transaction_that_ended(*statuses: str, kind: str = "transaction-response") -> bytes:
    """The answer of a server, with how each entry ended."""
    entries = [{"response": {"status": status}} for status in statuses]
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>sign in</html>",
        b'{"resourceType": "OperationOutcome"}',
        a_transaction_that_ended(),
        a_transaction_that_ended("202 Accepted"),
        a_transaction_that_ended("201 Created", "201 Created"),
        a_transaction_that_ended("201 Created", kind="batch-response"),
    ],
)
def test_a_fault_is_told_when_its_communication_was_made_and_not_before(receiver: FhirStore, body: bytes) -> None:
    receiver.body_of_transactions = body
    with pytest.raises(Unreachable, match="transaction"):
        receiver.destination().forward(a_fault())

    receiver.body_of_transactions = None
    receiver.destination().forward(a_fault())

    assert len(receiver.of("Communication")) == 1


@pytest.mark.parametrize("statuses", [("201 Created",), ("201 Created", "422 Unprocessable")])
def test_an_alert_is_told_when_both_its_issue_and_its_communication_were_made(
    receiver: FhirStore, statuses: tuple[str, ...]
) -> None:
    receiver.body_of_transactions = a_transaction_that_ended(*statuses)

    with pytest.raises(Unreachable, match="transaction"):
        receiver.destination().forward(a_notice())


def test_one_deadline_holds_for_both_requests_together(receiver: FhirStore) -> None:
    receiver.waits_s = 0.3

    with pytest.raises(Unreachable, match="TimeoutError"):
        replace(receiver.destination(), timeout_s=0.5).forward(a_notice())


def test_an_answer_that_comes_in_drips_keeps_nobody_waiting(receiver: FhirStore) -> None:
    receiver.drips = True

    with pytest.raises(Unreachable, match="TimeoutError"):
        replace(receiver.destination(), timeout_s=0.3).forward(a_fault())


def test_the_token_goes_along(receiver: FhirStore, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{SECRET}\n")
    form = FhirForm(kind="fhir", name="ehr", url=f"{receiver.url}/", token_file=tmp_path / "token")

    form.open(Settings()).forward(a_notice())

    assert receiver.tokens == [f"Bearer {SECRET}"]


def test_a_setting_that_cannot_work_is_named_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("two words")

    with pytest.raises(OddDestination, match="https://"):
        FhirServer("ehr", "http://ehr.example/fhir")
    with pytest.raises(OddDestination, match=r"ehr.*token_file"):
        FhirForm(kind="fhir", name="ehr", url="https://ehr.example", token_file=tmp_path / "token").open(Settings())
    with pytest.raises(OddDestination, match=r"ehr.*gone"):
        FhirForm(kind="fhir", name="ehr", url="https://ehr.example", token_file=tmp_path / "gone").open(Settings())


@pytest.mark.parametrize(
    "change", [{"status": None}, {"status": "open"}, {"severity": "grave"}, {"alert": "AL41"}, {"detail": 1}]
)
def test_the_judge_of_resources_finds_what_is_wrong(change: dict[str, object]) -> None:
    right = {"resourceType": "DetectedIssue", "status": "final", "severity": "high", "detail": "x"}
    changed = {name: value for name, value in (right | change).items() if value is not None}

    assert list(faults_of(right)) == []
    assert list(faults_of(changed))
