"""What was ordered against what is advised."""

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clinical.conclusions import StoredConclusion, read_conclusion
from inbox.alerts.plan import Pair, first_difference, must_wait
from inbox.http.notation import Notation
from inbox.http.words import load_words
from rules.knowledge import Knowledge
from tests.inbox.builders import a_conclusion, an_order_told

SLOW = [2.0, 4.0]  # g/h for 80 kg; 50 mg/kg/h is 4
SPREAD: dict[str, Any] = {"does": [["spread"]]}
LOWER: dict[str, Any] = {"does": [["lower-dose"]]}
HELD: dict[str, Any] = {"does": [["hold"], ["discuss-alternatives"]], "now": 1}


def concluded(order: dict[str, Any], values: dict[str, Any]) -> StoredConclusion:
    """The conclusion about 80 g of Privigen for 80 kg, unless said otherwise."""
    return read_conclusion(json.dumps(a_conclusion(order=an_order_told(**order), **values)))


@pytest.mark.parametrize(
    ("order", "values", "pair"),
    [
        ({}, HELD, Pair("80 g", "discuss first")),
        ({}, {}, Pair("9.6 g/h", "4 g/h")),
        ({"rate_g_per_h": None}, {}, Pair("not stated", "4 g/h")),
        ({"weight_kg": None}, {}, Pair("9.6 g/h", "50 mg/kg/h")),
        ({"weight_kg": None, "rate_g_per_h": None}, {}, None),
        ({"rate_g_per_h": SLOW}, {}, None),
        ({"rate_g_per_h": [4.0, 4.1]}, {}, Pair("4–4.1 g/h", "4 g/h")),
        ({"rate_g_per_h": SLOW}, SPREAD, Pair("80 g (1 g/kg)", "5 × 32 g")),
        ({"weight_kg": None, "rate_g_per_h": None, "dose_g": None}, SPREAD, Pair("1 g/kg", "5 × 0.4 g/kg")),
        ({"rate_g_per_h": SLOW, "dose_g_per_kg": [0.4, 0.4]}, SPREAD, None),
        ({"rate_g_per_h": SLOW}, LOWER, Pair("80 g (1 g/kg)", "as low as possible")),
        ({"rate_g_per_h": SLOW, "dose_g": None, "dose_g_per_kg": None}, LOWER, None),
    ],
)
def test_a_row_shows_the_first_aspect_in_which_the_order_differs(
    knowledge: Knowledge, order: dict[str, Any], values: dict[str, Any], pair: Pair | None
) -> None:
    notation = Notation(load_words(("en",))["en"], ZoneInfo("Europe/Amsterdam"))

    assert first_difference(concluded(order, values), knowledge.terms.rates, notation) == pair


@pytest.mark.parametrize(
    ("does", "now", "waits"),
    [
        ([["hold"]], 1, True),
        ([["hold"]], 0, False),
        ([["confirm"], ["hold"]], 1, False),
        ([["hold"], ["give-without-delay"]], 1, False),
    ],
)
def test_the_next_bag_waits_only_where_that_is_to_be_done_now(does: list[list[str]], now: int, *, waits: bool) -> None:
    assert must_wait(concluded({}, {"does": does, "now": now})) is waits
