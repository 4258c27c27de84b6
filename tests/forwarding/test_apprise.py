"""Apprise, to a real web server by its kind json://."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forwarding.apprise import AppriseForm, AppriseService
from forwarding.errors import OddDestination, Refused, Unreachable
from forwarding.notice import GatheredAlert, Kind
from ivigilant.settings import Settings
from tests.forwarding.apprise_receiver import AppriseReceiver
from tests.forwarding.builders import a_fault, a_notice
from tests.forwarding.contract import ForwarderContract
from tests.forwarding.receivers import open_receiver

LINK = "https://ivigilant.example/alerts/"


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[AppriseReceiver]:
    with open_receiver(AppriseReceiver(tmp_path)) as receiver:
        yield receiver


class TestApprise(ForwarderContract):
    pass


def last(receiver: AppriseReceiver) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(receiver.bodies[-1])
    return content


def test_a_message_is_what_happened_the_link_and_the_key(receiver: AppriseReceiver) -> None:
    receiver.destination().forward(a_notice())

    assert last(receiver)["title"] == "[IVIg] Contra-indicatie, spoed, C4NEU (nieuw)"
    assert last(receiver)["message"] == f"{LINK}AL41\nalert-41:7:mail"


def test_whoever_can_reply_gets_the_link_to_reply_with(receiver: AppriseReceiver) -> None:
    receiver.destination().forward(a_notice(reply="https://ivigilant.example/reply/abc"))

    assert "Ik pak dit op" in last(receiver)["message"]
    assert "https://ivigilant.example/reply/abc" in last(receiver)["message"]


def test_of_several_alerts_each_has_its_link(receiver: AppriseReceiver) -> None:
    both = (
        GatheredAlert("AL41", "raised", "contraindication", f"{LINK}AL41", 9),
        GatheredAlert("AL42", "raised", "high", f"{LINK}AL42", 8),
    )

    receiver.destination().forward(a_notice(gathered=both))

    assert last(receiver)["message"].splitlines()[:2] == [f"{LINK}AL41", f"{LINK}AL42"]


@pytest.mark.parametrize(
    ("kind", "priority", "type_"),
    [
        ("raised", "urgent", "failure"),
        ("escalated", "prompt", "warning"),
        ("taken_on", "urgent", "info"),
        ("acknowledged", "urgent", "success"),
        ("resolved", "urgent", "success"),
        ("reopened", "urgent", "failure"),
    ],
)
def test_what_calls_somebody_looks_so_and_what_ends_it_too(
    receiver: AppriseReceiver, kind: Kind, priority: str, type_: str
) -> None:
    receiver.destination().forward(a_notice(kind=kind, priority=priority))

    assert last(receiver)["type"] == type_


def test_a_fault_looks_like_one_until_it_is_over(receiver: AppriseReceiver) -> None:
    types = []
    for kind in ("began", "ended"):
        receiver.destination().forward(a_fault(kind=kind))
        types.append(last(receiver)["type"])

    assert types == ["failure", "success"]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_temporary_answer_means_try_again(receiver: AppriseReceiver, status: int) -> None:
    receiver.status = status

    with pytest.raises(Unreachable, match=str(status)):
        receiver.destination().forward(a_notice())


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_lasting_answer_means_never(receiver: AppriseReceiver, status: int) -> None:
    receiver.status = status

    with pytest.raises(Refused, match=str(status)):
        receiver.destination().forward(a_notice())


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("nonsense://elsewhere.example/secret-word", "no address that Apprise knows"),
        ("secret-word", "no address that Apprise knows"),
        ("json://elsewhere.example/secret-word", "without encryption"),
    ],
)
def test_an_address_that_cannot_work_is_named_at_the_start_and_not_told(tmp_path: Path, address: str, why: str) -> None:
    with pytest.raises(OddDestination, match=rf"chat: url_file.*{why}") as refusal:
        opened(tmp_path, address)

    assert "secret-word" not in str(refusal.value)


@pytest.mark.parametrize(
    "address", ["jsons://elsewhere.example/", "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"]
)
def test_a_service_that_is_always_encrypted_needs_no_permission(tmp_path: Path, address: str) -> None:
    assert opened(tmp_path, address).name == "chat"


def test_a_service_in_the_clear_can_be_allowed(tmp_path: Path) -> None:
    assert opened(tmp_path, "json://elsewhere.example/", plaintext=True).name == "chat"


def test_without_the_library_the_start_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)

    with pytest.raises(OddDestination, match="library Apprise is not installed"):
        opened(tmp_path, "jsons://elsewhere.example/")


def opened(folder: Path, address: str, **more: Any) -> AppriseService:
    (file := folder / "url").write_text(f"{address}\n")
    return AppriseForm(kind="apprise", name="chat", url_file=file, **more).open(Settings())
