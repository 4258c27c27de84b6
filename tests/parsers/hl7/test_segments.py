"""The positional reader."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.errors import UnreadableHeader
from parsers.hl7.segments import join, split
from tests.parsers.builders import a_message, a_segment

SAMPLES = sorted((Path(__file__).parents[2] / "samples").glob("*.hl7"))
STARTS = st.sampled_from([b"MSH|^~\\&|", b"\rMSH|^~\\&|", b"\xef\xbb\xbfMSH|^~\\&|", b"\x0bMSH#*@!%#"])
LINE_ENDS = st.sampled_from(["\r", "\n", "\r\n", "\r\r", "\n\n", "\r\n\r\n"])
FIELD_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\x00\x0b\x1c"), max_size=12)
SEGMENT_LINES = st.builds(
    lambda name, fields: "|".join((name, *fields)),
    st.sampled_from(["PID", "PV1", "OBX", "ZZ9", "DG1", "NTE"]),
    st.lists(FIELD_TEXT, min_size=1, max_size=6),
)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_put_together_byte_for_byte(path: Path) -> None:
    raw = path.read_bytes()

    message = split(raw)

    assert join(message) == raw
    assert len(message.segments) == len([line for line in raw.split(b"\r") if line])


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from([b"MSH|^~\\&|", b"\rMSH|^~\\&|", b"\xef\xbb\xbfMSH|^~\\&|", b"\x0bMSH#*@!%#"]),
)
def test_any_bytes_with_an_msh_are_put_together_byte_for_byte(noise: bytes, start: bytes) -> None:
    raw = start + noise

    message = split(raw)

    assert join(message) == raw
    for segment in message.segments:
        for field in range(segment.size + 2):
            segment.text(field)
            segment.components(field)
            assert "\x00" not in segment.whole(field)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(SEGMENT_LINES, LINE_ENDS), min_size=1, max_size=12))
def test_every_segment_that_goes_in_comes_out_in_order(lines: list[tuple[str, str]]) -> None:
    raw = ("MSH|^~\\&|EPD\r" + "".join(line + end for line, end in lines)).encode()

    message = split(raw)

    assert join(message) == raw
    assert [segment.name for segment in message.segments] == ["MSH", *(line[:3] for line, _ in lines)]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\r", "\r\n\r\n"])
def test_any_line_end_separates_segments(end: str) -> None:
    raw = end.join(["MSH|^~\\&|EPD", "PID|1", "PV1|1|I", ""]).encode()

    message = split(raw)

    assert [segment.name for segment in message.segments] == ["MSH", "PID", "PV1"]


@pytest.mark.parametrize("before", ["\ufeff", "\r\n", "\x0b", "  ", "\n\n\t"])
def test_what_stands_before_msh_does_not_hide_it(before: str) -> None:
    message = split(f"{before}MSH|^~\\&|EPD\rPID|1\r".encode())

    assert [segment.name for segment in message.segments] == ["MSH", "PID"]
    assert message.segments[0].text(3) == "EPD"


def test_without_msh_there_is_nothing_to_split() -> None:
    with pytest.raises(UnreadableHeader):
        split(b"PID|1\rPV1|1\r")


def test_msh_is_numbered_from_its_separator() -> None:
    msh = split(a_message()).segments[0]

    assert msh.text(1) == "|"
    assert msh.text(2) == "^~\\&"
    assert msh.text(3) == "EPD"
    assert msh.text(9, 2) == "A08"
    assert msh.text(12) == "2.5"


def test_a_leaf_is_found_by_field_repetition_component_and_subcomponent() -> None:
    pid = a_segment("PID|1||11^^^A&1.2&ISO^MR~22^^^B^PI||Berg&van den&Berg^Jan")

    assert pid.text(3) == "11"
    assert pid.text(3, 4) == "A"
    assert pid.text(3, 4, 2) == "1.2"
    assert pid.text(3, 4, repetition=2) == "B"
    assert pid.text(3, 9) == pid.text(3, repetition=3) == pid.text(40) == ""
    assert pid.text(5, 1, 2) == "van den"
    assert pid.component(5) == "Berg&van den&Berg"
    assert pid.components(3, 2) == ("22", "", "", "B", "PI")
    assert pid.repetitions(3) == 2
    assert pid.repetitions(4) == 0
    assert list(pid.texts(3)) == ["11", "22"]


def test_null_is_not_empty() -> None:
    pid = a_segment('PID|1||1^^^""^MR||""|')

    assert pid.text(5) == ""
    assert pid.is_null(5)
    assert not pid.is_null(6)
    assert pid.is_null(3, 4)
    assert not pid.is_null(3)


def test_a_path_names_the_occurrence() -> None:
    message = split(a_message("PRB|AD", "NTE|1", "PRB|AD"))

    second = message.all("PRB")[1]

    assert second.path(3) == "PRB[2]-3"
    assert second.path(3, 1, 2) == "PRB[2]-3(2).1"
    assert message.segments[0].path() == "MSH[1]"
    assert repr(second) == "<Segment PRB[2]>"


def test_lower_case_names_and_trailing_blanks_are_read() -> None:
    message = split(b"MSH|^~\\&|EPD\rpid|1||7\r  pv1|1|I  \r")

    assert [segment.name for segment in message.segments] == ["MSH", "PID", "PV1"]


def test_a_line_that_is_no_segment_continues_the_text_before_it() -> None:
    message = split(b"MSH|^~\\&|EPD\rOBX|1|TX|A||first line\nof a long text|kg\rPID|1\r")

    obx = message.first("OBX")

    assert obx is not None
    assert obx.text(5) == "first line\nof a long text"
    assert obx.text(6) == "kg"
    assert message.flags == ("broken_line",)
    assert message.first("PID") is not None
