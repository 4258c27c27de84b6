"""The order as the rules judge it: doses a day, a course and a kilogram, and the rate."""

from decimal import Decimal

import pytest

from clinical.codes import Coding
from clinical.events import AnyEvent, OrderKeys
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


def of_a_day(knowledge: Knowledge, *events: AnyEvent) -> float | None:
    """The grams of one day of the first order, with those of other orders."""
    order = judged(knowledge, *events)
    return number(order.all_grams_per_day or order.grams_per_day)


KIOVIG = (Coding(system="ATC", code="J06BA02", display="KIOVIG 100MG/ML"),)
IN_THE_AFTERNOON = moment(0.2)


def test_the_dose_of_a_day_is_that_of_all_orders_of_the_patient(knowledge: Knowledge) -> None:
    events = (
        a_weight(50, -1),
        an_order("EPD|1", dose=grams(28), starts=moment()),
        an_order("EPD|2", dose=grams(28), starts=IN_THE_AFTERNOON, codings=KIOVIG),
        an_order("EPD|3", dose=grams(28), starts=moment(3)),
    )
    (person,) = answered(knowledge, *events)
    orders = [each.case.order for each in person.answers]

    assert [number(each.all_grams_per_day) for each in orders] == [56, 56, None]
    assert [number(each.all_grams_per_kg_per_day) for each in orders] == [1.12, 1.12, None]
    assert [number(each.grams_per_day) for each in orders] == [28, 28, 28]
    assert [[dose.order for dose in each.same_day] for each in orders] == [["EPD|2"], ["EPD|1"], []]


def test_a_dose_of_the_day_rests_on_the_messages_of_both_orders(knowledge: Knowledge) -> None:
    (person,) = answered(
        knowledge,
        a_weight(50, -1),
        an_order("EPD|1", dose=grams(28), starts=moment()),
        an_order("EPD|2", dose=grams(28), starts=IN_THE_AFTERNOON),
    )
    found = next(each for each in person.answers[0].assessment.findings if each.rule == "IG-VTE-008")

    assert len({fact.provenance for fact in found.facts}) == 2
    assert "together with another order" in found.because["en"]


@pytest.mark.parametrize("control", ["CA", "DC", "HD"], ids=["cancelled", "discontinued", "on hold"])
def test_an_order_that_is_not_live_adds_no_planned_dose(knowledge: Knowledge, control: str) -> None:
    other = an_order("EPD|2", dose=grams(20), starts=IN_THE_AFTERNOON)

    assert (
        of_a_day(knowledge, an_order(dose=grams(30), starts=moment()), other, an_order("EPD|2", control=control)) == 30
    )


def test_an_order_that_replaces_another_is_not_added_to_it(knowledge: Knowledge) -> None:
    (person,) = answered(
        knowledge,
        an_order("EPD|1", dose=grams(30), starts=moment()),
        an_order("EPD|2", dose=grams(20), starts=IN_THE_AFTERNOON, control="RO",
                 keys=OrderKeys(placer="EPD|2", replaces="EPD|1")),
    )  # fmt: skip  # the second order

    assert [each.case.order.same_day for each in person.answers if each.order.placer == "EPD|2"] == [()]


def test_what_was_given_of_a_stopped_order_is_added(knowledge: Knowledge) -> None:
    given = a_dose("EPD|2", days=0.2, grams=grams(20))
    other = an_order("EPD|2", dose=grams(20), starts=IN_THE_AFTERNOON)

    assert of_a_day(
        knowledge, an_order(dose=grams(30), starts=moment()), other, given, an_order("EPD|2", control="DC")
    ) == 50  # fmt: skip  # one line of what


@pytest.mark.parametrize(
    "again",
    [
        an_order("APO|9", dose=grams(30), starts=moment(), timings=daily(3)),
        an_order("APO|9", dose=grams(30), starts=moment(1)),
        an_order(dose=grams(20), starts=IN_THE_AFTERNOON, keys=OrderKeys(placer="APO|9", parent="EPD|1")),
        a_dose("APO|9", days=0.02, grams=grams(30)),
    ],
    ids=["by another system", "one day of it", "a part of it", "only as given"],
)
def test_an_order_that_is_told_twice_counts_once(knowledge: Knowledge, again: AnyEvent) -> None:
    order = an_order("EPD|1", dose=grams(30), starts=moment(), timings=daily(3))
    (person,) = answered(knowledge, order, again)
    (own,) = [each.case.order for each in person.answers if each.order.placer == "EPD|1"]

    assert own.same_day == ()


def test_two_courses_that_overlap_by_a_day_are_not_one_order(knowledge: Knowledge) -> None:
    first = an_order("EPD|1", dose=grams(28), starts=moment(), timings=daily(5))

    assert of_a_day(knowledge, first, an_order("EPD|2", dose=grams(28), starts=moment(4), timings=daily(5))) == 56
