"""HL7 v2 over MLLP, to a real receiver that knows the structure of what it gets."""

import re
import ssl
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from hl7apy.exceptions import HL7apyException

from forwarding.errors import OddDestination, Refused, Unreachable
from forwarding.hl7 import Hl7Form, Hl7Receiver, MessageKind, Parties
from forwarding.notice import CALLS, GatheredAlert, Kind
from ivigilant.settings import Settings
from tests.forwarding.builders import a_fault, a_notice
from tests.forwarding.contract import ForwarderContract
from tests.forwarding.hl7_engine import Hl7Engine
from tests.forwarding.receivers import DrippingReceiver, open_receiver, write_certificate

LINK = "https://ivigilant.example/alerts/"


@pytest.fixture(params=get_args(MessageKind))
def receiver(request: pytest.FixtureRequest) -> Iterator[Hl7Engine]:
    with open_receiver(Hl7Engine(request.param)) as receiver:
        yield receiver
        receiver.judge()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return write_certificate(tmp_path / "engine.pem", datetime.now(UTC))


class TestHl7(ForwarderContract):
    pass


def sent(receiver: Hl7Engine, segment: str) -> list[list[str]]:
    """The fields of the segments of this name in the last message."""
    lines = [line.split("|") for line in receiver.received[-1].text.split("\r")]
    return [line for line in lines if line[0] == segment]


def values(receiver: Hl7Engine, code: str) -> list[str]:
    """What the rows with this code say."""
    return [row[5] for row in sent(receiver, "OBX") if row[3].startswith(f"{code}^")]


def test_a_notice_is_told_in_codes_and_in_words(receiver: Hl7Engine) -> None:
    receiver.destination().forward(a_notice(starts_at=datetime(2025, 3, 10, 9, 30, tzinfo=UTC)))

    assert values(receiver, "event") == ["raised^nieuw^99IVIG"]
    assert values(receiver, "tier") == ["contraindication^Contra-indicatie^99IVIG"]
    assert values(receiver, "priority") == ["urgent^spoed^99IVIG"]
    assert values(receiver, "ward") == ["C4NEU"]
    assert values(receiver, "start") == ["20250310093000+0000"]
    assert values(receiver, "title") == ["[IVIg] Contra-indicatie, spoed, start 09:30, C4NEU (nieuw)"]
    assert "Ernst: Contra-indicatie~Urgentie: spoed~" in values(receiver, "text")[0]


def test_a_result_names_no_patient_at_all_and_a_document_an_anonymous_one(receiver: Hl7Engine) -> None:
    receiver.destination().forward(a_notice())

    named = [(row[3], row[5]) for row in sent(receiver, "PID")]
    assert named == ([] if receiver.message == "ORU^R01" else [("alert:AL41^^^IVIGILANT^ANON", "^^^^^^S")])


@pytest.mark.parametrize("kind", get_args(Kind))
def test_what_is_settled_is_final_and_what_waits_is_not(receiver: Hl7Engine, kind: Kind) -> None:
    receiver.destination().forward(a_notice(kind=kind))

    assert {row[11] for row in sent(receiver, "OBX")} == {"P" if kind in (*CALLS, "taken_on") else "F"}


def test_of_several_alerts_each_is_found_by_its_own_number(receiver: Hl7Engine) -> None:
    both = (
        GatheredAlert("AL41", "raised", "contraindication", f"{LINK}AL41", 9),
        GatheredAlert("AL42", "resolved", "high", f"{LINK}AL42", 8),
    )
    receiver.destination().forward(a_notice(gathered=both, sequence=9))

    assert values(receiver, "event") == ["raised^nieuw^99IVIG", "resolved^vervallen^99IVIG"]
    assert values(receiver, "link") == [f"{LINK}AL41", f"{LINK}AL42"]
    assert values(receiver, "sequence") == ["9", "8"]
    found = [(row[3], row[25]) for row in sent(receiver, "OBR")]
    assert found in ([("alert:AL41^IVIGILANT", "P"), ("alert:AL42^IVIGILANT", "F")], [])
    assert bool(found) == (receiver.message == "ORU^R01")


def test_a_fault_of_the_telling_is_told_and_ended(receiver: Hl7Engine) -> None:
    receiver.destination().forward(a_fault())
    assert values(receiver, "event") == ["began^began^99IVIG"]

    receiver.destination().forward(a_fault(kind="ended", idempotency_key="ivigilant-incident-3-ended"))

    assert values(receiver, "event") == ["ended^ended^99IVIG"]
    assert values(receiver, "subject") == ["pager"]


def test_signs_that_mean_something_in_hl7_are_escaped(receiver: Hl7Engine) -> None:
    receiver.destination().forward(a_notice(reply="https://ivigilant.example/reply/a~b^c&d|e"))

    assert values(receiver, "reply") == [r"https://ivigilant.example/reply/a\R\b\S\c\T\d\F\e"]


def test_the_judge_of_structures_finds_what_is_missing() -> None:
    with open_receiver(Hl7Engine()) as receiver:
        receiver.destination().forward(a_notice())
        (right,) = receiver.received
        receiver.received = [replace(right, text=re.sub("OBR[^\r]*\r", "", right.text))]

        with pytest.raises(HL7apyException):
            receiver.judge()


