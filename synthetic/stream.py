"""All stories woven into one feed, the way a hospital's messages arrive: many patients at once."""

from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, count

from synthetic import cases_after_thrombosis, cases_by_dose, routine
from synthetic.expectations import CaseReport, Expected
from synthetic.people import dice
from synthetic.ward_life import stay
from synthetic.wire import Draft, post

Story = Callable[[datetime], list[Draft]]

STAYS = 40  # patients on the wards when nobody asks for more
AT_ONCE = 24  # stories that are told at the same time
SENDING_BEGAN = timedelta(minutes=1)
PACE = timedelta(milliseconds=20)
IVIG_SHARE = 0.75  # of the stays in a large feed: about one message in twenty is then an IVIg order

CASES: tuple[CaseReport, ...] = (
    *cases_after_thrombosis.CASES,
    *cases_by_dose.CASES,
    *cases_after_thrombosis.FORUM_CASES,
    *routine.LOOK_ALIKE_CASES,
)


def hospital_messages(seed: int = 7, *, now: datetime, patients: int | None = None) -> Iterator[bytes]:
    """Return the feed of the hospital as it is at `now`, without MLLP framing.

    Every case report and look-alike is in it, whatever the seed. `patients` asks for that many more on the wards,
    most of them with IVIg, for measuring; without it there are forty, none with IVIg.
    """
    first, *others = CASES
    opening = first.tell(now)  # told alone, so that the first alert is there within seconds
    stories = _shuffled([*(case.tell for case in others), *routine.STORIES], seed)
    wards = (partial(_stay, seed=seed, index=index, patients=patients) for index in range(patients or STAYS))
    drafts = chain(opening, _woven(_mixed(stories, wards), now, seed))
    for number, draft in enumerate(drafts):
        sent_at = min(now, now - SENDING_BEGAN + number * PACE)
        yield post(draft, f"{draft.dialect.application}{number + 1:08d}", sent_at)


def expected() -> list[Expected]:
    """Return what must become of the orders of the case reports and look-alikes."""
    return [answer for case in CASES for answer in case.expected]


def _stay(now: datetime, seed: int, index: int, patients: int | None) -> list[Draft]:
    return stay(now, seed, index, ivig_share=IVIG_SHARE if patients else 0.0)


def _shuffled(stories: list[Story], seed: int) -> list[Story]:
    dice(seed, "stories").shuffle(stories)
    return stories


def _mixed(stories: list[Story], wards: Iterator[Story]) -> Iterator[Story]:
    """Take a story and a stay in turn, then what is left of either."""
    waiting = deque(stories)
    for story in wards:
        if waiting:
            yield waiting.popleft()
        yield story
    yield from waiting


def _woven(stories: Iterator[Story], now: datetime, seed: int) -> Iterator[Draft]:
    """Tell some stories at once: each keeps its own order, and a new one begins when one has ended."""
    die = dice(seed, "weave")
    telling: list[deque[Draft]] = []
    for _ in count():
        while len(telling) < AT_ONCE and (story := next(stories, None)) is not None:
            telling.append(deque(story(now)))
        if not telling:
            return
        chosen = die.randrange(len(telling))
        yield telling[chosen].popleft()
        if not telling[chosen]:
            telling.pop(chosen)
