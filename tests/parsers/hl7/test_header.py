"""MSH for the listener."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.errors import UnreadableHeader
from parsers.hl7.header import read_header, read_header_line
from tests.parsers.builders import DEFAULTS, a_message


def an_msh(field: int, value: str) -> bytes:
    msh = "MSH|^~\\&|EPD|ZKHA|IVIGWATCH|ZKHB|20250310120000+0100||ADT^A08^ADT_A01|C1|P|2.5|||AL|NE|NLD|8859/1"
    fields = msh.split("|")  # read as the line it is
    fields[field - 1] = value
    return ("|".join(fields) + "\rPID|1||7\r").encode()


def test_the_listener_learns_who_sends_what() -> None:
    header = read_header(an_msh(10, "C1"), DEFAULTS)

    assert (header.sending_application, header.sending_facility) == ("EPD", "ZKHA")
    assert (header.receiving_application, header.receiving_facility) == ("IVIGWATCH", "ZKHB")
    assert (header.type, header.event, header.structure) == ("ADT", "A08", "ADT_A01")
    assert (header.control_id, header.processing_id, header.version) == ("C1", "P", "2.5")
    assert (header.accept_ack, header.application_ack, header.charset) == ("AL", "NE", "8859/1")
    assert header.sent_at is not None
    assert header.sent_at.at == datetime(2025, 3, 10, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "version", "is_other"),
    [
        ("2.5.1", "2.5.1", False),
        ("2.4^NLD", "2.4", False),
        ("v2.5", "2.5", False),
        ("2.7.1", "2.7.1", False),
        ("", "", False),
        ("2", "", False),
        ("3.0", "", True),
        ("FHIR", "", True),
        ("25", "", True),
    ],
)
def test_a_version_is_read_from_what_leads_it(sent: str, version: str, is_other: bool) -> None:
    raw = an_msh(12, sent)

    assert read_header(raw, DEFAULTS).version == version
    assert read_header_line(raw).names_another_version is is_other


@pytest.mark.parametrize(
    ("sent", "kind", "event"),
    [
        ("ADT^A08", "ADT", "A08"),
        ("adt^a08^wrong", "ADT", "A08"),
        ("ADT_A08", "ADT", "A08"),
        ("ORU", "ORU", "R01"),
        ("ORM^001^ORM_001", "ORM", "O01"),
        ("ACK^A01&&^ACK~", "ACK", "A01"),
        ("RDE", "RDE", "O11"),
        ("RDE20200101", "RDE", "O11"),
        ("RDE 1^O01", "RDE", "O01"),
        ("ADTA08", "ADT", "A08"),
        ("ORUR01-7", "ORU", "R01"),
        ("RDEX", "RDEX", ""),
        ("ORDER^O11", "ORDER", "O11"),
        ("PPR", "PPR", ""),
        ("", "", ""),
    ],
)
def test_type_and_event_are_dispatched_on(sent: str, kind: str, event: str) -> None:
    header = read_header(an_msh(9, sent), DEFAULTS)

    assert (header.type, header.event) == (kind, event)


def test_an_adt_without_event_takes_it_from_evn() -> None:
    assert read_header(a_message("EVN|A03|20250310", kind="ADT"), DEFAULTS).event == "A03"


def test_the_control_id_is_echoed_byte_for_byte() -> None:
    raw = an_msh(10, " a\\T\\b é ")

    line = read_header_line(raw)

    assert line.control_id == " a\\T\\b é ".encode()
    assert read_header(raw, DEFAULTS).control_id == "a&b é"
    assert (line.separator, line.encoding) == (b"|", b"^~\\&")


def test_a_short_header_lacks_fields_and_is_read() -> None:
    header = read_header(b"MSH|^~\\&|EPD", DEFAULTS)

    assert header.sending_application == "EPD"
    assert header.control_id == header.version == header.type == ""
    assert header.sent_at is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"PID|1||7",
        b"EVN|A01\rMSHA",
        "MSH|^~\\&|EPD".encode("utf-16"),
        "MSH|^~\\&|EPD".encode("utf-16-le"),
        "MSH|^~\\&|EPD".encode("utf-16-be"),
        an_msh(18, "UNICODE UTF-16"),
    ],
)
def test_what_nobody_could_follow_is_refused(raw: bytes) -> None:
    with pytest.raises(UnreadableHeader):
        read_header(raw, DEFAULTS)


@given(st.binary(max_size=200))
def test_any_msh_line_is_read_or_refused(noise: bytes) -> None:
    read_header(b"MSH|^~\\&|" + noise, DEFAULTS)


@pytest.mark.parametrize("codec", ["utf-8", "latin-1"])
def test_type_and_event_are_told_apart_by_a_mark_that_is_no_ascii(codec: str) -> None:
    raw = "MSH|¥~\\&|EPD¥1|ZKHA|||20250310120000||OMP¥O09¥OMP_O09|C1|P¥T|2.5\r".encode(codec)

    header = read_header(raw, DEFAULTS)

    assert (header.type, header.event, header.structure) == ("OMP", "O09", "OMP_O09")
    assert (header.sending_application, header.processing_id) == ("EPD", "P")
