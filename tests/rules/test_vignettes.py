"""Published and constructed cases give the tier, the priority and exactly the rules that were agreed."""

import pytest

from rules.knowledge import Knowledge
from tests.rules.vignettes import VIGNETTES, Vignette, answer_to


@pytest.mark.parametrize("vignette", VIGNETTES, ids=lambda each: each.name)
def test_the_vignette_gets_the_agreed_answer(vignette: Vignette, knowledge: Knowledge) -> None:
    answer = answer_to(vignette, knowledge)

    assert answer == vignette.expected