@pytest.mark.parametrize("code", ["AA", "CA"])
def test_either_yes_is_a_yes(receiver: Hl7Engine, code: str) -> None:
    receiver.code = code

    receiver.destination().forward(a_notice())


@pytest.mark.parametrize("code", ["AE", "AR", "CE", "XX"])
def test_an_error_means_try_again(receiver: Hl7Engine, code: str) -> None:
    receiver.code = code

    with pytest.raises(Unreachable, match="MSA-1"):
        receiver.destination().forward(a_notice())


def test_a_message_that_is_not_even_accepted_means_never(receiver: Hl7Engine) -> None:
    receiver.code = "CR"

    with pytest.raises(Refused, match="CR"):
        receiver.destination().forward(a_notice())


def test_an_engine_that_rejects_while_its_application_is_down_takes_the_same_message_afterwards() -> None:
    with open_receiver(Hl7Engine()) as receiver:
        receiver.code = "AR"
        with pytest.raises(Unreachable, match="MSA-1 AR"):
            receiver.destination().forward(a_notice())

        receiver.code = "AA"
        receiver.destination().forward(a_notice())

    first, again = receiver.received
    assert first == again


@pytest.mark.parametrize(
    "answer",
    [
        b"MSH|^~\\&|ENGINE||||20250310||ACK|1|P|2.5.1\rMSA|AA|another\r",
        b"MSH|^~\\&|ENGINE||||20250310||ACK|1|P|2.5.1\r",
        b"MSA",
        b"nonsense",
        b"",  # the link ends without an answer
    ],
)
def test_what_is_no_answer_to_this_message_means_try_again(receiver: Hl7Engine, answer: bytes) -> None:
    receiver.answer = answer

    with pytest.raises(Unreachable):
        receiver.destination().forward(a_notice())


def test_a_receiver_that_never_answers_means_try_again() -> None:
    with open_receiver(Hl7Engine()) as receiver:
        receiver.is_silent = True

        with pytest.raises(Unreachable, match="TimeoutError"):
            replace(receiver.destination(), timeout_s=0.1).forward(a_notice())


def test_a_receiver_that_never_answers_the_handshake_of_tls_means_try_again() -> None:
    with open_receiver(Hl7Engine()) as receiver:
        tls = ssl.create_default_context()

        with pytest.raises(Unreachable, match="TimeoutError"):
            replace(receiver.destination(), timeout_s=0.1, tls=tls).forward(a_notice())


def test_an_answer_that_comes_in_drips_keeps_nobody_waiting() -> None:
    with open_receiver(DrippingReceiver(b"\x0bMSH|", b"|")) as receiver:
        destination = Hl7Receiver("engine", "127.0.0.1", receiver.port, timeout_s=0.3)

        with pytest.raises(Unreachable, match="TimeoutError"):
            destination.forward(a_notice())


def test_of_a_host_with_several_addresses_one_that_listens_is_found() -> None:
    with open_receiver(Hl7Engine()) as receiver:
        replace(receiver.destination(), host="localhost").forward(a_notice())

    assert len(receiver.received) == 1


def test_a_commit_block_before_the_answer_is_passed_over(receiver: Hl7Engine) -> None:
    receiver.before = b"\x0b\x06\x1c\r"

    receiver.destination().forward(a_notice())


def test_the_header_names_the_parties_by_which_an_engine_routes(receiver: Hl7Engine) -> None:
    destination = replace(receiver.destination(), parties=Parties("ZKHA", "EPD", "APOTHEEK"))

    destination.forward(a_notice())

    assert receiver.received[0].text.startswith("MSH|^~\\&|IVIGILANT|ZKHA|EPD|APOTHEEK|20250310081500+0000||")


@pytest.mark.parametrize("missing", ["", "ca_file", "certificate_file"])
def test_over_tls_both_sides_show_who_they_are(certificate: Path, missing: str) -> None:
    with open_receiver(Hl7Engine(certificate=certificate)) as receiver:
        files = {name: certificate for name in ("ca_file", "certificate_file") if name != missing}
        form = {"kind": "hl7", "name": "engine", "host": "127.0.0.1", "port": receiver.port, **files}
        destination = Hl7Form.model_validate(form).open(Settings())

        with pytest.raises(Unreachable) if missing else nullcontext():
            destination.forward(a_notice())

    assert len(receiver.received) == (0 if missing else 1)


@pytest.mark.parametrize("setting", ["ca_file", "certificate_file"])
@pytest.mark.parametrize("security", ["tls", "none"])
def test_a_setting_that_cannot_work_is_named_at_the_start(setting: str, security: str, tmp_path: Path) -> None:
    form = Hl7Form.model_validate(
        {"kind": "hl7", "name": "engine", "host": "engine", "port": 2575, "security": security, setting: tmp_path / "x"}
    )

    with pytest.raises(OddDestination, match=f"engine.*{setting}"):
        form.open(Settings())
