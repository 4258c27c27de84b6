"""When the doses of an order are, planned and given."""

from datetime import timedelta

from clinical.events import AnyEvent
from history.choices import Site
from history.courses import Course, course_of, doses_of, longest_runs
from tests.history.builders import MONDAY, a_dose, an_order, daily, grams, moment, the_order

SITE = Site()


def course(*events: AnyEvent) -> Course:
    return course_of(the_order(*events), "Nanogam", SITE)


def days_of(found: Course) -> list[int]:
    return [(occasion.at - MONDAY).days for occasion in found.occasions]


def test_an_order_without_a_schedule_is_one_dose_at_its_start() -> None:
    found = course(an_order(dose=grams(30), starts=moment(2)))

    assert (days_of(found), found.starts_at) == ([2], MONDAY + timedelta(days=2))


def test_five_days_are_five_doses_and_the_course_ends_with_the_last() -> None:
    found = course(an_order(dose=grams(30), starts=moment(), timings=daily(5)))

    assert days_of(found) == [0, 1, 2, 3, 4]
    assert found.ends_at is not None
    assert found.ends_at - MONDAY == timedelta(days=4, hours=12)


def test_a_dose_that_was_given_takes_the_place_of_the_planned_one() -> None:
    order = an_order(dose=grams(30), starts=moment(), timings=daily(3))

    found = course(order, a_dose(days=1.1, grams=grams(25)))

    assert [(occasion.given, occasion.dose) for occasion in found.occasions] == [
        (False, grams(30)),
        (True, grams(25)),
        (False, grams(30)),
    ]


def test_steps_of_one_infusion_are_one_dose() -> None:
    steps = [a_dose(days=hours / 24, grams=grams(10)) for hours in (0, 3, 6)]

    (dose,) = doses_of(course(an_order(starts=moment()), *steps), SITE)

    assert (dose.given, dose.grams) == (True, grams(30))


def test_an_infusion_twelve_hours_later_is_another_dose() -> None:
    found = course(an_order(starts=moment()), a_dose(grams=grams(10)), a_dose(days=0.5, grams=grams(10)))

    assert [dose.grams for dose in doses_of(found, SITE) if dose.given] == [grams(10), grams(10)]


def test_a_dose_that_was_refused_is_no_dose() -> None:
    found = course(an_order(dose=grams(30), starts=moment()), a_dose(grams=grams(0), completion="RE"))

    assert doses_of(found, SITE) == []


def test_a_stopped_order_has_no_doses_after_its_stop() -> None:
    order = an_order(dose=grams(30), starts=moment(), timings=daily(5))

    found = course(order, an_order(control="DC", at=MONDAY + timedelta(days=2, hours=1)))

    assert (days_of(found), found.ends_at) == ([0, 1, 2], MONDAY + timedelta(days=2, hours=1))


def test_doses_are_shown_on_the_clock_of_the_hospital() -> None:
    (dose,) = doses_of(course(an_order(dose=grams(30), starts=moment())), SITE)

    assert dose.at.isoformat() == "2026-03-02T10:00:00+01:00"


def test_orders_less_than_a_week_apart_are_one_course_and_others_are_not() -> None:
    courses = [
        course(an_order(placer, dose=grams(30), starts=moment(days)))
        for placer, days in [("EPD|1", 0), ("EPD|2", 6), ("EPD|3", 14)]
    ]

    run = longest_runs([occasion for each in courses for occasion in each.occasions], SITE)["EPD|1"]

    assert [occasion.order for occasion in run] == ["EPD|1", "EPD|2"]
