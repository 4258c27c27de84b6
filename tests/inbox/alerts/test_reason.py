"""The deciding fact: how sure it is, and what would change the answer."""

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clinical.conclusions import read_conclusion
from inbox.alerts.reason import certainty_of, with_a_weight
from inbox.http.notation import Notation
from inbox.http.words import load_words
from tests.inbox.builders import a_conclusion, a_fact, a_finding, an_order_told

IN_ENGLISH = Notation(load_words(("en",))["en"], ZoneInfo("Europe/Amsterdam"))


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        ({}, "DVT been: confirmed, with code ICD10 I80.2, 14 Jun 2019."),
        (
            {"code": "", "certainty": "suspected", "precision": "year"},
            "DVT been: suspected, in words only, 2019.",
        ),
        ({"at": None}, "DVT been: confirmed, with code ICD10 I80.2, date unknown."),
    ],
)
def test_how_sure_a_fact_is_and_of_when_is_said(fact: dict[str, Any], said: str) -> None:
    told = read_conclusion(json.dumps(a_conclusion(findings=[a_finding(facts=[a_fact(**fact)])])))

    assert certainty_of(told, "contraindication", IN_ENGLISH) == said


def test_without_a_fact_there_is_nothing_to_be_sure_of() -> None:
    told = read_conclusion(json.dumps(a_conclusion(findings=[a_finding(facts=[])])))

    assert certainty_of(told, "contraindication", IN_ENGLISH) == ""


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({"weight_kg": None, "dose_g_per_kg": None}, "With a weight of 80 kg this is 1 g/kg."),
        ({"weight_kg": None, "dose_g_per_kg": None, "dose_g": None}, ""),
        ({}, ""),
    ],
)
def test_what_a_weight_would_make_of_the_dose_is_said_where_it_is_missing(order: dict[str, Any], said: str) -> None:
    told = read_conclusion(json.dumps(a_conclusion(order=an_order_told(**order))))

    assert with_a_weight(told, IN_ENGLISH) == said
