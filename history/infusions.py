"""All IVIg doses of one patient, laid out once for all of the patient's orders."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property

from clinical.quantities import Quantity
from history.choices import Site
from history.courses import Course, Occasion, doses_of, longest_runs
from parsers.medication.amounts import per_kg
from parsers.medication.courses import TRAILING_DAYS, Portion, total
from rules.facts import Dose

Convert = Callable[[Quantity, Quantity | None], Quantity | None]
_FOUR_WEEKS = timedelta(days=TRAILING_DAYS)


def portions(occasions: Iterable[Occasion], convert: Convert, kg: Quantity | None) -> list[Portion] | None:
    """Return the doses in one unit; None as soon as one of them is not known in it.

    A dose that was given in g, of an order in g/kg for a patient without a weight, is the dose that was ordered.
    """
    doses = []
    for occasion in occasions:
        amounts = (convert(dose, kg) for dose in (occasion.dose, occasion.ordered) if dose is not None)
        amount = next((amount for amount in amounts if amount is not None), None)
        if amount is None:
            return None
        doses.append(Portion(occasion.at, amount, occasion.order))
    return doses


class Infusions:
    """The courses of a patient's orders, and what every order asks about all of them."""

    def __init__(self, courses: Mapping[str, Course], site: Site) -> None:
        """Take the course of each order, by the order's key."""
        self.courses, self._site = courses, site
        self._most: dict[Quantity | None, Quantity | None] = {}  # by body weight

    def beside(self, course: Course) -> "Infusions":
        """Return these, and the doses of an order that does not count among those of the others."""
        return Infusions({**self.courses, course.order: course}, self._site)

    @cached_property
    def doses(self) -> list[Dose]:
        """Every dose, given or planned, oldest first."""
        doses = [dose for course in self.courses.values() for dose in doses_of(course, self._site)]
        return sorted(doses, key=lambda dose: (dose.at, dose.order))

    def first_dose(self, key: str) -> datetime | None:
        """Return when the first dose of an order was given, or is planned."""
        return self._first.get(key)

    @cached_property
    def _first(self) -> dict[str, datetime]:
        return {dose.order: dose.at for dose in reversed(self.doses)}

    def others(self, key: str, at: datetime) -> tuple[Dose, ...]:
        """Return the doses up to a moment: of this order those given, of the others also those planned.

        A planned dose in the future says nothing about the past.
        """
        doses = self.doses[: bisect_right(self._moments, at)]
        return tuple(dose for dose in doses if dose.order != key or dose.given)

    @cached_property
    def _moments(self) -> list[datetime]:
        return [dose.at for dose in self.doses]

    def run_around(self, key: str) -> list[Occasion]:
        """Return the doses of every order that make one course with this order's: the longest where there are more."""
        return self._runs.get(key, [])

    @cached_property
    def _runs(self) -> dict[str, list[Occasion]]:
        return longest_runs([each for course in self.courses.values() for each in course.occasions], self._site)

    def most_in_four_weeks(self, kg: Quantity | None) -> Quantity | None:
        """Return the most g/kg in any four weeks at a body weight in kg; None when a dose is not known in g/kg."""
        if kg not in self._most:
            self._most[kg] = self._most_in_four_weeks(kg)
        return self._most[kg]

    def _most_in_four_weeks(self, kg: Quantity | None) -> Quantity | None:
        doses = portions([each for course in self.courses.values() for each in course.occasions], per_kg, kg)
        if not doses:
            return None
        in_order = sorted(doses, key=lambda dose: dose.at)
        moments = [dose.at for dose in in_order]
        spans: dict[datetime, Quantity] = {}
        for at in moments:
            if at not in spans:
                first = bisect_right(moments, at.astimezone(UTC) - _FOUR_WEEKS)
                spans[at] = total(in_order[first : bisect_right(moments, at)])
        return max((spans[dose.at] for dose in doses), key=lambda span: span.high)
