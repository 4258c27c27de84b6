"""Several messages in one frame: each kept by itself, answered together."""

from listener.feeds import FeedProfile
from tests.listener.builders import a_message
from tests.listener.receiving import answer_of, receive


def test_a_batch_is_its_messages_with_one_answer() -> None:
    raw = (
        b"FHS|^~\\&|EHR\rBHS|^~\\&|EHR|UZ|IVIG|APO|2026||||B7\r" + a_message("M1") + a_message("M2") + b"BTS|2\rFTS|1\r"
    )

    received = receive(raw)

    assert [arrival.control_id for arrival in received.arrivals] == ["M1", "M2"]
    assert {arrival.batch_control_id for arrival in received.arrivals} == {"B7"}
    assert answer_of(received)[1].count(b"MSA|") == 1
    assert b"\rMSA|AA|B7\r" in answer_of(received)[1]


def test_two_messages_in_a_frame_without_a_batch_header_are_two() -> None:
    received = receive(a_message("M1") + a_message("M2"))

    assert [arrival.raw for arrival in received.arrivals] == [a_message("M1"), a_message("M2")]
    assert b"\rMSA|AA|M1\r" in answer_of(received)[1]


def test_a_batch_with_a_wrong_count_is_flagged() -> None:
    received = receive(b"BHS|^~\\&|EHR\r" + a_message("M1") + b"BTS|5\r")

    assert received.arrivals[0].flags == ("batch_count",)


def test_a_batch_with_one_refused_message_is_refused_and_all_kept() -> None:
    received = receive(b"BHS|^~\\&|||||||||B1\r" + a_message("M1") + a_message("M2", msh12="3.0") + b"BTS|2\r")

    code, answer = answer_of(received)

    assert [arrival.state for arrival in received.arrivals] == ["received", "parked"]
    assert code == "AR"
    assert b"MSA|AR|B1|" in answer


def test_an_empty_batch_is_refused() -> None:
    assert answer_of(receive(b"BHS|^~\\&|EHR\rBTS|0\r"))[0] == "AR"


def test_a_feed_may_want_a_batch_of_answers() -> None:
    raw = b"BHS|^~\\&|EHR|UZ|IVIG|APO|2026||||B7\r" + a_message("M1") + a_message("M2") + b"BTS|2\r"

    lines = answer_of(receive(raw, FeedProfile(1, batch_ack=True)))[1].split(b"\r")

    assert [line[:3] for line in lines] == [b"BHS", b"MSH", b"MSA", b"MSH", b"MSA", b"BTS", b""]
    assert lines[0].startswith(b"BHS|^~\\&|IVIG|APO|EHR|UZ|")
    assert lines[0].endswith(b"|B7")
    assert lines[5] == b"BTS|2"
