"""Batches, declared or not."""

from pathlib import Path

import pytest

from parsers.hl7.batches import MOST_SEGMENTS, split_batch
from parsers.hl7.header import read_header_line
from tests.parsers.builders import a_message

SAMPLE = Path(__file__).parents[2] / "samples" / "25_batch_v25_fhs_bhs.hl7"


def test_the_night_batch_holds_five_messages() -> None:
    batch = split_batch(SAMPLE.read_bytes())

    assert batch is not None
    assert [read_header_line(message).control_id for message in batch.messages] == [
        b"EPD2500251",
        b"EPD2500252",
        b"LAB2500253",
        b"EPD2500254",
        b"EPD2500255",
    ]
    assert batch.control_id == b"BC0316"
    assert batch.flags == ()


def test_a_single_message_is_no_batch() -> None:
    assert split_batch(a_message("PID|1||7")) is None


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_two_messages_without_a_batch_header_are_two(end: bytes) -> None:
    one = a_message("PID|1||7").replace(b"\r", end)

    batch = split_batch(one + one)

    assert batch is not None
    assert batch.messages == (one, one)
    assert batch.control_id == b""


def test_a_wrong_count_is_flagged_and_nothing_is_lost() -> None:
    raw = b"BHS|^~\\&|EPD\r" + a_message("PID|1||7") + a_message("PID|1||8") + b"BTS|3\r"

    batch = split_batch(raw)

    assert batch is not None
    assert len(batch.messages) == 2
    assert batch.flags == ("batch_count",)


def test_a_broken_message_in_the_middle_stays_by_itself() -> None:
    good = a_message("PID|1||7")
    raw = b"\xef\xbb\xbfBHS|^~\\&|EPD\r" + good + b"MSH|^~\\&\rPI\r" + good + b"BTS|x\r"

    batch = split_batch(raw)

    assert batch is not None
    assert batch.messages == (good, b"MSH|^~\\&\rPI\r", good)
    assert batch.flags == ()


def test_an_empty_batch_is_one() -> None:
    batch = split_batch(b"FHS|^~\\&|EPD\rBHS|^~\\&|EPD||||||||B7\rBTS|0\rFTS|1\r")

    assert batch is not None
    assert batch.messages == ()


def test_the_batch_is_read_with_its_own_separator() -> None:
    batch = split_batch(b"BHS#^~\\&#EPD########B8\rMSH#^~\\&#EPD\rBTS#1\r")

    assert batch is not None
    assert (batch.control_id, batch.flags) == (b"B8", ())


def test_a_flood_of_headers_is_not_taken_apart() -> None:
    flood = split_batch(b"MSH|^~\\&|\r" * (MOST_SEGMENTS + 1))
    night = split_batch(b"BHS|^~\\&|\r" + a_message("PID|1||7") * (MOST_SEGMENTS - 1))

    assert flood is not None
    assert night is not None
    assert (flood.too_many, flood.messages) == (True, ())
    assert (night.too_many, len(night.messages)) == (False, MOST_SEGMENTS - 1)


@pytest.mark.parametrize("raw", [b"", b"x\r" * 100_000, b" " * 100_000, b"PID|1\r"], ids=["", "x", "blank", "pid"])
def test_bytes_without_a_header_are_no_batch(raw: bytes) -> None:
    assert split_batch(raw) is None
