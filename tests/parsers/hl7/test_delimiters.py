"""MSH-1 and MSH-2, also where they are odd."""

import pytest

from parsers.errors import UnreadableHeader
from parsers.hl7.delimiters import NONE, read_delimiters
from parsers.hl7.segments import join, split


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("MSH|^~\\&|EPD", "|^~\\&"),
        ("MSH|^~\\&#|EPD", "|^~\\&"),
        ("MSH#*@!%#EPD", "#*@!%"),
        ("MSH^~|\\&^EPD", "^~|\\&"),
        ("MSH$%~\\&$EPD", "$%~\\&"),
        ("MSH_^~\\&_EPD", "_^~\\&"),
        ("MSH|^~\\}|EPD", "|^~\\}"),
        ("MSH!$r?@!EPD", "!$r?@"),
        ("MSH|^~\\|EPD", "|^~\\&"),
        ("MSH|^~&|EPD", f"|^~{NONE}&"),
        ("MSH|^|EPD", f"|^~{NONE}&"),
    ],
)
def test_delimiters_are_what_the_message_says(line: str, read: str) -> None:
    delimiters = read_delimiters(line.encode())

    assert (
        "".join(
            (delimiters.field, delimiters.component, delimiters.repetition, delimiters.escape, delimiters.subcomponent)
        )
        == read
    )
    assert delimiters.flags == ()


@pytest.mark.parametrize(
    "line", ["MSH|^^\\&|", "MSH||EPD", "MSH|EPD|ZKHA", "MSH|^~\\\\&|EPD", "MSH|~\\&|EPD", "MSH|^ \\&|"]
)
def test_impossible_encoding_characters_are_read_as_the_usual_ones(line: str) -> None:
    delimiters = read_delimiters(line.encode())

    assert (delimiters.component, delimiters.repetition, delimiters.escape, delimiters.subcomponent) == tuple("^~\\&")
    assert delimiters.flags == ("encoding_characters",)


@pytest.mark.parametrize("line", ["MSHA^~\\&A", "MSH ^~\\&", "MSH", "MSH\x01^~\\&"])
def test_a_separator_that_cannot_be_one_is_refused(line: str) -> None:
    with pytest.raises(UnreadableHeader):
        read_delimiters(line.encode())


@pytest.mark.parametrize("codec", ["latin-1", "utf-8"])
def test_a_delimiter_may_be_no_ascii(codec: str) -> None:
    raw = "MSH|^¥\\&|EPD|Zé\rPID|1||11^^^A^MR¥22^^^B^PI\r".encode(codec)

    message = split(raw)

    assert list(message.segments[1].texts(3)) == ["11", "22"]
    assert message.segments[0].text(4) == "Zé"
    assert join(message) == raw


def test_without_an_escape_character_nothing_is_unescaped() -> None:
    message = split(b"MSH|^~&|EPD\rNTE|1||a\\S\\b\r")

    assert message.segments[1].text(3) == "a\\S\\b"
