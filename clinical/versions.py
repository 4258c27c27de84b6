"""Versions: which of two entries is the later one, whichever arrived first (docs/decisions/0001)."""

from datetime import UTC, datetime

NO_TIME = "0" * 20
# Of a merge that no message reported; any report comes after it.
SPELLED = "0"  # one number, written in two ways
BESIDE = "00"  # two numbers that one message gives one patient
CONTROL_ID_WIDTH = 20
HASH_WIDTH = 16


def version_of(event_at: datetime | None, message_time: datetime | None, control_id: str, body_hash: bytes) -> str:
    """Return a text that sorts by event time, then message time, then control id, then content.

    A missing time sorts before every time. Control ids of one second are compared as counters: 9 comes before 10.
    """
    counter = control_id.replace("\0", "")[-CONTROL_ID_WIDTH:].rjust(CONTROL_ID_WIDTH)
    return f"{_stamp(event_at)}-{_stamp(message_time)}-{counter}-{body_hash.hex()[:HASH_WIDTH]:0<{HASH_WIDTH}}"


def sent_at(version: str) -> datetime | None:
    """Return when the message of this version was sent, else when what it reports took effect."""
    return _moment(version[len(NO_TIME) + 1 : 2 * len(NO_TIME) + 1]) or event_time(version)


def event_time(version: str) -> datetime | None:
    """Return when the event of this version took effect; None when the message did not say."""
    return _moment(version[: len(NO_TIME)])


def _moment(stamp: str) -> datetime | None:
    return datetime.strptime(stamp, "%Y%m%d%H%M%S%f").replace(tzinfo=UTC) if stamp.strip("0") else None


def _stamp(moment: datetime | None) -> str:
    if moment is None:
        return NO_TIME
    if moment.tzinfo is None:
        raise ValueError(f"a version needs a time with a zone, not {moment!r}")
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    # By hand: strftime takes three times as long, and does not pad a year before 1000 everywhere.
    return (
        f"{utc.year:04d}{utc.month:02d}{utc.day:02d}{utc.hour:02d}{utc.minute:02d}{utc.second:02d}{utc.microsecond:06d}"
    )
