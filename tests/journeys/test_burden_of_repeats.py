"""What the burden leaves out: the further doses of a settled course, and the next course with the same findings."""

from dataclasses import replace
from datetime import timedelta

from synthetic.chart import Chart
from synthetic.population import charts
from synthetic.prescriptions import Given, Prescription
from synthetic.wire import post
from tests.journeys.hospital import Hospital
from tests.journeys.pharmacist import Pharmacist, pharmacist_of

PATIENTS = 40
DAY = timedelta(days=1)
BETWEEN = 35  # days from one course to the next


def tell(hospital: Hospital, chart: Chart, name: str) -> None:
    """Send what is on the chart and was not sent yet."""
    drafts, chart.drafts = chart.drafts, []
    sent = hospital.clock() - timedelta(minutes=5)
    hospital.sends(*(post(draft, f"{name}{at}", sent + timedelta(seconds=at)) for at, draft in enumerate(drafts)))


def gives_every_dose(chart: Chart, order: Prescription) -> None:
    for day in range(order.schedule.times or 1):
        starts = order.schedule.starts + day * DAY
        chart.given(order, Given(starts, starts + timedelta(hours=4), ""))  # as planned


def settles(pharmacist: Pharmacist, orders: list[Prescription]) -> int:
    """Settle what is open for these orders; give how many that were."""
    waiting = [order.number for order in orders if _is_open(pharmacist, order.number)]
    for number in waiting:
        pharmacist.acknowledges(number)
    return len(waiting)


def _is_open(pharmacist: Pharmacist, number: str) -> bool:
    return any((each["stream"], each["status"]) == ("order", "open") for each in pharmacist.alerts(number))


def test_settled_alerts_are_not_said_again_for_the_doses_of_the_course_nor_for_the_next_course(
    hospital: Hospital,
) -> None:
    people = list(charts(hospital.clock(), PATIENTS))
    first = [order for _, order, _ in people]
    starts = hospital.clock() + BETWEEN * DAY
    following = [
        replace(order, number=f"7{order.number}", schedule=replace(order.schedule, starts=starts), at=starts - DAY)
        for order in first
    ]
    with pharmacist_of(hospital) as pharmacist:
        for chart, order, _ in people:
            tell(hospital, chart, f"A{order.number}")
        at_first = settles(pharmacist, first)
        hospital.clock.passes(days=6)
        for chart, order, _ in people:
            gives_every_dose(chart, order)
            tell(hospital, chart, f"B{order.number}")
        for_the_doses = settles(pharmacist, first)
        hospital.clock.passes(days=BETWEEN - 6)
        for (chart, _, weight), order in zip(people, following, strict=True):
            chart.ordered(order, "RDE", weight=weight)
            tell(hospital, chart, f"C{order.number}")
        for_the_next = settles(pharmacist, following)

    assert at_first > PATIENTS / 3
    assert (for_the_doses, for_the_next) == (0, 0)
