"""Mail, to a real server."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from forwarding.errors import OddDestination, Refused, Unreachable
from forwarding.mail import Mail, MailServer, Security
from tests.forwarding.builders import a_notice
from tests.forwarding.contract import SECRET, ForwarderContract
from tests.forwarding.receivers import (
    PHARMACY,
    SENDER,
    DrippingReceiver,
    MailReceiver,
    open_receiver,
    write_certificate,
)

NIGHT = "nachtdienst@ziekenhuis.example"


@pytest.fixture
def receiver() -> Iterator[MailReceiver]:
    with open_receiver(MailReceiver()) as receiver:
        yield receiver


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return write_certificate(tmp_path / "mail.pem", datetime.now(UTC))


class TestMail(ForwarderContract):
    pass


def test_the_subject_names_tier_and_ward_in_the_language_of_the_reader(receiver: MailReceiver) -> None:
    receiver.destination().forward(a_notice(language="nl"))
    receiver.destination().forward(a_notice(language="en"))

    assert "Subject: [IVIg] Contra-indicatie, spoed, C4NEU (nieuw)" in receiver.received[0].text
    assert "Subject: [IVIg] Contraindication, urgent, C4NEU (new)" in receiver.received[1].text


def test_the_text_is_the_tier_the_ward_and_the_link(receiver: MailReceiver) -> None:
    receiver.destination().forward(a_notice(ward=""))

    text = receiver.received[0].text.replace("\r\n", "\n")
    assert "Ernst: Contra-indicatie\nUrgentie: spoed\nAfdeling: onbekend\n" in text
    assert "https://ivigilant.example/alerts/AL41\n" in text


def test_an_urgent_mail_is_marked_important_and_a_routine_one_is_not(receiver: MailReceiver) -> None:
    receiver.destination().forward(a_notice(priority="urgent"))
    receiver.destination().forward(a_notice(priority="routine"))

    assert [("Importance: high" in received.text) for received in receiver.received] == [True, False]


def test_mails_about_one_alert_refer_to_the_same_conversation(receiver: MailReceiver) -> None:
    receiver.destination().forward(a_notice(idempotency_key="one"))
    receiver.destination().forward(a_notice(idempotency_key="two", kind="changed"))

    first, second = (
        next(line for line in received.text.splitlines() if line.startswith("References:"))
        for received in receiver.received
    )
    assert first == second


def test_one_unknown_recipient_does_not_keep_the_mail_from_the_other(receiver: MailReceiver) -> None:
    receiver.refused_recipients = {NIGHT: "550 unknown"}

    receiver.destination((PHARMACY, NIGHT)).forward(a_notice())

    assert len(receiver.received) == 1


def test_one_recipient_who_must_wait_means_try_again(receiver: MailReceiver) -> None:
    receiver.refused_recipients = {NIGHT: "450 mailbox busy"}

    with pytest.raises(Unreachable):
        receiver.destination((PHARMACY, NIGHT)).forward(a_notice())


@pytest.mark.parametrize(("answer", "error"), [("550 unknown", Refused), ("451 later", Unreachable)])
def test_when_nobody_may_receive_the_answer_decides(
    receiver: MailReceiver, answer: str, error: type[Exception]
) -> None:
    receiver.refused_recipients = {PHARMACY: answer}

    with pytest.raises(error):
        receiver.destination().forward(a_notice())


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_goes_over_tls_with_sign_in(certificate: Path, security: Security) -> None:
    with open_receiver(MailReceiver(security, certificate)) as receiver:
        receiver.destination(password=SECRET).forward(a_notice())

        assert receiver.authenticated == ["ivigilant"]
        assert len(receiver.received) == 1


def test_a_wrong_password_is_refused_and_not_repeated_in_the_error(certificate: Path) -> None:
    with open_receiver(MailReceiver("starttls", certificate)) as receiver, pytest.raises(Refused) as refusal:
        receiver.destination(password="not-the-password").forward(a_notice())

    assert "not-the-password" not in str(refusal.value)


def test_a_password_the_protocol_cannot_carry_is_refused(certificate: Path) -> None:
    with open_receiver(MailReceiver("starttls", certificate)) as receiver, pytest.raises(Refused, match="ASCII"):
        receiver.destination(password="wachtwoord-é").forward(a_notice())


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_nobody_vouches_for_ends_the_attempt(certificate: Path, security: Security) -> None:
    with open_receiver(MailReceiver(security, certificate)) as receiver:
        server = MailServer("127.0.0.1", receiver.port, security, timeout_s=60, tls=ssl.create_default_context())

        with pytest.raises(Unreachable):
            Mail("mail", server, SENDER, (PHARMACY,)).forward(a_notice())

        assert receiver.received == []


def test_a_server_without_starttls_gets_nothing_when_it_is_asked_for(receiver: MailReceiver) -> None:
    server = MailServer("127.0.0.1", receiver.port, "starttls", timeout_s=60)

    with pytest.raises(Refused):
        Mail("mail", server, SENDER, (PHARMACY,)).forward(a_notice())

    assert receiver.received == []


def test_a_password_is_never_sent_in_the_clear() -> None:
    with pytest.raises(OddDestination, match="starttls or tls"):
        MailServer("mail.example", 25, "none", "ivigilant", SECRET)


@pytest.mark.parametrize("recipients", [(), ("the pharmacy",)])
def test_a_list_without_addresses_is_refused_at_the_start(recipients: tuple[str, ...]) -> None:
    with pytest.raises(OddDestination, match="mail apotheek"):
        Mail("apotheek", MailServer("mail.example", 25), SENDER, recipients)


def test_a_case_after_an_infusion_is_told_from_an_alert_about_an_order(receiver: MailReceiver) -> None:
    receiver.destination().forward(a_notice(stream="pharmacovigilance", tier="high", priority="prompt"))
    receiver.destination().forward(a_notice(language="en"))

    assert "Subject: [IVIg] Hoog risico, vandaag, na infusie, C4NEU (nieuw)" in receiver.received[0].text
    assert "Over: na infusie" in receiver.received[0].text
    assert "About: order" in receiver.received[1].text


def test_answers_that_come_in_drips_keep_nobody_waiting_and_their_line_is_cut() -> None:
    with open_receiver(DrippingReceiver(b"220-mail.ziekenhuis.example\r\n", b"220-wait\r\n")) as receiver:
        server = MailServer("127.0.0.1", receiver.port, "none", timeout_s=0.3)

        with pytest.raises(Unreachable, match="TimeoutError"):
            Mail("apotheek-mail", server, SENDER, (PHARMACY,)).forward(a_notice())

        assert receiver.was_left.wait(60)
