"""Escape sequences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.hl7.delimiters import USUAL, Delimiters
from parsers.hl7.escapes import unescape, unknown_sequences
from tests.parsers.builders import a_segment


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
