"""What the framer makes of good, bad and hostile bytes."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.framing import Empty, Frame, FrameLimits, Framer, Junk, Oversized, Part, Truncated

SMALL = FrameLimits(max_frame=40, drain_cap=120, kept_prefix=8)


def unframed(payload: bytes) -> Frame:
    return Frame(payload, ("unframed",))


def parts_of(*chunks: bytes, limits: FrameLimits | None = None) -> list[Part]:
    framer = Framer(limits)
    parts = [part for chunk in chunks for part in framer.feed(chunk, now=0.0)]
    return parts + framer.end()


def test_a_frame_is_what_stands_between_sb_and_eb_cr() -> None:
    assert parts_of(b"\x0bMSH|one\r\x1c\r") == [Frame(b"MSH|one\r")]


def test_several_frames_in_one_write_come_out_in_order() -> None:
    assert parts_of(b"\x0ba\x1c\r\x0bb\x1c\r\x0bc\x1c\r") == [Frame(b"a"), Frame(b"b"), Frame(b"c")]


def test_a_frame_sent_byte_by_byte_is_the_same_frame() -> None:
    assert parts_of(*(bytes([byte]) for byte in b"\x0bMSH|one\r\x1c\r")) == [Frame(b"MSH|one\r")]


@pytest.mark.parametrize("junk", [b"\0", b"\r\n", b"  \0\r\n"])
def test_white_space_between_frames_is_dropped_and_counted(junk: bytes) -> None:
    assert parts_of(b"\x0ba\x1c\r" + junk + b"\x0bb\x1c\r") == [Frame(b"a"), Junk(len(junk), True, False), Frame(b"b")]


def test_an_unframed_message_is_dropped_and_named() -> None:
    assert parts_of(b"MS", b"H|^~\\&|\r", b"\x0bb\x1c\r") == [Junk(10, False, True), Frame(b"b")]


def test_the_first_line_of_an_unframed_message_tells_whose_it_was() -> None:
    (junk,) = parts_of(b"\r\nMS", b"H|^~\\&|E", b"HR\rPID|1||secret\r")

    assert isinstance(junk, Junk)
    assert junk.head == b"MSH|^~\\&|EHR"


@pytest.mark.parametrize(
    ("chunks", "parts"),
    [
        ((b"MSH|a\rPID|1\r\x1c\r",), [unframed(b"MSH|a\rPID|1\r")]),
        ((b"\r\nMSH|a\r\x1c", b"\r\x0bb\x1c\r"), [Junk(2, True, False), unframed(b"MSH|a\r"), Frame(b"b")]),
        ((b"MSH|a\r\x0bb\x1c\r",), [unframed(b"MSH|a\r"), Frame(b"b")]),
        ((b"MSH|a\r\x1c\x0bb\x1c\r",), [unframed(b"MSH|a\r"), Frame(b"b")]),
        ((b"MSH|a\rMSH|b\r\nMSH|c\r",), [unframed(b"MSH|a\r"), unframed(b"MSH|b\r\n"), unframed(b"MSH|c\r")]),
        ((b"MSH|a|xMSH|b\r",), [unframed(b"MSH|a|xMSH|b\r")]),
        ((b"M", b"S", b"H", b"|", b"a", b"\r", b"MS", b"H|b\r"), [unframed(b"MSH|a\r"), unframed(b"MSH|b\r")]),
        ((b"MSH|a\rPID|1||10",), [Truncated(b"MSH|a\rPID|1||10", unframed=True)]),
        ((b"MSX", b"MS"), [Junk(5, False, False)]),
        ((b"MSH|" + b"x" * 50 + b"\r\x0bb\x1c\r",), [Oversized(b"MSH|xxxx", 55, unframed=True), Frame(b"b")]),
    ],
)
def test_where_it_is_wanted_an_unframed_message_is_cut_out(chunks: tuple[bytes, ...], parts: list[Part]) -> None:
    assert parts_of(*chunks, limits=replace(SMALL, unframed=True)) == parts


def test_an_unframed_message_ends_with_a_pause_and_a_late_end_is_swallowed() -> None:
    framer = Framer(FrameLimits(unframed=True))
    framer.feed(b"MSH|a\rPID|1", now=10.0)

    early, late = framer.tick(10.4), framer.tick(10.5)

    assert (early, late) == ([], [unframed(b"MSH|a\rPID|1")])
    assert framer.feed(b"\r\x0bb\x1c\r", now=11.0) == [Junk(1, True, False), Frame(b"b")]


def test_half_a_beginning_that_stays_half_is_junk_after_a_pause() -> None:
    framer = Framer(FrameLimits(unframed=True))

    assert framer.feed(b"xxMS", now=1.0) == []
    assert framer.tick(2.0) == [Junk(4, False, False)]


def test_an_unframed_message_that_drips_has_stalled() -> None:
    framer = Framer(FrameLimits(unframed=True))
    framer.feed(b"MSH|", now=0.0)
    for tenth in range(1, 110):
        framer.feed(b"x", now=tenth / 10)

    assert framer.tick(10.95) == [Truncated(b"MSH|" + b"x" * 109, stalled=True, unframed=True)]


def test_a_missing_cr_is_forgiven_when_the_next_frame_begins() -> None:
    assert parts_of(b"\x0ba\x1c\x0bb\x1c\r") == [Frame(b"a"), Frame(b"b")]


def test_a_missing_cr_is_forgiven_after_half_a_second_and_a_late_one_swallowed() -> None:
    framer = Framer()
    framer.feed(b"\x0ba\x1c", now=10.0)

    early, late = framer.tick(10.4), framer.tick(10.5)

    assert (early, late) == ([], [Frame(b"a")])
    assert framer.feed(b"\r\x0bb\x1c\r", now=11.0) == [Frame(b"b")]


def test_a_missing_cr_is_forgiven_when_the_link_ends() -> None:
    assert parts_of(b"\x0ba\x1c") == [Frame(b"a")]


def test_a_strict_feed_does_not_forgive_a_missing_cr() -> None:
    strict = FrameLimits(require_cr=True)

    assert parts_of(b"\x0ba\x1c\x0bb\x1c\r", limits=strict) == [Truncated(b"a\x1c"), Frame(b"b")]


def test_an_eb_inside_the_payload_is_data_and_flagged() -> None:
    assert parts_of(b"\x0ba\x1cb\x1c\r") == [Frame(b"a\x1cb", ("eb_in_payload",))]


def test_a_new_frame_before_the_end_abandons_the_old_one() -> None:
    assert parts_of(b"\x0bMSH|half", b"\x0bwhole\x1c\r") == [Truncated(b"MSH|half"), Frame(b"whole")]


def test_a_link_that_ends_inside_a_frame_leaves_a_truncated_one() -> None:
    assert parts_of(b"\x0bMSH|half") == [Truncated(b"MSH|half")]


@pytest.mark.parametrize("payload", [b"", b"\r\n", b" \r"])
def test_an_empty_frame_is_only_counted(payload: bytes) -> None:
    assert parts_of(b"\x0b" + payload + b"\x1c\r") == [Empty()]


def test_a_silent_sender_inside_a_frame_has_stalled() -> None:
    framer = Framer()
    framer.feed(b"\x0bMSH|half", now=100.0)

    early, late = framer.tick(107.0), framer.tick(130.5)

    assert (early, late) == ([], [Truncated(b"MSH|half", stalled=True)])
    assert framer.finished


def test_a_sender_that_drips_has_stalled() -> None:
    framer = Framer()
    framer.feed(b"\x0bMSH", now=0.0)
    for second in range(1, 11):
        framer.feed(b"x", now=float(second))

    assert framer.tick(10.5) == [Truncated(b"MSH" + b"x" * 10, stalled=True)]


def test_a_frame_that_takes_two_minutes_has_stalled_however_fast_it_flows() -> None:
    framer = Framer()
    framer.feed(b"\x0b", now=0.0)
    for second in range(1, 122):
        framer.feed(b"x" * 2000, now=float(second))

    assert isinstance(framer.tick(121.0)[0], Truncated)


def test_an_idle_link_between_frames_never_stalls() -> None:
    framer = Framer()
    framer.feed(b"\x0ba\x1c\r", now=0.0)

    assert framer.tick(1e6) == []
    assert not framer.finished


def test_a_payload_at_the_limit_is_whole_and_one_byte_more_is_too_large() -> None:
    at, over = b"x" * 40, b"y" * 41

    assert parts_of(b"\x0b" + at + b"\x1c\r\x0b" + over + b"\x1c\r\x0bz\x1c\r", limits=SMALL) == [
        Frame(at),
        Oversized(b"y" * 8, 41),
        Frame(b"z"),
    ]


def test_a_payload_beyond_the_drain_cap_ends_the_reading() -> None:
    assert parts_of(b"\x0b" + b"x" * 500, b"\x0bz\x1c\r", limits=SMALL) == [Oversized(b"x" * 8, 121, ended=False)]


def test_an_oversized_payload_is_not_kept_in_memory() -> None:
    framer = Framer(FrameLimits(max_frame=1000))
    framer.feed(b"\x0b", now=0.0)

    for _ in range(1000):
        framer.feed(b"x" * 1000, now=0.0)

    assert len(framer._buffer) < 2000
    assert framer.feed(b"\x1c\r", now=0.0) == [Oversized(b"x" * 1000, 1_000_000)]


def test_twenty_megabytes_in_small_pieces_are_one_frame() -> None:
    limits = FrameLimits(max_frame=32 * 1024 * 1024)
    chunk = b"OBX|1|ED|x\r" * 6000
    framer = Framer(limits)

    framer.feed(b"\x0b", now=0.0)
    for _ in range(310):
        framer.feed(chunk, now=0.0)
    (part,) = framer.feed(b"\x1c\r", now=0.0)

    assert isinstance(part, Frame)
    assert len(part.payload) == 310 * len(chunk) > 20_000_000


@pytest.mark.parametrize("hostile", [b"\x0b", b"\x1c", b"\r", b"\x1c\x0b", b"\x0bx"])
def test_hostile_bytes_are_read_to_the_end(hostile: bytes) -> None:
    """Were each byte to cost a look at all before it, the test would not end within its time."""
    data = b"\x0b" + hostile * (300_000 // len(hostile))

    for at in range(0, len(data), 65536):
        parts_of(data[at : at + 65536])


DAMAGED = st.lists(
    st.sampled_from(
        [
            b"\x0b",
            b"\x1c",
            b"\r",
            b"\n",
            b"\0",
            b"MSH|",
            b"a" * 9,
            b"\rMSH|b\r",
            b"\x0bMSH|x\r\x1c\r",
            b"\x1c\r",
            b"\xff",
        ]
    ),
    max_size=40,
).map(b"".join)


CHOICES = [SMALL, FrameLimits(require_cr=True), FrameLimits(unframed=True), replace(SMALL, unframed=True)]


def merged(parts: list[Part]) -> list[Part]:
    """The same parts; runs of junk and of nothing else are one."""
    result: list[Part] = []
    for part in parts:
        if isinstance(part, Junk) and result and isinstance(last := result[-1], Junk):
            result[-1] = Junk(last.size + part.size, last.blank and part.blank, last.unframed or part.unframed)
        else:
            result.append(part)
    return result


@given(data=DAMAGED, cuts=st.lists(st.integers(0, 400)), limits=st.sampled_from(CHOICES))
def test_any_cutting_gives_the_same_parts(data: bytes, cuts: list[int], limits: FrameLimits) -> None:
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[a:b] for a, b in itertools.pairwise(places)]

    assert merged(parts_of(*pieces, limits=limits)) == merged(parts_of(data, limits=limits))


@given(
    st.lists(
        st.binary(min_size=1, max_size=30).filter(lambda raw: not set(raw) & {0x0B, 0x1C} and raw.strip(b" \t\r\n\0"))
    )
)
def test_every_clean_payload_comes_out_as_it_went_in(payloads: list[bytes]) -> None:
    stream = b"".join(b"\x0b" + payload + b"\x1c\r" for payload in payloads)

    assert parts_of(stream) == [Frame(payload) for payload in payloads]
