"""What makes two messages the same, and headers that repeat themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.acknowledge import ControlIds
from listener.feeds import FeedProfile, LinkFeeds, Origin, Refusal, one_feed
from listener.framing import Frame
from listener.receive import Reception, body_hash
from parsers.hl7.header import read_header_line
from tests.listener.builders import a_message
from tests.listener.receiving import NOW, USUAL, answer_of, receive, the_arrival


@pytest.mark.parametrize("field", ["msh7", "msh8", "msh13"])
def test_the_same_message_sent_again_has_the_same_hash(field: str) -> None:
    fields = {"msh7": "20260301", "msh8": "", "msh13": "1"}
    first, again = a_message(**fields), a_message(**(fields | {field: "20270101"}))

    assert body_hash(first, read_header_line(first)) == body_hash(again, read_header_line(again))


@pytest.mark.parametrize(
    "other",
    [a_message("M2"), a_message(msh9="ADT^A01"), a_message(pid="PID|2"), b"\r" + a_message(), a_message() + b"ZZZ|1\r"],
)
def test_another_message_has_another_hash(other: bytes) -> None:
    raw = a_message()

    assert body_hash(raw, read_header_line(raw)) != body_hash(other, read_header_line(other))


def test_without_a_number_the_time_tells_messages_apart() -> None:
    first, later = a_message(""), a_message("", msh7="20260301120001")

    assert body_hash(first, read_header_line(first)) != body_hash(later, read_header_line(later))


def test_a_sender_that_repeats_itself_is_read_as_well_as_one_that_does_not() -> None:
    reception = Reception(lambda _raw, _header: False, ControlIds(NOW, "TEST0"))
    feeds = LinkFeeds(one_feed(FeedProfile(1, defaults=USUAL)), Origin(2575, "10.0.0.1"))
    messages = [
        a_message(f"M{number}", msh7=f"2026030112{number:02}00", msh9=type_)
        for number in range(6)
        for type_ in ("ADT^A08", "ADT", "ORU^R01", "ADT^A01^ADT_A01")
    ]
    messages += [a_message("a\\T\\b"), a_message(" M "), a_message(msh7="2026-03-01T12:00"), b"MSH|^~\\&|A\r"]
    messages += [a_message(msh9="ADT").replace(b"EVN|", b"EVN|A04"), a_message(msh9="ADT").replace(b"EVN|", b"EVN|A03")]

    messages += [a_message("M7", msh9="ZZZ^Z01"), a_message("M7", msh9="ZZZ^Z01") + b"MSA|AA|1\r"]
    messages += [a_message("M8"), a_message("M8").split(b"\r")[0] + b"Y"]

    for raw in messages:
        (arrival,) = reception.receive(Frame(raw), feeds, NOW).arrivals

        assert arrival == the_arrival(raw)


SAME = st.fixed_dictionaries(
    {},
    optional={
        "msh3": st.sampled_from(["EHR", "LAB", "Zoë", "A&B", "A\\T\\B", ""]),
        "msh7": st.sampled_from(["20260301120000+0100", "202603011200", "", "2026-03-01T12:00", "0"]),
        "msh8": st.sampled_from(["", "secret"]),
        "msh9": st.sampled_from(["ADT^A08", "ADT", "ADT^a08", "ORU^R01^ORU_R01", "ADT_A01", "ACK", ""]),
        "msh11": st.sampled_from(["P", "T", "D", ""]),
        "msh12": st.sampled_from(["2.5", "2.3", "2.7", "3.0", ""]),
        "msh13": st.sampled_from(["", "1", "2"]),
        "msh15": st.sampled_from(["", "AL", "NE", "ER"]),
        "msh18": st.sampled_from(["", "8859/1", "UNICODE UTF-16"]),
        "pid": st.sampled_from(["PID|1||7^^^UZ", "PID|1||8~9^^^UZ", "PID|1", "MSA|AA|1", "MSH|^~\\&|X"]),
    },
)
NUMBERS = st.sampled_from(["M1", "M2", "M3", "M4", "", " M", "a\\T\\b", "é"])
FEEDS = [
    FeedProfile(1, defaults=USUAL),
    FeedProfile(1, defaults=USUAL, processing_ids=frozenset("P")),
    FeedProfile(1, defaults=USUAL, types=frozenset({"ADT^A08"})),
    FeedProfile(1, defaults=USUAL, parks=True, known=False),
    FeedProfile(1, defaults=USUAL, ack_mode="enhanced"),
    FeedProfile(1, defaults=USUAL, check=lambda raw, _header: Refusal("101", "X") if b"ZZZ" in raw else None),
]
BODIES = [b"", b"\r", b"ZZZ|1\r", b"MSA|AA|1\r"]
SAID = st.lists(st.tuples(NUMBERS, st.sampled_from([0, 0, 1]), st.sampled_from(BODIES)), min_size=3)


@pytest.mark.parametrize("feed", FEEDS)
@given(headers=st.tuples(st.one_of(st.just({}), SAME), SAME), said=SAID)
def test_whatever_came_before_on_a_link_a_message_is_read_and_answered_as_if_it_came_first(
    feed: FeedProfile, headers: tuple[dict[str, str], ...], said: list[tuple[str, int, bytes]]
) -> None:
    messages = [a_message(number, **headers[which]) + more for number, which, more in said]
    messages += [message.replace(b"\r", b"") for message in messages[:1]]  # without an end to its MSH

    def heard(feeds: LinkFeeds, raw: bytes) -> tuple[object, tuple[str, bytes]]:
        reception = Reception(lambda _raw, header: header.control_id == "M1", ControlIds(NOW, "TEST0"))
        received = reception.receive(Frame(raw), feeds, NOW)
        return received.arrivals, answer_of(received)

    long = LinkFeeds(one_feed(feed), Origin(2575, "10.0.0.1"))
    for raw in messages:
        assert heard(long, raw) == heard(LinkFeeds(one_feed(feed), Origin(2575, "10.0.0.1")), raw)


HEADER = st.lists(st.text(alphabet="ABC^~\\&|12. \0é\x85¥", max_size=8), max_size=22).map("|".join)


@given(st.one_of(st.binary(max_size=300), HEADER.map(lambda text: ("MSH|" + text).encode()), HEADER.map(str.encode)))
def test_no_bytes_are_too_strange_to_be_kept_and_answered(raw: bytes) -> None:
    received = receive(raw)

    code, answer = answer_of(received)

    assert b"".join(arrival.raw for arrival in received.arrivals) in raw
    assert code in ("AA", "AR", "CA", "CR", "")
    assert bool(answer) == bool(code)
    assert b"\x0b" not in answer


@given(st.binary(max_size=200), st.integers(0, 120))
def test_a_damaged_message_is_kept_and_answered(damage: bytes, at: int) -> None:
    good = a_message()

    received = receive(good[:at] + damage + good[at + len(damage) :])

    assert answer_of(received)[0] in ("AA", "AR", "CA", "CR", "")
