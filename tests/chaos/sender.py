"""A hospital system that sends again whatever was not acknowledged, and remembers every acknowledgement."""

import asyncio
import math
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from listener.client import Sender, Target, control_id_of, read_answer
from listener.framing import EB, SB

GIVE_UP_AFTER_S = 240.0
KNOCK_EVERY_S = 0.02

Moments = Mapping[int, Callable[[], None]]  # what happens when so many messages have been acknowledged


@dataclass(frozen=True)
class Mishaps:
    """How often, of a hundred messages, something happens to one on its way."""

    torn: int = 0  # a link breaks in the middle of its frame, and it is sent again over another
    cut: int = 0  # a link breaks with answers under way, and everything on it is sent again
    repeated: int = 0  # it is sent twice


@dataclass
class Sending:
    """Sends over some links, several messages under way on each, until every message is acknowledged.

    Of several hosts each link begins with the next, and goes to the next when it breaks.
    """

    port: int
    messages: Sequence[bytes]
    seed: int = 1
    hosts: Sequence[str] = ("127.0.0.1",)
    answer_within_s: float = 30.0
    links: int = 3
    window: int = 4
    per_second: float = 1000.0
    mishaps: Mishaps = Mishaps()
    moments: Moments = field(default_factory=dict)
    no_further_than: float = math.inf  # it waits when so many are acknowledged, until somebody raises this
    codes: dict[str, set[str]] = field(default_factory=dict)  # every code that came, by control id
    repeats: Counter[str] = field(default_factory=Counter)  # control ids that were sent more than once
    broken: Counter[int] = field(default_factory=Counter)  # how often each link ended with messages under way

    def __post_init__(self) -> None:
        """Roll the dice."""
        self._die = random.Random(self.seed)
        self._waiting = deque(self.messages)
        self._targets = [Target(host, self.port, timeout_s=self.answer_within_s) for host in self.hosts]
        self._thread = threading.Thread(target=self._run, name="hospital", daemon=True)
        self._left = dict(self.moments)

    @property
    def acknowledged(self) -> set[str]:
        """The control ids that were accepted."""
        return {control_id for control_id, codes in self.codes.items() if codes & {"AA", "CA"}}

    @property
    def refusals(self) -> int:
        """How often a message had to be sent again."""
        return self.repeats.total()

    @property
    def busy(self) -> bool:
        """Whether it still sends."""
        return self._thread.is_alive()

    def begin(self) -> None:
        """Start to send, and look at the watch."""
        self._deadline = time.monotonic() + GIVE_UP_AFTER_S
        self._thread.start()

    def _run(self) -> None:
        asyncio.run(self._send())

    async def _send(self) -> None:
        await asyncio.gather(*(self._link(number) for number in range(self.links)))

    async def _link(self, number: int) -> None:
        under_way: deque[bytes] = deque()
        sender = self._sender(number)
        while (self._waiting or under_way) and time.monotonic() < self._deadline:
            try:
                await self._fill(sender, under_way)
                if under_way:
                    self._note(*read_answer(await sender.answer()))
                    under_way.popleft()
                else:
                    await asyncio.sleep(KNOCK_EVERY_S)  # it may send no further yet
            except OSError:
                self._send_again(under_way)
                self.broken[number] += 1
                await sender.close()
                sender = self._sender(number + self.broken[number])
                await asyncio.sleep(KNOCK_EVERY_S)
        await sender.close()

    def _sender(self, turn: int) -> Sender:
        return Sender(self._targets[turn % len(self._targets)])

    async def _fill(self, sender: Sender, under_way: deque[bytes]) -> None:
        while self._waiting and len(under_way) < self.window and len(self.codes) < self.no_further_than:
            message = self._waiting.popleft()
            under_way.append(message)
            await self._mishap(message, under_way)
            await sender.send(message)
            await asyncio.sleep(self.links / self.per_second)

    async def _mishap(self, message: bytes, under_way: deque[bytes]) -> None:
        number = self._die.randrange(100)
        mishaps = self.mishaps
        if number < mishaps.torn:
            await self._tear(message)
        elif number < mishaps.torn + mishaps.repeated:
            self._waiting.insert(self._die.randint(0, len(self._waiting)), message)
            self.repeats[_name(message)] += 1
        elif number < mishaps.torn + mishaps.repeated + mishaps.cut:
            raise ConnectionResetError("this link is cut now")

    async def _tear(self, message: bytes) -> None:
        """Send a part of the frame over a link of its own: somewhere between nothing and all but its end."""
        _, writer = await asyncio.open_connection(self.hosts[0], self.port)
        writer.write((SB + message + EB)[: self._die.choice([self._die.randint(1, len(message)), len(message) + 1])])
        await writer.drain()
        if self._die.random() < 0.5:
            writer.transport.abort()
        writer.close()

    def _note(self, code: str, control_id: bytes) -> None:
        self.codes.setdefault(control_id.decode(), set()).add(code)
        happens = self._left.pop(len(self.codes), None)
        if happens is not None:
            happens()

    def _send_again(self, under_way: deque[bytes]) -> None:
        self.repeats.update(_name(message) for message in under_way)
        self._waiting.extendleft(reversed(under_way))
        under_way.clear()


def _name(message: bytes) -> str:
    return control_id_of(message).decode()


def moments_of(count: int, times: int, seed: int, what: Callable[[], None]) -> dict[int, Callable[[], None]]:
    """Let something happen some times at random moments of a stream of so many messages."""
    return dict.fromkeys(random.Random(seed).sample(range(count // 20, count), times), what)
