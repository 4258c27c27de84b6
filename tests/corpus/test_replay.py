"""Every file of real senders through the real listener and the real workers: answered, kept, read."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from rules.knowledge import Knowledge
from tests.corpus import holds_msh, sources
from tests.corpus.replay import Ended, Sent, endings, process_all, send_all

FILES = [file for source in sources() for file in source.files]
READ_AT_LEAST = 0.99
# Why a message may be left to a human; each is one that a human agrees with.
FIT_TO_PARK = {
    "no_patient",  # a diagnosis a rule could use, of a patient without a number
    "unsupported_version",  # MSH-12 names a version that is not 2
    "no_msh",
}


@pytest.fixture
def sent(sqlite_engine: sa.Engine) -> list[Sent]:
    return asyncio.run(send_all(sqlite_engine, FILES))


def test_every_file_is_answered_kept_and_read(
    sent: Sequence[Sent], sqlite_engine: sa.Engine, knowledge: Knowledge
) -> None:
    process_all(sqlite_engine, knowledge)

    ended = endings(sqlite_engine)
    kept = {each.file: [ended.of(message) for message in each.messages] for each in sent}
    assert [file for file, messages in kept.items() if None in messages] == []
    unanswered = [each.file for each in sent if not each.codes]
    assert [file for file in unanswered if not all(_wants_no_answer(message) for message in kept[file])] == []
    with_msh = [message for messages in kept.values() for message in messages if message and holds_msh(message.raw)]
    parked = [message for message in with_msh if message.state not in ("processed", "ignored")]
    assert {(message.state, message.reason) for message in parked} <= {("parked", reason) for reason in FIT_TO_PARK}
    assert len(parked) <= len(with_msh) * (1 - READ_AT_LEAST)


def _wants_no_answer(message: Ended | None) -> bool:
    """Acknowledgements are never acknowledged, and a sender may ask for none."""
    return message is not None and message.ack_code == ""


def test_a_file_without_a_header_is_refused_and_kept(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    (tmp_path / "nothing.hl7").write_bytes(b"PID|1||7\r")

    (only,) = asyncio.run(send_all(sqlite_engine, [tmp_path / "nothing.hl7"]))

    assert only.codes == ("AR",)
    kept = endings(sqlite_engine).of(only.frame)
    assert kept is not None
    assert (kept.state, kept.reason) == ("parked", "no_msh")
