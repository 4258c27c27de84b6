"""Character sets: as declared, else UTF-8, else the feed's own; never half a character."""

import pytest

from parsers.hl7.charsets import choose_charset, codec_of, is_refused
from parsers.hl7.segments import join, split


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("8859/1", "cp1252"),
        ("8859/15", "iso8859-15"),
        ("UNICODE UTF-8", "utf-8"),
        ("unicode", "utf-8"),
        ("ASCII", "ascii"),
        ("ISO IR87", "iso2022_jp"),
        ("GB 18030-2000", "gb18030"),
        ("ISO-8859-15", "iso8859-15"),
        ("8859/12", None),
        ("windows-1250", "cp1250"),
        ("rot13", None),
        ("hex", None),
        ("a\x00b", None),
        ("no such set", None),
    ],
)
def test_table_0211_is_understood(declared: str, codec: str | None) -> None:
    assert codec_of(declared) == codec


@pytest.mark.parametrize(
    ("raw", "declared", "default", "text", "flags"),
    [
        ("Renée €".encode("cp1252"), "8859/1", "", "Renée €", ()),
        ("Renée".encode(), "8859/1", "", "Renée", ("charset",)),
        ("Renée".encode("iso8859-15"), "8859/15", "", "Renée", ()),
        (b"Jansen", "8859/1", "", "Jansen", ()),
        ("Renée".encode(), "", "8859/1", "Renée", ()),
        ("Renée".encode("latin-1"), "", "8859/1", "Renée", ()),
        ("Renée".encode("latin-1"), "UNICODE UTF-8", "8859/1", "Renée", ("charset",)),
        ("Renée".encode(), "ASCII", "8859/1", "Renée", ("charset",)),
        ("Renée".encode(), "KLINGON", "8859/1", "Renée", ("charset",)),
        (b"Ren\xe9e", "UNICODE UTF-8", "UTF-8", "Ren\ufffde", ("charset",)),
        (b"a\x81b", "8859/1", "8859/1", "a\ufffdb", ("charset",)),
    ],
)
def test_bytes_are_read_in_the_set_they_fit(
    raw: bytes, declared: str, default: str, text: str, flags: tuple[str, ...]
) -> None:
    charset = choose_charset(raw, declared, default)

    assert raw.decode(charset.codec, charset.errors) == text
    assert charset.flags == flags


@pytest.mark.parametrize("declared", ["UNICODE UTF-16", "UTF-32", "utf-16le"])
def test_sets_that_break_the_frame_are_refused(declared: str) -> None:
    assert is_refused(declared)


def test_a_wrong_msh_18_loses_no_byte() -> None:
    raw = b"MSH|^~\\&|EPD|||||||||||||||UNICODE UTF-8\rPID|1||7||Ren\xe9e\r"

    message = split(raw, "8859/1")

    assert join(message) == raw
    assert message.segments[1].text(5) == "Renée"
    assert message.flags == ("charset",)
