"""What was ordered against what is advised."""

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clinical.conclusions import StoredConclusion, read_conclusion
from inbox.alerts.plan import Compared, Pair, comparison, first_difference, must_wait
from inbox.http.notation import Notation
from inbox.http.words import load_words
from rules.knowledge import Knowledge
from tests.inbox.builders import NOW, a_conclusion, an_order_told

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


RATE = Compared("rate", "9.6 g/h", "4 g/h", "2.4 × advice")
DURATION = Compared("duration", "8 h 20", "20 h", "until Sun 22 Nov 12:00")
DOSE = Compared("dose", "80 g (1 g/kg)")


@pytest.mark.parametrize(
    ("order", "values", "rows"),
    [
        ({}, {}, [RATE, DURATION, DOSE]),
        (
            {},
            HELD,
            [Compared("start", "today 16:00", "discuss first", "hold"), RATE, DURATION, DOSE],
        ),
        (
            {"rate_g_per_h": [20.0, 20.0], "start": None},
            LOWER,
            [
                Compared("rate", "20 g/h", "4 g/h", "too high"),  # above 3.3 mg/kg/min, 15.8 g/h
                Compared("duration", "4 h", "20 h"),
                Compared("dose", "80 g (1 g/kg)", "as low as possible", "discuss"),
            ],
        ),
        (
            {"rate_g_per_h": None},
            {},
            [
                Compared("rate", "not stated", "4 g/h", "fill in"),
                Compared("duration", "not stated", "20 h", "until Sun 22 Nov 12:00"),
                DOSE,
            ],
        ),
        ({"weight_kg": None}, {}, [Compared("rate", "9.6 g/h", "50 mg/kg/h", "weight needed"), DOSE]),
        ({"rate_g_per_h": SLOW}, {}, [Compared("rate", "2–4 g/h", "", "within the advice"), DOSE]),
        (
            {"rate_g_per_h": None, "weight_kg": None, "dose_g": None, "dose_g_per_kg": None},
            {},
            [Compared("dose", "unknown", "", "fill in")],
        ),
    ],
)
def test_the_page_of_an_alert_sets_every_aspect_of_the_order_against_the_advice(
    knowledge: Knowledge, order: dict[str, Any], values: dict[str, Any], rows: list[Compared]
) -> None:
    notation = Notation(load_words(("en",))["en"], ZoneInfo("Europe/Amsterdam"))

    assert comparison(concluded(order, values), knowledge.terms.rates, notation, NOW) == rows


NOT_AT_RISK: dict[str, Any] = {"trace": [{"rule": "IG-DATA-031", "condition": "is: at-risk", "held": False, "saw": ""}]}


@pytest.mark.parametrize(
    ("product", "rate", "difference"),
    [
        ("Privigen", 20.0, "5 × advice"),  # 4.2 mg/kg/min: only patients at risk get no more than 3.3
        ("Privigen", 56.0, "14 × advice"),
        ("Privigen", 58.0, "too high"),  # the label goes to 12 mg/kg/min, 57.6 g/h
        ("Flebogamma 10% DIF", 38.0, "9.5 × advice"),  # 8 mg/kg/min; of Flebogamma alone 5
        ("immunoglobulin", 20.0, "too high"),  # a product that is not listed: 4 mg/kg/min
    ],
)
def test_a_rate_is_too_high_above_the_label_for_who_is_not_at_risk(
    knowledge: Knowledge, product: str, rate: float, difference: str
) -> None:
    notation = Notation(load_words(("en",))["en"], ZoneInfo("Europe/Amsterdam"))
    told = concluded({"rate_g_per_h": [rate, rate], "product": product}, NOT_AT_RISK)

    assert comparison(told, knowledge.terms.rates, notation, NOW)[0].difference == difference


def test_the_end_names_its_day_unless_that_is_the_day_of_the_start(knowledge: Knowledge) -> None:
    notation = Notation(load_words(("nl",))["nl"], ZoneInfo("Europe/Amsterdam"))
    short, long = (
        comparison(concluded({"dose_g": [dose, dose]}, {}), knowledge.terms.rates, notation, NOW)[1]
        for dose in (12.0, 204.0)
    )

    assert (short.advised, short.difference) == ("3 uur", "tot 19:00")
    assert (long.advised, long.difference) == ("51 uur", "tot ma 23 nov 19:00")


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
