"""Our reader beside hl7apy's: on every field that hl7apy reads right, they agree."""

from collections.abc import Iterator
from typing import Any

import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

from parsers.charsets import choose_charset
from parsers.segments import split
from tests.parsers.test_samples import SAMPLES, messages

MESSAGES = [
    pytest.param(message, id=f"{path.name[:2]}-{number}")
    for path in sorted(SAMPLES.glob("*.hl7"))
    for number, message in enumerate(messages(path))
]


def components(segment: Any) -> Iterator[tuple[int, int, int, str]]:
    """Field, component, repetition and text of what hl7apy found."""
    seen: dict[int, int] = {}
    for field in segment.children:
        number = int(field.name.rsplit("_", 1)[1])
        seen[number] = seen.get(number, 0) + 1
        if segment.name == "MSH" and number < 3:
            continue
        for component in field.children:
            named = component.name.rsplit("_", 1)[-1] if component.name else ""
            yield number, int(named) if named.isdigit() else 1, seen[number], component.to_er7()


@pytest.mark.parametrize("raw", MESSAGES)
def test_we_read_what_hl7apy_reads(raw: bytes) -> None:
    ours = split(raw, "8859/1")
    charset = choose_charset(raw, "", "8859/1")
    theirs = parse_message(raw.decode(charset.codec), validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False)

    assert [segment.name for segment in ours.segments] == [segment.name for segment in theirs.children]
    compared = 0
    for our, their in zip(ours.segments, theirs.children, strict=True):
        for field, component, repetition, text in components(their):
            if ours.delimiters.escape in text:
                continue  # hl7apy leaves escapes in, and doubles some
            place = our.path(field, component, repetition)
            assert our.component(field, component, repetition) == text.replace('""', ""), place
            compared += 1
    assert compared > 15
