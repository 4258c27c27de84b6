"""The answer, byte for byte: modes, versions, delimiters."""

from datetime import UTC, datetime, timedelta

import hl7
import pytest

from clinical.events import Header
from listener.acknowledge import ControlIds, ack_code, acknowledge
from listener.feeds import AckMode, Refusal
from parsers.defaults import Defaults
from parsers.hl7.header import header_of, read_header_line

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
USUAL = Defaults()


def answer_to(raw: bytes, code: str = "AA", *, mode: AckMode = "auto", fault: Refusal | None = None) -> list[bytes]:
    line = read_header_line(raw)
    header = header_of(line, raw, USUAL)
    text = acknowledge(line, header, code, control_id=b"IW1", now=NOW, mode=mode, fault=fault)
    assert text.endswith(b"\r")
    return text.split(b"\r")[:-1]


def a_header(version: str = "2.5", type_: str = "ADT^A08", rest: str = "") -> bytes:
    return f"MSH|^~\\&|EHR|UZ|IVIG|APO|20260301||{type_}|M1|P|{version}{rest}\r".encode()


def test_the_answer_turns_sender_and_receiver_round() -> None:
    msh, msa = answer_to(a_header())

    assert msh == b"MSH|^~\\&|IVIG|APO|EHR|UZ|20260301120000+0000||ACK^A08^ACK|IW1|P|2.5"
    assert msa == b"MSA|AA|M1"


@pytest.mark.parametrize(
    ("version", "type_", "expected"),
    [
        ("2.1", "ADT^A08", b"ACK"),
        ("2.2", "ADT^A08", b"ACK"),
        ("2.3", "ADT^A08", b"ACK^A08"),
        ("2.3.1", "ADT^A08", b"ACK^A08"),
        ("2.4", "ADT^A08", b"ACK^A08^ACK"),
        ("2.7.1", "ADT^A08^ADT_A01", b"ACK^A08^ACK"),
        ("2.3.1", "MFN", b"ACK"),
        ("2.4", "MFN", b"ACK^^ACK"),
        ("", "ADT^A08", b"ACK^A08^ACK"),
        ("v2.3", "ADT^A08", b"ACK^A08"),
        ("2.4^NLD", "ADT^A08", b"ACK^A08^ACK"),
    ],
)
def test_msh_9_and_12_are_those_of_the_senders_version(version: str, type_: str, expected: bytes) -> None:
    fields = answer_to(a_header(version, type_))[0].split(b"|")

    assert fields[8] == expected
    assert (fields[11:] or [b""])[0] == version.encode()


@pytest.mark.parametrize("number", [b" M 1 ", b"", b"A\\T\\B", b"\xe9\xff", b"a^b&c", b"X" * 250])
def test_msa_2_is_the_senders_number_byte_for_byte(number: bytes) -> None:
    raw = b"MSH|^~\\&|EHR|UZ|IVIG|APO|20260301||ADT^A08|%s|P|2.5\r" % number

    assert answer_to(raw)[1] == b"MSA|AA|" + number


def test_the_senders_own_delimiters_are_used() -> None:
    raw = b"MSH#*@!%#EHR#UZ#IVIG#APO#2026##BAR*P12#M1#P#2.5\r"

    msh, msa, err = answer_to(raw, "AR", fault=Refusal("203", "MSH^1^12"))

    assert msh.startswith(b"MSH#*@!%#IVIG#APO#EHR#UZ#")
    assert b"#ACK*P12*ACK#" in msh
    assert msa == b"MSA#AR#M1#Unsupported version id"
    assert err == b"ERR##MSH*1*12#203*Unsupported version id*HL70357#E"


@pytest.mark.parametrize(
    ("version", "sent", "expected"),
    [("2.5", b"^~\\&#", b"^~\\&"), ("2.7", b"^~\\&#", b"^~\\&#"), ("2.5", b"^~", b"^~"), ("2.5", b"^^^^", b"^~\\&")],
)
def test_msh_2_is_as_sent_where_that_is_of_use(version: str, sent: bytes, expected: bytes) -> None:
    raw = a_header(version).replace(b"^~\\&", sent, 1)

    assert answer_to(raw)[0].split(b"|")[1] == expected


@pytest.mark.parametrize("blank", [b"\x00\t\xc2\x85", b"\x0b", b"\x1c"])
def test_bytes_in_msh_2_that_would_end_our_frame_are_not_sent_back(blank: bytes) -> None:
    msh, _ = answer_to(b'MSH!"' + blank + b"!EHR\r")

    assert msh.startswith(b'MSH!"!')
    assert b'!ACK""ACK!' in msh


def test_delimiters_that_are_not_ascii_are_kept() -> None:
    raw = "MSH|¥~\\&|EHR|UZ|IVIG|APO|2026||MFN|M1|P|2.5\r".encode("latin-1")

    assert "|ACK¥¥ACK|".encode("latin-1") in answer_to(raw)[0]


