"""The order as the rules judge it: doses a day, a course and a kilogram, and the rate."""

from decimal import Decimal

import pytest

from clinical.events import AnyEvent
from clinical.quantities import Quantity, exactly
from rules.facts import Order
from rules.knowledge import Knowledge
from tests.history.builders import a_dose, a_weight, an_order, answered, daily, grams, moment, per_kg, seen


def judged(knowledge: Knowledge, *events: AnyEvent) -> Order:
    """The first order as the rules see it."""
    (person,) = answered(knowledge, *events)
    return person.answers[0].case.order


def number(quantity: Quantity | None) -> float | None:
    """The value of a quantity that is exact."""
    if quantity is None:
        return None
    assert quantity.low == quantity.high
    return float(quantity.high)


def test_grams_become_grams_a_kilogram_by_the_last_weight(knowledge: Knowledge) -> None:
    order = judged(knowledge, a_weight(80, -20), a_weight(60, -1), an_order(dose=grams(30), starts=moment()))

    assert (order.weight_kg, number(order.grams_per_kg_per_day)) == (Decimal(60), 0.5)


def test_without_a_weight_nothing_is_guessed(knowledge: Knowledge) -> None:
    order = judged(knowledge, an_order(dose=grams(30), starts=moment()))

    assert (number(order.grams_per_day), number(order.grams_per_kg_per_day), order.weight_kg) == (30, None, None)


@pytest.mark.parametrize(
    ("patient_class", "days", "counts"),
    [("I", 29, True), ("I", 31, False), ("O", 89, True), ("O", 91, False), ("", 89, True), ("", 91, False)],
)
def test_a_weight_is_too_old_after_a_month_in_hospital_and_three_months_outside(
    knowledge: Knowledge, patient_class: str, days: int, counts: bool
) -> None:
    order = judged(
        knowledge, seen(patient_class=patient_class), a_weight(60, -days), an_order(dose=grams(30), starts=moment())
    )

    assert (order.weight_kg is not None) is counts


@pytest.mark.parametrize("kg", [1, 351])
def test_a_weight_that_nobody_has_is_not_used(knowledge: Knowledge, kg: int) -> None:
    order = judged(knowledge, a_weight(kg, -1), an_order(dose=grams(30), starts=moment()))

    assert order.weight_kg is None


def test_a_course_is_the_sum_of_its_days(knowledge: Knowledge) -> None:
    order = judged(knowledge, a_weight(50, -1), an_order(dose=per_kg("0.4"), starts=moment(), timings=daily(5)))

    assert (number(order.course_grams_per_kg), number(order.course_grams)) == (2, 100)
    assert (order.dosing_days, order.consecutive_days, order.dose_basis) == (5, 5, "g/kg")


def test_two_orders_of_one_week_are_one_course(knowledge: Knowledge) -> None:
    order = judged(
        knowledge,
        an_order("EPD|1", dose=grams(30), starts=moment()),
        an_order("EPD|2", dose=grams(20), starts=moment(2)),
    )

    assert (number(order.course_grams), order.dosing_days, order.consecutive_days) == (50, 2, 1)


def test_what_was_given_counts_and_not_what_was_planned(knowledge: Knowledge) -> None:
    order = judged(knowledge, an_order(dose=grams(30), starts=moment()), a_dose(days=0.1, grams=grams(40)))

    assert number(order.grams_per_day) == 40


def test_the_fastest_rate_that_was_reached_counts(knowledge: Knowledge) -> None:
    slow, fast = exactly(5, "g/h"), exactly(8, "g/h")

    order = judged(knowledge, an_order(dose=grams(30), rate=slow, starts=moment()), a_dose(grams=grams(30), rate=fast))

    assert number(order.grams_per_hour) == 8


def test_a_flag_that_only_says_how_to_treat_the_message_is_no_doubt(knowledge: Knowledge) -> None:
    order = judged(knowledge, an_order(dose=grams(30), starts=moment(), flags=("replay", "unit_assumed")))

    assert order.flags == ("unit_assumed",)
