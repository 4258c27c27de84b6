"""The synthetic hospital: the same for the same seed, and HL7 as the versions write it."""

import re
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

from synthetic.__main__ import write
from synthetic.people import bsns
from synthetic.routine import LOOK_ALIKES
from synthetic.stream import expected, hospital_messages

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@cache
def feed(seed: int = 7) -> tuple[bytes, ...]:
    return tuple(hospital_messages(seed, now=NOW))


def text(message: bytes) -> str:
    return message.decode("latin-1" if b"|8859/1" in message.split(b"\r")[0] else "utf-8")


def segments(message: bytes) -> list[list[str]]:
    return [line.split("|") for line in text(message).split("\r")[:-1]]


def field(message: bytes, name: str, number: int) -> str:
    """Return one field of the first segment of that name; MSH counts its separator."""
    found = next((line for line in segments(message) if line[0] == name), [])
    index = number - 1 if name == "MSH" else number
    return found[index] if index < len(found) else ""


@cache
def one_of_each_shape() -> tuple[bytes, ...]:
    """One message for every combination of version, segments and filled fields."""
    shapes = {}
    for message in feed():
        lines = segments(message)
        filled = tuple((line[0], tuple(number for number, value in enumerate(line) if value)) for line in lines[1:])
        shapes[field(message, "MSH", 12), filled] = message
    return tuple(shapes.values())


def test_the_same_seed_gives_the_same_hospital_and_another_seed_another() -> None:
    assert feed(7) == tuple(hospital_messages(7, now=NOW))
    assert set(feed(7)) != set(feed(8))


def test_there_are_hundreds_of_messages_about_many_patients() -> None:
    patients = {field(message, "PID", 3).split("^")[0] for message in feed()}

    assert len(feed()) >= 300
    assert len(patients) >= 60


def test_every_kind_of_message_a_hospital_sends_is_there() -> None:
    kinds = Counter("^".join(field(message, "MSH", 9).split("^")[:2]) for message in feed())
    wanted = "ORM^O01 OMP^O09 RDE^O01 RDE^O11 RAS^O17 ORU^R01 PPR^PC1 ADT^A01 ADT^A02 ADT^A03 ADT^A04 ADT^A08 ADT^A40"

    assert set(wanted.split()) <= set(kinds)


def test_every_version_and_every_order_control_is_there() -> None:
    controls = {line[1] for message in feed() for line in segments(message) if line[0] == "ORC"}

    assert {field(message, "MSH", 12) for message in feed()} == {"2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7"}
    assert {"NW", "XO", "CA", "DC", "HD", "RL", "SC", "RE"} <= controls


def test_no_two_messages_share_a_control_id() -> None:
    ids = [field(message, "MSH", 10) for message in feed()]

    assert len(set(ids)) == len(ids)
    assert max(map(len, ids)) <= 20


def test_citizen_numbers_pass_the_eleven_test_and_are_never_issued() -> None:
    numbers = {number for message in feed() for number in re.findall(r"(\d{9})\^\^\^NLMINBIZA", text(message))}

    assert len(numbers) >= 60
    for number in numbers:
        weighed = sum(weight * int(digit) for weight, digit in zip((9, 8, 7, 6, 5, 4, 3, 2, -1), number, strict=True))
        assert weighed % 11 == 0
        assert number.startswith("9999")


def test_citizen_numbers_are_all_different() -> None:
    assert len(set(bsns())) == len(bsns()) > 4000


def test_no_message_is_sent_after_now_and_none_is_framed() -> None:
    for message in feed():
        sent = field(message, "MSH", 7)
        assert sent[:14] <= "20261120130000"  # 12:00 UTC is 13:00 in Amsterdam
        assert message.endswith(b"\r")
        assert not set(message) & {0x0A, 0x0B, 0x1C}


def test_every_time_is_a_time() -> None:
    for message in feed():
        for line in segments(message):
            if line[0] == "ORC":
                datetime.strptime(line[9][:14], "%Y%m%d%H%M%S")  # noqa: DTZ007  # only its form is looked at


@pytest.mark.parametrize("message", one_of_each_shape(), ids=lambda message: field(message, "MSH", 10))
def test_hl7apy_reads_every_shape_without_losing_a_segment(message: bytes) -> None:
    parsed = parse_message(text(message), validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False)

    assert [child.name for child in parsed.children] == [line[0] for line in segments(message)]


def test_no_segment_has_a_field_that_its_version_does_not_know() -> None:
    for message in one_of_each_shape():
        version = field(message, "MSH", 12)
        tables = import_module("hl7apy.v" + version.replace(".", "_")).SEGMENTS
        for line in segments(message)[1:]:
            known = max(int(child[0].rsplit("_", 1)[1]) for child in tables[line[0]][1])
            assert len(line) - 1 <= known, f"{line[0]} in {version}"


def test_every_expected_order_is_told_once_as_new() -> None:
    new = Counter(field(message, "ORC", 2).split("^")[0] for message in feed() if field(message, "ORC", 1) == "NW")

    assert {one.order: new[one.order] for one in expected()} == {one.order: 1 for one in expected()}


def test_every_case_report_is_expected_to_be_answered() -> None:
    cases = {one.case for one in expected()}
    tiers = Counter(one.tier for one in expected() if one.stream == "order")

    assert {
        "S11",
        "S12",
        "S13",
        "S14",
        "S15",
        "S17",
        "S18",
        "S19",
        "S21",
        "S23",
        "S24",
        "S30",
        "S40",
        "S41",
        "S47",
    } <= cases
    assert tiers[None] == len(LOOK_ALIKES) + 1
    assert tiers["information"] == 6


def test_the_first_case_is_told_at_once() -> None:
    opening = [field(message, "ORC", 2) for message in feed()[:6]]

    assert "910101^EPD" in opening


def test_the_feed_can_be_written_as_files_that_sort_in_the_order_of_sending(tmp_path: Path) -> None:
    write(tmp_path / "feed", seed=7, at=NOW.replace(tzinfo=None))

    files = sorted((tmp_path / "feed").iterdir())
    assert tuple(file.read_bytes() for file in files) == feed()


def test_a_large_feed_is_about_one_ivig_order_in_twenty() -> None:
    large = list(hospital_messages(7, now=NOW, patients=300))
    immunoglobulins = re.compile(rb"\r(RXO|RXE)\|[^\r]*(J06BA02|99990023|Nanogam|IVIG)")

    share = sum(1 for message in large if immunoglobulins.search(message) and b"\rRXA" not in message) / len(large)
    assert len(large) > 3000
    assert 0.03 < share < 0.09


def test_nothing_is_ordered_and_nothing_happens_after_now() -> None:
    happened = {"ORC": 9, "EVN": 2, "PRB": 2, "RXA": 4, "OBX": 14, "DG1": 5}

    for message in feed():
        for line in segments(message):
            said = line[happened[line[0]]] if line[0] in happened and len(line) > happened[line[0]] else ""
            assert said[:14] <= "20261120130000", f"{line[0]} of {field(message, 'MSH', 10)}"
