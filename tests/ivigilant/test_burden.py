"""How many alerts the rules give, on patients as they usually come."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clinical.words import ALERT_TIERS, TIERS
from history.choices import Site
from ivigilant.knowledge.burden import PATIENTS, Burden, in_words, measure, measure_apart
from ivigilant.knowledge.burden_page import write_page
from ivigilant.knowledge.burden_stored import keep, kept
from ivigilant.knowledge.sensitivity import Varied, shares
from ivigilant.outcomes import per_hundred_orders
from rules.knowledge import Knowledge
from rules.load import load_knowledge
from synthetic.population import ASSUMED

BURDEN_PAGE = Path(__file__).parents[2] / "docs" / "burden.md"
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


def test_two_processes_count_the_same(burden: Burden) -> None:
    told: list[int] = []

    assert measure_apart(80, told=told.append).tiers == burden.tiers
    assert told == [80]


def test_the_page_says_what_drives_them_and_where_its_shares_are_from(burden: Burden, knowledge: Knowledge) -> None:
    varied = [Varied(share, 1.0, 2.0, 3.0) for share, _ in shares()]

    page = write_page(burden, knowledge, [(2, burden)], varied, 80)

    assert "IG-VTE-007 Risk factors for thrombosis" in page
    assert "| earlier VTE | 2.9% | Kapoor 2022" in page
    assert all(f"{each.share.source} | 1.0 | 3.0 |" in page for each in varied)


def test_every_share_has_a_source_or_is_called_an_assumption() -> None:
    assert all(share.source for share, _ in shares())
    assert {share.what for share, _ in shares() if not share.source.startswith(ASSUMED)} == {
        "earlier VTE",
        "first course of a patient with CIDP",
    }


def test_a_share_is_varied_alone() -> None:
    for index, (share, more) in enumerate(shares()):
        values = [each.value for each, _ in shares(more(2))]
        expected = [each.value for each, _ in shares()]
        expected[index] = min(1.0, share.value * 2)
        assert values == expected, share.what


def test_information_does_not_reach_the_inbox() -> None:
    words = in_words(Burden(100, Counter(high=10, information=40, none=50)))

    assert words.startswith("10.0 reach the inbox")
    assert "40.0 are only shown with the order" in words


def test_the_figures_that_are_kept_are_those_of_these_rules(knowledge: Knowledge) -> None:
    found = kept(knowledge.version)

    assert found is not None, "the rules changed: make docs"
    assert found.orders == PATIENTS
    assert f"{found.per_hundred(*ALERT_TIERS):.1f} reach the inbox" in BURDEN_PAGE.read_text(encoding="utf-8")


def test_figures_of_other_rules_are_not_used(tmp_path: Path, burden: Burden) -> None:
    keep(burden, "1.old", tmp_path / "kept.json")

    assert kept("1.new", tmp_path / "kept.json") is None
    assert kept("1.old", tmp_path / "none.json") is None
    found = kept("1.old", tmp_path / "kept.json")
    assert found is not None
    assert found.tiers == burden.tiers


def test_the_report_of_a_demonstration_counts_per_hundred_orders() -> None:
    found = {"ivig_orders": 50, "alerts": {"contraindication": 10, "high": 5, "moderate": 1}}

    assert per_hundred_orders(found) == "contraindication 20, high 10, moderate 2"
