"""Which of two entries is the later one."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.versions import event_time, version_of

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HASH = bytes(range(32))

moments = st.none() | st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis wants bounds without a zone


def test_the_later_event_wins_whatever_the_message_says() -> None:
    before = version_of(NOON, NOON + timedelta(hours=5), "9", HASH)

    after = version_of(NOON + timedelta(microseconds=1), NOON, "1", HASH)

    assert before < after


def test_of_one_event_the_later_message_wins() -> None:
    assert version_of(NOON, NOON, "9", HASH) < version_of(NOON, NOON + timedelta(seconds=1), "1", HASH)


def test_a_missing_time_sorts_before_every_time() -> None:
    first_second = datetime(1, 1, 1, tzinfo=UTC)

    assert version_of(None, NOON, "1", HASH) < version_of(first_second, None, "1", HASH)
    assert version_of(NOON, None, "1", HASH) < version_of(NOON, first_second, "1", HASH)


@pytest.mark.parametrize(("earlier", "later"), [("9", "10"), ("MSG9", "MSG10"), ("00099", "00100"), ("", "1")])
def test_control_ids_of_one_second_count_up(earlier: str, later: str) -> None:
    assert version_of(NOON, NOON, earlier, HASH) < version_of(NOON, NOON, later, HASH)


def test_content_decides_when_nothing_else_does() -> None:
    assert version_of(NOON, NOON, "1", bytes(32)) < version_of(NOON, NOON, "1", HASH)


def test_one_moment_written_in_two_zones_is_one_version() -> None:
    brussels = NOON.astimezone(timezone(timedelta(hours=1)))

    assert version_of(brussels, None, "1", HASH) == version_of(NOON, None, "1", HASH)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        version_of(NOON.replace(tzinfo=None), None, "1", HASH)


@given(moments, moments, st.text(max_size=60), st.binary(max_size=32))
def test_every_version_has_the_same_width_and_no_nul(
    event_at: datetime | None, sent_at: datetime | None, control_id: str, body_hash: bytes
) -> None:
    version = version_of(event_at, sent_at, control_id, body_hash)

    assert len(version) == len(version_of(None, None, "", b""))
    assert "\0" not in version


@given(moments, moments, moments, moments)
def test_versions_sort_as_their_times_do(
    event: datetime | None, sent: datetime | None, other_event: datetime | None, other_sent: datetime | None
) -> None:
    one, other = version_of(event, sent, "1", HASH), version_of(other_event, other_sent, "1", HASH)

    lowest = datetime.min.replace(tzinfo=UTC)
    expected = (event or lowest, sent or lowest) < (other_event or lowest, other_sent or lowest)

    assert (one < other) == expected


@given(moments)
def test_a_version_gives_back_when_it_happened(at: datetime | None) -> None:
    assert event_time(version_of(at, NOON, "1", HASH)) == at
