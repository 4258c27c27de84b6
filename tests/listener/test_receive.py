"""One frame: what is kept of it and what is answered, also of a batch, and of what a sender says again."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.acknowledge import ControlIds
from listener.feeds import FeedProfile, LinkFeeds, Origin, Refusal, one_feed
from listener.framing import Frame, Oversized, Truncated
from listener.receive import QUICK_BYTES, QUICK_SEGMENTS, Reception, body_hash
from parsers.defaults import Defaults
from parsers.hl7.header import read_header_line
from store.messages import Arrival, Saved
from tests.listener.builders import a_message
from tests.listener.receiving import NOW, USUAL, answer_of, receive, the_arrival


def test_a_message_is_kept_as_it_came_with_what_its_header_says() -> None:
    raw = a_message("M7", msh9="OMP^O09^OMP_O09")

    arrival = the_arrival(raw)

    assert (arrival.raw, arrival.control_id, arrival.type, arrival.event) == (raw, "M7", "OMP", "O09")
    assert (arrival.sending_application, arrival.sending_facility, arrival.hl7_version) == ("EHR", "UZ", "2.5")
    assert arrival.message_time == datetime(2026, 3, 1, 11, 0, tzinfo=UTC)
    assert (arrival.lane, arrival.state, arrival.ack_code, arrival.flags) == ("orders", "received", "AA", ())


def test_other_messages_take_the_history_lane() -> None:
    assert the_arrival(a_message()).lane == "history"


def test_an_order_that_takes_long_to_read_keeps_nobody_waiting() -> None:
    order = a_message("M7", msh9="OMP^O09^OMP_O09")
    many = order + b"OBX|1|NM|X||1\r" * QUICK_SEGMENTS
    large = order + b"OBX|1|ST|X||" + b"x" * QUICK_BYTES + b"\r"
    usual = order + b"OBX|1|NM|X||1\r" * (QUICK_SEGMENTS // 2)

    assert [the_arrival(raw).lane for raw in (many, many.replace(b"\r", b"\n"), large)] == ["slow"] * 3
    assert the_arrival(usual).lane == "orders"


def test_messages_about_one_patient_carry_one_key() -> None:
    pids = [
        "PID|1||1000001^^^UZ^PI||Jansen^Willem",
        "PID|1|old|1000001~123^^^NLMINBIZA^NNNLD",
        "PID|1||1000002^^^UZ^PI",
        "PID|1||",
    ]
    first, again, another, nobody = (the_arrival(a_message(pid=pid)).patient_key for pid in pids)

    assert first == again == the_arrival(a_message("M9")).patient_key
    assert (first is not None, another != first, nobody) == (True, True, None)


def test_a_key_is_found_whatever_the_delimiters_and_line_ends() -> None:
    usual = a_message()
    odd = usual.replace(b"^~\\&", b"*~\\&").replace(b"^", b"*").replace(b"\r", b"\n")

    assert the_arrival(odd).patient_key == the_arrival(usual).patient_key


def test_a_type_nobody_knows_is_kept_and_accepted() -> None:
    arrival = the_arrival(a_message(msh9="ZZZ^Z99"))

    assert (arrival.state, arrival.ack_code, arrival.type) == ("received", "AA", "ZZZ")


@pytest.mark.parametrize("version", ["2.1", "2.2", "2.7.1", "2.8", "2.9", "", "v2.5", "2.5^NLD"])
def test_every_version_2_is_accepted(version: str) -> None:
    assert the_arrival(a_message(msh12=version)).ack_code == "AA"


@pytest.mark.parametrize("version", ["3.0", "V3", "1.0", "FHIR"])
def test_another_version_is_refused_and_kept(version: str) -> None:
    received = receive(a_message(msh12=version))

    assert (received.arrivals[0].state, received.arrivals[0].reason) == ("parked", "unsupported_version")
    assert b"|203^" in answer_of(received)[1]


@pytest.mark.parametrize(("processing_id", "test"), [("P", False), ("T", True), ("D", True), ("", False)])
def test_test_messages_are_marked(processing_id: str, test: bool) -> None:
    arrival = the_arrival(a_message(msh11=processing_id))

    assert (arrival.test, arrival.ack_code, arrival.state) == (test, "AA", "received")


def test_a_production_feed_refuses_test_messages() -> None:
    received = receive(a_message(msh11="T"), FeedProfile(1, processing_ids=frozenset("P")))

    assert received.arrivals[0].reason == "processing_id"
    assert answer_of(received)[0] == "AR"
    assert b"|202^" in answer_of(received)[1]


@pytest.mark.parametrize(("type_", "code"), [("ZZZ^Z99", b"|200^"), ("ADT^A99", b"|201^")])
def test_a_feed_may_refuse_other_types(type_: str, code: bytes) -> None:
    received = receive(a_message(msh9=type_), FeedProfile(1, types=frozenset({"ADT^A08"})))

    assert received.arrivals[0].reason == "unknown_type"
    assert code in answer_of(received)[1]


def test_a_feed_may_check_before_it_accepts() -> None:
    received = receive(a_message(), FeedProfile(1, check=lambda _raw, _header: Refusal("101", "PID^1^3")))

    assert (received.arrivals[0].ack_code, received.arrivals[0].state) == ("AE", "received")
    assert b"ERR||PID^1^3|101^" in answer_of(received)[1]


@pytest.mark.parametrize("raw", [b"hello", b"\xff\xfe\x00\x01", b"PID|1\r", b"MSH", b"MSHabc", b"\0\0x"])
def test_a_frame_without_a_header_is_refused_and_kept(raw: bytes) -> None:
    received = receive(raw)

    assert received.arrivals[0].raw == raw
    assert received.arrivals[0].state == "parked"
    assert answer_of(received)[0] == "AR"


def test_utf_16_is_refused_as_such() -> None:
    received = receive(a_message().decode().encode("utf-16"))

    assert received.arrivals[0].reason == "utf16"
    assert b"|207^" in answer_of(received)[1]


def test_a_declared_utf_16_is_refused_with_its_number() -> None:
    received = receive(a_message(msh18="UNICODE UTF-16"))

    code, answer = answer_of(received)

    assert (code, received.arrivals[0].reason) == ("AR", "utf16")
    assert b"MSA|AR|M1|" in answer


def test_bytes_of_no_character_set_are_accepted() -> None:
    arrival = the_arrival(a_message(msh18="UNICODE UTF-8", pid="PID|1||1").replace(b"PID|1||1", b"PID|1||\xff\xfe"))

    assert (arrival.ack_code, arrival.state) == ("AA", "received")


def test_a_message_without_a_number_is_accepted_and_flagged() -> None:
    received = receive(a_message(""))

    assert received.arrivals[0].flags == ("no_control_id",)
    assert b"\rMSA|AA|\r" in answer_of(received)[1]


def test_an_unknown_source_is_flagged() -> None:
    assert the_arrival(a_message(), FeedProfile(1, known=False)).flags == ("unknown_source",)


def test_an_unknown_source_may_be_parked() -> None:
    arrival = the_arrival(a_message(), FeedProfile(1, known=False, parks=True))

    assert (arrival.state, arrival.reason, arrival.ack_code) == ("parked", "unknown_source", "AA")


def test_the_feed_is_found_by_its_sender_and_reads_its_times() -> None:
    here, there = Defaults(), Defaults(zone=ZoneInfo("America/New_York"))
    feeds = {"EHR": FeedProfile(1, defaults=here), "LAB": FeedProfile(2, defaults=there)}
    find = lambda source: feeds.get(source.sending_application, feeds["EHR"])  # noqa: E731  # a line is enough

    (arrival,) = receive(a_message(msh3="LAB", msh7="20260301120000"), feed_of=find).arrivals

    assert (arrival.feed_id, arrival.message_time) == (2, datetime(2026, 3, 1, 17, 0, tzinfo=UTC))


def test_a_truncated_frame_is_kept_and_not_answered() -> None:
    received = receive(Truncated(a_message("M9")[:60]))

    assert (received.arrivals[0].state, received.arrivals[0].reason) == ("parked", "truncated_frame")
    assert answer_of(received) == ("", b"")


def test_a_torn_frame_that_lacks_only_its_end_does_not_take_the_place_of_the_whole() -> None:
    torn, whole = the_arrival(Truncated(a_message())), the_arrival(Frame(a_message()))

    assert torn.body_hash != whole.body_hash


def test_a_frame_that_is_too_large_is_refused_with_its_number() -> None:
    received = receive(Oversized(a_message("M9"), 20_000_000))

    code, answer = answer_of(received)

    assert (received.arrivals[0].reason, received.arrivals[0].detail) == ("too_large", "20000000 bytes")
    assert code == "AR"
    assert b"MSA|AR|M9|" in answer
    assert b"|207^" in answer


def test_an_acknowledgement_is_never_acknowledged() -> None:
    received = receive(a_message(msh9="ACK^A08") + b"MSA|AA|X\r")

    assert answer_of(received) == ("", b"")
    assert received.arrivals[0].state == "received"
    assert received.acknowledgements == 1


@pytest.mark.parametrize(
    ("msh9", "segments", "answered"),
    [
        ("ORR^O02", b"MSA|AA|X\rORC|OK|1\r", False),  # another's answer, whatever its type
        ("ORR^O02", b"MSA|AA|X\rPID|1||1\rORC|OK|1\r", True),  # what became of an order of a patient
        ("RSP^K22", b"MSA|AA|X\rQAK|1\rPID|1||1\r", True),
        ("RSP^K22", b"\nMSA|AA|X\rQAK|1\r", False),
        ("ADT^A08", b"MSA|AA|X\r", False),  # nothing of a patient
        ("ADT^A08", b"MSA|AA|X\rPID|1||1\r", True),  # an event all the same: losing it would be worse
        ("ORU^R01", b"PID|1||1\rOBX|1|TX|x||MSA|AA|X\r", True),  # only words
        ("ACK", b"MSA|AA|X\r", False),
    ],
)
def test_what_only_answers_is_not_answered_and_the_rest_is(msh9: str, segments: bytes, answered: bool) -> None:
    head = a_message(msh9=msh9, msh15="AL", msh16="AL").split(b"EVN")[0]

    received = receive(head + segments)

    assert (answer_of(received)[0] != "") is answered
    assert received.acknowledgements == (not answered)


def test_an_acknowledgement_is_not_refused_either() -> None:
    picky = FeedProfile(1, types=frozenset({"ADT^A08"}), processing_ids=frozenset("P"))

    received = receive(a_message(msh9="ACK^A08", msh11="T") + b"MSA|AA|X\r", picky)

    assert answer_of(received) == ("", b"")
    assert received.arrivals[0].state == "received"


def test_a_duplicate_gets_the_code_of_the_first_time() -> None:
    received = receive(a_message())

    assert received.answer([Saved(1, True, "AR")], NOW)[0] == "AR"


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
    messages += [a_message("M8"), a_message("M8").split(b"\r")[0] + b"1"]

    for raw in messages:
        (arrival,) = reception.receive(Frame(raw), feeds, NOW).arrivals

        assert arrival == the_arrival(raw)


def test_a_new_link_starts_from_the_headers_that_its_sender_sent_before_and_no_other_does() -> None:
    reception = Reception(lambda _raw, _header: False, ControlIds(NOW, "TEST0"))
    numbers = {"10.0.0.1": 1, "10.0.0.2": 2}
    asked: list[str] = []

    def feed_of(source: Origin) -> FeedProfile:
        asked.append(source.address)
        return FeedProfile(numbers[source.address], defaults=USUAL)

    arrivals: list[Arrival] = []
    for number, address in enumerate(("10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.2")):
        link = reception.feeds_of(feed_of, Origin(2575, address))
        arrivals += reception.receive(Frame(a_message(f"M{number}")), link, NOW).arrivals

    assert [each.feed_id for each in arrivals] == [1, 1, 2, 2]
    assert [each.control_id for each in arrivals] == ["M0", "M1", "M2", "M3"]
    assert asked == ["10.0.0.1", "10.0.0.2"]


@pytest.mark.parametrize("marks", ["^~\\&", "^~\\&#"])
def test_a_header_is_remembered_with_the_marks_of_every_version(marks: str) -> None:
    link = LinkFeeds(one_feed(FeedProfile(1, defaults=USUAL)), Origin(2575, "10.0.0.1"))

    receive_on(link, a_message(msh2=marks, msh12="2.7"))

    assert len(link.known) == 1


def receive_on(link: LinkFeeds, raw: bytes) -> None:
    Reception(lambda _raw, _header: False, ControlIds(NOW, "TEST0")).receive(Frame(raw), link, NOW)


def test_headers_are_remembered_of_so_many_addresses_at_most() -> None:
    reception = Reception(lambda _raw, _header: False, ControlIds(NOW, "TEST0"))
    first = reception.feeds_of(one_feed(FeedProfile(1, defaults=USUAL)), Origin(2575, "10.0.0.1"))
    reception.receive(Frame(a_message()), first, NOW)

    for number in range(1000):
        reception.feeds_of(one_feed(FeedProfile(1, defaults=USUAL)), Origin(number, "10.0.0.2"))

    again = reception.feeds_of(one_feed(FeedProfile(1, defaults=USUAL)), Origin(2575, "10.0.0.1"))
    assert first.known
    assert not again.known


SAME = st.fixed_dictionaries(
    {},
    optional={
        "msh2": st.sampled_from(["^~\\&", "^~\\&#", "^~\\*"]),
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
