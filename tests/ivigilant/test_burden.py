"""How many alerts the rules give, on patients as they usually come."""

from datetime import UTC, datetime

import pytest

from ivigilant.outcomes import per_hundred_orders
from ivigilant.rulebook.burden import TIERS, Burden, measure
from ivigilant.rulebook.burden_page import write_page
from rules.knowledge import Knowledge
from rules.load import load_knowledge
from worker.site import Site

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load_knowledge()


@pytest.fixture(scope="module")
def burden(knowledge: Knowledge) -> Burden:
    return measure(knowledge, Site(), 80, NOON)


def test_every_patient_has_one_order_and_every_order_one_answer(burden: Burden) -> None:
    assert burden.orders == 80
    assert sum(burden.per_hundred(tier) for tier in TIERS) == pytest.approx(100)


def test_the_same_patients_give_the_same_figures(burden: Burden, knowledge: Knowledge) -> None:
    assert measure(knowledge, Site(), 80, NOON) == burden


def test_the_page_says_what_drives_them_and_where_its_shares_are_from(burden: Burden, knowledge: Knowledge) -> None:
    page = write_page(burden, knowledge)

    assert "IG-VTE-007 Risk factors for thrombosis" in page
    assert "| earlier VTE | 2.9% | Kapoor 2022" in page
    assert "assumed" in page


def test_the_report_of_a_demonstration_counts_per_hundred_orders() -> None:
    found = {"ivig_orders": 50, "alerts": {"contraindication": 10, "high": 5, "moderate": 1}}

    assert per_hundred_orders(found) == "contraindication 20, high 10, moderate 2"
