"""What every forwarder must satisfy. A test class inherits these tests and says how its receiver behaves."""

from dataclasses import dataclass
from typing import Protocol, get_args

import pytest

from forwarding.contract import Destination
from forwarding.errors import Refused, Unreachable
from forwarding.notice import Kind
from tests.forwarding.builders import a_fault, a_notice

SECRET = "a-secret-that-stays-home"


@dataclass(frozen=True, slots=True)
class Received:
    """What arrived: the key by which a repetition is known, and every byte as text."""

    key: str
    text: str


class Receiver(Protocol):
    """The other side, on a real socket."""

    received: list[Received]

    def destination(self) -> Destination:
        """Return a forwarder that sends here."""

    def answers(self, kind: str) -> None:
        """Answer from now on as `accepted`, `busy` (temporary) or `refused` (permanent)."""

    def hangs_up(self) -> None:
        """Listen no more."""


class ForwarderContract:
    """Inherit, and give a fixture `receiver`."""

    def test_a_notice_that_is_taken_arrives_once(self, receiver: Receiver) -> None:
        receiver.destination().forward(a_notice())

        assert len(receiver.received) == 1
        assert "https://ivigilant.example/alerts/AL41" in receiver.received[0].text

    def test_nobody_listening_means_try_again(self, receiver: Receiver) -> None:
        destination = receiver.destination()
        receiver.hangs_up()

        with pytest.raises(Unreachable):
            destination.forward(a_notice())

    def test_a_busy_receiver_means_try_again(self, receiver: Receiver) -> None:
        receiver.answers("busy")

        with pytest.raises(Unreachable):
            receiver.destination().forward(a_notice())

    def test_a_receiver_that_says_no_is_not_tried_again(self, receiver: Receiver) -> None:
        receiver.answers("refused")

        with pytest.raises(Refused):
            receiver.destination().forward(a_notice())

    def test_a_repeated_notice_carries_the_same_key_and_another_notice_another(self, receiver: Receiver) -> None:
        destination = receiver.destination()

        destination.forward(a_notice())
        destination.forward(a_notice())
        destination.forward(a_notice(idempotency_key="alert-41:8:mail", sequence=8))

        keys = [received.key for received in receiver.received]
        assert keys[0] == keys[1] != keys[2]

    def test_the_notice_says_tier_and_ward_in_both_languages(self, receiver: Receiver) -> None:
        destination = receiver.destination()

        destination.forward(a_notice(language="nl"))
        destination.forward(a_notice(language="en"))

        assert all("C4NEU" in received.text for received in receiver.received)
        assert all("contra" in received.text.lower() for received in receiver.received)

    @pytest.mark.parametrize("kind", get_args(Kind))
    def test_how_an_alert_goes_on_is_told_too(self, receiver: Receiver, kind: Kind) -> None:
        receiver.destination().forward(a_notice(kind=kind, idempotency_key=f"alert-41:{kind}:there"))

        assert len(receiver.received) == 1

    def test_a_fault_of_the_telling_arrives_when_it_begins_and_when_it_is_over(self, receiver: Receiver) -> None:
        destination = receiver.destination()

        destination.forward(a_fault())
        destination.forward(a_fault(kind="ended", idempotency_key="ivigilant-incident-3-ended"))

        began, ended = receiver.received
        assert "pager" in began.text
        assert "pager" in ended.text
        assert began.key != ended.key

    def test_no_error_and_no_description_tells_a_secret(self, receiver: Receiver) -> None:
        receiver.answers("refused")
        destination = receiver.destination()

        with pytest.raises(Refused) as refusal:
            destination.forward(a_notice())

        assert SECRET not in str(refusal.value) + repr(destination)
