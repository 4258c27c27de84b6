"""What a new answer does to an alert."""

import pytest

from clinical.words import Tier
from history.alerting import Standing, decide
from history.conclusion import Conclusion
from history.orders import OrderState, fold_orders
from tests.history.builders import a_conclusion, an_order, entry


def order(*controls: str) -> OrderState:
    (state,) = fold_orders([entry(an_order(control=control), minute) for minute, control in enumerate(controls)])
    return state


def standing(status: str, answer: Conclusion | None = None) -> Standing:
    last = answer or a_conclusion()
    return Standing(status, last, last if status in ("acknowledged", "overridden") else None)


def test_a_risk_is_raised_once() -> None:
    first = decide(None, order("NW"), a_conclusion(), covered=False)
    again = decide(standing("open"), order("NW"), a_conclusion(), covered=False)

    assert first is not None
    assert (first.kind, first.push, again) == ("raised", True, None)


@pytest.mark.parametrize("tier", [Tier.NONE, Tier.INFORMATION])
def test_what_is_only_information_is_not_raised(tier: Tier) -> None:
    assert decide(None, order("NW"), a_conclusion(tier), covered=False) is None


def test_findings_settled_before_are_linked_and_not_pushed() -> None:
    act = decide(None, order("NW"), a_conclusion(), covered=True)

    assert act is not None
    assert (act.status, act.push) == ("covered", False)


def test_a_stopped_order_resolves_its_alert_and_says_why() -> None:
    act = decide(standing("acknowledged"), order("NW", "CA"), a_conclusion(), covered=False)

    assert act is not None
    assert (act.status, act.reason) == ("resolved", "order_cancelled")


def test_a_withdrawn_risk_resolves_the_alert() -> None:
    act = decide(standing("open"), order("NW"), a_conclusion(Tier.NONE, ()), covered=False)

    assert act is not None
    assert (act.status, act.reason) == ("resolved", "risk_withdrawn")


def test_an_order_that_goes_on_after_a_stop_speaks_again() -> None:
    act = decide(standing("resolved"), order("NW", "CA", "UC"), a_conclusion(), covered=False)

    assert act is not None
    assert (act.kind, act.push) == ("reopened", True)


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (a_conclusion(Tier.CONTRAINDICATION), "tier_rose"),
        (a_conclusion(rules=("IG-VTE-006", "IG-VTE-015")), "new_rule:IG-VTE-015"),
        (a_conclusion(dose_g=[37.5, 37.5]), "dose_g_rose"),
        (a_conclusion(product="Kiovig"), "product_changed"),
    ],
)
def test_a_change_for_the_worse_reopens_a_settled_alert(now: Conclusion, why: str) -> None:
    act = decide(standing("acknowledged"), order("NW"), now, covered=False)

    assert act is not None
    assert (act.status, act.push, act.reason) == ("open", True, why)


@pytest.mark.parametrize(
    "now", [a_conclusion(Tier.MODERATE), a_conclusion(dose_g=[37.4, 37.4]), a_conclusion(dose_g=[10.0, 10.0])]
)
def test_a_change_for_the_better_or_a_small_one_is_noted_and_not_pushed(now: Conclusion) -> None:
    act = decide(standing("overridden"), order("NW"), now, covered=False)

    assert act is not None
    assert (act.kind, act.status, act.push) == ("changed", "overridden", False)
