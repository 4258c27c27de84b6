"""Webhook, to a real server."""

import hashlib
import hmac
import json
from collections.abc import Iterator

import pytest

from forwarding.errors import OddDestination, Refused, Unreachable
from forwarding.webhook import Webhook
from tests.forwarding.builders import a_notice
from tests.forwarding.contract import SECRET, ForwarderContract
from tests.forwarding.receivers import DrippingReceiver, WebReceiver, open_receiver


@pytest.fixture
def receiver() -> Iterator[WebReceiver]:
    with open_receiver(WebReceiver()) as receiver:
        yield receiver


class TestWebhook(ForwarderContract):
    pass


def test_the_body_says_what_happened_to_which_alert_and_nothing_of_a_patient(receiver: WebReceiver) -> None:
    receiver.destination().forward(a_notice())

    assert json.loads(receiver.bodies[0]) == {
        "event_id": "alert-41:7:mail",
        "type": "alert.raised",
        "occurred_at": "2025-03-10T08:15:00+00:00",
        "alert": {
            "id": "AL41",
            "stream": "order",
            "tier": "contraindication",
            "priority": "urgent",
            "ward": "C4NEU",
            "link": "https://ivigilant.example/alerts/AL41",
        },
        "schema_version": 1,
        "seq": 7,
    }


def test_the_signature_covers_the_time_and_the_body(receiver: WebReceiver) -> None:
    receiver.destination().forward(a_notice())

    expected = hmac.new(SECRET.encode(), b"1741597200." + receiver.bodies[0], hashlib.sha256).hexdigest()
    assert receiver.headers[0]["x-signature"] == f"t=1741597200,v1={expected}"


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_every_kind_of_success_is_success(receiver: WebReceiver, status: int) -> None:
    receiver.status = status

    receiver.destination().forward(a_notice())


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_temporary_answer_means_try_again(receiver: WebReceiver, status: int) -> None:
    receiver.status = status

    with pytest.raises(Unreachable, match=str(status)):
        receiver.destination().forward(a_notice())


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_a_lasting_answer_means_never(receiver: WebReceiver, status: int) -> None:
    receiver.status = status

    with pytest.raises(Refused, match=str(status)):
        receiver.destination().forward(a_notice())


def test_a_receiver_that_moved_is_not_followed(receiver: WebReceiver) -> None:
    receiver.status = 307
    receiver.location = f"http://127.0.0.1:{receiver.port}/elsewhere"

    with pytest.raises(Refused, match="307"):
        receiver.destination().forward(a_notice())

    assert len(receiver.received) == 1


def test_a_receiver_that_hangs_up_without_an_answer_means_try_again(receiver: WebReceiver) -> None:
    receiver.silent.set()

    with pytest.raises(Unreachable):
        receiver.destination().forward(a_notice())


@pytest.mark.parametrize("url", ["http://elsewhere.example/hook", "ftp://elsewhere.example/", "hook"])
def test_an_address_that_would_send_in_the_clear_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(OddDestination, match="https://"):
        Webhook("on-call", url, SECRET)


def test_a_webhook_without_a_secret_is_refused_at_the_start() -> None:
    with pytest.raises(OddDestination, match="secret"):
        Webhook("on-call", "https://elsewhere.example/hook", "")


def test_a_proxy_that_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(OddDestination, match="proxy"):
        Webhook("on-call", "https://elsewhere.example/hook", SECRET, proxy="proxy.example:3128")


def test_an_endless_answer_is_not_read(receiver: WebReceiver) -> None:
    receiver.endless.set()

    receiver.destination().forward(a_notice())

    assert len(receiver.received) == 1


def test_headers_that_come_in_drips_keep_nobody_waiting() -> None:
    with open_receiver(DrippingReceiver(b"HTTP/1.1 200 OK\r\n", b"X-More: to come\r\n")) as receiver:
        webhook = Webhook("on-call", f"http://127.0.0.1:{receiver.port}/hook", SECRET, timeout_s=0.3)

        with pytest.raises(Unreachable, match="TimeoutError"):
            webhook.forward(a_notice())
