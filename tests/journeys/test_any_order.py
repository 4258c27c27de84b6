"""The same messages in whatever order, however often, in whatever batches: the same history, answers and alerts."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from rules.knowledge import Knowledge
from synthetic.stream import hospital_messages
from tests.journeys.hospital import Hospital

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MESSAGES = tuple(hospital_messages(now=NOON))


def told(engine: sa.Engine, knowledge: Knowledge, messages: Sequence[bytes], together: int) -> list[bytes]:
    hospital = Hospital(engine, knowledge)
    ids = hospital.receives(*messages)
    for start in range(0, len(ids), together):
        hospital.processes(ids[start : start + together])
    return hospital.dump()


@pytest.fixture(scope="module")
def as_sent(knowledge: Knowledge, fresh_engine: Callable[[], sa.Engine]) -> list[bytes]:
    return told(fresh_engine(), knowledge, MESSAGES, together=50)


@pytest.mark.parametrize(("seed", "together"), [(1, 1), (2, 7), (3, 200)])
def test_any_order_and_repetition_ends_the_same(
    seed: int, together: int, engine: sa.Engine, knowledge: Knowledge, as_sent: list[bytes]
) -> None:
    shuffled = [*MESSAGES, *random.Random(seed).sample(MESSAGES, 100)]
    random.Random(seed).shuffle(shuffled)

    assert told(engine, knowledge, shuffled, together) == as_sent
