"""Messages come out of files as a hospital's system would send them."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from ivigilant.errors import UnreadablePath
from ivigilant.replaying import messages_in, read_paths, read_store
from tests.store.builders import NOW, a_message

ONE = b"MSH|^~\\&|EPD|ZH|||20260301||ADT^A08|1|P|2.5\rPID|1||7\r"
TWO = b"MSH|^~\\&|EPD|ZH|||20260301||ADT^A08|2|P|2.5\rPID|1||8\r"


@pytest.mark.parametrize(
    "content",
    [
        ONE + TWO,
        (ONE + TWO).replace(b"\r", b"\n"),
        (ONE + TWO).replace(b"\r", b"\r\n"),
        b"\x0b" + ONE + b"\x1c\r\x0b" + TWO + b"\x1c\r",
        b"FHS|^~\\&|EPD\rBHS|^~\\&|EPD\r" + ONE + TWO + b"BTS|2\rFTS|1\r",
        b"\xef\xbb\xbf" + ONE + b"\r\n\r\n" + TWO,
        ONE.rstrip(b"\r") + b"\n" + TWO.rstrip(b"\r"),
    ],
)
def test_two_messages_come_out_however_the_file_was_written(content: bytes) -> None:
    assert messages_in(content) == [ONE, TWO]


def test_a_file_without_a_message_is_sent_as_it_is_and_an_empty_one_not_at_all() -> None:
    assert messages_in(b"PID|1||7\n") == [b"PID|1||7\r"]
    assert messages_in(b"\n\n") == []


def test_a_folder_is_read_by_name_and_only_its_message_files(tmp_path: Path) -> None:
    (tmp_path / "later").mkdir()
    (tmp_path / "b.HL7").write_bytes(TWO)
    (tmp_path / "a.hl7").write_bytes(ONE)
    (tmp_path / "later" / "c.hl7").write_bytes(ONE)
    (tmp_path / "README.md").write_text("not a message")

    assert list(read_paths([tmp_path])) == [ONE, TWO, ONE]


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadablePath, match="nowhere does not exist"):
        list(read_paths([tmp_path / "nowhere"]))
    with pytest.raises(UnreadablePath, match="holds no message files"):
        list(read_paths([tmp_path]))


def test_what_was_stored_comes_back_in_order_of_arrival(sqlite_engine: sa.Engine) -> None:
    with sqlite_engine.begin() as connection:
        for number in range(3):
            a_message(connection, str(number), raw=ONE if number % 2 else TWO)

    assert list(read_store(sqlite_engine, NOW)) == [TWO, ONE, TWO]
