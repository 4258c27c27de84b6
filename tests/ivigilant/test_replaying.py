"""Replaying counts every answer, is patient with a link that breaks, and not for ever."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ivigilant.replaying import OpenLink, Tally, replay


@dataclass
class Receiver:
    """Answers as it was told to; remembers what it got over how many links."""

    answer: Callable[[bytes], str] = lambda message: "AA"
    got: list[bytes] = field(default_factory=list)
    links: int = 0
    breaks_before: set[bytes] = field(default_factory=set)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Receiver"]:
        self.links += 1
        yield self

    async def exchange(self, message: bytes) -> str:
        await asyncio.sleep(0)
        if message in self.breaks_before:
            self.breaks_before.remove(message)
            raise ConnectionResetError
        self.got.append(message)
        return self.answer(message)


def test_every_message_is_sent_and_every_answer_counted() -> None:
    receiver = Receiver(answer=lambda message: "AE" if message == b"3" else "AA")

    tally = send(numbers(10), receiver.open)

    assert receiver.got == numbers(10)
    assert (tally.sent, tally.accepted, tally.all_accepted) == (10, 9, False)


def test_several_links_share_the_work() -> None:
    receiver = Receiver()

    tally = send(numbers(50), receiver.open, links=4)

    assert receiver.links == 4
    assert sorted(receiver.got) == sorted(numbers(50))
    assert tally.all_accepted


def test_a_message_whose_link_broke_is_sent_again_over_a_new_one() -> None:
    receiver = Receiver(breaks_before={b"1"})

    tally = send(numbers(3), receiver.open)

    assert (receiver.got, receiver.links, tally.all_accepted) == (numbers(3), 2, True)


def test_patience_ends_and_the_rest_is_told_as_unanswered() -> None:
    @asynccontextmanager
    async def nobody_there() -> AsyncIterator[Receiver]:
        raise ConnectionRefusedError
        yield Receiver()

    began = time.monotonic()
    tally = send(numbers(100), nobody_there, patience_s=0.5)

    assert tally.answers == {"no answer": 100}
    assert time.monotonic() - began < 3


def test_no_more_is_sent_in_a_second_than_asked() -> None:
    began = time.monotonic()

    send(numbers(11), Receiver().open, per_second=50, links=3)

    assert time.monotonic() - began >= 0.2


def send(
    messages: Sequence[bytes],
    open_link: OpenLink,
    links: int = 1,
    per_second: float | None = None,
    patience_s: float = 5.0,
) -> Tally:
    return asyncio.run(replay(iter(messages), open_link, links=links, per_second=per_second, patience_s=patience_s))


def numbers(how_many: int) -> list[bytes]:
    return [str(number).encode() for number in range(how_many)]
