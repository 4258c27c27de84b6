"""Times as FHIR writes them, and the spans that they are."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from inbox.fhir.criteria import read_criterion, time_ranges_of, tokens_of

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2026", "2025-12-31T23:00:00", "2026-12-31T23:00:00"),
        ("2026-12", "2026-11-30T23:00:00", "2026-12-31T23:00:00"),
        ("2026-03-29", "2026-03-28T23:00:00", "2026-03-29T22:00:00"),  # an hour short
        ("2026-10-25", "2026-10-24T22:00:00", "2026-10-25T23:00:00"),  # an hour long
        ("2024-02-29", "2024-02-28T23:00:00", "2024-02-29T23:00:00"),
        ("2026-11-21T13:05", "2026-11-21T12:05:00", "2026-11-21T12:06:00"),
        ("2026-11-21T13:05:07", "2026-11-21T12:05:07", "2026-11-21T12:05:08"),
        ("2026-11-21T13:05:07Z", "2026-11-21T13:05:07", "2026-11-21T13:05:08"),
        ("2026-11-21T13:05:07-05:00", "2026-11-21T18:05:07", "2026-11-21T18:05:08"),
        ("2026-11-21T13:05:07 01:00", "2026-11-21T12:05:07", "2026-11-21T12:05:08"),
        ("2026-11-21T13:05:07.25Z", "2026-11-21T13:05:07.250000", "2026-11-21T13:05:07.260000"),
        ("2026-11-21T13:05:07.123456789Z", "2026-11-21T13:05:07.123456", "2026-11-21T13:05:07.123457"),
    ],
)
def test_a_time_is_the_span_of_its_precision(text: str, low: str, high: str) -> None:
    (found,) = time_ranges_of(read_criterion("date", "", text), AMSTERDAM)

    assert (found.prefix, found.low) == ("eq", datetime.fromisoformat(low).replace(tzinfo=UTC))
    assert found.high == datetime.fromisoformat(high).replace(tzinfo=UTC)


def test_a_comma_or_bar_of_a_code_is_escaped() -> None:
    tokens = tokens_of(read_criterion("code", "", r"a\,b,s\|x|c\\d"))

    assert [(token.system, token.code) for token in tokens] == [(None, "a,b"), ("s|x", "c\\d")]
