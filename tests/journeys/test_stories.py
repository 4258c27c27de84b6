"""Any story of some patients, told in any order, any number of times, over any workers, ends the same.

`make test` draws some; `make test-thorough` draws as many as the promise names.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import cycle

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from history.person import judge_messages
from rules.knowledge import Knowledge
from store import tables
from tests.journeys.drawing import stories, stories_of_identity
from tests.journeys.hospital import Hospital
from tests.journeys.stories import Happening, messages
from tests.journeys.test_rehearsal import a_message
from tests.thoroughness import STORIES
from worker.memory import HistoryMemory
from worker.worker import MOST_ENTRIES, MOST_FACTS

checks = settings(
    max_examples=STORIES,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


def emptied(engine: sa.Engine) -> None:
    """Leave nothing that a message brings about; the rows that nobody may delete go too."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        for trigger in _triggers(connection):
            connection.execute(sa.text(f"DROP TRIGGER {trigger}"))
        connection.execute(sa.update(tables.patient).values(merged_into=None))
        for table in reversed(tables.metadata.sorted_tables):
            if table.name not in ("feed", "local_code_version"):
                connection.execute(sa.delete(table))


def _triggers(connection: sa.Connection) -> Sequence[str]:
    if connection.dialect.name == "postgresql":
        return ()
    return connection.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()


def told(hospital: Hospital, sent: Sequence[bytes], batches: Callable[[], int], workers: int = 1) -> list[bytes]:
    """What is known after these messages, processed in batches of any size, by some workers at the same time.

    Each worker has a memory of its own; a batch goes to whichever is next.
    """
    ids = hospital.receives(*sent)
    memories = [HistoryMemory(least=0) for _ in range(workers)]
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(hospital.processes, _batches(ids, batches), cycle(memories)):
            pass
    while waiting := hospital.waiting():
        hospital.processes(waiting)
    return hospital.dump()


def _batches(ids: Sequence[int], size: Callable[[], int]) -> Iterator[Sequence[int]]:
    start = 0
    while start < len(ids):
        end = start + size()
        yield ids[start:end]
        start = end


def shuffled(sent: Sequence[bytes], die: random.Random) -> list[bytes]:
    again = [*sent, *die.sample(list(sent), len(sent) // 4)]
    die.shuffle(again)
    return again


def answers(hospital: Hospital) -> list[tuple[str, str]]:
    """What was last concluded of each order: its key, and the signature of the answer."""
    lines = (msgspec.json.decode(line) for line in hospital.dump())
    return sorted((line["key"], line["signature"]) for line in lines if line["a"] == "answer")


def rehearsed(sent: Sequence[bytes], hospital: Hospital) -> list[tuple[str, str]]:
    """What a dry run concludes, which goes over everything at once."""
    read = [a_message(number, raw) for number, raw in enumerate(sent, 1)]
    people = judge_messages(read, hospital.knowledge, hospital.site)
    found = [answer for each in people for answer in each.answers if answer.stream == "order"]
    return sorted((answer.order.key, answer.conclusion.signature) for answer in found)


class Twice:
    """Two hospitals that are told the same story: one in order, the other in any way at all."""

    def __init__(self, plain: Hospital, busy: Hospital) -> None:
        self.plain, self.busy = plain, busy

    def compare(self, story: Sequence[Happening], seed: int) -> None:
        emptied(self.plain.engine)
        emptied(self.busy.engine)
        die = random.Random(seed)
        sent = messages(story)
        facts, entries = die.choice([0, MOST_FACTS]), die.choice([1, MOST_ENTRIES])  # ahead and in parts, or not
        self.busy.worker = replace(self.busy.worker, most_facts=facts, most_entries=entries)

        once = told(self.plain, sent, lambda: len(sent))
        again = told(self.busy, shuffled(sent, die), lambda: die.choice([1, 2, 5, 20]), workers=2)

        assert again == once
        assert answers(self.plain) == rehearsed(sent, self.plain)


@pytest.fixture
def twice(hospital: Hospital, knowledge: Knowledge, fresh_engine: Callable[[], sa.Engine]) -> Twice:
    return Twice(Hospital(fresh_engine(), knowledge), hospital)


@checks
@given(story=stories_of_identity(), seed=st.integers(0, 999))
def test_merges_commute_with_everything(story: list[Happening], seed: int, twice: Twice) -> None:
    twice.compare(story, seed)


@checks
@given(story=stories(), seed=st.integers(0, 999))
def test_the_order_of_arrival_and_repetition_change_nothing(story: list[Happening], seed: int, twice: Twice) -> None:
    twice.compare(story, seed)
