"""Published and constructed cases give the tier, the priority and exactly the rules that were agreed."""

import pytest

from clinical.words import Channel
from rules.evaluate import evaluate
from rules.knowledge import Knowledge
from tests.rules.vignettes import VIGNETTES, Vignette, advised, answer_to


@pytest.mark.parametrize("vignette", VIGNETTES, ids=lambda each: each.name)
def test_the_vignette_gets_the_agreed_answer(vignette: Vignette, knowledge: Knowledge) -> None:
    answer = answer_to(vignette, knowledge)

    assert answer == vignette.expected


@pytest.mark.parametrize("vignette", VIGNETTES, ids=lambda each: each.name)
def test_whoever_is_interrupted_is_told_what_to_do_now(vignette: Vignette, knowledge: Knowledge) -> None:
    found = evaluate(vignette.case, knowledge)

    assert found.now or found.channel < Channel.INTERRUPT


@pytest.mark.parametrize("vignette", [each for each in VIGNETTES if each.says_how], ids=lambda each: each.name)
def test_the_vignette_gets_the_agreed_channel_points_and_advice(vignette: Vignette, knowledge: Knowledge) -> None:
    found = evaluate(vignette.case, knowledge)

    assert advised(vignette, found) == vignette.advised
    assert not vignette.never & {act for line in found.advice for act in line.does}
