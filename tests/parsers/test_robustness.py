"""Broken messages are read as far as they go, or refused by name; nothing else happens."""

import random
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.errors import ParserError
from parsers.hl7.batches import split_batch
from parsers.hl7.segments import join, split
from parsers.reading import read
from tests.parsers.builders import DEFAULTS
from tests.parsers.test_samples import SAMPLES, messages

CORPUS = Path(__file__).parent.parent.parent.parent / "shared" / "corpus"
ALL = [message for path in sorted(SAMPLES.glob("*.hl7")) for message in messages(path)]
ODD = (
    b"",
    b"|",
    b"^",
    b"~",
    b"\\",
    b"&",
    b'""',
    b"\r",
    b"\n",
    b"\x00",
    b"\xff",
    b"9" * 30,
    b"-1",
    b"1.000",
    b"0,5",
    b"^^^",
)


def try_to_read(raw: bytes) -> None:
    """What is read can be stored as JSON; what is not has a ParserError to say so."""
    try:
        reading = read(raw, DEFAULTS)
    except ParserError:
        return
    stored = msgspec.json.encode(reading.events)
    assert b"\\u0000" not in stored


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ALL), st.integers(0, 2**32))
def test_a_damaged_sample_is_read_or_refused(raw: bytes, seed: int) -> None:
    chance = random.Random(seed)
    damaged = bytearray(raw)
    for _ in range(chance.randint(1, 12)):
        at = chance.randrange(4, len(damaged))
        damaged[at : at + chance.choice((0, 1, 1, 2, 8, 40))] = chance.choice(ODD)

    try_to_read(bytes(damaged))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(ALL), st.integers(0, 2**32))
def test_fields_in_the_wrong_place_are_read_or_refused(raw: bytes, seed: int) -> None:
    chance = random.Random(seed)
    msh, *segments = raw.split(b"\r")
    for index, segment in enumerate(segments):
        name, *fields = segment.split(b"|")
        chance.shuffle(fields)
        segments[index] = b"|".join((name, *fields)) if chance.random() < 0.5 else segment
    chance.shuffle(segments)

    try_to_read(b"\r".join((msh, *segments)))


def test_messages_of_real_senders_are_read_or_refused_and_lose_no_byte() -> None:
    folder = CORPUS if CORPUS.is_dir() else SAMPLES
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix not in {".csv", ".md"}]

    for path in files:
        raw = path.read_bytes()
        batch = split_batch(raw)
        for message in batch.messages if batch else (raw,):
            try_to_read(message)
            if b"MSH" in message[:20]:
                assert join(split(message)) == message

    assert files


def test_a_result_with_a_megabyte_in_it_is_read() -> None:
    raw = (
        b"MSH|^~\\&|LAB||||20250310||ORU^R01|1|P|2.5\rPID|1||7\rOBR|1\rOBX|1|FT|X^Verslag||"
        + b"tekst " * 170_000
        + b"||||||F\r"
    )

    (_, report) = read(raw, DEFAULTS).events

    assert len(msgspec.json.encode(report)) > 1_000_000
