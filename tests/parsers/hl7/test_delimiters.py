"""Delimiters and escape sequences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.errors import UnreadableHeader
from parsers.hl7.delimiters import NONE, USUAL, Delimiters, read_delimiters, unescape, unknown_sequences
from parsers.hl7.segments import join, split
from tests.parsers.builders import a_segment


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


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f", "a|b^c&d~e\\f"),
        ("one\\.br\\two", "one\ntwo"),
        ("one\\.sp2\\two\\.sp+1\\three", "one\n\ntwo\nthree"),
        ("\\.in+4\\far", " far"),
        ("\\H\\loud\\N\\ and soft", "loud and soft"),
        ("\\X41\\\\X4243\\", "ABC"),
        ("Ren\\XC3A9\\e", "Renée"),
        ("a\\X0D0A\\b\\X0D\\c", "a\nb\nc"),
        ("\\X00\\", ""),
        ("C:\\temp\\new", "C:\\temp\\new"),
        ("\\\\server\\share", "\\\\server\\share"),
        ("lone \\ backslash", "lone \\ backslash"),
        ("\\C2842\\ and \\Z01\\", "\\C2842\\ and \\Z01\\"),
        ("\\X4\\ \\XZZ\\", "\\X4\\ \\XZZ\\"),
        ("\\E\\S\\E\\", "\\S\\"),
        ("ends with \\", "ends with \\"),
    ],
)
def test_a_sequence_means_what_the_standard_says_and_nothing_else(sent: str, meant: str) -> None:
    assert unescape(sent, USUAL) == meant


def test_sequences_give_the_delimiters_of_this_message() -> None:
    ours = Delimiters(field="#", component="*", repetition="@", escape="!", subcomponent="%", truncation="$")

    assert unescape("!F!!S!!R!!E!!T!!P!", ours) == "#*@!%$"


def test_hexadecimal_bytes_are_read_in_the_set_of_the_message() -> None:
    assert unescape("\\XE9\\", USUAL, "cp1252") == "é"


def test_a_value_is_unescaped_after_it_is_split() -> None:
    obx = a_segment("OBX|1|NM|X||5|10\\S\\9/L^per litre")

    assert obx.text(6) == "10^9/L"
    assert obx.text(6, 2) == "per litre"


def test_sequences_that_are_not_ours_to_guess_are_noticed() -> None:
    assert unknown_sequences("a\\C2842\\b", USUAL)
    assert not unknown_sequences("a\\S\\b C:\\Zorg\\x", USUAL)


@given(st.text(alphabet="\\FSTREHNXCZ.brspin0123456789ab", max_size=30))
def test_any_text_can_be_unescaped(text: str) -> None:
    unescape(text, USUAL)