def test_the_answer_is_ascii_but_for_the_number() -> None:
    raw = "MSH|^~\\&|Ziekenhüis|Zoë|IVIG|\x07|2026||ADT^A08|M1|P|2.5||||||8859/1\r".encode("latin-1")

    msh = answer_to(raw)[0]

    assert msh == b"MSH|^~\\&|IVIG|?|Ziekenh?is|Zo?|20260301120000+0000||ACK^A08^ACK|IW1|P|2.5||||||8859/1"


def test_enhanced_answers_ask_for_no_answer_themselves() -> None:
    assert answer_to(a_header(rest="|||AL|NE"), "CA")[0].endswith(b"|P|2.5|||NE|NE")
    assert answer_to(a_header(rest="|||AL|AL"), "AA", mode="original")[0].endswith(b"|P|2.5")


def test_err_before_2_5_is_one_field() -> None:
    lines = answer_to(a_header("2.3", "RDE^O01"), "AE", fault=Refusal("101", "RXO^1^4"))

    assert lines[2] == b"ERR|RXO^1^4^101&Required field missing&HL70357"


def test_err_from_2_5_on_has_its_fields() -> None:
    lines = answer_to(a_header("2.5"), "AR", fault=Refusal("207"))

    assert lines[1:] == [b"MSA|AR|M1|Application internal error", b"ERR|||207^Application internal error^HL70357|E"]


def test_msa_3_is_gone_in_2_7() -> None:
    assert answer_to(a_header("2.7"), "AR", fault=Refusal("207"))[1] == b"MSA|AR|M1"


def test_a_frame_without_msh_gets_an_answer_with_the_usual_delimiters() -> None:
    text = acknowledge(None, Header(), "AR", control_id=b"IW1", now=NOW, fault=Refusal("100"))

    assert text.split(b"\r")[:-1] == [
        b"MSH|^~\\&|||||20260301120000+0000||ACK^^ACK|IW1|P|2.5",
        b"MSA|AR|",
        b"ERR|||100^Segment sequence error^HL70357|E",
    ]


@pytest.mark.parametrize(
    ("accept", "application", "kept", "refused"),
    [
        ("", "", "AA", "AR"),
        ("AL", "NE", "CA", "CR"),
        ("AL", "", "CA", "CR"),
        ("AL", "AL", "CA", "CR"),
        ("AL", "SU", "CA", "CR"),
        ("NE", "AL", "AA", "AR"),
        ("", "AL", "AA", "AR"),
        ("ER", "NE", "", "CR"),
        ("ER", "", "", "CR"),
        ("ER", "ER", "", "CR"),
        ("ER", "AL", "AA", "CR"),  # silence would be what a sender waits through that also asked for AL
        ("ER", "SU", "AA", "CR"),
        ("SU", "NE", "CA", "CR"),
        ("SU", "AL", "CA", "AR"),
        ("SU", "SU", "CA", "CR"),
        ("NE", "NE", "", "CR"),
        ("", "NE", "", "CR"),
        ("NE", "ER", "", "AR"),
        ("NE", "SU", "AA", "AR"),
        ("Y", "N", "AA", "AR"),
    ],
)
def test_msh_15_and_16_choose_the_mode(accept: str, application: str, kept: str, refused: str) -> None:
    header = Header(accept_ack=accept, application_ack=application)

    assert (ack_code("A", header, "auto"), ack_code("R", header, "auto")) == (kept, refused)


def test_a_sender_with_another_way_to_hear_of_success_hears_it_there() -> None:
    header = Header(accept_ack="ER", application_ack="AL")

    assert [ack_code(verdict, header, "auto", answered_later=True) for verdict in ("A", "R")] == ["", "CR"]


@pytest.mark.parametrize(("mode", "expected"), [("original", "AE"), ("enhanced", "CE"), ("none", "")])
def test_a_feed_overrides_what_its_sender_fills_in_by_template(mode: AckMode, expected: str) -> None:
    header = Header(accept_ack="NE", application_ack="NE")

    assert ack_code("E", header, mode) == expected


def test_our_numbers_are_short_and_never_repeat() -> None:
    first, second = ControlIds(NOW, "ABCDEF"), ControlIds(NOW + timedelta(seconds=1), "ABCDE")

    numbers = [first() for _ in range(1000)] + [second() for _ in range(1000)]

    assert len(set(numbers)) == 2000
    assert all(number.startswith(b"IW") and len(number) <= 20 and number.isalnum() for number in numbers)


def test_others_can_read_our_answers() -> None:
    for version in ("2.3", "2.5", "2.7"):
        text = b"\r".join(answer_to(a_header(version), "AR", fault=Refusal("203", "MSH^1^12"))).decode()

        message = hl7.parse(text)

        assert str(message.segment("MSA")[1]) == "AR"
        assert message.segment("ERR")
