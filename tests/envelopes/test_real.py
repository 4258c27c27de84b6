"""IVIg in forty envelopes of real senders, where they are there: recognised with dose and schedule, look-alikes not.

Where the corpus is not there our own forty envelopes, in `test_shapes.py`, have to do.
"""

from typing import Any

import pytest

from rules.knowledge import Knowledge
from tests.corpus import corpus
from tests.envelopes.filling import products
from tests.envelopes.real import envelopes, filled
from tests.envelopes.recognised import Recognised, recognised

TEXTS = [product["text"] for product in products("ivig") if "100 mg/ml" in product["text"]]
REAL = [
    pytest.param(number, envelope, id=f"{number}-{envelope['message'].rpartition('/')[2]}")
    for number, envelope in enumerate(envelopes())
]


def test_there_are_forty_envelopes_where_there_is_a_corpus() -> None:
    assert len(REAL) == (40 if corpus() else 0)


if REAL:

    @pytest.mark.parametrize(("number", "envelope"), REAL)
    def test_ivig_is_recognised_with_its_dose_and_schedule(
        number: int, envelope: dict[str, Any], knowledge: Knowledge
    ) -> None:
        found = recognised(filled(envelope, TEXTS[number % len(TEXTS)]), knowledge)

        every = tuple(envelope["every"]) if "every" in envelope else None
        assert found == [Recognised(tuple(envelope["dose"]), every)] * envelope.get("times", 1)

    @pytest.mark.parametrize(("number", "envelope"), REAL)
    def test_a_look_alike_in_the_same_envelope_is_none(
        number: int, envelope: dict[str, Any], knowledge: Knowledge
    ) -> None:
        assert recognised(filled(envelope, products("lookalike")[number]["text"]), knowledge) == []
