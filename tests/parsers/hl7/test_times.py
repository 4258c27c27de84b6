"""Times, their precision and their zone."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.hl7.times import moment, read_time, zone_of

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "at", "precision"),
    [
        ("2019", "2018-12-31T23:00", "year"),
        ("201906", "2019-05-31T22:00", "month"),
        ("20190614", "2019-06-13T22:00", "day"),
        ("2019061412", "2019-06-14T10:00", "hour"),
        ("201906141230", "2019-06-14T10:30", "minute"),
        ("20190614123045", "2019-06-14T10:30:45", "second"),
        ("20190614123045.25", "2019-06-14T10:30:45.250000", "second"),
        ("20190614123045+0100", "2019-06-14T11:30:45", "second"),
        ("20190614123045.123-0500", "2019-06-14T17:30:45.123000", "second"),
        ("20190614+0000", "2019-06-14T00:00", "day"),
        ("2004062916460000", "2004-06-29T14:46", "second"),
        ("20190614123045  ", "2019-06-14T10:30:45", "second"),
        ("2019-06-14", "2019-06-13T22:00", "day"),
        ("2019-06-14T12:30:45Z", "2019-06-14T12:30:45", "second"),
        ("2019-06-14 12:30", "2019-06-14T10:30", "minute"),
        ("2019-06-14T12:30:45.5+02:00", "2019-06-14T10:30:45.500000", "second"),
        ("20190600", "2019-05-31T22:00", "month"),
        ("20190000", "2018-12-31T23:00", "year"),
        ("20190614240000", "2019-06-14T22:00", "second"),
        ("20190614235960", "2019-06-14T22:00", "second"),
        ("14-JUN-2019 12:30", "2019-06-14T10:30", "minute"),
        ("1 déc. 2019", "2019-11-30T23:00", "day"),
    ],
)
def test_a_time_is_the_first_instant_it_can_mean(sent: str, at: str, precision: str) -> None:
    read, flags = read_time(sent, AMSTERDAM)

    assert read is not None
    assert (read.at, read.precision) == (utc(at), precision)
    assert flags == ()


@pytest.mark.parametrize("sent", ["", '""', "00000000", "0000", "00000000000000", "  "])
def test_no_time_is_no_time(sent: str) -> None:
    assert read_time(sent, AMSTERDAM) == (None, ())


@pytest.mark.parametrize("sent", ["20190231", "20191301", "yesterday", "201", "20190614250000", "20190614123045+9900"])
def test_an_impossible_time_is_said_to_be_unreadable(sent: str) -> None:
    assert read_time(sent, AMSTERDAM) == (None, ("unreadable_time",))


@pytest.mark.parametrize(
    ("sent", "zone", "at"),
    [
        ("03-04-2026 09:00", AMSTERDAM, "2026-04-03T07:00"),
        ("03/04/2026 09:00", AMSTERDAM, "2026-04-03T07:00"),
        ("03.04.2026 09:00", ZoneInfo("America/Chicago"), "2026-04-03T14:00"),
    ],
)
def test_a_day_stands_before_its_month_in_europe_and_before_a_point(sent: str, zone: ZoneInfo, at: str) -> None:
    read, flags = read_time(sent, zone)

    assert read is not None
    assert (read.at, flags) == (utc(at), ("day_before_month",))


@pytest.mark.parametrize("sent", ["03-04-2026 09:00", "03/04/2026", "03-04.2026", "14-FOO-2019"])
def test_a_date_of_two_days_is_unreadable_where_no_custom_says_which(sent: str) -> None:
    assert read_time(sent, ZoneInfo("America/Chicago")) == (None, ("unreadable_time",))


def test_the_hour_that_comes_twice_is_taken_as_the_first() -> None:
    read, flags = read_time("20251026023000", AMSTERDAM)

    assert read is not None
    assert read.at == utc("2025-10-26T00:30")
    assert flags == ("ambiguous_hour",)


def test_the_hour_that_never_comes_is_an_hour_later() -> None:
    read, flags = read_time("20250330023000", AMSTERDAM)

    assert read is not None
    assert read.at.astimezone(AMSTERDAM).hour == 3
    assert flags == ("skipped_hour",)


def test_an_offset_that_the_feeds_zone_has_means_that_zone() -> None:
    assert zone_of("20250701120000+0200", AMSTERDAM) == AMSTERDAM
    assert zone_of("20250701120000", AMSTERDAM) == AMSTERDAM
    assert zone_of("not a time", AMSTERDAM) == AMSTERDAM
    assert zone_of("20250701120000+2602", AMSTERDAM) == AMSTERDAM
    assert zone_of("99991231235959+0000", AMSTERDAM) == AMSTERDAM


def test_an_offset_of_elsewhere_holds_for_the_whole_message() -> None:
    assert zone_of("20250701120000-0500", AMSTERDAM) == timezone(-timedelta(hours=5))


@given(st.text(alphabet="0123456789+-.:TZ ", max_size=24))
def test_any_text_can_be_tried_as_a_time(text: str) -> None:
    moment(text, AMSTERDAM)


@given(st.integers(-2_000_000_000, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)))
def test_a_time_with_its_offset_is_read_exactly(at: datetime) -> None:
    read = moment(f"{at:%Y%m%d%H%M%S}+0000", AMSTERDAM)

    assert read is not None
    assert read.at == at
