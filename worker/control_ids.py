"""Messages that are missing, seen by the numbers of a feed: MSH-10 or MSH-13 that run on by one, and then skip.

Only of a feed whose numbers ran on by one for long does a gap say something: others number what we do not get, too.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, Literal

import sqlalchemy as sa

from store import feed_messages
from store.incidents import Incident

NumberField = Literal["MSH-10", "MSH-13"]

LEAST_RUN: Final = 50  # numbers without a gap before one is believed
KEPT: Final = 400  # numbers of a run
MOST_MISSING: Final = 500  # a larger step is a counter that began elsewhere
LATE_AFTER: Final = timedelta(minutes=2)  # messages over several links overtake each other
MISSED_FOR: Final = timedelta(days=1)  # then nobody waits for them any more
MOST_RUNS: Final = 8  # of a feed: so many prefixes are told apart
READ_AT_ONCE: Final = 5_000  # messages; with more since the last look every run begins anew
LONGEST_NUMBER: Final = 15  # digits
_MSH_13: Final = 12  # its place between the separators: MSH-1 is the separator itself


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers that did not come, from the first to the last."""

    first: int
    last: int

    def __str__(self) -> str:
        """The numbers as they are named outside."""
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


@dataclass(slots=True)
class NumberRun:
    """The numbers of one counter, and when each came."""

    came_at: dict[int, datetime] = field(default_factory=dict)
    missed: dict[Gap, datetime] = field(default_factory=dict)  # that are believed, and since when

    def add(self, number: int, at: datetime) -> None:
        """Take in a number; one far from the others begins the run anew."""
        if self.came_at and not min(self.came_at) - MOST_MISSING <= number <= max(self.came_at) + MOST_MISSING:
            self.came_at.clear()
        self.came_at.setdefault(number, at)

    def look(self, now: datetime) -> None:
        """See which numbers are missing by now, and which came after all."""
        numbers, run = sorted(self.came_at), 1
        for one, following in pairwise(numbers):
            if following == one + 1:
                run += 1
                continue
            gap = Gap(one + 1, following - 1)
            is_known = any(each.first <= gap.first and gap.last <= each.last for each in self.missed)
            if run >= LEAST_RUN and not is_known and now - self.came_at[following] >= LATE_AFTER:
                self.missed[gap] = now
            run = 1
        for number in numbers[:-KEPT]:
            del self.came_at[number]
        oldest = min(self.came_at, default=0)
        self.missed = {
            gap: at
            for gap, at in self.missed.items()
            if self._is_missed(gap) and (now - at < MISSED_FOR or gap.last > oldest)
        }

    def current(self, now: datetime) -> dict[Gap, datetime]:
        """Return what is missing and still waited for, and since when."""
        return {gap: at for gap, at in self.missed.items() if now - at < MISSED_FOR}

    def _is_missed(self, gap: Gap) -> bool:
        return any(number not in self.came_at for number in range(gap.first, gap.last + 1))

    @property
    def runs_on(self) -> bool:
        """Whether its numbers run on by one, as far as they are known."""
        numbers = sorted(self.came_at)
        steps = [following - one for one, following in pairwise(numbers)]
        return len(numbers) >= LEAST_RUN and 2 * steps.count(1) > len(steps)


RunKey = tuple[int, NumberField, str]  # the feed, the field, and what stands before the number


@dataclass(slots=True)
class ControlIdWatch:
    """The counters of all feeds, read on from where they were read last."""

    runs: dict[RunKey, NumberRun] = field(default_factory=dict)
    read_until: int | None = None  # the last message
    began_at: datetime | None = None  # before that nothing is known

    def read(self, connection: sa.Connection, now: datetime) -> None:
        """Read the messages that came since."""
        self.began_at = self.began_at or now
        newest = feed_messages.newest_id(connection)
        after = newest - READ_AT_ONCE if self.read_until is None else self.read_until
        if newest - after > READ_AT_ONCE:
            self.runs.clear()
            after = newest - READ_AT_ONCE
        numbered = feed_messages.numbered(connection, after, newest)
        self.read_until = newest
        for message in numbered:
            self._add(message.feed_id, "MSH-10", message.control_id, message.received_at)
        regular = {feed for (feed, place, _), run in self.runs.items() if place == "MSH-10" and run.runs_on}
        others = [message for message in numbered if message.feed_id not in regular]
        heads = feed_messages.heads(connection, after, newest) if others else {}
        for message in others:
            self._add(message.feed_id, "MSH-13", _sequence_number(heads.get(message.id, b"")), message.received_at)
        for run in self.runs.values():
            run.look(now)

    def gap_of(self, feed_id: int, now: datetime) -> str | None:
        """Return which numbers of a feed are missing, the latest gap: `MSH-10 1204-1206`."""
        found = [
            (at, gap.first, f"{place} {gap}")
            for (feed, place, _), run in self.runs.items()
            if feed == feed_id
            for gap, at in run.current(now).items()
        ]
        return max(found)[2] if found else None

    def are_over(self, standing: Collection[Incident], found: Mapping[str, str], now: datetime) -> list[str]:
        """Return the subjects of which nothing is missing any more.

        What was missing before this process began is not known to it; that is over after a day.
        """
        return [
            each.subject
            for each in standing
            if each.subject not in found
            and (self.began_at is None or each.began_at >= self.began_at or now - each.began_at >= MISSED_FOR)
        ]

    def _add(self, feed_id: int, place: NumberField, text: str, at: datetime) -> None:
        before, number = _split(text)
        if number is None:
            return
        key = (feed_id, place, before)
        if key not in self.runs:
            same = [each for each in self.runs if each[:2] == key[:2]]
            if len(same) >= MOST_RUNS:
                del self.runs[same[0]]
            self.runs[key] = NumberRun()
        self.runs[key].add(number, at)


def _split(text: str) -> tuple[str, int | None]:
    """Return what stands before the number at the end of a text, and that number."""
    before = text.rstrip("0123456789")
    digits = text[len(before) :]
    return before, int(digits) if digits.isascii() and 0 < len(digits) <= LONGEST_NUMBER else None


def _sequence_number(head: bytes) -> str:
    """Return the sequence number (MSH-13) of a message, from its beginning; empty when it has none."""
    line = head.split(b"\r", 1)[0]
    fields = line.split(line[3:4]) if line.startswith(b"MSH") and len(line) > len(b"MSH") else []
    return fields[_MSH_13].decode("ascii", "replace") if len(fields) > _MSH_13 else ""
