"""Two citizen numbers of which each leads on through the other: which of them came first decides nothing."""

from collections.abc import Callable
from itertools import permutations

import sqlalchemy as sa

from rules.knowledge import Knowledge
from tests.journeys.hospital import Hospital
from tests.journeys.stories import Happening, Merged, Problem, messages
from tests.journeys.test_stories import emptied

# Shrunk from a drawn story: 1 became the citizen number of 2, and 2 that of 1.
STORY: list[Happening] = [
    Problem(who="1+"),
    Problem(who="2+", number="P2"),
    Merged(who="+2", retired=("1",), at=1),
    Merged(who="+1", retired=("2",), at=2),
]


def test_two_citizen_numbers_that_hang_together_lead_the_same_way_in_any_order(
    hospital: Hospital, fresh_engine: Callable[[], sa.Engine], knowledge: Knowledge
) -> None:
    told = messages(STORY)
    plain = Hospital(fresh_engine(), knowledge)
    plain.sends(*told)

    for order in permutations(told):
        emptied(hospital.engine)
        hospital.sends_one_by_one(order)
        assert hospital.dump() == plain.dump()
